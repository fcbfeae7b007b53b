"""OpenAI's Files: uploaded once, named by their id in requests and batches. Each key has its own."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy.engine import Connection
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response, StreamingResponse

from api.edge.caller import caller_of
from api.gateway.gateway import gateway_of
from api.jobs.hosted_wire import replicate_file
from api.jobs.preparation import public_url
from api.shapes.as_written import AsWritten
from api.shapes.jobs import DeletedFile, FileObject, FilePage
from api.shapes.pages import ends_of
from models.errors import BodyTooLarge, InvalidRequest, UnsupportedMediaType
from models.rows import uploads
from models.rows.records import FileRow
from models.storage.artifacts import disposition
from models.unicode import storable

router = APIRouter(prefix="/v1/files", tags=["files"], route_class=AsWritten)

PURPOSES = ("assistants", "batch", "evals", "fine-tune", "user_data", "vision")
EXPIRES_S = range(3600, 30 * 86_400 + 1)
READ_BYTES = 1 << 20
MOST_LISTED = 10_000

Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,60}$", description="the file's id")]

_FORM = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["file", "purpose"],
            "properties": {
                "file": {"type": "string", "format": "binary"},
                "purpose": {"type": "string", "enum": list(PURPOSES)},
                "expires_after[anchor]": {"type": "string", "enum": ["created_at"]},
                "expires_after[seconds]": {"type": "integer", "minimum": EXPIRES_S[0], "maximum": EXPIRES_S[-1]},
            },
        }
    }
}


@router.post(
    "",
    summary="Upload a file",
    response_model=FileObject,
    openapi_extra={"requestBody": {"required": True, "content": _FORM}},
)
async def upload_file(request: Request) -> FileObject | dict[str, Any]:
    """Store a file under a new id. The form has ``file``, ``purpose``, and optionally ``expires_after``.

    Replicate's clients call the file ``content``, and add ``metadata``.
    """
    gateway = gateway_of(request)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise UnsupportedMediaType("the request body must be a form: multipart/form-data")
    async with request.form(max_files=2, max_fields=8) as form:
        purpose, expires_s, part = _asked(form)
        most = gateway.settings.max_upload_bytes
        if (part.size or 0) > most:
            raise BodyTooLarge(f"the file is larger than {most} bytes")
        if not part.size:
            raise InvalidRequest("the file is empty", param="file")
        file, media_type = uploads.new_id(), part.content_type or "application/octet-stream"
        size = await gateway.store.write(uploads.artifact(file), _chunks(part), media_type)
        values = {
            "id": file,
            "api_key_id": caller_of(request).key,
            "filename": part.filename,
            "purpose": purpose,
            "media_type": media_type,
            "bytes": size,
            "expires_s": expires_s or gateway.settings.file_retention_s,
        }
    row = await gateway.database.run(lambda connection: uploads.create(connection, **values))
    return replicate_file(row, public_url(gateway, str(request.base_url))) if "content" in form else shown(row)


@router.get("", summary="List files")
async def list_files(
    request: Request,
    purpose: Annotated[str | None, Query(pattern=r"^[a-z_-]{1,40}$")] = None,
    after: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,60}$")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = MOST_LISTED,
    order: Annotated[Literal["asc", "desc"], Query()] = "desc",
) -> FilePage:
    """This key's files, newest first; ``after`` is the last id of the page before."""

    def page(connection: Connection) -> list[FileRow]:
        return uploads.listing(
            connection, caller_of(request).key, purpose=purpose, after=after, limit=limit, newest_first=order == "desc"
        )

    rows = await gateway_of(request).database.look(page)
    data = [shown(row) for row in rows[:limit]]
    return {"object": "list", "data": data, **ends_of(data, more=len(rows) > limit)}


@router.get("/{id}", summary="Describe a file")
async def describe_file(request: Request, id: Id) -> FileObject:
    """One file: its name, size, purpose and dates."""
    return shown(await gateway_of(request).database.look(uploads.get, id, caller_of(request).key))


@router.get(
    "/{id}/content",
    summary="Download a file",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def file_content(request: Request, id: Id) -> Response:
    """The bytes of a file."""
    gateway = gateway_of(request)
    row = await gateway.database.look(uploads.get, id, caller_of(request).key)
    info = await gateway.blocking(gateway.store.head, uploads.artifact(row.id))
    headers = {
        "Content-Length": str(info.size),
        "Content-Disposition": disposition(row.filename, "application/octet-stream"),  # to be saved, whatever it is
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    data = gateway.store.stream(info.key, 0, info.size)
    return StreamingResponse(data, 200, headers, row.media_type or "application/octet-stream")


@router.delete("/{id}", summary="Delete a file")
async def delete_file(request: Request, id: Id) -> DeletedFile:
    """Delete a file. 409 while a batch reads it."""
    gateway = gateway_of(request)
    await gateway.database.run(uploads.delete, id, caller_of(request).key)
    await gateway.blocking(gateway.store.delete, [uploads.artifact(id)])
    return {"id": id, "object": "file", "deleted": True}


def shown(row: FileRow) -> FileObject:
    """OpenAI's ``FileObject``."""
    return {
        "id": row.id,
        "object": "file",
        "bytes": row.bytes,
        "created_at": row.created_at // 1000,
        "expires_at": None if row.expires_at is None else row.expires_at // 1000,
        "filename": row.filename,
        "purpose": row.purpose,
        "status": "processed",
        "status_details": None,
    }


def _asked(form: FormData) -> tuple[str, int | None, UploadFile]:
    """The purpose, the seconds to keep the file for (None: the default), and the file. Raises InvalidRequest."""
    replicate = form.get("file") is None and "content" in form
    part = form.get("content" if replicate else "file")
    if not isinstance(part, UploadFile):
        raise InvalidRequest("missing the file 'file'", param="file")
    if not part.filename or len(part.filename) > 512 or not storable(part.filename):
        raise InvalidRequest("the file must have a name, of at most 512 characters", param="file")
    purpose = form.get("purpose", "user_data" if replicate else None)
    if purpose not in PURPOSES or not isinstance(purpose, str):
        raise InvalidRequest(f"'purpose' must be one of {', '.join(PURPOSES)}", param="purpose")
    return purpose, _seconds(form), part


def _seconds(form: FormData) -> int | None:
    anchor, seconds = form.get("expires_after[anchor]"), form.get("expires_after[seconds]")
    if anchor is None and seconds is None:
        return None
    if anchor != "created_at":
        raise InvalidRequest("'expires_after[anchor]' must be 'created_at'", param="expires_after.anchor")
    if not isinstance(seconds, str) or not seconds.isdecimal() or int(seconds[:10]) not in EXPIRES_S:
        raise InvalidRequest(
            f"'expires_after[seconds]' must be from {EXPIRES_S[0]} to {EXPIRES_S[-1]}", param="expires_after.seconds"
        )
    return int(seconds)


async def _chunks(part: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await part.read(READ_BYTES):
        yield chunk
