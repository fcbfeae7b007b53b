"""Opens pictures that come from clients, with care: for engines that draw, and for engines whose models see."""

import contextlib
import io
import logging
import math
import mmap
import re
from pathlib import Path
from typing import cast

from PIL import ExifTags, Image, ImageMath, UnidentifiedImageError

from models.errors import InvalidRequest

log = logging.getLogger(__name__)

MOST_PIXELS = 1 << 25
"""Most pixels of a client's picture. Its header states their number, so it is checked before any is decoded."""
MOST_SCANS = 100
"""Most scans of a progressive JPEG, which has about ten. Each is a pass over all pixels, and may take only a few bytes.
"""
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "AVIF", "BMP", "TIFF")
_DEEP = ("I", "I;16", "I;16B", "I;16L", "F")
"""Modes of greys with more than 8 bits. Pillow cuts their shades off at 255 where it converts them."""
_WHITES = (255, 65535)
"""What may be white where the mode does not say: of numbers from 0 to 255, and of larger ones."""
_MARKER = re.compile(rb"\xff([^\x00\x01\xff\xd0-\xd8])")
"""The marker of a JPEG's part that states its own length, and the marker of the end."""
_SCAN, _END = b"\xda", b"\xd9"
_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by its EXIF orientation."""

Image.MAX_IMAGE_PIXELS = MOST_PIXELS

Picture = Image.Image


def opened(source: Path | bytes, name: str) -> Picture:
    """A client's picture in RGB, or in RGBA where it may be transparent; of an animation, its first frame.

    Raises InvalidRequest, with ``name`` as the parameter, for anything that is wrong with the file.
    """
    _, upright = _read(source, name)
    if not upright.has_transparency_data:
        return upright.convert("RGB")
    return upright.convert("RGBA")


def checked(data: bytes, name: str) -> tuple[str, bytes, tuple[int, int]]:
    """The media type, the bytes, and the width and height of a picture, whose pixels are all decoded.

    The bytes are those given, except that a picture of more than 8 bits becomes one of 8 bits, since programs that
    serve models cut its shades off. Raises as ``opened``.
    """
    subtype, upright = _read(data, name)
    if subtype is None:
        file = io.BytesIO()
        upright.save(file, "png", compress_level=1)
        return "image/png", file.getvalue(), upright.size
    return f"image/{subtype}", data, upright.size


def flat(picture: Picture) -> Picture:
    """The picture in RGB, over white where it is transparent."""
    if picture.mode == "RGB":
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def _read(source: Path | bytes, name: str) -> tuple[str | None, Picture]:
    """The subtype of its media type, such as ``jpeg``, and the picture, turned upright, with 8 bits for each channel.

    There is no subtype where the picture had more bits.
    """

    def file() -> Path | io.BytesIO:
        return io.BytesIO(source) if isinstance(source, bytes) else source

    try:
        with Image.open(file(), formats=_FORMATS) as picture:
            _bounded(picture, name)
            subtype = "jpeg" if picture.format in ("JPEG", "MPO") else (picture.format or "").lower()
            if subtype == "jpeg" and _scans(source) > MOST_SCANS:
                raise InvalidRequest(f"'{name}' has more than {MOST_SCANS} scans", param=name)
            picture.verify()
        with Image.open(file(), formats=_FORMATS) as picture:  # after verify() a picture must be opened anew
            picture.load()
            upright = _upright(picture)
            return (None, _with_8_bits(upright)) if upright.mode in _DEEP else (subtype, upright)
    except InvalidRequest:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large(name) from None
    except UnidentifiedImageError:
        raise InvalidRequest(f"'{name}' is not a PNG, JPEG, WebP, GIF, AVIF, BMP or TIFF picture", param=name) from None
    except Exception as error:  # noqa: BLE001  # Pillow raises anything for broken files
        log.info("'%s' is broken: %r", name, error)  # for us alone: the text may hold a path
        raise InvalidRequest(f"'{name}' is a broken picture, or breaks off", param=name) from None


def _with_8_bits(picture: Picture) -> Picture:
    """A grey picture of a deeper mode with 256 shades: with an alpha channel where one shade is transparent."""
    shades = picture.convert("F")
    low, high = cast("tuple[float, float]", shades.getextrema())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("a shade is infinite")
    black, white = (0, 65535) if picture.mode.startswith("I;16") else _range(low, high, picture.mode == "F")
    scale = 255 / (white - black or 1)
    grey = shades.point(lambda shade: shade * scale + (0.5 - black * scale)).convert("L")
    clear = picture.info.get("transparency")
    if not isinstance(clear, int):
        return grey
    alpha = ImageMath.lambda_eval(lambda given: (given["shades"] != clear) * 255, shades=shades).convert("L")
    return Image.merge("LA", (grey, alpha))


def _range(low: float, high: float, fractions: bool) -> tuple[float, float]:
    """The black and the white of a picture whose shades go from ``low`` to ``high``, where nothing says them."""
    whites = (1, *_WHITES) if fractions else _WHITES
    usual = next((white for white in whites if low >= 0 and high <= white), None)
    return (0, usual) if usual else (low, high)


def _upright(picture: Picture) -> Picture:
    """The picture, turned upright by its EXIF orientation; unchanged where that cannot be read."""
    transpose = None
    with contextlib.suppress(Exception):  # broken EXIF data is no reason to refuse a picture whose pixels are whole
        transpose = _TRANSPOSES.get(int(picture.getexif().get(ExifTags.Base.Orientation, 1)))
    return picture.transpose(transpose) if transpose is not None else picture


def _scans(source: Path | bytes) -> int:
    """How many scans a JPEG has up to its end. Counting stops after ``MOST_SCANS``."""
    if isinstance(source, bytes):
        return _scans_in(source)
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _scans_in(data)


def _scans_in(data: bytes | mmap.mmap) -> int:
    at, scans = 0, 0
    while scans <= MOST_SCANS and (marker := _MARKER.search(data, at)) and marker[1] != _END:
        scans += marker[1] == _SCAN
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
    return scans


def _bounded(picture: Picture, name: str) -> None:
    if picture.width * picture.height > MOST_PIXELS:
        raise _too_large(name)


def _too_large(name: str) -> InvalidRequest:
    return InvalidRequest(f"'{name}' has more than {MOST_PIXELS} pixels", param=name)
