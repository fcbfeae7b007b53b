"""Base64 and data URLs in all the ways in which libraries write them."""

import base64
from collections.abc import Callable

import pytest

from models.inline_data import from_base64, from_data_url, is_data_url, may_be_base64

DATA = bytes(range(256)) + b"\xfb\xff\xfe"  # its base64 has both marks, + and /
TEXT = base64.b64encode(DATA).decode()
WRITTEN: dict[str, Callable[[bytes], str]] = {
    "standard": lambda data: base64.b64encode(data).decode(),
    "URL-safe": lambda data: base64.urlsafe_b64encode(data).decode(),
    "no padding": lambda data: base64.b64encode(data).decode().rstrip("="),
    "URL-safe, no padding": lambda data: base64.urlsafe_b64encode(data).decode().rstrip("="),
    "lines of 76, as in MIME": lambda data: base64.encodebytes(data).decode(),
    "Windows lines, blanks": lambda data: " \t" + base64.encodebytes(data).decode().replace("\n", "\r\n ") + " ",
    "percent-encoded": lambda data: base64.b64encode(data).decode().replace("+", "%2B").replace("/", "%2f"),
    "percent-encoded padding": lambda data: base64.b64encode(data).decode().replace("=", "%3D"),
}


@pytest.mark.parametrize("way", WRITTEN)
@pytest.mark.parametrize("length", [0, 1, 2, 3, 256, 259])
def test_base64(way: str, length: int) -> None:
    assert from_base64(WRITTEN[way](DATA[-length:] if length else b"")) == (DATA[-length:] if length else b"")


@pytest.mark.parametrize("text", ["A", "AAAAA", "A=AA", "####", "é", "AA*A", "\0AAA"])
def test_what_is_no_base64(text: str) -> None:
    with pytest.raises(ValueError, match="is not valid base64"):
        from_base64(text)


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        ("data:image/png;base64,", "image/png"),
        ("DATA:Image/PNG;BASE64,", "image/png"),
        ("data:;base64,", ""),
        ("data:audio/webm;codecs=opus;base64,", "audio/webm"),
        ('data:image/png;name="a b.png";charset=utf-8;base64,', "image/png"),
        (" data:image/svg+xml; base64,", "image/svg+xml"),
        ("data:no type;base64,", ""),
    ],
)
def test_data_urls(head: str, media_type: str) -> None:
    assert is_data_url(head + TEXT)
    assert from_data_url(head + TEXT) == (media_type, DATA)
    assert from_data_url(head + TEXT.replace("+", "%2B")) == (media_type, DATA)


def test_a_data_url_of_percent_signs() -> None:
    url = "data:image/png," + "".join(f"%{one:02X}" for one in DATA)
    assert from_data_url(url) == ("image/png", DATA)


@pytest.mark.parametrize("url", ["data:image/png," + TEXT, "data:", "data:image/png;base64", "data:base64"])
def test_a_data_url_without_its_marker(url: str) -> None:
    with pytest.raises(ValueError, match="without ';base64,'"):
        from_data_url(url)


@pytest.mark.parametrize(
    ("text", "may"),
    [
        (TEXT, True),
        ("\n" + base64.urlsafe_b64encode(DATA).decode(), True),
        ("/9j/4AAQSkZJRg" + "A" * 64, True),
        ("https://example.com/" + "a" * 64, False),
        ("file-" + "a" * 24, False),
        ("data:image/png;base64," + TEXT, False),
        ("/etc/passwd", False),
    ],
)
def test_base64_in_the_place_of_a_url(text: str, may: bool) -> None:
    assert may_be_base64(text) == may
    assert is_data_url(text) == text.startswith("data:")
