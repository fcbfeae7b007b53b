"""What an image model may be launched with: LoRAs, ControlNet, samplers, limits; and what it may not."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import pytest_asyncio
import torch
from peft import LoraConfig, get_peft_model_state_dict
from PIL import Image

from models.errors import InvalidRequest
from tests.engines.diffusers.images_driver import ImagesDriver
from tests.engines.diffusers.test_engine import OPTIONS, pixels, png, seen
from tests.glyphs.check import WEIGHTS
from workers.engines import engine_class
from workers.engines.base import EngineSite

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.weights,
    pytest.mark.filterwarnings("ignore:__array:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Already found a `peft_config`:UserWarning"),  # several LoRAs are what we want
]


def make_lora(folder: Path, seed: int) -> Path:
    """An adapter of random weights, in the form in which they are shared."""
    torch.manual_seed(seed)
    unet: Any = diffusers.UNet2DConditionModel.from_pretrained(WEIGHTS / "unet")
    unet.add_adapter(LoraConfig(r=4, target_modules=["to_q", "to_k", "to_v", "to_out.0"], init_lora_weights=False))
    diffusers.StableDiffusionPipeline.save_lora_weights(folder, unet_lora_layers=get_peft_model_state_dict(unet))
    return folder


def make_controlnet(folder: Path) -> Path:
    """A ControlNet that has learnt nothing, and meddles nevertheless."""
    torch.manual_seed(0)
    unet: Any = diffusers.UNet2DConditionModel.from_pretrained(WEIGHTS / "unet")
    control: Any = diffusers.ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(16, 32, 96, 256))
    with torch.no_grad():
        for block in (*control.controlnet_down_blocks, control.controlnet_cond_embedding.conv_out):
            block.weight.normal_(std=0.2)
    control.save_pretrained(folder)
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def dressed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ImagesDriver]:
    """The model with two LoRAs, a ControlNet, a sampler and a limit of its own."""
    folder = tmp_path_factory.mktemp("adapters")
    options = OPTIONS | {
        "loras": {
            "inky": str(make_lora(folder / "inky", 1)),
            "dotty": f"file://{make_lora(folder / 'dotty', 2)}/pytorch_lora_weights.safetensors",
        },
        "controlnet": str(make_controlnet(folder / "control")),
        "scheduler": "Euler",
        "max_batch": 2,
        "max_pixels": 4096,
        "preview_every_s": None,
    }
    engine = await engine_class("diffusers").resident(EngineSite(str(WEIGHTS), "cpu", options), lambda *_: None)
    yield ImagesDriver(engine)
    engine.close()


async def test_a_lora_changes_the_image(dressed: ImagesDriver) -> None:
    wishes: list[Any] = [
        None,
        [{"name": "inky", "scale": 0}],
        "inky",
        [{"name": "inky", "scale": 0.5}],
        "dotty",
        ["inky", "dotty"],
        None,
    ]
    images = [pixels((await dressed.ask(prompt="a red seven", seed=3, lora=wish)).image) for wish in wishes]

    plain, nothing, *worn, again = images
    assert (plain == nothing).all()
    assert (plain == again).all()
    for index, one in enumerate(worn):
        assert all(abs(one - other).max() > 20 for other in [plain, *worn[:index]])


async def test_loras_are_not_mixed_up_in_a_batch(dressed: ImagesDriver) -> None:
    before = dressed.engine.counters()["batches"]
    wishes = [None, "inky", None, "inky"]
    answers = await asyncio.gather(*[dressed.ask(prompt="a red seven", seed=3, lora=wish) for wish in wishes])
    plain, inky, again, inky_again = (pixels(one.image) for one in answers)

    assert dressed.engine.counters()["batches"] - before == 2
    assert abs(plain - again).max() <= 1
    assert abs(inky - inky_again).max() <= 1
    assert abs(plain - inky).max() > 20
    assert "Lora: <lora:inky:1>" in answers[1].body["images"][0]["info"]


async def test_an_unknown_lora_is_told_the_known_ones(dressed: ImagesDriver) -> None:
    error = await dressed.refused(prompt="x", lora="nobody")

    assert (error.param, error.status) == ("lora", 400)
    assert "dotty, inky" in error.message


async def test_a_control_image_is_heeded(dressed: ImagesDriver, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    files = {"image": png(tmp_path / "a.png", Image.fromarray(noise))}
    fields: dict[str, Any] = {"prompt": "a red seven", "seed": 3}
    plain, with_image, barely, drawn_anew = [
        pixels(one.image)
        for one in (
            await dressed.ask(**fields),
            await dressed.ask(files, **fields),
            await dressed.ask(files, **fields, control_scale=0.0),
            await dressed.ask(files, **fields, strength=0.9),
        )
    ]

    assert abs(plain - with_image).max() > 20
    assert abs(plain - barely).max() <= 1
    assert abs(plain - drawn_anew).max() > 20


async def test_the_launch_has_its_limits(dressed: ImagesDriver) -> None:
    before = dressed.engine.counters()["batches"]
    answer = await dressed.ask(prompt="a red seven", n=3)
    error = await dressed.refused(prompt="a red seven", size="128x64")

    assert dressed.capacity.max_inflight == 4
    assert dressed.engine.counters()["batches"] - before == 2
    assert "Sampler: Euler, " in answer.body["images"][0]["info"]
    assert not answer.previews
    assert error.param == "size"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
async def test_other_precisions_draw_as_well(dtype: str, tmp_path: Path) -> None:
    options = OPTIONS | {"dtype": dtype, "vae_tiling": True}
    engine = await engine_class("diffusers").resident(EngineSite(str(WEIGHTS), "cpu", options), lambda *_: None)
    driver = ImagesDriver(engine)
    drawn = await driver.ask(prompt="a red seven", seed=3)
    drawn.image.save(tmp_path / "drawn.png")
    files = {"image": tmp_path / "drawn.png"}
    again = await driver.ask(files, prompt="a blue seven", seed=3, strength=0.9, stream=True, partial_images=1)
    engine.close()

    assert (seen(drawn.image), seen(again.image)) == ("red seven", "blue seven")
    assert drawn.previews
    assert len(again.pieces) == 2


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"no_such_option": 1}, "no_such_option"),
        ({"scheduler": "Magic"}, "scheduler"),
        ({"loras": {"x": "/nowhere"}}, "loras"),
        ({"loras": {"a/b": "/"}}, None),
        ({"loras": {"x": str(WEIGHTS / "unet")}}, "loras"),
        ({"loras": {"x": "hf:org/name"}}, "loras"),
        ({"controlnet": "relative"}, "model_path"),
        ({"controlnet": str(WEIGHTS / "unet")}, "controlnet"),
        ({"controlnet": str(WEIGHTS)}, "controlnet"),
        ({"cpu_offload": True}, "cpu_offload"),
        ({"default_size": "64"}, "default_size"),
        ({"max_batch": 0}, "max_batch"),
    ],
)
async def test_bad_options_are_refused(options: dict[str, Any], param: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        engine_class("diffusers").load(EngineSite(str(WEIGHTS), "cpu", OPTIONS | options), lambda *_: None)

    assert param is None or caught.value.param == param


async def test_weights_that_are_no_pipeline_are_refused(tmp_path: Path) -> None:
    def refused(message: str) -> None:
        with pytest.raises(InvalidRequest, match=message):
            engine_class("diffusers").load(EngineSite(str(copy), "cpu", OPTIONS), lambda *_: None)

    copy = tmp_path / "copy"
    refused("not a diffusers pipeline")
    shutil.copytree(WEIGHTS, copy)
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    refused("cannot load")
    weights.rename(weights.with_suffix(".bin"))  # would be unpickled
    refused("cannot load")
    (copy / "unet" / "mine.py").write_text("raise AssertionError('ran')")
    refused("trust_remote_code")
    index = json.loads((copy / "model_index.json").read_text())
    (copy / "unet" / "mine.py").unlink()
    (copy / "model_index.json").write_text(json.dumps(index | {"unet": ["os", "system"]}))
    refused("trust_remote_code")
    (copy / "model_index.json").write_text("[]")
    refused("not a diffusers pipeline")


async def test_weights_of_one_variant_alone_are_found(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(WEIGHTS, copy)
    for path in copy.glob("*/*.safetensors"):
        path.rename(path.with_name(path.name.replace(".safetensors", ".fp16.safetensors")))
    engine = await engine_class("diffusers").resident(EngineSite(str(copy), "cpu", OPTIONS), lambda *_: None)
    engine.close()
