"""Pictures that come from clients, opened with care: for the engines that draw, and for those that look."""

import contextlib
import io
import mmap
import re
from pathlib import Path

from PIL import ExifTags, Image, UnidentifiedImageError

from models.errors import InvalidRequest

MOST_PIXELS = 1 << 25
"""Of a picture that a client gives. Its header says how many there are, before any is decoded."""
MOST_SCANS = 100
"""Of a progressive JPEG, which has about ten; each is a pass over all its pixels, and may take a few bytes."""
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_MARKER = re.compile(rb"\xff([^\x00\x01\xff\xd0-\xd8])")
"""Of a JPEG's part that says how long it is; the end as well."""
_SCAN, _END = b"\xda", b"\xd9"
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

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
            form = "jpeg" if picture.format in ("JPEG", "MPO") else (picture.format or "").lower()
            if form == "jpeg" and _scans(source) > MOST_SCANS:
                raise InvalidRequest(f"'{name}' has more than {MOST_SCANS} scans", param=name)
            picture.verify()
        with Image.open(file(), formats=_FORMATS) as picture:  # after verify() a picture must be opened anew
            picture.load()
            return form, _upright(picture)
    except InvalidRequest:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large(name) from None
    except UnidentifiedImageError:
        raise InvalidRequest(f"'{name}' is not a PNG, JPEG, WebP or GIF picture", param=name) from None
    except Exception as error:  # noqa: BLE001  # of broken files Pillow raises anything
        raise InvalidRequest(f"'{name}' is broken: {error}", param=name) from None


def _upright(picture: Picture) -> Picture:
    """The picture as its maker held the camera; as it is where what it says of that cannot be read."""
    turn = None
    with contextlib.suppress(Exception):  # whatever stands there: the pixels are whole
        turn = _TURNS.get(int(picture.getexif().get(ExifTags.Base.Orientation, 1)))
    return picture.transpose(turn) if turn is not None else picture


def _scans(source: Path | bytes) -> int:
    """How many scans a JPEG has up to its end, counted as far as matters."""
    if isinstance(source, bytes):
        return _scans_in(source)
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _scans_in(data)


def _scans_in(data: bytes | mmap.mmap) -> int:
    at, found = 0, 0
    while found <= MOST_SCANS and (marker := _MARKER.search(data, at)) and marker[1] != _END:
        found += marker[1] == _SCAN
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
    return found


def _bounded(picture: Picture, name: str) -> None:
    if picture.width * picture.height > MOST_PIXELS:
        raise _too_large(name)


def _too_large(name: str) -> InvalidRequest:
    return InvalidRequest(f"'{name}' has more than {MOST_PIXELS} pixels", param=name)
