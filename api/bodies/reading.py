"""JSON bodies: their type, charset and compression, and bounds on what they hold.

A page of another origin can have a browser send a body of a few types without asking us first (a "simple request":
https://fetch.spec.whatwg.org/#cors-safelisted-request-header). So browsers must say that it is JSON; from all other
programs a body is taken that has no type, or the one that ``curl -d`` gives it.
"""

import asyncio
import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from fastapi import Request
from python_multipart.multipart import parse_options_header

from api.gateway.gateway import gateway_of
from models.errors import BodyTooLarge, InvalidRequest, UnsupportedMediaType
from models.unicode import DEEPEST

T = TypeVar("T")

OFF_LOOP_BYTES = 1 << 16
"""A body larger than this is read in a thread: it takes more than a few milliseconds."""
PIECE_BYTES = 4096
"""How much of a compressed body is unpacked at a time."""
MOST_MEMBERS = 10_000
"""Most members of a body in gzip."""
MOST_KEYS = 100_000
"""Most keys of all objects in a body together."""
MOST_ITEMS = 1 << 21
"""Most items of all lists in a body together; the longest legal ones are of token ids."""

UNTYPED = frozenset(["", "application/x-www-form-urlencoded", "text/plain", "application/octet-stream"])
"""Types that say nothing about a body: programs send them without meaning them."""
_CHARSETS = {"utf-8", "utf8", "utf-16", "utf-16le", "utf-16be", "utf-32", "us-ascii", "iso-8859-1", "windows-1252"}


def media_type(headers: Mapping[str, str]) -> str:
    """The type of a body without its parameters, in lower case."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def from_browser(headers: Mapping[str, str]) -> bool:
    """Whether a page in a browser sent this. Pages cannot leave these headers out where it matters."""
    return "origin" in headers or "sec-fetch-site" in headers


def is_json(headers: Mapping[str, str]) -> bool:
    """Whether a body with these headers may be read as JSON."""
    kind = media_type(headers)
    if kind in ("application/json", "text/json") or kind.endswith("+json"):
        return True
    return kind in UNTYPED and not from_browser(headers)


async def object_of(request: Request) -> dict[str, Any]:
    """The JSON object that a request carries. Raises as ``read``."""
    return await read(request, lambda body: body)


async def read(request: Request, take: Callable[[dict[str, Any]], T]) -> T:
    """What ``take`` makes of the JSON object that a request carries; of a large one in a thread.

    Raises UnsupportedMediaType, BodyTooLarge, InvalidRequest, and what ``take`` raises.
    """
    if not is_json(request.headers):
        raise UnsupportedMediaType("send the body as application/json")
    content, most_bytes = await request.body(), gateway_of(request).settings.max_body_bytes

    def taken() -> T:
        return take(decoded(content, request.headers, most_bytes))

    if len(content) > OFF_LOOP_BYTES or "content-encoding" in request.headers:
        return await asyncio.to_thread(taken)
    return taken()


def decoded(content: bytes, headers: Mapping[str, str], most_bytes: int) -> dict[str, Any]:
    """The JSON object that a body is, which may be ``most_bytes`` long once it is unpacked. Raises as ``read``."""
    content = _unpacked(content, headers.get("content-encoding", ""), most_bytes)
    try:
        body = _parsed(content, _charset(headers.get("content-type", ""), content))
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise InvalidRequest("the request body is not valid JSON") from error
    if not isinstance(body, dict):
        raise InvalidRequest("the request body must be a JSON object")
    check_bounds(body)
    return body


def _parsed(content: bytes, charset: str) -> Any:
    if charset.startswith("utf-8"):
        try:
            return msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass  # the standard library reads more: lone surrogates and NaN, which are refused by their places later
    return json.loads(content.decode(charset))


def _charset(content_type: str, content: bytes) -> str:
    """The charset that a body names, else the one that it is written in: one of UTF."""
    _, parameters = parse_options_header(content_type)
    named = parameters.get(b"charset", b"").decode("latin-1").lower()
    if named and named not in _CHARSETS:
        raise UnsupportedMediaType(f"the charset '{named[:40]}' is not read here: send UTF-8")
    return json.detect_encoding(content) if named in ("", "utf8", "utf-8") else named


def _unpacked(content: bytes, encoding: str, most_bytes: int) -> bytes:
    """The body without its compression. Raises BodyTooLarge as soon as more than ``most_bytes`` come out of it."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return content
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise UnsupportedMediaType(f"the encoding '{encoding[:40]}' is not read here: send gzip, deflate, or neither")
    try:
        return _inflated(content, most_bytes, zlib.MAX_WBITS | 32)  # finds out whether it is gzip or zlib
    except zlib.error as error:
        if encoding == "deflate":
            try:
                return _inflated(content, most_bytes, -zlib.MAX_WBITS)  # some programs leave zlib's header out
            except zlib.error:
                pass
        raise InvalidRequest(f"the request body is not valid {encoding}") from error


def _inflated(content: bytes, most_bytes: int, wbits: int) -> bytes:
    """What these members unpack to; zeros may follow them, as GNU's gzip takes them. Raises zlib.error, BodyTooLarge.

    The content is fed in small pieces: what is left behind a member's end is copied.
    """
    parts, room, at = [], most_bytes + 1, 0
    for _ in range(MOST_MEMBERS):
        packed = zlib.decompressobj(wbits)
        while not packed.eof and at < len(content):
            piece = content[at : at + PIECE_BYTES]
            parts.append(packed.decompress(piece, room))
            room -= len(parts[-1])
            if room <= 0:
                raise BodyTooLarge(f"the request body is larger than {most_bytes} bytes once it is unpacked")
            at += len(piece) - len(packed.unused_data)
        if not packed.eof:
            raise zlib.error("it breaks off")
        if not content[at : at + PIECE_BYTES].strip(b"\0") and not content[at:].strip(b"\0"):
            return b"".join(parts)
    raise zlib.error("it has too many members")


def check_bounds(body: dict[str, Any]) -> None:
    """Raise InvalidRequest where a body has more keys, items or levels than any that makes sense.

    Whoever validates it takes time for each of them.
    """
    keys = items = 0
    level: list[Any] = [body]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                keys += len(one)
                below += [value for value in one.values() if isinstance(value, dict | list)]
            else:
                items += len(one)
                below += [value for value in one if isinstance(value, dict | list)]
        if keys > MOST_KEYS or items > MOST_ITEMS:
            most = f"{MOST_KEYS} keys" if keys > MOST_KEYS else f"{MOST_ITEMS} items in lists"
            raise InvalidRequest(f"the request body has more than {most}")
        if not below:
            return
        level = below
    raise InvalidRequest("the request body is nested too deeply")
