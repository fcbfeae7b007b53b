"""Files that break off at any place are refused, and the refusal tells nothing of this machine."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import InvalidRequest
from tests.support.pictures import saved
from tests.support.sounds import RATE, encoded, silence
from workers.engines.media import pictures
from workers.engines.media.recording import Recording

NOISE = Image.effect_noise((96, 96), 60).convert("RGB")
PICTURES = {form: saved(form, NOISE) for form in ("png", "jpeg", "webp", "gif", "avif", "bmp", "tiff")} | {
    "a compressed tiff": saved("tiff", NOISE, compression="tiff_deflate"),
    "16 bits": saved("png", Image.fromarray(np.arange(9216, dtype=np.uint16).reshape(96, 96) * 7)),
}
SOUNDS = {
    container: encoded(silence(1), container, codec, rate)
    for container, codec, rate in [
        ("wav", "pcm_s16le", RATE),
        ("mp3", "libmp3lame", RATE),
        ("flac", "flac", RATE),
        ("ogg", "libopus", 48_000),
        ("webm", "libopus", 48_000),
        ("mp4", "aac", RATE),
    ]
}
PLACES = [1, 4, 12, 24, 40, 64, 110, 200, 300, 400, 500, 0.25, 0.5, 0.75, 0.9, 0.99]
"""Where they break off: bytes, or shares of the whole."""


def beginnings(whole: bytes) -> Iterator[bytes]:
    """The file, as it is where it breaks off, and where zeros follow."""
    for place in PLACES:
        length = int(place * len(whole)) if isinstance(place, float) else place
        yield whole[:length]
        yield whole[:length] + bytes(max(0, len(whole) - length))


def refusals(path: Path, files: Iterator[bytes], read: Callable[[Path | bytes], object]) -> list[InvalidRequest]:
    """How those are refused that are, whether they come as a file or as bytes."""
    refused = []
    for data in files:
        path.write_bytes(data)
        for source in (path, data):
            try:
                read(source)
            except InvalidRequest as error:
                refused.append(error)
    return refused


@pytest.mark.parametrize("what", PICTURES)
def test_a_broken_picture(tmp_path: Path, what: str) -> None:
    path = tmp_path / "its-name"

    errors = refusals(path, beginnings(PICTURES[what]), lambda source: pictures.opened(source, "the_file"))

    assert len(errors) > 10
    assert {one.param for one in errors} == {"the_file"}
    assert {one.message for one in errors} <= {
        "'the_file' is not a PNG, JPEG, WebP, GIF, AVIF, BMP or TIFF picture",
        "'the_file' is a broken picture, or breaks off",
    }


def listen(source: Path | bytes) -> None:
    with Recording(source, 60, "the_file") as recording:
        for _ in recording.parts():
            pass


@pytest.mark.parametrize("what", SOUNDS)
def test_a_broken_recording(tmp_path: Path, what: str) -> None:
    path = tmp_path / "its-name"

    errors = refusals(path, beginnings(SOUNDS[what]), listen)

    assert len(errors) > 10
    assert {one.param for one in errors} == {"the_file"}
    assert {one.message.removeprefix("the file cannot be read as sound: ") for one in errors} <= {
        "its format is not known, or it is broken or breaks off",
        "no sound in it can be decoded",
        "its sound is of a coding that cannot be decoded",
        "it has no sound in it (mov,mp4,m4a,3gp,3g2,mj2)",
    }


def test_a_recording_that_is_a_header_alone(tmp_path: Path) -> None:
    """Programs for dictation send it where a key is only tapped."""
    path = tmp_path / "live.webm"
    path.write_bytes(SOUNDS["webm"][:110])

    with pytest.raises(InvalidRequest, match="breaks off"):
        Recording(path, 60)
