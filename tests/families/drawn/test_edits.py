"""Pipelines that draw from pictures and words together edit as the bare pipeline does, with one picture and several."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import diffusers
import pytest
from PIL import Image

from tests.families.makers.pictures import edits
from tests.families.makers.pictures.parts import saved
from tests.families.pictures.drawing import apart, bare, drawn, launched, noise, refused
from workers.engines.diffusers.index import parts_of, read_index
from workers.engines.diffusers.weights.processors import processors_of

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.filterwarnings("ignore")]

rest = pytest.mark.families
ASKED: dict[str, Any] = {"prompt": "a red cat", "size": "64x64", "steps": 2, "seed": 3}
SQUARE: dict[str, Any] = {"width": 64, "height": 64}


def pictures(folder: Path, *sizes: tuple[int, int]) -> dict[str, Path]:
    """Files of noise of these sizes, by the names under which a request has them."""
    names = ["image", *(f"image.{number}" for number in range(1, len(sizes)))]
    found = {}
    for number, (name, size) in enumerate(zip(names, sizes, strict=True)):
        found[name] = noise(folder / f"{name}.png", number)
        Image.open(found[name]).resize(size).save(found[name])
    return found


@pytest.mark.parametrize("count", [1, 3])
async def test_flux_2_klein_takes_several_pictures(count: int, tmp_path: Path) -> None:
    folder = saved(edits.klein(distilled=False), tmp_path / "klein")
    files = pictures(tmp_path, *[(64, 96), (128, 64), (64, 64)][:count])
    async with launched(folder) as engine:
        answer = await engine.ask(files, **ASKED, guidance_scale=3)
        plain = await engine.ask(**ASKED, guidance_scale=3)
    images = [Image.open(file) for file in files.values()]
    alone = drawn(bare(folder), image=images, guidance_scale=3.0, **SQUARE)

    assert apart(answer.image, alone) == 0
    assert apart(answer.image, plain.image) > 0
    assert "ignored" not in answer.body


@rest
async def test_flux_2_draws_and_edits(tmp_path: Path) -> None:
    folder = saved(edits.flux2(), tmp_path / "flux2")
    files = pictures(tmp_path, (64, 96), (128, 64))
    async with launched(folder) as engine:
        plain, answer = await engine.ask(**ASKED), await engine.ask(files, **ASKED)
        known = engine.engine.told["defaults"]
    pipe = bare(folder)

    assert apart(plain.image, drawn(pipe, **SQUARE)) == 0
    assert apart(answer.image, drawn(pipe, image=[Image.open(file) for file in files.values()], **SQUARE)) == 0
    assert (known["steps"], known["guidance_scale"]) == (50, 4.0)


@rest
async def test_flux_kontext_draws_edits_and_fills_in_the_size_asked_for(tmp_path: Path) -> None:
    folder = saved(edits.kontext(), tmp_path / "kontext")
    files = pictures(tmp_path, (64, 96))
    async with launched(folder) as engine:
        plain, answer = await engine.ask(**ASKED), await engine.ask(files, **ASKED)
        known = engine.engine.told["defaults"]
    pipe = bare(folder)
    given: dict[str, Any] = {**SQUARE, "max_area": 64 * 64, "guidance_scale": 2.5}

    assert apart(plain.image, drawn(pipe, **given)) == 0
    assert apart(answer.image, drawn(pipe, image=Image.open(files["image"]), **given)) == 0
    assert answer.body["size"] == "64x64"
    assert (known["steps"], known["guidance_scale"]) == (28, 2.5)


@pytest.mark.parametrize(
    ("cls", "sizes"),
    [
        pytest.param(diffusers.QwenImageEditPipeline, [(64, 96)], marks=rest),
        pytest.param(diffusers.QwenImageEditPlusPipeline, [(64, 96)], marks=rest),
        pytest.param(diffusers.QwenImageEditPlusPipeline, [(64, 96), (128, 64)], marks=rest),
    ],
)
async def test_qwen_image_edits(cls: Any, sizes: list[tuple[int, int]], tmp_path: Path) -> None:
    folder, files = edits.qwen_edit(cls, tmp_path / "edit"), pictures(tmp_path, *sizes)
    async with launched(folder) as engine:
        answer = await engine.ask(files, **ASKED)
        error = await engine.refused(**ASKED)
    images = [Image.open(file) for file in files.values()]
    parts = processors_of(folder, parts_of(read_index(folder, trusted=False)))
    alone = drawn(bare(folder, **parts), image=images if len(images) > 1 else images[0], negative_prompt=" ", **SQUARE)

    assert apart(answer.image, alone) == 0
    assert (error.status, error.param) == (400, "image")
    assert bool(parts) is (importlib.util.find_spec("torchvision") is None)


@pytest.mark.skipif(importlib.util.find_spec("torchvision") is not None, reason="torchvision is installed")
async def test_a_processor_that_needs_torchvision_is_refused_without_it(tmp_path: Path) -> None:
    folder = saved(edits.klein(), tmp_path / "flux2")
    index = json.loads((folder / "model_index.json").read_text())
    index |= {"_class_name": "Flux2Pipeline", "tokenizer": ["transformers", "PixtralProcessor"]}
    (folder / "model_index.json").write_text(json.dumps(index))
    error = refused(folder)

    assert "needs torchvision" in error.message
