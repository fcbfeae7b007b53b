"""A batch's input, line by line: what a file must be to be run at all, and what a line must be to become a job.

The input is JSON lines as of https://platform.openai.com/docs/api-reference/batch/request-input. Lines are counted
from 0, blank ones not at all. A line that is not a JSON object is refused on its own; a file in which one cannot tell
which line an answer belongs to, or where it is meant to go, is refused as a whole.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from models import inline_data
from models.errors import InvalidLine, InvalidRequest, ModelNotFound
from models.modalities import KINDS, Kind, modality
from models.modalities.ignored import take_ignored
from models.modalities.media import referred
from models.rows import uploads
from models.unicode import storable
from models.validation import invalid

MOST_BYTES = 200 << 20
MOST_LINES = 50_000
LINE_BYTES = (16 << 20) + (4 << 10)
"""Most bytes of a line: those of a request's body, and of what stands around it."""
MOST_ERRORS = 100
CUSTOM_ID = 512
MOST_IGNORED = 1000
"""Most characters of the names of a line's ignored fields."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_NAMED = re.compile(rb'"custom_id"\s*:\s*("(?:[^"\\]|\\.){1,3072}")')
_PLACE = re.compile(r"\(byte (\d+)\)")
_BOM = b"\xef\xbb\xbf"

Put = Callable[[str, bytes, str], str]
"""Stores a file of the line: its name in the request, bytes, media type; the key."""
Find = Callable[[str], str]
"""A file's id to its key. Raises NotFound."""


def kind_of(endpoint: str) -> str | None:
    """The kind that is served at this path; None if there is none."""
    return next((name for name, kind in KINDS.items() if endpoint == f"/v1/{kind.path}"), None)


def read(path: Path, offset: int = 0) -> Iterator[tuple[bytes, int]]:
    """The lines from here on, each with the offset that follows it. One too long comes cut, but too long still."""
    with path.open("rb") as file:
        file.seek(offset)
        while raw := file.readline(LINE_BYTES + 2):
            if raw.startswith(_BOM) and file.tell() == len(raw):
                raw = raw.removeprefix(_BOM)
            if line := raw.strip() if len(raw) <= LINE_BYTES + 1 else raw:
                yield line, file.tell()


def parse(line: bytes) -> dict[str, Any]:
    """The line's object. Raises InvalidLine."""
    try:
        found = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        place = _PLACE.search(str(error))
        raise InvalidLine(f"this line is not a JSON object{f': see byte {place[1]}' if place else ''}") from error
    return found


def custom_id(line: bytes) -> str | None:
    """What the line calls itself, if that can be read, whether or not the rest can."""
    try:
        found = parse(line).get("custom_id")
    except InvalidLine:
        named = _NAMED.search(line)
        try:
            found = msgspec.json.decode(named[1]) if named else None
        except msgspec.DecodeError:
            return None
    return found if isinstance(found, str) and storable(found) else None


# ---- the whole file ----------------------------------------------------------------------------------------


def check(lines: Iterable[bytes], size: int, endpoint: str) -> tuple[int, list[dict[str, Any]]]:
    """How many lines there are, and what is wrong with the file, in OpenAI's words; nothing: it may run."""
    if size > MOST_BYTES:
        return 0, [_error("file_too_large", f"the input file is larger than {MOST_BYTES} bytes")]
    seen: set[str] = set()
    errors: list[dict[str, Any]] = []
    malformed: list[dict[str, Any]] = []
    total = 0
    for number, line in enumerate(lines, 1):
        total = number
        if number > MOST_LINES:
            errors.append(_error("too_many_lines", f"the input file has more than {MOST_LINES} lines"))
        elif len(line) > LINE_BYTES:
            errors.append(_error("line_too_long", f"this line is longer than {LINE_BYTES} bytes", number))
        else:
            try:
                errors += _judge(parse(line), number, endpoint, seen)
            except InvalidLine as error:
                malformed.append(_error(error.code, error.message, number))
        if number > MOST_LINES or len(line) > LINE_BYTES or len(errors) >= MOST_ERRORS:
            break
    if not total:
        return 0, [_error("empty_file", "the input file is empty: it must hold at least one request")]
    return total, errors or (malformed[:MOST_ERRORS] if len(malformed) == total else [])


def _judge(line: dict[str, Any], number: int, endpoint: str, seen: set[str]) -> Iterator[dict[str, Any]]:
    name = line.get("custom_id")
    if name is None:
        yield _error("missing_required_parameter", "missing required parameter: 'custom_id'", number, "custom_id")
    elif not isinstance(name, str) or not 0 < len(name) <= CUSTOM_ID or not storable(name):
        yield _error(
            "invalid_custom_id", f"'custom_id' must be a string of 1 to {CUSTOM_ID} characters", number, "custom_id"
        )
    elif name in seen:
        yield _error("duplicate_custom_id", f"the custom_id '{name[:80]}' was used before", number, "custom_id")
    else:
        seen.add(name)
    if line.get("method") != "POST":
        yield _error("invalid_method", "'method' must be 'POST'", number, "method")
    if line.get("url") != endpoint:
        yield _error("mismatched_url", f"'url' must be the batch's endpoint, '{endpoint}'", number, "url")


def _error(code: str, message: str, line: int | None = None, param: str | None = None) -> dict[str, Any]:
    return {"code": code, "line": line, "message": message, "param": param}


# ---- one line ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LineRequest:
    """A line as its endpoint would have taken it. ``files`` by key; ``ignored``: as ``x-headrace-ignored`` has it."""

    body: dict[str, Any]
    files: dict[str, str]
    ignored: str


def request(
    line: dict[str, Any],
    kind: str,
    serving: Mapping[str, Collection[str]],
    find: Find,
    put: Put,
    *,
    strict: bool = False,
) -> LineRequest:
    """What a line asks for. Raises what its endpoint would have refused it for; with ``strict``, ignored fields too.

    ``serving`` tells the modalities of each model that is launched.
    """
    about = KINDS[kind]
    body = line.get("body")
    if not isinstance(body, dict):
        raise InvalidRequest("'body' must be a JSON object", param="body")
    named = _named(about, body)
    for name, needed in about.files.items():
        if needed and name not in named:
            raise InvalidRequest(f"missing the file '{name}'", param=name)
    try:
        found: Any = modality(about.modality).request.model_validate(body | about.fixed)
        ignored = take_ignored(found, strict=strict)
        kept = found.model_dump(mode="json", exclude_unset=True)
    except ValidationError as error:
        raise invalid(error, body) from error
    except (ValueError, RecursionError) as error:  # what cannot be kept must not hold up the lines behind it
        raise InvalidRequest(f"'body' cannot be kept: {error}"[:300], param="body") from error
    served = serving.get(found.model)
    if served is None:
        raise ModelNotFound(f"the model '{found.model}' does not exist", param="model")
    if about.modality not in served:
        raise InvalidRequest(f"the model '{found.model}' does not serve {about.modality}", param="model")
    if getattr(found, "stream", False):
        raise InvalidRequest("an answer in a batch cannot be streamed", param="stream")
    files = {name: _file(name, value, find, put) for name, value in named.items()}
    return LineRequest(kept, files, ", ".join(ignored)[:MOST_IGNORED])


def _named(about: Kind, body: dict[str, Any]) -> dict[str, Any]:
    """What refers to the files of a line, by the files' names; their fields are removed from its body."""
    named: dict[str, Any] = {}
    for field in list(body):
        name = about.file_of(field)
        if name is None or (value := body.pop(field)) is None:
            continue
        if name in named:
            raise InvalidRequest(f"'{name}' is given twice", param=name)
        named[name] = referred(value)
    return named


def _file(name: str, value: Any, find: Find, put: Put) -> str:
    if isinstance(value, str) and uploads.FILE_ID.fullmatch(value):
        return find(value)
    if isinstance(value, str) and inline_data.is_data_url(value):
        try:
            media_type, data = inline_data.from_data_url(value)
        except ValueError as error:
            raise InvalidRequest(f"'{name}' {error}", param=name) from error
        if not data:
            raise InvalidRequest(f"the file '{name}' is empty", param=name)
        return put(name, data, media_type or "application/octet-stream")
    raise InvalidRequest(f"in a batch '{name}' must be a data URL or the id of a file", param=name)


def uid_of(line: dict[str, Any]) -> str:
    """The model that a line names, whether it is one or not."""
    body = line.get("body")
    found = body.get("model") if isinstance(body, dict) else None
    return found if isinstance(found, str) and storable(found) else ""
