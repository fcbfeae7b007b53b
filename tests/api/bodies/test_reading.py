"""JSON bodies as programs send them: types, charsets, compression, and the bounds on what comes out."""

import gzip
import json
import zlib
from typing import Any

import pytest

from api.bodies.reading import MOST_ITEMS, MOST_KEYS, check_bounds, decoded, is_json
from models.errors import BodyTooLarge, HeadraceError, InvalidRequest, UnsupportedMediaType

BODY = {"text": "héllo ✓"}
TEXT = json.dumps(BODY, ensure_ascii=False)
MOST = 1 << 16

TYPES = {
    "application/json": (True, True),
    "application/json; charset=utf-8": (True, True),
    "Application/JSON": (True, True),
    "application/vnd.api+json": (True, True),
    "": (True, False),
    "text/plain;charset=UTF-8": (True, False),
    "application/x-www-form-urlencoded": (True, False),
    "application/octet-stream": (True, False),
    "multipart/form-data; boundary=x": (False, False),
    "image/png": (False, False),
}


@pytest.mark.parametrize("content_type", TYPES)
def test_types(content_type: str) -> None:
    headers = {"content-type": content_type}
    program, page = TYPES[content_type]
    assert is_json(headers) == program
    assert is_json(headers | {"origin": "http://evil.example"}) == page
    assert is_json(headers | {"sec-fetch-site": "same-origin"}) == page


WRITTEN: dict[str, tuple[bytes, dict[str, str]]] = {
    "UTF-8": (TEXT.encode(), {}),
    "UTF-8 with a mark": (TEXT.encode("utf-8-sig"), {"content-type": "application/json"}),
    "UTF-16, named": (TEXT.encode("utf-16"), {"content-type": "application/json; charset=UTF-16"}),
    "UTF-16, not named": (TEXT.encode("utf-16-le"), {}),
    "Latin 1": (json.dumps({"text": "héllo ✓"}).encode(), {"content-type": 'text/json; charset="ISO-8859-1"'}),
    "gzip": (gzip.compress(TEXT.encode()), {"content-encoding": "gzip"}),
    "gzip in two members": (
        gzip.compress(TEXT[:7].encode()) + gzip.compress(TEXT[7:].encode()),
        {"content-encoding": "x-gzip"},
    ),
    "gzip with zeros behind it": (gzip.compress(TEXT.encode()) + bytes(9000), {"content-encoding": "gzip"}),
    "gzip of a thousand empty members": (
        gzip.compress(b"") * 1000 + gzip.compress(TEXT.encode()),
        {"content-encoding": "gzip"},
    ),
    "deflate": (zlib.compress(TEXT.encode()), {"content-encoding": "deflate"}),
    "deflate without its header": (zlib.compress(TEXT.encode(), wbits=-15), {"content-encoding": "Deflate"}),
    "identity": (TEXT.encode(), {"content-encoding": "identity"}),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_bodies_are_read_however_they_are_written(case: str) -> None:
    content, headers = WRITTEN[case]
    assert decoded(content, headers, MOST) == BODY


REFUSED: dict[str, tuple[bytes, dict[str, str], type[HeadraceError]]] = {
    "nothing": (b"", {}, InvalidRequest),
    "no JSON": (b"{", {}, InvalidRequest),
    "no object": (b"[1]", {}, InvalidRequest),
    "no UTF-8": (b'{"a":"\xff"}', {}, InvalidRequest),
    "a charset that is none": (
        TEXT.encode(),
        {"content-type": "application/json; charset=unicode_escape"},
        UnsupportedMediaType,
    ),
    "brotli": (b"x", {"content-encoding": "br"}, UnsupportedMediaType),
    "twice packed": (b"x", {"content-encoding": "gzip, gzip"}, UnsupportedMediaType),
    "no gzip": (TEXT.encode(), {"content-encoding": "gzip"}, InvalidRequest),
    "half of gzip": (gzip.compress(TEXT.encode())[:-9], {"content-encoding": "gzip"}, InvalidRequest),
    "a bomb": (gzip.compress(b'{"a":"' + bytes(MOST * 100) + b'"}'), {"content-encoding": "gzip"}, BodyTooLarge),
    "many small members": (gzip.compress(b" " * 5000) * 20, {"content-encoding": "gzip"}, BodyTooLarge),
    "members without end": (gzip.compress(b"") * 100_000, {"content-encoding": "gzip"}, InvalidRequest),
    "no gzip behind gzip": (gzip.compress(b"{}") + bytes(9) + b"x", {"content-encoding": "gzip"}, InvalidRequest),
    "levels without end": (b'{"a":' * 200 + b"1" + b"}" * 200, {}, InvalidRequest),
    "more levels than the parser has": (b"[" * 100_000, {}, InvalidRequest),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused(case: str) -> None:
    content, headers, error = REFUSED[case]
    with pytest.raises(error):
        decoded(content, headers, MOST)


def test_lone_surrogates_and_nan_reach_the_validation_which_names_them() -> None:
    found = decoded(b'{"a":"\\ud800","b":NaN}', {}, MOST)
    assert found["a"] == "\ud800"
    assert found["b"] != found["b"]


def test_keys_and_items_are_bounded_over_the_whole_body() -> None:
    bounded: list[Any] = [{"a": [{str(n): 1 for n in range(MOST_KEYS - 1)}]}, {"a": [1] * MOST_ITEMS}]
    for body in bounded:
        check_bounds(body)
    half = {str(n): 1 for n in range(MOST_KEYS // 2)}
    for body in ({"a": half, "b": half}, {"a": [1] * MOST_ITEMS, "b": [1]}):
        with pytest.raises(InvalidRequest, match="more than"):
            check_bounds(body)
