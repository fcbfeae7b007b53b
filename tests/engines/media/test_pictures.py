"""Pictures that clients send, whatever they are."""

import struct
from pathlib import Path

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
}
"""Of each form, the modes that it has."""


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
    path.write_bytes(saved(form, Image.new("L", (60, 40), 200).convert(mode)))

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
        assert pictures.type_and_size(data, "image") == ("image/jpeg", (64, 64))
