"""Frames become a file that browsers play, in the colours that they had."""

import io
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from workers.engines.media.video_encoding import Frame, artifacts, mp4

PLAIN = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "grey": (128, 128, 128)}


def plain(colour: tuple[int, int, int], height: int = 64, width: int = 96) -> Frame:
    frame = np.empty((height, width, 3), np.uint8)
    frame[:] = colour
    return frame


def decoded(data: bytes) -> tuple[Any, list[Any]]:
    with av.open(io.BytesIO(data), "r") as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        return container.streams.video[0], frames


@pytest.mark.parametrize("colour", PLAIN.values(), ids=PLAIN)
def test_colours_are_kept_and_said(colour: tuple[int, int, int]) -> None:
    stream, frames = decoded(mp4([plain(colour)] * 3, 8))

    assert abs(frames[1].astype(int) - colour).max() <= 3
    coding = stream.codec_context
    assert (coding.colorspace, coding.color_range, coding.color_primaries, coding.color_trc) == (1, 1, 1, 1)
    assert (coding.name, coding.pix_fmt) == ("h264", "yuv420p")


@pytest.mark.parametrize(("fps", "rate"), [(16, 16), (23.976, 23.976), (12.5, 12.5), (1, 1)])
def test_frames_and_their_speed_are_kept(fps: float, rate: float) -> None:
    levels = range(0, 250, 25)
    stream, frames = decoded(mp4((plain((level, level, level)) for level in levels), fps))

    assert float(stream.average_rate) == pytest.approx(rate, abs=1e-4)
    assert [round(float(frame.mean()) / 25) for frame in frames] == [level // 25 for level in levels]


def test_odd_sides_lose_a_row() -> None:
    _, [frame] = decoded(mp4([plain((9, 99, 199), 33, 65)], 8))

    assert frame.shape == (32, 64, 3)


def test_one_frame_has_a_thumbnail_and_a_sheet_of_one() -> None:
    made = {one.name: one for one in artifacts([plain((200, 10, 10))], 8)}

    assert [one.media_type for one in made.values()] == ["video/mp4", "image/webp", "image/jpeg"]
    assert Image.open(io.BytesIO(made["thumbnail.webp"].data)).size == (96, 64)
    assert Image.open(io.BytesIO(made["spritesheet.jpg"].data)).size == (160, 107)
