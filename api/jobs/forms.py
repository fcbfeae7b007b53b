"""Bodies of the endpoints of images and sound: forms with files, or JSON that names its files by URL or id."""

import contextlib
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile

from api.bodies import documents, reading
from api.jobs import form_parser
from api.jobs.preparation import Upload
from api.jobs.request_files import RequestFiles
from models.errors import InvalidRequest, UnknownParameter, UnsupportedMediaType, UnsupportedParameter
from models.modalities import Kind, modality
from models.modalities.media import further

SEVERAL = {"image": 8}
"""Files of which several may be sent, and how many: ``image``, ``image.1``, ``image.2``. Most models take one."""
INLINE_BYTES = 32 << 20
"""Most bytes of a part that may be a file in base64."""
REFERENCE_BYTES = 200
"""So many bytes show whether a part refers to a file."""

_NOTHING = frozenset(["null", "undefined", "None"])
"""What programs write into a form for a field that was left out."""
_SUBSCRIPT = re.compile(r"([A-Za-z]\w*)\[(\w*)\]")


async def read(request: Request, about: Kind, files: RequestFiles) -> tuple[dict[str, Any], dict[str, Upload]]:
    """A request's fields and its files. Raises an error that names the parameter which is wrong."""
    kind = reading.media_type(request.headers)
    if about.files and kind == "multipart/form-data":
        return await _form(request, about, files)
    if not reading.is_json(request.headers):
        raise UnsupportedMediaType(f"send {'multipart/form-data or ' if about.files else ''}application/json")
    if about.files and kind == "application/x-www-form-urlencoded":
        content = await request.body()
        if content.lstrip()[:1] != b"{":  # else it is JSON, and this the type that ``curl -d`` gives it
            return await _texts(form_parser.urlencoded(content, request.headers), about, files)
    return await _json(await reading.object_of(request), about, files)


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
            fields |= _references(name, value)
    return fields, await files.take_named(about, fields)


def _references(name: str, value: Any) -> dict[str, Any]:
    """References to files, by the files' names, taken out of a list."""
    values = value if isinstance(value, list) else [value]
    if not values or len(values) > SEVERAL.get(name, 1):
        raise _too_many(name)
    return {further(name, number): one for number, one in enumerate(values)}


# ---- forms -------------------------------------------------------------------------------------------------


async def _form(request: Request, about: Kind, files: RequestFiles) -> tuple[dict[str, Any], dict[str, Upload]]:
    form = await form_parser.multipart(request, _names(about))
    try:
        uploads: dict[str, Upload] = {}
        texts: list[tuple[str, str]] = []
        given: Counter[str] = Counter()
        for key, value in sorted(form.multi_items(), key=lambda item: form_parser.place_of(item[0])):
            name = _file_of(key, about)
            if isinstance(value, str):
                texts.append((key, value))
            elif name is None:
                texts.append((key, await _text_of(key, value)))
            elif not value.size and (not value.filename or name in uploads):  # browsers send what was left out, too
                continue
            elif given[name] == SEVERAL.get(name, 1):
                raise _too_many(name)
            else:
                place = further(name, given[name])
                uploads[place] = await _taken(place, value, files)
                given[name] += 1
    finally:
        await form.close()
    return _fields(texts, about), uploads


async def _texts(
    texts: list[tuple[str, str]], about: Kind, files: RequestFiles
) -> tuple[dict[str, Any], dict[str, Upload]]:
    """The fields and files of a form of texts alone: its files are references."""
    found = _fields([(_file_of(key, about) or key, value) for key, value in texts], about)
    fields: dict[str, Any] = {}
    for key, value in found.items():
        fields |= _references(key, value) if key in about.files else {key: value}
    return fields, await files.take_named(about, fields)


async def _taken(name: str, part: UploadFile, files: RequestFiles) -> Upload:
    """The file that a part is, or the one that it refers to where it has no file's name."""
    encoded = part.headers.get("content-transfer-encoding", "").strip().lower() == "base64"
    beginning = (await part.read(REFERENCE_BYTES)).decode("latin-1")
    await part.seek(0)
    refers = encoded or (not part.filename and files.is_reference(beginning.strip()))
    if not refers or (part.size or 0) > INLINE_BYTES:
        return await files.take_part(name, part)
    text = (await part.read()).decode("latin-1").strip()
    return await files.take_reference(name, f"data:;base64,{text}" if encoded else text)


async def _text_of(key: str, part: UploadFile) -> str:
    """The text of a field that came with a file's name, as some programs send every field."""
    if (part.size or 0) <= form_parser.FIELD_BYTES:
        with contextlib.suppress(UnicodeDecodeError):
            return (await part.read()).decode()
    raise UnknownParameter(f"there is no file '{key[:100]}' to be sent here", param=key[:100])


def _fields(texts: Iterable[tuple[str, str]], about: Kind) -> dict[str, Any]:
    """The fields of a form, without those that are left out. Images need a prompt, so a prompt is always meant."""
    meant = ("model", "prompt") if about.modality == "images" else ("model",)
    given = [(key, value) for key, value in texts if value and (value not in _NOTHING or key in meant)]
    return gathered(given)


def gathered(texts: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The fields of a form. ``name[]``, ``name[0]``, or a name that comes again, makes a list, ``name[key]`` an object.

    Raises InvalidRequest for a name used in two ways.
    """
    found: dict[str, Any] = {}
    plain: dict[str, list[str]] = {}
    for key, value in texts:
        subscript = _SUBSCRIPT.fullmatch(key)
        if subscript is None:
            plain.setdefault(key, []).append(value)
            continue
        name, inner = subscript.groups()
        is_object = bool(inner) and not inner.isdigit()
        into = found.setdefault(name, {} if is_object else [])
        if isinstance(into, dict) != is_object or (is_object and inner in into):
            raise _twice(name)
        if is_object:
            into[inner] = value
        else:
            into.append(value)
    for name, values in plain.items():
        if name in found:
            raise _twice(name)
        found[name] = values[0] if len(values) == 1 else values
    return found


# ---- both --------------------------------------------------------------------------------------------------


def _file_of(key: str, about: Kind) -> str | None:
    """The name of the file that this key stands for; None where it stands for another field."""
    return about.file_of(form_parser.without_place(key))


def _names(about: Kind) -> list[str]:
    """All names of this endpoint's files."""
    return [*about.files, *(other for other in about.other_names if about.file_of(other))]


def _twice(name: str) -> InvalidRequest:
    return InvalidRequest(f"'{name}' is given twice", param=name)


def _too_many(name: str) -> UnsupportedParameter:
    most = SEVERAL.get(name, 1)
    many = "one file" if most == 1 else f"one to {most} files"
    return UnsupportedParameter(f"'{name}' must be {many}", param=name)


def openapi_body(about: Kind) -> dict[str, Any]:
    """The endpoint's body, for the OpenAPI document (FastAPI's ``openapi_extra``)."""
    schema = documents.schema(modality(about.modality).request)
    fields = {name: one for name, one in schema["properties"].items() if name not in about.fixed}
    if not about.files:
        return documents.body({"application/json": schema | {"properties": fields}})
    needed = [name for name, must in about.files.items() if must]
    shapes = {}
    for media_type, file in (
        ("multipart/form-data", {"type": "string", "format": "binary"}),
        ("application/json", {"type": "string", "description": "a URL, a data URL, or the id of a file"}),
    ):
        properties = dict.fromkeys(about.files, file) | fields
        shapes[media_type] = schema | {"properties": properties, "required": [*needed, *schema.get("required", [])]}
    return documents.body(shapes)
