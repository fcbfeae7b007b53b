"""What one model of videos can make, and whether a request is within that. Pure.

The runner knows it of the model that it holds, and tells. So the gateway refuses what cannot be made, before it is a
job.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from models.errors import InvalidRequest, UnsupportedParameter
from models.modalities.videos import MOST_PIXELS, Request, frames_of, refuse_length

VideoMode = Literal["text", "image", "frames"]
"""What a video is made from: a text, its first frame, or its first frame and its last one; each with a text."""

MODE_ABILITIES: dict[VideoMode, str] = {
    "text": "text2video",
    "image": "image2video",
    "frames": "firstlastframe2video",
}
"""What a model that makes videos so can do, in Xinference's words."""

_CANNOT: dict[VideoMode, tuple[str, str]] = {
    "text": ("this model makes videos of pictures: it needs an 'image', the first frame", "image"),
    "image": ("this model makes videos of texts alone: it takes no 'image'", "image"),
    "frames": ("this model takes no 'last_image'", "last_image"),
}


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """What can be made, and what is made where a request does not say.

    ``size`` is width and height in pixels, both multiples of ``multiple``; there are ``first_length`` frames, and
    each ``length_step`` more; ``most_pixels`` of all frames together. ``only_shape``: width, height and most frames of
    a network that knows no others.
    """

    modes: tuple[VideoMode, ...]
    size: tuple[int, int]
    frames: int
    fps: float
    multiple: int = 2
    first_length: int = 1
    length_step: int = 1
    most_pixels: int = MOST_PIXELS
    only_shape: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class VideoGrid:
    """Which sizes and lengths there are, before a model was ever loaded; the names are those of ``VideoLimits``."""

    multiple: int
    first_length: int
    length_step: int
    only_shape: tuple[int, int, int] | None = None


def read_limits(about: Mapping[str, Any] | None) -> VideoLimits | None:
    """The limits in what is known of a model; None where it was not loaded yet, or by another version."""
    try:
        return msgspec.convert((about or {}).get("limits"), VideoLimits | None)
    except msgspec.ValidationError:
        return None


def read_modes(about: Mapping[str, Any] | None) -> tuple[VideoMode, ...]:
    """What videos can be made from by a model that may not be loaded; empty where its files do not say."""
    try:
        return msgspec.convert((about or {}).get("video_modes") or (), tuple[VideoMode, ...])
    except msgspec.ValidationError:
        return ()


def read_grid(about: Mapping[str, Any] | None) -> VideoGrid | None:
    """The sizes and lengths of a model that may not be loaded; None where its files do not say."""
    try:
        return msgspec.convert((about or {}).get("video_grid"), VideoGrid | None)
    except msgspec.ValidationError:
        return None


def refuse_beyond(
    limits: VideoLimits | None,
    modes: Collection[VideoMode],
    body: Request,
    files: Collection[str],
    grid: VideoGrid | None = None,
) -> None:
    """Raise InvalidRequest for what the model cannot make, as far as the request shows it without its pictures.

    Without ``limits`` it was never loaded, and only its ``modes`` and its ``grid`` are known; empty and None: nor are
    they.
    """
    if limits is None:
        if modes:
            mode_of(modes, files)
        if grid is not None:
            _refuse_off(grid, body)
        return
    mode_of(limits.modes, files)
    size = None if body.dimensions is None and "image" in files else size_of(limits, body)
    frames = frame_count(limits, body, body.fps or limits.fps)
    if size is not None:
        asked = "seconds" if body.num_frames is None and body.seconds is not None else "num_frames"
        refuse_amount(limits, frames, size, asked)


def _refuse_off(grid: VideoGrid, body: Request) -> None:
    """Raise InvalidRequest for a size or a number of frames that there is none of; what is not asked for, is not."""
    usual = (grid.multiple, grid.multiple)
    steps = (grid.multiple, grid.first_length, grid.length_step)
    shape = VideoLimits((), usual, grid.first_length, 1.0, *steps, only_shape=grid.only_shape)
    size = size_of(shape, body)
    if body.num_frames is not None:
        refuse_amount(shape, frame_count(shape, body, 1.0), size)


def mode_of(modes: Collection[VideoMode], files: Collection[str]) -> VideoMode:
    """What the video is to be made from. Raises UnsupportedParameter where a model of these modes cannot."""
    mode: VideoMode = "frames" if "last_image" in files else "image" if "image" in files else "text"
    if mode in modes:
        return mode
    if mode == "image" and "frames" in modes:
        raise UnsupportedParameter("this model needs a 'last_image' beside the 'image'", param="last_image")
    message, param = _CANNOT["image" if mode == "frames" and "image" not in modes else mode]
    raise UnsupportedParameter(message, param=param)


def size_of(limits: VideoLimits, body: Request, fitting: tuple[int, int] | None = None) -> tuple[int, int]:
    """Width and height; ``fitting`` are those of the request's picture, where it names none. Raises InvalidRequest."""
    size, multiple = body.dimensions or fitting or limits.size, limits.multiple
    if limits.only_shape is not None:
        only = limits.only_shape[:2]
        if body.dimensions not in (None, only):
            raise InvalidRequest(f"this model makes videos of {only[0]}x{only[1]} alone", param="size")
        return only
    if size[0] % multiple or size[1] % multiple:
        near = "x".join(str(max(multiple, round(side / multiple) * multiple)) for side in size)
        raise InvalidRequest(f"this model's sizes are multiples of {multiple}: {near} is near", param="size")
    return size


def frame_count(limits: VideoLimits, body: Request, fps: float) -> int:
    """The number of frames. Raises InvalidRequest for one that the model does not make."""
    if body.num_frames is not None:
        refuse_length(body.num_frames, limits.length_step, limits.first_length)
        return body.num_frames
    if body.seconds is not None:
        return frames_of(body.seconds, fps, limits.length_step, limits.first_length)
    return limits.frames


def refuse_amount(limits: VideoLimits, frames: int, size: tuple[int, int], asked: str = "num_frames") -> None:
    """Raise InvalidRequest for more frames than may be made in this size. ``asked``: the field they follow from."""
    most = min(limits.most_pixels, MOST_PIXELS) // math.prod(size)
    if limits.only_shape is not None:
        most = min(most, limits.only_shape[2])
    if frames <= most:
        return
    longest = most - (most - limits.first_length) % limits.length_step
    told = f"it may have {longest} frames of that size here" if longest > 0 else "ask for a smaller size"
    raise InvalidRequest(
        f"a video of {frames} frames of {size[0]}x{size[1]} is too much: {told}",
        param="size" if longest <= 0 else asked,
    )
