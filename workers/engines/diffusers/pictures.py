"""Prepares the pictures that a pipeline is given, and encodes those that it drew."""

import io
import math
from typing import Any

from PIL import Image, PngImagePlugin

from models.errors import InvalidRequest
from models.modalities import images
from workers.engines.media.pictures import Picture

MOST_SIDE = 4096
"""Most pixels of a side, as of a size that is asked for."""
_SUFFIXES = {"png": "png", "jpeg": "jpg", "webp": "webp"}


def hole_of(picture: Picture) -> Picture | None:
    """A mask that is white where the picture is transparent; None where it is transparent nowhere."""
    if picture.mode != "RGBA":
        return None
    hole = picture.getchannel("A").point(lambda alpha: 255 if alpha < 128 else 0)
    return hole if hole.getbbox() else None


def mask_of(picture: Picture) -> Picture:
    """A mask that is white where an image is to change: where the picture is transparent, or else where it is white."""
    hole = hole_of(picture)
    return picture.convert("L").point(lambda grey: 255 if grey >= 128 else 0) if hole is None else hole


def fitted(size: tuple[int, int], area: int, multiple: int) -> tuple[int, int]:
    """A width and height of about this shape and this area, both multiples; at least 64 each.

    Raises InvalidRequest for a shape so narrow that a side would be longer than any that can be asked for.
    """
    scale = math.sqrt(area / (size[0] * size[1]))
    width, height = (max(64, round(side * scale / multiple) * multiple) for side in size)
    if max(width, height) > MOST_SIDE:
        shape = f"{size[0]}x{size[1]}"
        raise InvalidRequest(f"a picture of {shape} is too narrow to go by its shape: give a 'size'", param="size")
    return width, height


def scaled(picture: Picture, size: tuple[int, int]) -> Picture:
    """The picture stretched to this width and height; a mask stays black and white."""
    if picture.size == size:
        return picture
    way = Image.Resampling.NEAREST if picture.mode == "L" else Image.Resampling.LANCZOS
    return picture.resize(size, way)


def encoded(picture: Picture, request: images.Request, text: str = "") -> bytes:
    """The picture in the format asked for. A PNG gets ``text`` as its "parameters", as AUTOMATIC1111's do."""
    options: dict[str, Any] = {}
    if request.output_format == "png":
        if text:
            options["pnginfo"] = PngImagePlugin.PngInfo()
            options["pnginfo"].add_text("parameters", text.replace("\0", ""))
    elif request.output_compression is not None:
        options["quality"] = request.output_compression
    else:
        options["quality"] = 95
    file = io.BytesIO()
    picture.save(file, request.output_format, **options)
    return file.getvalue()


def thumbnail(picture: Picture) -> bytes:
    """The picture as a JPEG, for a preview."""
    file = io.BytesIO()
    picture.save(file, "jpeg", quality=80)
    return file.getvalue()


def file_name(number: int, request: images.Request) -> str:
    """The name of this image's artifact."""
    return f"{number}.{_SUFFIXES[request.output_format]}"
