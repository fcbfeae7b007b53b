"""Opens pictures that come from clients, with care: for engines that draw, and for engines whose models see."""

import contextlib
import io
import mmap
import re
from pathlib import Path

from PIL import ExifTags, Image, UnidentifiedImageError

from models.errors import InvalidRequest

MOST_PIXELS = 1 << 25
"""Most pixels of a client's picture. Its header states their number, so it is checked before any is decoded."""
MOST_SCANS = 100
"""Most scans of a progressive JPEG, which has about ten. Each is a pass over all pixels, and may take only a few bytes.
"""
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
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


def type_and_size(data: bytes, name: str) -> tuple[str, tuple[int, int]]:
    """The media type, and the width and height, of a picture, whose pixels are all decoded. Raises as ``opened``."""
    subtype, upright = _read(data, name)
    return f"image/{subtype}", upright.size


def flat(picture: Picture) -> Picture:
    """The picture in RGB, over white where it is transparent."""
    if picture.mode == "RGB":
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def _read(source: Path | bytes, name: str) -> tuple[str, Picture]:
    """The subtype of its media type, such as ``jpeg``, and the picture, turned upright."""

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
            return subtype, _upright(picture)
    except InvalidRequest:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large(name) from None
    except UnidentifiedImageError:
        raise InvalidRequest(f"'{name}' is not a PNG, JPEG, WebP or GIF picture", param=name) from None
    except Exception as error:  # noqa: BLE001  # Pillow raises anything for broken files
        raise InvalidRequest(f"'{name}' is broken: {error}", param=name) from None


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
