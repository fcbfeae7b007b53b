"""A first look at the pictures of a video, so that what is none is refused before a job is made of it."""

import asyncio
from collections.abc import Mapping

from api.jobs.preparation import Upload
from models.errors import InvalidRequest

_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_BRANDS = {b"RIFF": (b"WEBP",), b"ftyp": (b"avif", b"avis", b"mif1", b"miaf")}
"""Of files that are containers: what the first or second word of four bytes is, and then the third."""
SIGNATURE_BYTES = 16


async def check_pictures(uploads: Mapping[str, Upload]) -> None:
    """Raise InvalidRequest, about the file's name, where a file is no picture."""

    def check() -> None:
        for name, upload in uploads.items():
            with upload.path.open("rb") as file:
                check_picture(file.read(SIGNATURE_BYTES), name)

    await asyncio.to_thread(check)


def check_picture(beginning: bytes, name: str) -> None:
    """Raise InvalidRequest for a file that begins as no picture does. The engine looks at the rest."""
    words = [beginning[at : at + 4] for at in (0, 4, 8)]
    in_container = any(words[2] in _BRANDS.get(word, ()) for word in words[:2])
    if not in_container and not beginning.startswith(_BEGINNINGS):
        raise InvalidRequest(f"'{name}' is not a PNG, JPEG, WebP, GIF, AVIF, BMP or TIFF picture", param=name)
