"""Pictures that clients send, whatever they are."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageOps

from models.errors import InvalidRequest
from tests.support.pictures import BROKEN, saved, scan_bomb
from workers.engines.diffusers.pictures import hole_of
from workers.engines.media import pictures

MODES = {
    "png": ["RGB", "L", "1", "P", "LA", "RGBA", "I;16"],
    "jpeg": ["RGB", "L", "1", "CMYK"],
    "webp": ["RGB", "L", "1", "P", "LA", "RGBA", "CMYK", "I;16"],
    "gif": ["RGB", "L", "1", "P", "LA", "RGBA", "I;16"],
    "avif": ["RGB", "L", "RGBA"],
    "bmp": ["RGB", "L", "1", "P"],
    "tiff": ["RGB", "L", "1", "P", "LA", "RGBA", "CMYK", "I;16", "I", "F"],
}
"""Of each form, the modes that it has."""


def converted(mode: str) -> Image.Image:
    grey = Image.new("L", (60, 40), 200)
    return (grey.convert("I") if mode.startswith("I;") else grey).convert(mode)


@pytest.mark.parametrize("what", BROKEN)
def test_a_bad_picture_is_refused(tmp_path: Path, what: str) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(BROKEN[what])

    with pytest.raises(InvalidRequest) as caught:
        pictures.opened(path, "mask")

    assert caught.value.param == "mask"
    assert "'mask'" in caught.value.message
    assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize(("form", "mode"), [(form, mode) for form, modes in MODES.items() for mode in modes])
def test_any_usual_picture_is_read(tmp_path: Path, form: str, mode: str) -> None:
    path = tmp_path / "picture"
    path.write_bytes(saved(form, converted(mode)))

    picture = pictures.opened(path, "image")

    assert picture.size == (60, 40)
    assert picture.mode in ("RGB", "RGBA")
    assert hole_of(picture) is None
    assert pictures.flat(picture).mode == "RGB"


def test_of_an_animation_the_first_frame_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])

    assert pictures.opened(tmp_path / "a.gif", "image").convert("RGB").getpixel((1, 1)) == (255, 0, 0)


def test_a_photograph_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    Image.new("RGB", (60, 40)).save(tmp_path / "a.jpg", exif=exif)

    assert pictures.opened(tmp_path / "a.jpg", "image").size == (40, 60)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_is_what_its_maker_says(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    quarters = Image.new("L", (4, 2))
    quarters.putdata([0, 1, 2, 3, 4, 5, 6, 7])
    quarters.save(tmp_path / "a.png", exif=exif)

    with Image.open(tmp_path / "a.png") as kept:
        meant = ImageOps.exif_transpose(kept)
    assert pictures.opened(tmp_path / "a.png", "image").tobytes() == meant.convert("RGB").tobytes()


@pytest.mark.parametrize("tag", [struct.pack(">HHI4s", 0x011A, 7, 4, b"abcd"), b"\x01"])
@pytest.mark.filterwarnings("ignore")  # Pillow warns of them
def test_notes_that_cannot_be_read_do_not_spoil_a_picture(tmp_path: Path, tag: bytes) -> None:
    sideways = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
    notes = b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", 2) + sideways + tag
    Image.new("RGB", (60, 40)).save(tmp_path / "a.jpg", exif=notes)

    assert sorted(pictures.opened(tmp_path / "a.jpg", "image").size) == [40, 60]


def test_a_progressive_photograph_is_read(tmp_path: Path) -> None:
    noise = Image.effect_noise((64, 64), 50).convert("RGB")
    for number, data in enumerate([scan_bomb(100), saved("jpeg", noise, progressive=True) + b"\xff\xda" * 200]):
        (tmp_path / f"{number}.jpg").write_bytes(data)

        assert pictures.opened(tmp_path / f"{number}.jpg", "image").size == (64, 64)
        assert pictures.checked(data, "image") == ("image/jpeg", data, (64, 64))


GREYS = np.arange(256).reshape(16, 16)
"""Every shade of 8 bits."""
SHADES: dict[str, tuple[str, npt.NDArray[Any]]] = {
    "8 bits": ("png", GREYS.astype(np.uint8)),
    "16 bits": ("png", GREYS.astype(np.uint16) * 257),
    "16 bits in a TIFF": ("tiff", GREYS.astype(np.uint16) * 257),
    "16 bits, the most significant first": ("tiff", GREYS.astype(">u2") * 257),
    "32 bits that hold 16": ("tiff", GREYS.astype(np.int32) * 257),
    "32 bits that hold 8": ("tiff", GREYS.astype(np.int32)),
    "32 bits": ("tiff", (GREYS.astype(np.int64) * 16843009 - (1 << 31)).astype(np.int32)),
    "fractions": ("tiff", GREYS.astype(np.float32) / 255),
    "fractions of 255": ("tiff", GREYS.astype(np.float32)),
    "fractions of any range": ("tiff", GREYS.astype(np.float32) * 1000 - 5e4),
}


@pytest.mark.parametrize("what", SHADES)
def test_a_grey_picture_keeps_its_shades(tmp_path: Path, what: str) -> None:
    form, shades = SHADES[what]
    data = saved(form, Image.fromarray(shades))
    (tmp_path / "a").write_bytes(data)

    grey = pictures.opened(tmp_path / "a", "image")
    assert grey.mode == "RGB"
    assert np.asarray(grey)[:, :, 0].tolist() == GREYS.tolist()
    # A server that is given the picture's bytes sees the same.
    media_type, given, size = pictures.checked(data, "image")
    with Image.open(io.BytesIO(given)) as seen:
        assert (seen.get_format_mimetype(), seen.size) == (media_type, size)
        assert np.asarray(seen.convert("RGB"))[:, :, 0].tolist() == GREYS.tolist()


def test_a_shade_of_16_bits_may_be_transparent() -> None:
    picture = Image.fromarray(np.array([[0, 0x8000], [0x8001, 0xFFFF]], np.uint16))
    file = io.BytesIO()
    picture.save(file, "png", transparency=0x8000)

    opened = pictures.opened(file.getvalue(), "image")

    assert np.asarray(opened.getchannel("A")).tolist() == [[255, 0], [255, 255]]
    assert np.asarray(opened.getchannel("R")).tolist() == [[0, 128], [128, 255]]


def test_infinite_shades_are_refused() -> None:
    with pytest.raises(InvalidRequest):
        pictures.opened(saved("tiff", Image.fromarray(np.array([[0, np.inf]], np.float32))), "image")


def test_a_picture_of_one_negative_shade_is_black() -> None:
    opened = pictures.opened(saved("tiff", Image.fromarray(np.array([[-5, -5]], np.float32))), "image")
    assert opened.getpixel((0, 0)) == (0, 0, 0)


def test_transparency_of_a_palette_is_kept() -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((1, 0), 1)

    opened = pictures.opened(saved("png", picture, transparency=1), "image")

    assert (opened.getpixel((0, 0)), opened.getpixel((1, 0))) == ((255, 0, 0, 255), (0, 0, 255, 0))


@pytest.mark.parametrize("form", ["avif", "tiff"])
def test_of_several_pages_the_first_is_taken(form: str) -> None:
    pages = [Image.new("RGB", (64, 64), colour) for colour in ("white", "black")]

    opened = pictures.opened(saved(form, pages[0], save_all=True, append_images=pages[1:]), "image")

    assert np.asarray(opened).min() > 250


@pytest.mark.parametrize("form", ["avif", "bmp", "tiff"])
def test_every_form_has_the_same_bound(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_PIXELS", 64 * 64)
    assert pictures.opened(saved(form, Image.new("RGB", (64, 64))), "image").size == (64, 64)
    with pytest.raises(InvalidRequest, match="pixels"):
        pictures.opened(saved(form, Image.new("RGB", (64, 65))), "image")
