"""Pictures that come from clients, opened with care, and pictures that go to them."""

import io
import math
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

from models.errors import InvalidRequest
from models.modalities import images

MOST_PIXELS = 1 << 25
"""Of a picture that a client gives. Its header says how many there are, before any is decoded."""
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_SUFFIXES = {"png": "png", "jpeg": "jpg", "webp": "webp"}

Image.MAX_IMAGE_PIXELS = MOST_PIXELS

Picture = Image.Image


def opened(path: Path, name: str) -> Picture:
    """A client's picture in RGB, or in RGBA where it may be transparent; of an animation the first frame.

    Raises InvalidRequest, with ``name`` as the parameter, whatever is wrong with the file.
    """
    try:
        with Image.open(path, formats=_FORMATS) as picture:
            _bounded(picture, name)
            picture.verify()
        with Image.open(path, formats=_FORMATS) as picture:  # after verify() a picture must be opened anew
            picture.load()
            upright = ImageOps.exif_transpose(picture)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large(name) from None
    except UnidentifiedImageError:
        raise InvalidRequest(f"'{name}' is not a PNG, JPEG, WebP or GIF picture", param=name) from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # what Pillow says of broken files
        raise InvalidRequest(f"'{name}' is broken: {error}", param=name) from None
    if not upright.has_transparency_data:
        return upright.convert("RGB")
    return upright.convert("RGBA")


def hole_of(picture: Picture) -> Picture | None:
    """What is transparent in it as a mask, white where it is; None where nothing is."""
    if picture.mode != "RGBA":
        return None
    hole = picture.getchannel("A").point(lambda alpha: 255 if alpha < 128 else 0)
    return hole if hole.getbbox() else None


def mask_of(picture: Picture) -> Picture:
    """A mask that is white where the picture is to change: where it is transparent, else where it is white."""
    hole = hole_of(picture)
    return picture.convert("L").point(lambda grey: 255 if grey >= 128 else 0) if hole is None else hole


def flat(picture: Picture) -> Picture:
    """In RGB, over white where it is transparent."""
    if picture.mode == "RGB":
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def fitted(size: tuple[int, int], area: int, multiple: int) -> tuple[int, int]:
    """A width and height of about this shape and this area, both multiples; at least 64 each."""
    scale = math.sqrt(area / (size[0] * size[1]))
    width, height = (max(64, round(side * scale / multiple) * multiple) for side in size)
    return width, height


def scaled(picture: Picture, size: tuple[int, int]) -> Picture:
    """Stretched to this width and height; a mask stays black and white."""
    if picture.size == size:
        return picture
    way = Image.Resampling.NEAREST if picture.mode == "L" else Image.Resampling.LANCZOS
    return picture.resize(size, way)


def encoded(picture: Picture, request: images.Request, text: str = "") -> bytes:
    """In the form that the request asks for; a PNG carries ``text`` as its "parameters", as AUTOMATIC1111's do."""
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
    """A small JPEG to look at."""
    file = io.BytesIO()
    picture.save(file, "jpeg", quality=80)
    return file.getvalue()


def file_name(number: int, request: images.Request) -> str:
    """What the artifact of this image is called."""
    return f"{number}.{_SUFFIXES[request.output_format]}"


def _bounded(picture: Picture, name: str) -> None:
    if picture.width * picture.height > MOST_PIXELS:
        raise _too_large(name)


def _too_large(name: str) -> InvalidRequest:
    return InvalidRequest(f"'{name}' has more than {MOST_PIXELS} pixels", param=name)
