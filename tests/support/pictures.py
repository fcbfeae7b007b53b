"""Pictures for tests: good ones, and files that are none or worse."""

import base64
import io
import struct
import zlib
from typing import Any

from PIL import Image


def saved(form: str, image: Image.Image | None = None, **options: Any) -> bytes:
    file = io.BytesIO()
    (image or Image.new("RGB", (64, 64), "red")).save(file, form, **options)
    return file.getvalue()


def data_url(data: bytes, media_type: str = "image/png") -> str:
    """As messages hold it."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is this large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 10_000))
        + chunk(b"IEND", b"")
    )


def text_bomb() -> bytes:
    """A PNG whose description unpacks to 200 MB."""
    data = b"Comment\0\0" + zlib.compress(b"x" * 200_000_000, 9)
    chunk = struct.pack(">I", len(data)) + b"zTXt" + data + struct.pack(">I", zlib.crc32(b"zTXt" + data))
    whole = saved("png")
    return whole[:33] + chunk + whole[33:]


def scan_bomb(scans: int) -> bytes:
    """A progressive JPEG of one grey, 64x64, that goes over its pixels so often, at a few bytes each time."""

    def part(kind: int, data: bytes) -> bytes:
        return bytes([0xFF, kind]) + struct.pack(">H", len(data) + 2) + data

    table = bytes([1] + [0] * 15)  # of one code, "0"
    means = part(0xDA, bytes([1, 1, 0, 0, 0, 0])) + bytes(8)
    nothing = part(0xDA, bytes([1, 1, 0, 1, 63, 0])) + b"\x01"  # "0", and "000000": a run of 64 empty blocks
    return (
        b"\xff\xd8"
        + part(0xDB, bytes([0] + [1] * 64))
        + part(0xC2, struct.pack(">BHHBBBB", 8, 64, 64, 1, 1, 0x11, 0))
        + part(0xC4, b"\x00" + table + b"\x00")
        + part(0xC4, b"\x10" + table + b"\x60")
        + means
        + nothing * (scans - 1)
        + b"\xff\xd9"
    )


BROKEN = {
    "nothing": b"",
    "text": b"hello, I am a picture",
    "a truncated PNG": saved("png", Image.effect_noise((64, 64), 50))[:-500],
    "a truncated JPEG": saved("jpeg", Image.effect_noise((64, 64), 50))[:-900],
    "a truncated WebP": saved("webp", Image.effect_noise((64, 64), 50))[:-500],
    "a PNG with a wrong checksum": saved("png")[:-20] + b"\0" * 20,
    "no more than a signature": b"\x89PNG\r\n\x1a\n",
    "a pixel bomb": bomb(50_000, 50_000),
    "a picture just too large": bomb(8192, 4097),
    "a larger one than its data": bomb(4000, 4000),
    "a text bomb": text_bomb(),
    "a scan bomb": scan_bomb(101),
    "a truncated TIFF": saved("tiff")[:-1000],
    "an ICO": saved("ico"),
    "an EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n",
    "a ZIP archive": b"PK\x03\x04" + b"\0" * 100,
    "an SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
}
