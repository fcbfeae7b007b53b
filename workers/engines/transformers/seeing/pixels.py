"""How many pixels of a picture a model is shown. A tower takes the square of them in time, and they fill the context.

Models of free resolution look at all pixels that there are, up to a bound of their own, which is often larger than any
context. Where their processor has a bound, it is set there, so that it scales once; else the picture is scaled before.
"""

import math
from dataclasses import dataclass
from typing import Any

from PIL import Image

MOST = 1280 * 28 * 28
"""The default where a model takes any number of pixels: some 1280 tokens of Qwen2-VL."""
LOW = 512 * 512
"""What ``detail`` "low" shows of a picture."""
_EDGES = 1 << 16
"""An edge that is longer than this is no edge: processors name a number of pixels so."""


@dataclass(frozen=True, slots=True)
class PixelRange:
    """The fewest and the most pixels that a picture is scaled to; None: no bound."""

    least: int | None = None
    most: int | None = None

    def within(self, other: "PixelRange") -> "PixelRange":
        """This range as far as the other one allows."""
        mosts = [one for one in (self.most, other.most) if one is not None]
        most = min(mosts, default=None)
        least = self.least if self.least is not None else other.least
        return PixelRange(least if least is None or most is None else min(least, most), most)

    def fitted(self, image: Image.Image) -> Image.Image:
        """The picture, scaled where it has more pixels, or fewer; no side vanishes."""
        pixels = image.width * image.height
        wanted = max(min(pixels, self.most or pixels), self.least or 0)
        if wanted == pixels:
            return image
        scale = math.sqrt(wanted / pixels)
        sides = [max(1, math.floor(side * scale)) for side in image.size]
        return image.resize((sides[0], sides[1]), Image.Resampling.BICUBIC)


def bound(processor: Any, asked: PixelRange) -> PixelRange:
    """Set what was asked for, or the default, where the processor of pictures has such bounds itself.

    Returns what is left to be done before it is called.
    """
    size = dict(getattr(processor, "size", None) or {})
    own = size.get("longest_edge")
    if own is None or own <= _EDGES:
        return asked
    most = asked.most or min(own, MOST)
    least = min(asked.least or size.get("shortest_edge") or 1, most)
    processor.size = type(processor.size)(**size | {"shortest_edge": least, "longest_edge": most})
    return PixelRange(None, most)
