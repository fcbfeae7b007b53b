"""The size in an answer is what was drawn; where another was asked for, that is told or refused."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.families.drawn.test_further import MAKERS, OWN_SIZES
from tests.families.makers.pictures import cascades
from tests.families.makers.pictures.parts import saved
from tests.families.pictures.drawing import launched
from tests.families.pictures.test_pictures import MAKERS as FIRST

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.filterwarnings("ignore")]

ALL: dict[str, Callable[[], Any]] = {name: make for name, (make, _) in (FIRST | MAKERS).items()}
IN_EVERY_RUN = ("sd15", "hunyuan-dit")
SQUARE = ("hidream",)
"""Whose tiny network has room for the tokens of no other shape."""
ASKED: dict[str, Any] = {"prompt": "a red cat", "steps": 1, "seed": 3}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in IN_EVERY_RUN else pytest.mark.families) for name in ALL]
)
async def test_an_answer_says_the_size_that_was_drawn(name: str, tmp_path: Path) -> None:
    async with launched(saved(ALL[name](), tmp_path / name), max_pixels=1 << 20) as engine:
        multiple = math.lcm(16, engine.engine._model.multiple)  # type: ignore[attr-defined]
        narrow = -(-64 // multiple) * multiple
        asked = f"{narrow + multiple * (name not in SQUARE)}x{narrow}"
        answer = await engine.ask(**ASKED, size=asked)

    drawn = "{}x{}".format(*answer.image.size)
    assert answer.body["size"] == drawn
    assert f"Size: {drawn}" in answer.body["images"][0]["info"]
    assert answer.body.get("warning") == (
        None if drawn == asked else f"drawn as {drawn}: the model has sizes of its own"
    )
    assert (drawn == asked) == (name not in OWN_SIZES)


async def test_a_size_that_a_pipeline_would_round_is_refused(tmp_path: Path) -> None:
    async with launched(saved(cascades.kandinsky3(), tmp_path / "kandinsky")) as engine:
        error = await engine.refused(**ASKED, size="72x104")

    assert (error.status, error.param) == (400, "size")
    assert error.message == "this model's sizes are multiples of 64"
