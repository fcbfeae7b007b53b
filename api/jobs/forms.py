"""Bodies of the endpoints of images and sound: forms with files, or JSON that names its files by URL or id."""

import re
from collections.abc import Iterable
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from api.bodies import reading
from api.bodies.documents import schema as schema_of
from api.gateway.gateway import gateway_of
from api.jobs.preparation import Upload
from api.jobs.request_files import RequestFiles
from models.errors import InvalidRequest, UnknownParameter, UnsupportedMediaType, UnsupportedParameter
from models.modalities import Kind, modality

MOST_FILES = 8
MOST_FIELDS = 64
FIELD_BYTES = 256 << 10
"""Most bytes of one field of a form. All fields together may have as many as a JSON body."""

_SUBSCRIPT = re.compile(r"([A-Za-z]\w*)\[(\w*)\]")
_OTHER_NAMES = {"images": "image", "mask_image": "mask"}
"""Other names of files, as OpenAI's JSON bodies and Xinference have them."""


async def read(request: Request, about: Kind, files: RequestFiles) -> tuple[dict[str, Any], dict[str, Upload]]:
    """A request's fields and its files. Raises an error that names the parameter which is wrong."""
    if about.files and reading.media_type(request.headers) == "multipart/form-data":
        return await _form(request, about, files)
    if not reading.is_json(request.headers):
        raise UnsupportedMediaType(f"send {'multipart/form-data or ' if about.files else ''}application/json")
    return await _json(await reading.object_of(request, gateway_of(request).settings.max_body_bytes), about, files)


# ---- JSON --------------------------------------------------------------------------------------------------


async def _json(body: dict[str, Any], about: Kind, files: RequestFiles) -> tuple[dict[str, Any], dict[str, Upload]]:
    fields: dict[str, Any] = {}
    for key, value in body.items():
        name = _file_of(key, about)
        if name is None:
            fields[key] = value
        elif name in fields:
            raise _twice(name)
        else:
            fields[name] = _reference(name, value)
    return fields, await files.take_named(about, fields)


def _reference(name: str, value: Any) -> Any:
    """A reference to a file, taken out of a list of one, or out of the object that OpenAI puts around it."""
    if isinstance(value, list):
        if len(value) != 1:
            raise _one_only(name)
        value = value[0]
    if isinstance(value, dict):
        named = [value[key] for key in ("image_url", "file_id", "url") if value.get(key) is not None]
        if len(value) == len(named) == 1:
            return named[0]
    return value


# ---- forms -------------------------------------------------------------------------------------------------


async def _form(request: Request, about: Kind, files: RequestFiles) -> tuple[dict[str, Any], dict[str, Upload]]:
    form = await _parsed(request)
    try:
        uploads: dict[str, Upload] = {}
        texts: list[tuple[str, str]] = []
        for key, value in form.multi_items():
            name = _file_of(key, about)
            if isinstance(value, str) and name is None:
                texts.append((key, value))
            elif name is None:
                raise UnknownParameter(f"there is no file '{key[:100]}' to be sent here", param=key[:100])
            elif _is_left_empty(value):
                continue
            elif name in uploads:
                raise _one_only(name)
            elif isinstance(value, UploadFile):
                uploads[name] = await files.take_part(name, value)
            else:
                uploads[name] = await files.take_reference(name, value)
    finally:
        await form.close()
    return gathered(texts, modality(about.modality).request.model_fields), uploads


def _is_left_empty(value: UploadFile | str) -> bool:
    """Whether a file field was left empty. Browsers send such fields as well."""
    return not (value.filename or value.size) if isinstance(value, UploadFile) else value == ""


class _Parser(MultiPartParser):
    """Starlette's parser, which also notes whether the form has come to its end: Starlette accepts half a form."""

    ended = False

    def on_end(self) -> None:
        self.ended = True


async def _parsed(request: Request) -> FormData:
    parser = _Parser(
        request.headers,
        request.stream(),
        max_files=MOST_FILES,
        max_fields=MOST_FIELDS,
        max_part_size=FIELD_BYTES,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise InvalidRequest(error.message) from error
    except ValueError as error:  # some codecs say no more than that
        raise InvalidRequest("the form's text is not of the charset that it names") from error
    except ClientDisconnect as error:
        raise InvalidRequest("the client hung up amid the form") from error
    if not parser.ended:
        await form.close()
        raise InvalidRequest("the form breaks off before its last boundary")
    return form


def gathered(texts: Iterable[tuple[str, str]], known: Iterable[str] = ()) -> dict[str, Any]:
    """The fields of a form. ``name[]``, or a name that comes again, makes a list, ``name[key]`` an object.

    Fields among the ``known`` that are empty are left out. Raises InvalidRequest for a name used in two ways.
    """
    found: dict[str, Any] = {}
    plain: dict[str, list[str]] = {}
    for key, value in texts:
        subscript = _SUBSCRIPT.fullmatch(key)
        if subscript is None:
            plain.setdefault(key, []).append(value)
            continue
        name, inner = subscript.groups()
        into = found.setdefault(name, {} if inner else [])
        if isinstance(into, dict) != bool(inner) or (inner and inner in into):
            raise _twice(name)
        if inner:
            into[inner] = value
        else:
            into.append(value)
    for name, values in plain.items():
        if name in found:
            raise _twice(name)
        if values != [""] or name not in known:
            found[name] = values[0] if len(values) == 1 else values
    return found


# ---- both --------------------------------------------------------------------------------------------------


def _file_of(key: str, about: Kind) -> str | None:
    """The name of the file that this key stands for; None where it stands for another field."""
    name = key.removesuffix("[]")
    name = _OTHER_NAMES.get(name, name)
    return name if name in about.files else None


def _twice(name: str) -> InvalidRequest:
    return InvalidRequest(f"'{name}' is given twice", param=name)


def _one_only(name: str) -> UnsupportedParameter:
    return UnsupportedParameter(f"'{name}' must be one file", param=name)


def openapi_body(about: Kind) -> dict[str, Any]:
    """The endpoint's body, for the OpenAPI document (FastAPI's ``openapi_extra``)."""
    schema = schema_of(modality(about.modality).request)
    for name in about.fixed:
        del schema["properties"][name]
    if not about.files:
        return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
    needed = [name for name, must in about.files.items() if must]
    content = {}
    for media_type, file in (
        ("multipart/form-data", {"type": "string", "format": "binary"}),
        ("application/json", {"type": "string", "description": "a URL, a data URL, or the id of a file"}),
    ):
        properties = dict.fromkeys(about.files, file) | schema["properties"]
        shape = schema | {"properties": properties, "required": [*needed, *schema.get("required", [])]}
        content[media_type] = {"schema": shape}
    return {"requestBody": {"required": True, "content": content}}
