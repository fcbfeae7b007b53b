"""What is a picture, by its beginning."""

import io

import pytest
from PIL import Image

from api.routes.videos.pictures import SIGNATURE_BYTES, check_picture
from models.errors import InvalidRequest


@pytest.mark.parametrize("form", ["png", "jpeg", "webp", "gif", "avif", "bmp", "tiff"])
def test_a_picture_is_known_by_its_beginning(form: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, form)
    check_picture(file.getvalue()[:SIGNATURE_BYTES], "image")


@pytest.mark.parametrize(
    "content", [b"", b"text", b"\0\0\0\x20ftypisom", b"RIFF\0\0\0\0WAVE", b"RIFF", b"<svg>", b"%PDF-1.7"]
)
def test_what_begins_as_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidRequest, match="is not a PNG") as refused:
        check_picture(content, "image")
    assert refused.value.param == "image"
