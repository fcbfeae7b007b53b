"""How pictures are fitted, and what is drawn together."""

from collections import deque

import pytest
import torch

from models.errors import EngineFailure, InvalidRequest
from models.modalities.images import Request
from tests.engines.diffusers.images_driver import Images
from workers.engines.diffusers import pictures
from workers.engines.diffusers.batch import ImageRequest, ImageRow, Shape, next_batch
from workers.engines.diffusers.draw import in_halves

SMALL = Shape("text", 64, 64, 8, 2.0)
LARGE = Shape("text", 512, 512, 8, 2.0)


@pytest.mark.parametrize(
    ("size", "fitted"),
    [((64, 64), (512, 512)), ((4000, 3000), (592, 440)), ((1000, 20), (3624, 72)), ((1, 1), (512, 512))],
)
def test_a_picture_is_fitted(size: tuple[int, int], fitted: tuple[int, int]) -> None:
    assert pictures.fitted(size, 512 * 512, 8) == fitted


@pytest.mark.parametrize("size", [(1000, 10), (1, 300)])
def test_a_shape_that_no_size_has_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InvalidRequest, match="too narrow to go by its shape") as caught:
        pictures.fitted(size, 512 * 512, 8)
    assert caught.value.param == "size"


def job(shape: Shape, count: int = 1) -> ImageRequest:
    made = ImageRequest(Images("a", {}), Request(model="m", prompt="x"), seed=5, shape=shape)
    made.rows = [ImageRow(made, index, shape) for index in range(count)]
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

    def work(part: list[ImageRow]) -> list[int]:
        calls.append(len(part))
        if len(part) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return [row.index for row in part]

    assert in_halves(rows, work, shrunk.append) == list(range(7))
    assert calls == [7, 4, 2, 2, 3, 2, 1]
    assert min(shrunk) == 2


def test_an_image_that_does_not_fit_fails_alone() -> None:
    rows = job(LARGE, 3).rows

    def work(part: list[ImageRow]) -> list[int]:
        if rows[1] in part:
            torch.empty(1 << 50, dtype=torch.uint8)  # the CPU's own word for it
        return [row.index for row in part]

    first, second, third = in_halves(rows, work, lambda most: None)

    assert (first, third) == (0, 2)
    assert isinstance(second, EngineFailure)
    assert second.message == "an image of 512x512 does not fit into the device's memory"


def test_another_failure_is_not_hidden() -> None:
    def work(part: list[ImageRow]) -> list[int]:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        in_halves(job(SMALL, 2).rows, work, lambda most: None)
