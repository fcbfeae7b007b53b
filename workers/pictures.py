"""Pictures that come from clients, opened with care: for the engines that draw, and for those that look."""

import io
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from models.errors import InvalidRequest

MOST_PIXELS = 1 << 25
"""Of a picture that a client gives. Its header says how many there are, before any is decoded."""
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")

Image.MAX_IMAGE_PIXELS = MOST_PIXELS

Picture = Image.Image


def opened(source: Path | bytes, name: str) -> Picture:
    """A client's picture in RGB, or in RGBA where it may be transparent; of an animation the first frame.

    Raises InvalidRequest, with ``name`` as the parameter, whatever is wrong with the file.
    """
    _, upright = _read(source, name)
    if not upright.has_transparency_data:
        return upright.convert("RGB")
    return upright.convert("RGBA")


def looked_at(data: bytes, name: str) -> tuple[str, tuple[int, int]]:
    """The media type, width and height of a picture, all of whose pixels can be decoded. Raises as ``opened``."""
    form, upright = _read(data, name)
    return f"image/{form}", upright.size


def flat(picture: Picture) -> Picture:
    """In RGB, over white where it is transparent."""
    if picture.mode == "RGB":
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def _read(source: Path | bytes, name: str) -> tuple[str, Picture]:
    """Its form, and itself as its maker held the camera."""

    def file() -> Path | io.BytesIO:
        return io.BytesIO(source) if isinstance(source, bytes) else source

    try:
        with Image.open(file(), formats=_FORMATS) as picture:
            _bounded(picture, name)
            picture.verify()
        with Image.open(file(), formats=_FORMATS) as picture:  # after verify() a picture must be opened anew
            form = "jpeg" if picture.format == "MPO" else (picture.format or "").lower()
            picture.load()
            return form, ImageOps.exif_transpose(picture)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large(name) from None
    except UnidentifiedImageError:
        raise InvalidRequest(f"'{name}' is not a PNG, JPEG, WebP or GIF picture", param=name) from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # what Pillow says of broken files
        raise InvalidRequest(f"'{name}' is broken: {error}", param=name) from None


def _bounded(picture: Picture, name: str) -> None:
    if picture.width * picture.height > MOST_PIXELS:
        raise _too_large(name)


def _too_large(name: str) -> InvalidRequest:
    return InvalidRequest(f"'{name}' has more than {MOST_PIXELS} pixels", param=name)
