"""The files of jobs, at signed URLs. No API key is asked for: the signature is the permission."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from api.edge import errors
from api.gateway.gateway import gateway_of
from api.jobs.stored_files import StoredFile, sent
from models.storage import signing
from models.storage.secrets import derived

router = APIRouter(prefix="/v1/artifacts", tags=["artifacts"])

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
    return await sent(request, StoredFile(key, type, name), f"private, max-age={left}")
