"""Files of the store, sent to clients: whole, in part, or not again if they have them already."""

import asyncio
import re
from dataclasses import dataclass
from email.utils import formatdate

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from api.edge import errors
from api.gateway.gateway import gateway_of
from models.errors import RangeNotSatisfiable
from models.storage.artifacts import disposition

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the store, and the media type and name that it is sent with."""

    key: str
    media_type: str
    filename: str


async def sent(request: Request, file: StoredFile, cache: str) -> Response:
    """The file, or the one range of it that is asked for. ``cache``: its Cache-Control. Raises NotFound."""
    gateway = gateway_of(request)
    info = await asyncio.to_thread(gateway.store.head, file.key)
    etag = f'"{info.etag}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": cache,
        "Content-Disposition": disposition(file.filename, file.media_type),
        "Content-Security-Policy": "sandbox",  # an HTML or SVG file must not act in the name of this origin
        "ETag": etag,
        "Last-Modified": formatdate(info.modified, usegmt=True),
        "X-Content-Type-Options": "nosniff",
    }
    if etag in (one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")):
        return Response(None, 304, headers)
    asked = request.headers.get("range", "") if request.headers.get("if-range", etag) == etag else ""
    part = span(asked, info.size)
    if part is not None and part[0] >= part[1]:
        return errors.answer(request, RangeNotSatisfiable(), {"Content-Range": f"bytes */{info.size}"})
    start, end = part or (0, info.size)
    headers["Content-Length"] = str(end - start)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{info.size}"
    status = 200 if part is None else 206
    return StreamingResponse(gateway.store.stream(file.key, start, end), status, headers, file.media_type)


def span(header: str, size: int) -> tuple[int, int] | None:
    """The bytes that a Range header asks for, as (start, end); ``end`` is the byte after the last (RFC 9110 §14).

    A range with ``start >= end`` lies outside the file. None, as without the header, if it asks for several ranges, or
    in another unit.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    if last and int(last) < int(first):
        return None
    return int(first), min(size, int(last) + 1 if last else size)
