"""How many pixels of a picture a model is shown. A tower takes the square of them in time, and they fill the context.

Models of free resolution look at all pixels that there are, up to a bound of their own, which is often larger than any
context.
"""

import math
from dataclasses import dataclass

from PIL import Image

from models.errors import InvalidRequest

LOW = 512 * 512
"""What ``detail`` "low" shows of a picture."""


@dataclass(frozen=True, slots=True)
class PixelRange:
    """The fewest and the most pixels that a picture is scaled to; None: no bound."""

    least: int | None = None
    most: int | None = None

    def __post_init__(self) -> None:
        if self.least is not None and self.most is not None and self.least > self.most:
            message = f"'min_pixels' ({self.least}) is more than 'max_pixels' ({self.most})"
            raise InvalidRequest(message, param="min_pixels")

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
