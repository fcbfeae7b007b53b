"""Encodes frames as a video that browsers play, H.264 in MP4, with FFmpeg through PyAV; and the pictures beside it."""

import io
import tempfile
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from PIL import Image

from models.modalities.media import Artifact

Frame = npt.NDArray[np.uint8]
"""One picture: height, width, and red, green and blue, 0 to 255."""

_CODEC = "libx264"
_QUALITY = {"crf": "17", "preset": "veryfast"}
"""Nothing of what was drawn is visibly lost; the file is about a tenth larger than a slow encoder would make it."""
_BT709 = 1
"""FFmpeg's number for the colours of high definition: their matrix, their primaries, and how bright they are."""
_SHEET_FRAMES = 10
_SHEET_WIDTH = 160


def mp4(frames: Iterable[Frame], fps: float) -> bytes:
    """A file of these frames, which are of one size, with its index in front, so that it plays while it is fetched.

    An odd width or height loses its last row of pixels, since colours are stored for two by two.
    """
    with tempfile.TemporaryDirectory(prefix="headrace-video-") as folder:
        path = Path(folder) / "video.mp4"
        # a file, as the index can only be put in front of what can be read again
        with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream: VideoStream | None = None
            for picture in frames:
                if stream is None:
                    stream = _stream(container, picture, fps)
                even = np.ascontiguousarray(picture[: stream.height, : stream.width])
                container.mux(stream.encode(_coded(even)))
            if stream is not None:
                container.mux(stream.encode(None))
        return path.read_bytes()


def _stream(container: av.container.OutputContainer, picture: Frame, fps: float) -> VideoStream:
    stream = container.add_stream(_CODEC, rate=Fraction(fps).limit_denominator(1001), options=_QUALITY)
    assert isinstance(stream, VideoStream)
    stream.height, stream.width = (side - side % 2 for side in picture.shape[:2])
    stream.pix_fmt = "yuv420p"
    coding: Any = stream.codec_context
    coding.color_primaries = coding.color_trc = coding.colorspace = _BT709
    coding.color_range = ColorRange.MPEG
    return stream


def _coded(picture: Frame) -> av.VideoFrame:
    """The frame in the colours that the stream says it has: players guess those of a file that says nothing."""
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    return frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)


def artifacts(frames: Sequence[Frame], fps: float) -> list[Artifact]:
    """``video.mp4``, ``thumbnail.webp``, which is the first frame, and ``spritesheet.jpg``: ten frames in a row."""
    return [
        Artifact("video.mp4", "video/mp4", mp4(frames, fps)),
        Artifact("thumbnail.webp", "image/webp", _picture(Image.fromarray(frames[0]), "webp")),
        Artifact("spritesheet.jpg", "image/jpeg", _picture(_sheet(frames), "jpeg")),
    ]


def _sheet(frames: Sequence[Frame]) -> Image.Image:
    height, width = frames[0].shape[:2]
    size = (_SHEET_WIDTH, max(1, round(_SHEET_WIDTH * height / width)))
    count = min(_SHEET_FRAMES, len(frames))
    sheet = Image.new("RGB", (size[0] * count, size[1]))
    for number, at in enumerate(np.linspace(0, len(frames) - 1, count).round().astype(int)):
        sheet.paste(Image.fromarray(frames[at]).resize(size), (size[0] * number, 0))
    return sheet


def _picture(picture: Image.Image, file_format: str) -> bytes:
    made = io.BytesIO()
    picture.save(made, file_format, quality=90)
    return made.getvalue()
