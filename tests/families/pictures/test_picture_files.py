"""Checkpoints in one file launch by that file alone, and draw what the pipeline draws that they were made from."""

import json
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from safetensors.torch import save_file

from models.errors import InvalidRequest
from models.launching import engine_choice
from models.launching.peek import peek_at
from tests.families.makers.pictures import unets
from tests.families.makers.pictures.originals import single_file
from tests.families.makers.pictures.parts import saved
from tests.families.pictures.drawing import SIZE, apart, drawn, launched
from workers.engines import engine_class
from workers.engines.base import EngineSite
from workers.engines.diffusers.clip.layouts import layout_of
from workers.engines.diffusers.clip.tokenizer import clip_tokenizer
from workers.engines.diffusers.single_file import checkpoint_at

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.asyncio(loop_scope="session")
async def test_one_file_is_drawn_with_as_its_pipeline_is(tmp_path: Path) -> None:
    pipe = unets.sd15_of_four_levels()
    folder = saved(pipe, tmp_path / "pipeline")
    file = single_file(pipe, folder / "mine.safetensors")
    for weights in folder.glob("*/*.safetensors"):
        weights.unlink()
    seen = peek_at(file)
    fit = engine_choice.choose(str(file), seen, None, None)
    async with launched(file) as engine:
        answer = await engine.ask(prompt="a red cat", size=SIZE, steps=2, seed=3)
    pipe.set_progress_bar_config(disable=True)

    assert (fit.engine.name, fit.model_type) == ("diffusers", "image")
    assert apart(answer.image, drawn(pipe, width=64, height=64)) == 0


def test_clips_tokenizer_is_the_published_one() -> None:
    assert clip_tokenizer()("a photo of a cat").input_ids == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert clip_tokenizer("!")("cat", padding="max_length", max_length=5).input_ids == [49406, 2368, 49407, 0, 0]


@pytest.mark.parametrize(
    ("kind", "channels", "pipeline", "millions"),
    [
        ("v1", 4, "StableDiffusionPipeline", 859.5),
        ("inpainting", 9, "StableDiffusionInpaintPipeline", 859.5),
        ("v2", 4, "StableDiffusionPipeline", 865.9),
        ("xl_base", 4, "StableDiffusionXLPipeline", 2567.5),
        ("xl_inpaint", 9, "StableDiffusionXLInpaintPipeline", 2567.5),
        ("xl_refiner", 4, "StableDiffusionXLImg2ImgPipeline", 2259.5),
    ],
)
def test_the_networks_have_their_published_sizes(
    kind: str, channels: int, pipeline: str, millions: float, tmp_path: Path
) -> None:
    layout = layout_of(kind, predicts="epsilon", zero_snr=False, channels=channels, small=False)
    assert layout is not None
    layout.write(tmp_path)
    with torch.device("meta"):
        unet: Any = diffusers.UNet2DConditionModel.from_config(json.loads((tmp_path / "unet/config.json").read_text()))

    assert json.loads((tmp_path / "model_index.json").read_text())["_class_name"] == pipeline
    assert sum(one.numel() for one in unet.parameters()) / 1e6 == pytest.approx(millions, abs=0.1)
    assert (tmp_path / "tokenizer" / "tokenizer_config.json").is_file() is (kind != "xl_refiner")


FIRST = "model.diffusion_model.input_blocks.0.0.weight"
CROSS = "model.diffusion_model.input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight"


@pytest.mark.parametrize(
    ("name", "width", "extra", "metadata", "predicts"),
    [
        ("v1-5-pruned", 768, [], {}, "epsilon"),
        ("v2-1_768-ema-pruned", 1024, [], {}, "v_prediction"),
        ("v2-1_512-ema-pruned", 1024, [], {}, "epsilon"),
        ("sd_turbo", 1024, [], {}, "epsilon"),
        ("mine", 1024, [], {"modelspec.prediction_type": "epsilon"}, "epsilon"),
        ("mine", 768, [], {"modelspec.prediction_type": "v"}, "v_prediction"),
        ("noob-vpred", 768, ["v_pred", "ztsnr"], {}, "v_prediction"),
    ],
)
def test_what_a_network_predicts_is_found(
    name: str, width: int, extra: list[str], metadata: dict[str, str], predicts: str, tmp_path: Path
) -> None:
    tensors = {FIRST: torch.zeros(8, 4, 3, 3), CROSS: torch.zeros(8, width)} | {one: torch.zeros(1) for one in extra}
    save_file(tensors, tmp_path / f"{name}.safetensors", metadata)
    found = checkpoint_at(tmp_path / f"{name}.safetensors", trusted=False)

    assert found.layout is not None
    scheduler = found.layout.parts["scheduler"][2]
    assert scheduler["prediction_type"] == predicts
    assert scheduler.get("rescale_betas_zero_snr", False) == ("ztsnr" in extra)


@pytest.mark.parametrize("name", ["a LoRA", "no safetensors"])
def test_another_file_is_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    if name == "a LoRA":
        save_file({"lora_unet_down.lora_up.weight": torch.zeros(2)}, path)
    else:
        path.write_bytes(b"PK")
    with pytest.raises(InvalidRequest, match="no whole checkpoint"):
        engine_choice.choose(str(path), peek_at(path), None, None)
    with pytest.raises(InvalidRequest):
        engine_class("diffusers").load(EngineSite(str(path), "cpu", {}), lambda *_: None)
