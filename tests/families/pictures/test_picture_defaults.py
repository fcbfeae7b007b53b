"""The defaults of picture models are their checkpoint's."""

import inspect
from pathlib import Path
from typing import Any

import diffusers
import pytest

from models.launching.defaults.known import USUAL, known_defaults
from models.launching.defaults.pictures import Checkpoint, defaults_of
from models.launching.hub import name_of
from models.launching.peek import Peek, peek_at
from tests.families.makers.pictures import flows, unets
from tests.families.makers.pictures.parts import saved
from tests.families.pictures.drawing import SIZE, apart, bare, drawn, launched

SD, XL, FLUX = "StableDiffusionPipeline", "StableDiffusionXLPipeline", "FluxPipeline"


@pytest.mark.parametrize(
    ("checkpoint", "steps", "guidance", "distilled"),
    [
        (Checkpoint(XL, "stable-diffusion-xl-base-1.0"), None, None, False),
        (Checkpoint(XL, "sdxl-turbo"), 4, 0.0, True),
        (Checkpoint(SD, "sd-turbo"), 4, 0.0, True),
        (Checkpoint(XL, "dreamshaperXL_v21TurboDPMSDE"), None, None, False),
        (Checkpoint(XL, "dreamshaperXL_turboDPMSDE"), 4, 0.0, True),
        (Checkpoint(XL, "SDXL-Lightning-8step"), 8, 0.0, True),
        (Checkpoint(XL, "RealVisXL_V5.0_Lightning"), 4, 0.0, True),
        (Checkpoint(XL, "Hyper-SDXL-1step-Unet"), 1, 0.0, True),
        (Checkpoint(XL, "hyperrealism-xl"), None, None, False),
        (Checkpoint(SD, "anything", scheduler="LCMScheduler"), 8, 1.0, True),
        (Checkpoint(SD, "dreamshaper-8-lcm"), 8, 1.0, True),
        (Checkpoint("LatentConsistencyModelPipeline", "LCM_Dreamshaper_v7"), None, None, True),
        (Checkpoint("StableDiffusion3Pipeline", "stable-diffusion-3.5-large-turbo"), 4, 0.0, True),
        (Checkpoint("StableDiffusion3Pipeline", "stable-diffusion-3.5-large"), 28, 3.5, False),
        (Checkpoint("StableDiffusion3Pipeline", "mine", network={"num_layers": 38}), 28, 3.5, False),
        (Checkpoint("StableDiffusion3Pipeline", "stable-diffusion-3-medium"), None, None, False),
        (Checkpoint(FLUX, "mine", network={"guidance_embeds": False}), 4, 0.0, True),
        (Checkpoint(FLUX, "FLUX.1-dev", network={"guidance_embeds": True}), None, None, False),
        (Checkpoint("FluxKontextPipeline", "x", network={"guidance_embeds": True}), 28, 2.5, False),
        (Checkpoint("Flux2KleinPipeline", "x", index={"is_distilled": True}), 4, 1.0, True),
        (Checkpoint("Flux2KleinPipeline", "FLUX.2-klein-base-4B", index={"is_distilled": False}), None, None, False),
        (Checkpoint("ZImagePipeline", "Z-Image-Turbo"), 9, 0.0, True),
        (Checkpoint("ZImagePipeline", "Z-Image"), None, None, False),
        (Checkpoint("SanaSprintPipeline", "x"), None, None, True),
        (Checkpoint("QwenImagePipeline", "Qwen-Image-Lightning-4steps"), 4, 1.0, True),
        (Checkpoint("HiDreamImagePipeline", "HiDream-I1-Fast"), 16, 0.0, True),
    ],
)
def test_a_checkpoint_has_its_own(
    checkpoint: Checkpoint, steps: int | None, guidance: float | None, *, distilled: bool
) -> None:
    found = defaults_of(checkpoint)

    assert (found.steps, found.guidance, found.distilled) == (steps, guidance, distilled)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/models/sdxl-turbo", "sdxl-turbo"),
        ("/cache/huggingface/models--stabilityai--sdxl-turbo/snapshots/0a1b2c", "sdxl-turbo"),
        ("/models/sd_xl_turbo_1.0_fp16.safetensors", "sd_xl_turbo_1.0_fp16"),
    ],
)
def test_weights_are_called_as_their_folder_or_repository(path: str, name: str) -> None:
    assert name_of(Path(path)) == name


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("folder", "make", "told"),
    [
        pytest.param(
            *("sdxl-turbo", unets.sdxl_turbo, {"steps": 4, "guidance_scale": 0.0, "distilled": True}),
        ),
        pytest.param("flux", lambda: flows.flux(guided=False), {"steps": 4, "guidance_scale": 0.0, "distilled": True}),
        pytest.param(
            *("Z-Image-Turbo", flows.z_image, {"steps": 9, "guidance_scale": 0.0, "distilled": True}),
            marks=pytest.mark.families,
        ),
        pytest.param(
            *("sd15", unets.sd15, {"steps": 50, "guidance_scale": 7.5, "distilled": False}),
            marks=pytest.mark.families,
        ),
    ],
)
async def test_a_prompt_alone_is_drawn_with_them_and_they_are_told(
    folder: str, make: Any, told: dict[str, Any], tmp_path: Path
) -> None:
    weights = saved(make(), tmp_path / folder)
    async with launched(weights) as engine:
        answer = await engine.ask(prompt="a red cat", seed=3, size=SIZE)
        known = engine.engine.told["defaults"]
    alone = drawn(
        bare(weights), num_inference_steps=told["steps"], guidance_scale=told["guidance_scale"], width=64, height=64
    )

    assert known | told == known
    assert answer.steps[-1] == (told["steps"], told["steps"])
    assert apart(answer.image, alone) == 0


@pytest.mark.parametrize("pipeline", USUAL)
def test_pipelines_own_defaults_are_known_without_the_library(pipeline: str) -> None:
    arguments = inspect.signature(getattr(diffusers, pipeline).__call__).parameters
    guidance = arguments["guidance_scale"].default
    if guidance is None:  # of Qwen-Image it is that of models which were distilled
        guidance = arguments["true_cfg_scale"].default

    assert (arguments["num_inference_steps"].default, guidance) == USUAL[pipeline]


@pytest.mark.parametrize(
    ("make", "name", "known"),
    [
        (unets.sdxl, "sdxl-turbo", {"steps": 4, "guidance_scale": 0.0, "distilled": True}),
        (unets.sd15, "mine", {"steps": 50, "guidance_scale": 7.5, "distilled": False}),
        (flows.flux, "mine", {"steps": 28, "guidance_scale": 3.5, "distilled": False}),
        (lambda: flows.flux(guided=False), "mine", {"steps": 4, "guidance_scale": 0.0, "distilled": True}),
    ],
)
async def test_defaults_are_known_before_a_load(tmp_path: Path, make: Any, name: str, known: dict[str, Any]) -> None:
    folder = saved(make(), tmp_path / name)
    found = known_defaults("image", peek_at(folder), {})
    async with launched(folder) as engine:
        told = engine.engine.told["defaults"]

    assert found == known
    assert {key: told[key] for key in known} == known
    asked = known_defaults("image", peek_at(folder), {"default_steps": 7, "default_size": "64x64"})
    assert asked == known | {"steps": 7, "size": "64x64"}


def test_defaults_of_videos_are_known_before_a_load() -> None:
    index = {"_class_name": "WanPipeline", "boundary_ratio": 0.875}
    seen = Peek("hf:Wan-AI/Wan2.2-T2V-A14B-Diffusers", ("model_index.json",), documents={"model_index.json": index})
    usual = {"steps": 40, "guidance_scale": 4.0, "size": "1280x720", "distilled": False}

    assert known_defaults("video", seen, {}) == usual
    assert known_defaults("video", seen, {"default_frames": 17}) == usual | {"num_frames": 17}
    assert known_defaults("LLM", seen, {}) is known_defaults("video", None, {}) is None
