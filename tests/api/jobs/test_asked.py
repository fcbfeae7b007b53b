"""What is shown of a job's request: all that was asked, but what is large or secret."""

import pytest

from api.jobs.asked import MOST_DATA, MOST_TEXT, reason_for, type_of, without
from models.modalities import KINDS, kinds_like

PICTURE = f"data:image/png;base64,{'A' * MOST_DATA}"


def test_what_is_left_out_is_named_by_its_place() -> None:
    given = {
        "prompt": "a red seven",
        "seed": 2**62 + 1,
        "messages": [
            {"content": [{"image_url": {"url": PICTURE}}, {"image_url": {"url": "https://example.org/a.png"}}]}
        ],
        "tools": [{"server": "s", "headers": {"Authorization": "Bearer x", "Accept": "a"}}],
    }
    shown, left_out = without(given)
    assert shown == {
        "prompt": "a red seven",
        "seed": 2**62 + 1,
        "messages": [{"content": [{"image_url": {"url": None}}, {"image_url": {"url": "https://example.org/a.png"}}]}],
        "tools": [{"server": "s", "headers": {"Authorization": None, "Accept": "a"}}],
    }
    assert left_out == [
        {"param": "messages[0].content[0].image_url.url", "reason": "large", "length": len(PICTURE)},
        {"param": "tools[0].headers.Authorization", "reason": "secret", "length": 8},
    ]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("api_key", "x", "secret"),
        ("X-Api-Key", "x", "secret"),
        ("client_secret", "x", "secret"),
        ("password", "x", "secret"),
        ("url", "https://me:secret@example.org/a.png", "secret"),
        ("url", "https://example.org/@me", None),
        ("url", "https://[x@y", None),
        ("secretary", "x", None),
        ("max_tokens", "x", None),
        ("image", PICTURE[:100], None),
        ("image", PICTURE, "large"),
        ("image", "A" * (MOST_DATA + 1), "large"),
        ("prompt", "a word, " * 200, None),
        ("prompt", "a word, " * MOST_TEXT, "large"),
    ],
)
def test_why_a_text_is_left_out(name: str, text: str, reason: str | None) -> None:
    assert reason_for(name, text) == reason


def test_a_schema_may_have_a_field_of_that_name() -> None:
    schema = {"properties": {"password": {"type": "string"}}}
    assert without(schema) == (schema, [])


@pytest.mark.parametrize(
    ("beginning", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\r", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
        (b"RIFF\0\0\0\0WAVE", "application/octet-stream"),
        (b"<svg>", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_pictures_are_known_by_their_first_bytes(beginning: bytes, media_type: str) -> None:
    assert type_of(beginning) == media_type


def test_a_name_stands_for_a_kind_or_for_all_that_begin_so() -> None:
    assert kinds_like("images.edits") == ["images.edits"]
    assert kinds_like("images") == [kind for kind in KINDS if kind.startswith("images.")]
    assert kinds_like("completions") == ["completions"]
    assert kinds_like("chat") == ["chat.completions"]
    assert kinds_like("image") == kinds_like("") == kinds_like("images.") == []
