"""Forms as programs write them. No server: the parser is given the bytes of a request."""

import asyncio
import base64
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import Request

from api.edge.caller import caller_of
from api.jobs import forms
from api.jobs.request_files import RequestFiles
from models.errors import HeadraceError, UnsupportedParameter
from models.modalities import KINDS
from models.settings import Settings

FILE = b"\x89PNG\r\n\x1a\n\0--edge\xff\xfe"
TYPE = "multipart/form-data; boundary=edge"
IMAGE = b'Content-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n' + FILE


class Read:
    """A request for this endpoint, as it is read: its fields, its files, and what it ignored."""

    def __init__(self, into: Path, content: bytes, headers: dict[str, str], kind: str = "images.edits") -> None:
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        state: dict[str, Any] = {"request_id": "r", "ignored": [], "caller": None}
        gateway: Any = SimpleNamespace(settings=Settings())
        app = SimpleNamespace(state=SimpleNamespace(gateway=gateway))
        scope = {"type": "http", "method": "POST", "path": "/", "headers": raw, "state": state, "app": app}
        chunks = [content[at : at + 7] for at in range(0, len(content), 7)] or [b""]

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

        request = Request(scope, receive)
        files = RequestFiles(gateway, caller_of(request), into)
        self.fields, uploads = asyncio.run(forms.read(request, KINDS[kind], files))
        self.files = {name: upload.path.read_bytes() for name, upload in uploads.items()}
        self.types = {name: upload.media_type for name, upload in uploads.items()}
        self.ignored = state["ignored"]


def form(*parts: bytes) -> bytes:
    return b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + b"--edge--\r\n"


def text(name: str, value: bytes | str, more: str = "") -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return f'Content-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + data


def file(name: str, more: str = '; filename="a.png"', data: bytes = FILE) -> bytes:
    return text(name, data, more)


BASE64 = base64.b64encode(FILE * 9)
FILES: dict[str, bytes] = {
    "OpenAI, Go, requests": IMAGE,
    "a list": file("image[]"),
    "a list with places, as PHP's": file("image[0]"),
    "another name": file("images[]"),
    "no type": file("image"),
    "a name that is not quoted, as .NET's": b"Content-Disposition: form-data; name=image; filename=a.png\r\n\r\n"
    + FILE,
    "a name in UTF-8, as .NET's": file("image", "; filename=a.png; filename*=utf-8''%E2%9C%93.png"),
    "a name in UTF-8 alone": file("image", "; filename*=UTF-8''%E2%9C%93.png"),
    "a raw name in UTF-8, as a browser's": file("image", '; filename="✓ \\"a\\".png"'),
    "no name": file("image", ""),
    "no name, but a type": b'Content-Disposition: form-data; name="image"\r\nContent-Type: image/png\r\n\r\n' + FILE,
    "an empty name": file("image", '; filename=""'),
    "a type first": b'Content-Type: image/png\r\ncontent-disposition: FORM-DATA; name="image"; filename="a"\r\n\r\n'
    + FILE,
    "more headers, as Java's": b"Content-Transfer-Encoding: binary\r\nContent-Length: 17\r\n" + IMAGE,
}


@pytest.mark.parametrize("way", FILES)
@pytest.mark.parametrize(
    "content_type", [TYPE, 'multipart/form-data; boundary="edge"', "Multipart/Form-Data;boundary=edge"]
)
def test_a_file_is_read_however_it_is_sent(tmp_path: Path, way: str, content_type: str) -> None:
    for parts in ((text("prompt", "x"), FILES[way]), (FILES[way], text("prompt", "x"))):
        found = Read(tmp_path, form(*parts), {"Content-Type": content_type})
        assert (found.fields, found.files, found.ignored) == ({"prompt": "x"}, {"image": FILE}, [])


def test_what_httpx_writes_is_read(tmp_path: Path) -> None:
    for files in ({"image": ("é.png", FILE, "image/png")}, {"image[]": FILE}, {"image": (None, FILE)}):
        sent = httpx.Request("POST", "http://here", data={"prompt": "✓", "n[]": ["1", "2"]}, files=files)
        found = Read(tmp_path, sent.read(), dict(sent.headers))
        assert (found.fields, found.files) == ({"prompt": "✓", "n": ["1", "2"]}, {"image": FILE})


REFERENCES: dict[str, bytes] = {
    "a data URL": text("image", b"data:image/png;base64," + BASE64),
    "a data URL in lines": text("image", b"data:image/png;base64,\r\n" + base64.encodebytes(FILE * 9)),
    "base64 alone": text("image", BASE64),
    "an object with a URL, as OpenAI's clients write it": text("image[image_url]", b"data:image/png;base64," + BASE64),
    "base64 that its part names": file("image", '; filename="a"\r\nContent-Transfer-Encoding: base64', BASE64),
}


@pytest.mark.parametrize("way", REFERENCES)
def test_a_file_may_be_base64(tmp_path: Path, way: str) -> None:
    assert Read(tmp_path, form(REFERENCES[way]), {"Content-Type": TYPE}).files == {"image": FILE * 9}


def test_several_pictures_are_taken_in_their_order(tmp_path: Path) -> None:
    others = [file("image[]", data=b"two"), file("image[]", data=b""), file("image[]", data=b"three")]
    found = Read(tmp_path, form(IMAGE.replace(b"image", b"image[]", 1), *others), {"Content-Type": TYPE})
    assert (found.files, found.ignored) == ({"image": FILE, "image.1": b"two", "image.2": b"three"}, [])
    url = '"data:;base64,' + BASE64.decode() + '"'
    json = f'{{"images": [{{"image_url": {url}}}, {url}]}}'.encode()
    found = Read(tmp_path, json, {"Content-Type": "application/json"})
    assert (found.files, found.ignored) == ({"image": FILE * 9, "image.1": FILE * 9}, [])
    too_many = f'{{"image": [{", ".join([url] * 9)}]}}'.encode()
    with pytest.raises(UnsupportedParameter, match="one to 8 files"):
        Read(tmp_path, too_many, {"Content-Type": "application/json"})


@pytest.mark.parametrize(
    ("name", "ours"), [("input_reference", "image"), ("first_frame", "image"), ("last_frame", "last_image")]
)
def test_pictures_of_videos_have_other_names(tmp_path: Path, name: str, ours: str) -> None:
    found = Read(tmp_path, form(file(name)), {"Content-Type": TYPE}, "videos.generations")
    assert found.files == {ours: FILE}
    with pytest.raises(HeadraceError):
        Read(tmp_path, form(file(name)), {"Content-Type": TYPE}, "images.edits")


def test_the_picture_of_the_first_place_is_the_first(tmp_path: Path) -> None:
    parts = [file("image[10]", data=b"three"), file("image[2]", data=b"two"), IMAGE.replace(b"image", b"image[0]", 1)]
    found = Read(tmp_path, form(*parts, text("a[1]", "2"), text("a[0]", "1")), {"Content-Type": TYPE})
    assert found.files == {"image": FILE, "image.1": b"two", "image.2": b"three"}
    assert found.fields == {"a": ["1", "2"]}


@pytest.mark.parametrize("preamble", [b"\r\n", b"This is a message in several parts.\r\n", b"--edg\r\n" * 9])
def test_what_comes_before_the_first_boundary_is_skipped(tmp_path: Path, preamble: bytes) -> None:
    found = Read(tmp_path, preamble + form(text("prompt", "x"), IMAGE), {"Content-Type": TYPE})
    assert (found.fields, found.files) == ({"prompt": "x"}, {"image": FILE})


def test_what_comes_before_the_first_boundary_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(HeadraceError):
        Read(tmp_path, b"x" * 5000 + b"\r\n" + form(text("prompt", "x"), IMAGE), {"Content-Type": TYPE})


@pytest.mark.parametrize(
    ("parts", "fields"),
    [
        ([text("n", ""), text("size", "null"), text("user", "undefined"), text("style", "None"), text("x[]", "")], {}),
        ([text("prompt", "null"), text("model", "None")], {"prompt": "null", "model": "None"}),
        ([text("a[]", "1"), text("a[]", "2"), text("b", "3"), text("b", "4")], {"a": ["1", "2"], "b": ["3", "4"]}),
        ([text("a[0]", "1"), text("a[1]", "2"), text("c[d]", "3")], {"a": ["1", "2"], "c": {"d": "3"}}),
        ([text("prompt", "✓")], {"prompt": "✓"}),
        ([text("prompt", "é".encode("latin-1"), "\r\nContent-Type: text/plain; charset=iso-8859-1")], {"prompt": "é"}),
        ([text("prompt", "✓", "\r\nContent-Type: text/plain; charset=utf-8")], {"prompt": "✓"}),
        ([text("prompt", "✓".encode("utf-16"), '\r\nContent-Type: text/plain; charset="UTF-16"')], {"prompt": "✓"}),
        ([text("n", "2", '; filename="blob"\r\nContent-Type: application/json')], {"n": "2"}),
        ([text("n", "2", "; filename=n")], {"n": "2"}),
    ],
)
def test_fields(tmp_path: Path, parts: list[bytes], fields: dict[str, Any]) -> None:
    assert Read(tmp_path, form(*parts), {"Content-Type": TYPE}).fields == fields


def test_a_transcription_s_prompt_may_be_left_out(tmp_path: Path) -> None:
    parts = [file("file"), text("prompt", "undefined"), text("language", "null"), text("stream", "on")]
    found = Read(tmp_path, form(*parts), {"Content-Type": TYPE}, "audio.transcriptions")
    assert (found.fields, found.files) == ({"stream": "on"}, {"file": FILE})


def test_a_form_without_files_may_be_urlencoded(tmp_path: Path) -> None:
    content = b"prompt=caf%C3%A9+%2B&n=2&size=&image=data:image/png;base64," + BASE64.replace(b"+", b"%2B")
    found = Read(tmp_path, content, {"Content-Type": "application/x-www-form-urlencoded"})
    assert (found.fields, found.files) == ({"prompt": "café +", "n": "2"}, {"image": FILE * 9})
    found = Read(tmp_path, b' {"prompt": "x"}', {"Content-Type": "application/x-www-form-urlencoded"})
    assert found.fields == {"prompt": "x"}


def test_a_file_that_was_left_out_is_not_given(tmp_path: Path) -> None:
    left = [file("mask", '; filename=""', b""), file("mask", "", b"")]
    assert Read(tmp_path, form(IMAGE, *left), {"Content-Type": TYPE}).files == {"image": FILE}


REFUSED: dict[str, tuple[bytes, dict[str, str], int, str | None]] = {
    "two recordings": (form(file("mask"), file("mask[]")), {"Content-Type": TYPE}, 400, "mask"),
    "an empty file with a name": (form(IMAGE, file("mask", data=b"")), {"Content-Type": TYPE}, 400, "mask"),
    "a file of another name": (form(file("portrait")), {"Content-Type": TYPE}, 400, "portrait"),
    "compressed": (form(IMAGE), {"Content-Type": TYPE, "Content-Encoding": "gzip"}, 415, None),
    "a page's urlencoded form": (
        b"prompt=x",
        {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://evil.example"},
        415,
        None,
    ),
    "urlencoded, no UTF-8": (b"prompt=%ff", {"Content-Type": "application/x-www-form-urlencoded"}, 400, None),
    "urlencoded, too many": (b"a=1&" * 65, {"Content-Type": "application/x-www-form-urlencoded"}, 400, None),
    "an unknown charset": (
        form(text("n", b"\xff", "\r\nContent-Type: text/plain; charset=undefined")),
        {"Content-Type": TYPE},
        400,
        None,
    ),
    "a field in two ways": (form(text("n", "1"), text("n[0]", "1")), {"Content-Type": TYPE}, 400, "n"),
    "half a form": (form(IMAGE)[:-8], {"Content-Type": TYPE}, 400, None),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(tmp_path: Path, what: str) -> None:
    content, headers, status, param = REFUSED[what]
    with pytest.raises(HeadraceError) as caught:
        Read(tmp_path, content, headers)
    assert (caught.value.status, caught.value.param) == (status, param)
