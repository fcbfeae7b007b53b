"""The files of a request: parts of a form, data URLs, URLs to fetch, and files uploaded before.

Each becomes a file on this machine's disk, in a folder that is removed with the request. Its size is bounded.
"""

import asyncio
import hashlib
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.datastructures import UploadFile

from api.edge.caller import Caller
from api.gateway.gateway import Gateway
from api.jobs.preparation import Upload
from models import inline_data
from models.errors import BodyTooLarge, InvalidRequest
from models.modalities import Kind
from models.modalities.media import first_of, referred
from models.rows import uploads
from models.storage import scratch

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,60}(?=;|$)")
FETCH_S = 60.0


@asynccontextmanager
async def folder() -> AsyncIterator[Path]:
    """A folder for one request's files."""
    made = scratch.folder()
    yielded = await asyncio.to_thread(made.__enter__)
    try:
        yield yielded
    finally:
        await asyncio.to_thread(made.__exit__, None, None, None)


class RequestFiles:
    """Takes the files of one request into the folder ``into``. A reference may name uploaded files of ``caller``."""

    def __init__(self, gateway: Gateway, caller: Caller, into: Path) -> None:
        self._gateway = gateway
        self._caller = caller
        self._into = into

    async def take_named(self, about: Kind, body: dict[str, Any]) -> dict[str, Upload]:
        """Take the files that a JSON body names by URL, data URL or file id, and remove their fields from the body.

        Raises InvalidRequest that names the parameter.
        """
        uploads: dict[str, Upload] = {}
        for field in list(body):
            first = about.file_of(first_of(field))
            if first is None or (value := body.pop(field)) is None:
                continue
            name = first if field == first_of(field) else field
            if name in uploads:
                raise InvalidRequest(f"'{name}' is given twice", param=name)
            uploads[name] = await self.take_reference(name, value)
        return uploads

    async def take_part(self, name: str, part: UploadFile) -> Upload:
        """Take a part of a form."""
        path = self._path(name)
        with path.open("wb") as file:
            await asyncio.to_thread(shutil.copyfileobj, part.file, file, 1 << 20)
        return await self._taken(name, path, part.content_type or "")

    @staticmethod
    def is_reference(text: str) -> bool:
        """Whether ``take_reference`` can take this: a data URL, base64, a URL or a file id."""
        inline = inline_data.is_data_url(text) or inline_data.may_be_base64(text)
        return inline or bool(uploads.FILE_ID.fullmatch(text)) or text.startswith(("https://", "http://"))

    async def take_reference(self, name: str, value: Any) -> Upload:
        """Take the file that a string refers to: a data URL, base64, a URL or a file id. Raises InvalidRequest.

        The string may stand in one of the objects that OpenAI puts around.
        """
        value = referred(value)
        if not isinstance(value, str):
            raise InvalidRequest(f"'{name}' must be a data URL, a URL or the id of a file", param=name)
        path = self._path(name)
        if inline_data.is_data_url(value) or inline_data.may_be_base64(value):
            return await self._taken(name, path, await asyncio.to_thread(_decode, value, path, name))
        if uploads.FILE_ID.fullmatch(value):
            row = await self._gateway.database.look(uploads.get, value, self._caller.key)
            local = await self._gateway.blocking(self._gateway.store.local, uploads.artifact(row.id), self._into)
            return await self._taken(name, local, row.media_type)
        if value.startswith(("https://", "http://")):
            most = self._gateway.settings.max_upload_bytes
            got = await self._gateway.outbound.fetch(value, param=name, max_bytes=most, timeout_s=FETCH_S, to=path)
            return await self._taken(name, path, got.media_type)
        raise InvalidRequest(f"'{name}' must be a data URL, a URL or the id of a file", param=name)

    async def take_stored(self, name: str, key: str) -> Upload:
        """Take a file of an earlier job, by its key in the store. Raises NotFound where it is not kept any more."""
        local = await self._gateway.blocking(self._gateway.store.local, key, self._into)
        return await self._taken(name, local, "")

    def _path(self, name: str) -> Path:
        return self._into / name

    async def _taken(self, name: str, path: Path, media_type: str) -> Upload:
        size, digest = await asyncio.to_thread(_measure, path)
        if size > self._gateway.settings.max_upload_bytes:
            raise BodyTooLarge(f"the file is larger than {self._gateway.settings.max_upload_bytes} bytes")
        if not size:
            raise InvalidRequest(f"the file '{name}' is empty", param=name)
        known = _MEDIA_TYPE.match(media_type)
        return Upload(path, known[0] if known else "application/octet-stream", digest)


def _decode(value: str, path: Path, name: str) -> str:
    """Write the data of a data URL or of base64 into a file. Returns its media type, which may be empty."""
    try:
        is_url = inline_data.is_data_url(value)
        media_type, data = inline_data.from_data_url(value) if is_url else ("", inline_data.from_base64(value))
    except ValueError as error:
        raise InvalidRequest(f"'{name}' {error}", param=name) from error
    path.write_bytes(data)
    return media_type


def _measure(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest
