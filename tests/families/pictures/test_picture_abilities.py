"""Each pipeline does what it can, and no more: what has no effect is named, what it cannot do is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import pytest
from PIL import Image

from models.modalities import samplers
from tests.families.makers.pictures import flows, unets
from tests.families.makers.pictures.parts import saved
from tests.families.pictures.drawing import SIZE, apart, bare, drawn, launched, noise

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.filterwarnings("ignore")]

rest = pytest.mark.families
ASKED: dict[str, Any] = {"prompt": "a red cat", "size": SIZE, "steps": 2, "seed": 3}


@rest
async def test_qwen_image_is_guided_away_from_a_blank(tmp_path: Path) -> None:
    folder = saved(flows.qwen(), tmp_path / "qwen")
    async with launched(folder) as engine:
        one, nine, plain = [await engine.ask(**ASKED, guidance_scale=scale) for scale in (1, 9, None)]
        away = await engine.ask(**ASKED, negative_prompt="blue", guidance_scale=9)
        unheeded = await engine.ask(**ASKED, negative_prompt="blue", guidance_scale=1)
    pipe = bare(folder)

    assert apart(nine.image, drawn(pipe, width=64, height=64, true_cfg_scale=9.0, negative_prompt=" ")) == 0
    assert apart(away.image, drawn(pipe, width=64, height=64, true_cfg_scale=9.0, negative_prompt="blue")) == 0
    assert apart(plain.image, drawn(pipe, width=64, height=64, negative_prompt=" ")) == 0
    assert apart(one.image, nine.image) > 0
    assert unheeded.body["ignored"] == ["negative_prompt"]


@pytest.mark.parametrize("guided", [True, pytest.param(False, marks=rest)])
async def test_flux_says_what_it_does_not_heed(guided: bool, tmp_path: Path) -> None:
    folder = saved(flows.flux(guided=guided), tmp_path / "flux")
    async with launched(folder) as engine:
        plain = await engine.ask(**ASKED, guidance_scale=2)
        negative = await engine.ask(**ASKED, negative_prompt="blue", guidance_scale=9)
        heeded = await engine.ask(**ASKED, negative_prompt="blue", true_cfg_scale=4, guidance_scale=2)
    alone = drawn(bare(folder), width=64, height=64, guidance_scale=2.0, negative_prompt="blue", true_cfg_scale=4.0)

    assert plain.body.get("ignored", []) == ([] if guided else ["guidance_scale"])
    assert negative.body["ignored"] == ([] if guided else ["guidance_scale"]) + ["negative_prompt"]
    assert (apart(plain.image, negative.image) > 0) is guided
    assert apart(heeded.image, alone) == 0
    assert apart(heeded.image, plain.image) > 0
    assert "negative_prompt" not in heeded.body.get("ignored", [])


async def test_without_guidance_a_negative_prompt_is_named(tmp_path: Path) -> None:
    async with launched(saved(unets.sd15(), tmp_path / "sd-turbo")) as engine:
        answer = await engine.ask(**ASKED, negative_prompt="blue")
        guided = await engine.ask(**ASKED, negative_prompt="blue", guidance_scale=3)

    assert answer.body["ignored"] == ["negative_prompt"]
    assert "ignored" not in guided.body


@rest
async def test_an_edit_pipeline_edits(tmp_path: Path) -> None:
    folder, file = saved(unets.pix2pix(), tmp_path / "pix2pix"), noise(tmp_path / "a.png")
    async with launched(folder) as engine:
        answer = await engine.ask({"image": file}, **ASKED)
        error = await engine.refused(**ASKED)
        abilities = engine.engine.told["abilities"]
    alone = drawn(bare(folder), image=Image.open(file))

    assert apart(answer.image, alone) == 0
    assert (error.status, error.param, abilities) == (400, "image", ["image2image"])


@rest
async def test_a_fill_pipeline_fills(tmp_path: Path) -> None:
    folder = saved(flows.flux_fill(), tmp_path / "fill")
    files = {"image": noise(tmp_path / "a.png"), "mask": tmp_path / "mask.png"}
    mask = Image.new("L", (64, 64))
    mask.paste(255, (0, 0, 32, 64))
    mask.save(files["mask"])
    async with launched(folder) as engine:
        answer = await engine.ask(files, **ASKED)
        errors = [await engine.refused(**ASKED), await engine.refused({"image": files["image"]}, **ASKED)]
    alone = drawn(bare(folder), image=Image.open(files["image"]), mask_image=mask, width=64, height=64)

    left = (0, 0, 32, 64)
    assert apart(answer.image.crop(left), alone.crop(left)) == 0
    assert {error.status for error in errors} == {400}


@rest
async def test_the_refiner_refines_and_draws_no_text(tmp_path: Path) -> None:
    folder, file = saved(unets.refiner(), tmp_path / "refiner"), noise(tmp_path / "a.png")
    async with launched(folder) as engine:
        answer = await engine.ask({"image": file}, **ASKED | {"steps": 4}, strength=0.5, guidance_scale=3)
        error = await engine.refused(**ASKED)
    alone = drawn(bare(folder), image=Image.open(file), num_inference_steps=4, strength=0.5, guidance_scale=3.0)

    assert apart(answer.image, alone) == 0
    assert error.param == "image"


@rest
async def test_pipelines_without_a_callback_tell_their_steps_and_stop(tmp_path: Path) -> None:
    async with launched(saved(flows.pixart(), tmp_path / "pixart"), preview_every_s=0.0) as engine:
        told = await engine.ask(prompt="a red cat", steps=3, seed=3)
        long = engine.submit(prompt="a red cat", steps=200)
        await engine.until_told(long, 1)
        engine.engine.abort(long.rid)
        before = len(long.steps)
        await engine.ask(prompt="a red cat", steps=1)

    assert [step for step, _ in told.steps if True][-1] == 3
    assert told.previews
    assert len(long.steps) <= before + 1


@pytest.mark.parametrize(
    ("make", "allowed"),
    [
        pytest.param(unets.lcm, {"LCM"}, marks=rest),
        pytest.param(
            flows.flux,
            {
                *("Euler", "DPM++ 2M", "DPM++ 2M Karras", "DPM++ 2M SDE", "DPM++ 2M SDE Karras", "DPM++ SDE", "DEIS"),
                *("DPM++ SDE Karras", "DPM++ 2S", "DPM++ 2S Karras", "UniPC", "UniPC Karras", "DPM++ 3M SDE"),
                *("DPM++ 3M SDE Karras", "DPM++ 3M SDE Exponential", "DPM++ 2M SDE Exponential"),
            },
            marks=rest,
        ),
        pytest.param(flows.sd3, None, marks=rest),
        pytest.param(flows.z_image, None, marks=rest),
        pytest.param(flows.qwen, None, marks=rest),
        pytest.param(flows.pixart, None, marks=rest),
        pytest.param(unets.sdxl, {one.name for one in samplers.SAMPLERS}, marks=rest),
    ],
)
async def test_a_sampler_draws_or_is_refused(make: Callable[[], Any], allowed: set[str] | None, tmp_path: Path) -> None:
    async with launched(saved(make(), tmp_path / "model")) as engine:
        drew, said = set(), set()
        for sampler in samplers.SAMPLERS:
            sink = engine.submit(prompt="a red cat", steps=4, size=SIZE, scheduler=sampler.name, seed=3)
            await engine.until_over(sink)
            if sink.error is None:
                drew.add(sampler.name)
                continue
            said.add((sink.error.status, sink.error.param))

    assert said <= {(400, "scheduler")}
    assert allowed is None or drew == allowed
    assert drew


async def test_several_images_are_one_pictures_or_named(tmp_path: Path) -> None:
    files = {name: noise(tmp_path / f"{name}.png", seed) for seed, name in enumerate(("image", "image.1", "image.2"))}
    async with launched(saved(unets.sd15(), tmp_path / "sd15")) as engine:
        answer = await engine.ask(files, **ASKED | {"steps": 4})

    assert answer.body["ignored"] == ["image[1]", "image[2]"]


@rest
@pytest.mark.parametrize("masked", [False, True])
async def test_a_picture_is_changed_under_control(masked: bool, tmp_path: Path) -> None:
    base = unets.sd15()
    folder = saved(base, tmp_path / "sd15")
    control = diffusers.ControlNetModel.from_unet(base.unet, conditioning_embedding_out_channels=(16, 32))
    control.controlnet_mid_block.weight.data.normal_(std=0.3)
    control.save_pretrained(tmp_path / "control")
    control = diffusers.ControlNetModel.from_pretrained(tmp_path / "control")
    files = {"image": noise(tmp_path / "a.png"), "control_image": noise(tmp_path / "b.png", 2)}
    mask = Image.new("L", (64, 64), 255)
    if masked:
        mask.save(tmp_path / "mask.png")
        files["mask"] = tmp_path / "mask.png"
    async with launched(folder, controlnet=str(tmp_path / "control")) as engine:
        answer = await engine.ask(files, **ASKED | {"steps": 4}, strength=0.5, guidance_scale=3)
        free = await engine.ask({"image": files["image"], "mask": tmp_path / "mask.png"}, **ASKED) if masked else None
    auto: Any = diffusers.AutoPipelineForInpainting if masked else diffusers.AutoPipelineForImage2Image
    pipe = auto.from_pipe(bare(folder), controlnet=control)
    more: dict[str, Any] = {"mask_image": mask} if masked else {}
    alone = drawn(
        *(pipe,),
        **more,
        image=Image.open(files["image"]),
        control_image=Image.open(files["control_image"]),
        num_inference_steps=4,
        strength=0.5,
        guidance_scale=3.0,
    )

    assert apart(answer.image, alone) == 0
    assert free is None or "ControlNet was not heeded" in free.body["warning"]
