"""Parses the bodies of forms, ``multipart/form-data`` (RFC 7578) and ``application/x-www-form-urlencoded``."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from urllib.parse import parse_qsl

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from models.errors import InvalidRequest, UnsupportedMediaType

MOST_FILES = 20
MOST_FIELDS = 64
FIELD_BYTES = 256 << 10
"""Most bytes of one field of a form. All fields together may have as many as a JSON body."""

PREAMBLE_BYTES = 4 << 10
"""Most bytes before the first boundary of a form."""

_PLACE = re.compile(r"\[(\d*|image_url|file_id|url)\]\Z")
"""A place in a list; or what kind of reference to a file it is, where one of OpenAI's objects becomes a form."""


def without_place(key: str) -> str:
    """The name of a part without its place: ``image`` of ``image[]``, of ``image[0]`` and of ``image[file_id]``."""
    return _PLACE.sub("", key)


def place_of(key: str) -> int:
    """The place of a part in a list: 2 for ``image[2]``; 0 where none is said."""
    found = _PLACE.search(key)
    return int(found[1][:9]) if found and found[1].isdecimal() else 0


class _Parser(MultiPartParser):
    """Starlette's parser, which takes half a form for a whole one; this one notes whether the end came.

    Parts of the ``files`` are files, with a name or without; and a part may have a charset of its own.
    """

    ended = False
    files: Collection[str] = ()

    def on_end(self) -> None:
        self.ended = True

    def abandon(self) -> None:
        """Close the files, also the one that has not come to its end."""
        for file in self._files_to_close_on_error:
            file.close()

    def on_headers_finished(self) -> None:
        part = self._current_part
        _, options = parse_options_header(part.content_disposition)
        if b"filename" not in options and without_place(options.get(b"name", b"").decode("latin-1")) in self.files:
            part.content_disposition = (part.content_disposition or b"") + b'; filename=""'
        super().on_headers_finished()

    def on_part_end(self) -> None:
        usual = self._charset
        _, options = parse_options_header(dict(self._current_part.item_headers).get(b"content-type"))
        self._charset = options.get(b"charset", b"").decode("latin-1") or usual
        super().on_part_end()
        self._charset = usual


async def multipart(request: Request, files: Collection[str]) -> FormData:
    """The parts of a form. Those named as one of ``files`` are files, though maybe without a file's name.

    Raises InvalidRequest or UnsupportedMediaType.
    """
    _refuse_compressed(request.headers)
    parser = _Parser(
        request.headers,
        without_preamble(request.stream(), _boundary(request.headers)),
        max_files=MOST_FILES,
        max_fields=MOST_FIELDS,
        max_part_size=FIELD_BYTES,
    )
    parser.files = files
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise InvalidRequest(error.message) from error
    except ValueError as error:  # some codecs say no more than that
        raise InvalidRequest("the form's text is not of the charset that it names") from error
    except ClientDisconnect as error:
        raise InvalidRequest("the client hung up amid the form") from error
    if not parser.ended:
        parser.abandon()
        raise InvalidRequest("the form breaks off before its last boundary")
    return form


def _boundary(headers: Mapping[str, str]) -> bytes:
    _, options = parse_options_header(headers.get("content-type", ""))
    return options.get(b"boundary", b"")


async def without_preamble(stream: AsyncIterator[bytes], boundary: bytes) -> AsyncGenerator[bytes, None]:
    """The form from its first boundary on. What stands before it means nothing (RFC 2046 §5.1.1)."""
    first, begun = b"--" + boundary, b""
    async for chunk in stream:
        begun += chunk
        if len(begun) < len(first):
            continue
        at = 0 if begun.startswith(first) else begun.find(b"\n" + first) + 1
        if at or begun.startswith(first) or len(begun) > PREAMBLE_BYTES:
            yield begun[at:]
            break
    else:
        yield begun
    async for chunk in stream:
        yield chunk


def urlencoded(content: bytes, headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """The fields of a form without files. Raises InvalidRequest or UnsupportedMediaType."""
    _refuse_compressed(headers)
    try:
        return parse_qsl(content.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise InvalidRequest(f"the form is not valid UTF-8, or has more than {MOST_FIELDS} fields") from error


def _refuse_compressed(headers: Mapping[str, str]) -> None:
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedMediaType(f"a form is not read with the encoding '{encoding[:40]}': send it uncompressed")
