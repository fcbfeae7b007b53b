"""Files of requests, by the names that clients have for them."""

from typing import Any

import pytest

from models.modalities import KINDS
from models.modalities.media import referred


@pytest.mark.parametrize(
    ("kind", "name", "file"),
    [
        ("images.edits", "image", "image"),
        ("images.edits", "images", "image"),
        ("images.edits", "mask_image", "mask"),
        ("images.edits", "input_reference", None),
        ("images.variations", "mask_image", None),
        ("videos.generations", "input_reference", "image"),
        ("videos.generations", "first_frame", "image"),
        ("videos.generations", "last_frame", "last_image"),
        ("videos.generations", "last_image", "last_image"),
        ("videos.generations", "prompt", None),
        ("audio.transcriptions", "file", "file"),
    ],
)
def test_a_field_is_a_file_by_any_of_its_names(kind: str, name: str, file: str | None) -> None:
    assert KINDS[kind].file_of(name) == file


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"image_url": "https://x"}, "https://x"),
        ({"file_id": "file-1"}, "file-1"),
        ({"url": "data:x"}, "data:x"),
        ("file-1", "file-1"),
        (None, None),
        ({}, {}),
        ({"file_id": None}, {"file_id": None}),
        ({"file_id": "file-1", "image_url": "x"}, {"file_id": "file-1", "image_url": "x"}),
        ({"file_id": "file-1", "name": "x"}, {"file_id": "file-1", "name": "x"}),
    ],
)
def test_a_reference_is_taken_out_of_openais_object(value: Any, found: Any) -> None:
    assert referred(value) == found
