"""Pictures that clients send, whatever they are, and what is drawn together."""

import io
import struct
import zlib
from collections import deque
from pathlib import Path

import pytest
import torch
from PIL import Image

from models.errors import EngineFailure, InvalidRequest
from models.modalities.images import Request
from tests.engines.images_driver import Images
from workers.engines import diffusers_pictures as pictures
from workers.engines.diffusers_batch import Job, Row, Shape, next_batch
from workers.engines.diffusers_draw import in_halves

SMALL = Shape("text", 64, 64, 8, 2.0)
LARGE = Shape("text", 512, 512, 8, 2.0)


def saved(form: str, image: Image.Image | None = None) -> bytes:
    file = io.BytesIO()
    (image or Image.new("RGB", (64, 64), "red")).save(file, form)
    return file.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is this large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 10_000))
        + chunk(b"IEND", b"")
    )


def text_bomb() -> bytes:
    """A PNG whose description unpacks to 200 MB."""
    data = b"Comment\0\0" + zlib.compress(b"x" * 200_000_000, 9)
    chunk = struct.pack(">I", len(data)) + b"zTXt" + data + struct.pack(">I", zlib.crc32(b"zTXt" + data))
    whole = saved("png")
    return whole[:33] + chunk + whole[33:]


BROKEN = {
    "nothing": b"",
    "text": b"hello, I am a picture",
    "a truncated PNG": saved("png", Image.effect_noise((64, 64), 50))[:-500],
    "a truncated JPEG": saved("jpeg", Image.effect_noise((64, 64), 50))[:-900],
    "a truncated WebP": saved("webp", Image.effect_noise((64, 64), 50))[:-500],
    "a PNG with a wrong checksum": saved("png")[:-20] + b"\0" * 20,
    "no more than a signature": b"\x89PNG\r\n\x1a\n",
    "a pixel bomb": bomb(50_000, 50_000),
    "a picture just too large": bomb(8192, 4097),
    "a larger one than its data": bomb(4000, 4000),
    "a text bomb": text_bomb(),
    "a TIFF": saved("tiff"),
    "an EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n",
    "a ZIP archive": b"PK\x03\x04" + b"\0" * 100,
    "an SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_bad_picture_is_refused(tmp_path: Path, what: str) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(BROKEN[what])

    with pytest.raises(InvalidRequest) as caught:
        pictures.opened(path, "mask")

    assert caught.value.param == "mask"
    assert "'mask'" in caught.value.message
    assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize("form", ["png", "jpeg", "webp", "gif"])
@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "LA", "RGBA", "CMYK", "I;16"])
def test_any_usual_picture_is_read(tmp_path: Path, form: str, mode: str) -> None:
    path = tmp_path / "picture"
    try:
        path.write_bytes(saved(form, Image.new("L", (60, 40), 200).convert(mode)))
    except (OSError, ValueError):
        pytest.skip("this form does not have this mode")

    picture = pictures.opened(path, "image")

    assert picture.size == (60, 40)
    assert picture.mode in ("RGB", "RGBA")
    assert pictures.hole_of(picture) is None
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


@pytest.mark.parametrize(
    ("size", "fitted"),
    [((64, 64), (512, 512)), ((4000, 3000), (592, 440)), ((1000, 10), (5120, 64)), ((1, 1), (512, 512))],
)
def test_a_picture_is_fitted(size: tuple[int, int], fitted: tuple[int, int]) -> None:
    assert pictures.fitted(size, 512 * 512, 8) == fitted


def job(shape: Shape, count: int = 1) -> Job:
    made = Job(Images("a", {}), Request(model="m", prompt="x"), seed=5, shape=shape)
    made.rows = [Row(made, index, shape) for index in range(count)]
    return made


def test_a_batch_is_the_first_in_line_and_others_of_its_shape() -> None:
    first, large, second, gone = job(SMALL, 2), job(LARGE, 3), job(SMALL, 3), job(LARGE)
    gone.over = True
    waiting = deque([*gone.rows, *first.rows, *large.rows, *second.rows])

    def limit(shape: Shape) -> int:
        return 4 if shape is SMALL else 2

    assert next_batch(waiting, limit) == [*first.rows, *second.rows[:2]]
    assert next_batch(waiting, limit) == large.rows[:2]
    assert next_batch(waiting, limit) == large.rows[2:]
    assert next_batch(waiting, limit) == second.rows[2:]
    assert next_batch(waiting, limit) == []
    assert [row.seed for row in second.rows] == [5, 6, 7]


def test_what_does_not_fit_into_memory_is_done_in_halves() -> None:
    rows = job(SMALL, 7).rows
    calls: list[int] = []
    shrunk: list[int] = []

    def work(part: list[Row]) -> list[int]:
        calls.append(len(part))
        if len(part) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return [row.index for row in part]

    assert in_halves(rows, work, shrunk.append) == list(range(7))
    assert calls == [7, 4, 2, 2, 3, 2, 1]
    assert min(shrunk) == 2


def test_an_image_that_does_not_fit_fails_alone() -> None:
    rows = job(LARGE, 3).rows

    def work(part: list[Row]) -> list[int]:
        if rows[1] in part:
            torch.empty(1 << 50, dtype=torch.uint8)  # the CPU's own word for it
        return [row.index for row in part]

    first, second, third = in_halves(rows, work, lambda most: None)

    assert (first, third) == (0, 2)
    assert isinstance(second, EngineFailure)
    assert second.message == "an image of 512x512 does not fit into the device's memory"


def test_another_failure_is_not_hidden() -> None:
    def work(part: list[Row]) -> list[int]:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        in_halves(job(SMALL, 2).rows, work, lambda most: None)
