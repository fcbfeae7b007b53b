"""Every family that makes videos: its maker, the number of frames that tests ask for, and its own frames a second."""

from collections.abc import Callable
from typing import Any, NamedTuple

import diffusers

from tests.families.makers.videos import others, wans


class Film(NamedTuple):
    """A family. ``cls``: the pipeline that its weights are also of, where the folder names another one."""

    make: Callable[[], Any]
    frames: int
    fps: float
    cls: Any = diffusers.DiffusionPipeline


OF_TEXT: dict[str, Film] = {
    "wan": Film(wans.text, 5, 16),
    "wan22": Film(wans.text_of_two, 5, 16),
    "wan22_small": Film(wans.small, 5, 24),
    "skyreels": Film(wans.skyreels, 5, 24),
    "ltx": Film(others.ltx, 9, 25),
    "ltx_condition": Film(others.ltx_condition, 9, 25),
    "cogvideox": Film(others.cogvideox, 9, 8),
    "hunyuan": Film(others.hunyuan, 5, 24),
    "mochi": Film(others.mochi, 7, 30),
}
OF_FIRST: dict[str, Film] = {
    "wan": Film(wans.image, 5, 16),
    "wan22": Film(wans.image_of_two, 5, 16),
    "wan22_small": Film(wans.small, 5, 24, diffusers.WanImageToVideoPipeline),
    "skyreels": Film(wans.skyreels_image, 5, 24),
    "ltx": Film(others.ltx, 9, 25, diffusers.LTXImageToVideoPipeline),
    "ltx_condition": Film(others.ltx_condition, 9, 25),
    "cogvideox": Film(others.cogvideox_image, 9, 8),
}
OF_FIRST_AND_LAST: dict[str, Film] = {
    "wan": Film(wans.frames, 5, 16),
    "wan22": Film(wans.image_of_two, 5, 16),
    "ltx_condition": Film(others.ltx_condition, 9, 25),
}
