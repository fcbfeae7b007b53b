"""The files of jobs, at signed URLs. No API key is asked for: the signature is the permission."""

import asyncio
import re
from email.utils import formatdate
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from api.edge import errors
from api.gateway.gateway import gateway_of
from models.errors import RangeNotSatisfiable
from models.storage import signing
from models.storage.artifacts import disposition
from models.storage.secrets import derived

router = APIRouter(prefix="/v1/artifacts", tags=["artifacts"])

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {"application/octet-stream": {}}},
    206: {"description": "The range asked for"},
    304: {"description": "The file is still the one that If-None-Match names"},
    403: {"model": errors.Envelope, "description": "The URL was altered, or has expired"},
    404: {"model": errors.Envelope, "description": "The file was deleted"},
    416: {"model": errors.Envelope, "description": "The range lies outside the file"},
}


@router.get("/{key:path}", summary="Download a file", response_class=StreamingResponse, responses=_ANSWERS)
async def download(
    request: Request,
    key: str,
    expires: Annotated[str, Query(max_length=20)] = "",
    type: Annotated[str, Query(max_length=200)] = "",
    name: Annotated[str, Query(max_length=1000)] = "",
    signature: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Serve the file that this URL was made for. One range may be asked for."""
    gateway = gateway_of(request)
    secret = derived(gateway.settings, signing.PURPOSE)
    left = signing.verify(key, secret=secret, expires=expires, media_type=type, filename=name, signature=signature)
    info = await asyncio.to_thread(gateway.store.head, key)
    etag = f'"{info.etag}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": f"private, max-age={left}",
        "Content-Disposition": disposition(name, type),
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
    return StreamingResponse(gateway.store.stream(key, start, end), status, headers, type)


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
