"""Pipelines with noise at every step draw it from each picture's own seed, as the bare pipeline does."""

from pathlib import Path
from typing import Any

import diffusers
import pytest
from PIL import Image

from tests.families.makers.pictures import cascades, flows, pixels
from tests.families.makers.pictures.parts import saved
from tests.families.pictures.drawing import apart, bare, drawn, launched, noise

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.filterwarnings("ignore")]

ASKED: dict[str, Any] = {"prompt": "a red cat", "size": "64x64", "steps": 3, "seed": 3}
GIVEN: dict[str, Any] = {"width": 64, "height": 64, "num_inference_steps": 3}


async def test_deepfloyds_first_stage_draws_as_the_bare_pipeline(tmp_path: Path) -> None:
    folder = saved(pixels.deepfloyd(), tmp_path / "if")
    async with launched(folder) as engine:
        guided: dict[str, Any] = {"negative_prompt": "blue", "guidance_scale": 5.0}
        answer = await engine.ask(**ASKED, **guided)
        pair = await engine.ask(**ASKED, **guided, n=2)
        own = await engine.ask(prompt="a red cat", steps=1)
        error = await engine.refused(**ASKED, scheduler="Euler a")
        told = engine.engine.told["defaults"]

    assert apart(answer.image, drawn(bare(folder), **GIVEN, **guided)) == 0
    assert apart(pair.images[1], drawn(bare(folder), seed=4, **GIVEN, **guided)) <= 1
    assert [step for step, _ in answer.steps] == [1, 2, 3]
    assert (own.body["size"], told["size"]) == ("64x64", "64x64")
    assert (error.status, error.param) == (400, "scheduler")


async def test_deepfloyds_first_stage_draws_from_a_picture(tmp_path: Path) -> None:
    folder, file = saved(pixels.deepfloyd(), tmp_path / "if"), noise(tmp_path / "a.png")
    async with launched(folder) as engine:
        answer = await engine.ask({"image": file}, **ASKED | {"steps": 4}, strength=0.5, guidance_scale=5.0)
    given: dict[str, Any] = {
        "image": Image.open(file),
        "strength": 0.5,
        "num_inference_steps": 4,
        "guidance_scale": 5.0,
    }

    assert apart(answer.image, drawn(bare(folder, diffusers.IFImg2ImgPipeline), **given)) == 0


async def test_deepfloyds_second_stage_draws_as_the_bare_pipeline(tmp_path: Path) -> None:
    folder, file = saved(pixels.deepfloyd_second(), tmp_path / "if"), noise(tmp_path / "a.png")
    async with launched(folder) as engine:
        answer = await engine.ask({"image": file}, **ASKED, guidance_scale=5.0)
    given = GIVEN | {"image": Image.open(file), "guidance_scale": 5.0}

    assert apart(answer.image, drawn(bare(folder), **given)) == 0


async def test_a_sampler_with_noise_takes_it_from_the_seed(tmp_path: Path) -> None:
    folder = saved(flows.pixart(), tmp_path / "pixart")
    async with launched(folder) as engine:
        answer, pair = [await engine.ask(**ASKED, scheduler="Euler a", guidance_scale=5.0, n=count) for count in (1, 2)]
    pipe = bare(folder)
    pipe.scheduler = diffusers.EulerAncestralDiscreteScheduler.from_config(pipe.scheduler.config)

    assert apart(answer.image, drawn(pipe, **GIVEN, guidance_scale=5.0)) == 0
    assert apart(pair.images[1], drawn(pipe, seed=4, **GIVEN, guidance_scale=5.0)) <= 1


async def test_a_pipeline_of_several_parts_draws_again_and_again(tmp_path: Path) -> None:
    async with launched(saved(cascades.kandinsky21(), tmp_path / "kandinsky")) as engine:
        drawings = [await engine.ask(**ASKED) for _ in range(2)]

    assert apart(*[one.image for one in drawings]) == 0
    assert [[step for step, _ in one.steps] for one in drawings] == [[1, 2, 3]] * 2
