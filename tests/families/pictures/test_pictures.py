"""Every family of pipelines that draws: it launches by its folder, and draws what the bare pipeline draws."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.families.makers.pictures import flows, unets
from tests.families.makers.pictures.parts import saved
from tests.families.pictures.drawing import SIZE, apart, bare, drawn, launched, refused

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.filterwarnings("ignore"),  # diffusers and transformers deprecate parts of each other
]

rest = pytest.mark.families
MAKERS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "sd15": (unets.sd15, {"negative_prompt": "blue", "guidance_scale": 5.0}),
    "sdxl": (unets.sdxl, {"negative_prompt": "blue", "guidance_scale": 5.0}),
    "lcm": (unets.lcm, {"guidance_scale": 5.0}),
    "flux": (flows.flux, {"guidance_scale": 5.0}),
    "sd3": (flows.sd3, {"negative_prompt": "blue", "guidance_scale": 5.0}),
    "z-image": (flows.z_image, {"negative_prompt": "blue", "guidance_scale": 5.0}),
    "pixart": (flows.pixart, {"negative_prompt": "blue", "guidance_scale": 5.0}),
}
IN_EVERY_RUN = ("sd15", "flux")


def families(names: Any = MAKERS) -> list[Any]:
    return [pytest.param(name, marks=() if name in IN_EVERY_RUN else rest) for name in names]


@pytest.mark.parametrize("name", families())
async def test_a_text_is_drawn_as_by_the_bare_pipeline(name: str, tmp_path: Path) -> None:
    make, fields = MAKERS[name]
    folder = saved(make(), tmp_path / name)
    async with launched(folder) as engine:
        answer = await engine.ask(prompt="a red cat", size=SIZE, steps=2, seed=3, **fields)
    alone = drawn(bare(folder), width=64, height=64, **fields)

    assert apart(answer.image, alone) == 0
    assert answer.body["size"] == SIZE
    assert [step for step, _ in answer.steps] == [1, 2]


async def test_the_safety_checker_of_the_hub_is_no_foreign_code(tmp_path: Path) -> None:
    folder = saved(unets.sd15(checked=True), tmp_path / "sd15")
    index = json.loads((folder / "model_index.json").read_text())
    assert index["safety_checker"] == ["stable_diffusion", "StableDiffusionSafetyChecker"]
    async with launched(folder) as engine:
        checked = await engine.ask(prompt="a red cat", size=SIZE, steps=2, seed=3)
    async with launched(folder, safety_checker=False) as engine:
        unchecked = await engine.ask(prompt="a red cat", size=SIZE, steps=2, seed=3)
    output = bare(folder)
    alone = drawn(output, width=64, height=64)

    assert apart(checked.image, alone) == 0
    assert checked.body["images"][0].get("flagged", False) == (alone.getbbox() is None)
    assert apart(unchecked.image, drawn(bare(folder, safety_checker=None), width=64, height=64)) == 0


@pytest.mark.parametrize(
    "parts",
    [
        {"unet": ["os", "system"]},
        {"unet": ["stable_diffusion.pipeline_stable_diffusion", "torch"]},
        {"unet": ["pipeline_utils", "os"]},
        {"extra": ["mine", "Net"]},
        {"extra": [None, "Net"]},
    ],
)
def test_what_is_foreign_is_still_refused(parts: dict[str, Any], tmp_path: Path) -> None:
    folder = saved(unets.sd15(), tmp_path / "sd15")
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | parts))

    assert refused(folder).param == "trust_remote_code"


async def test_a_list_in_the_index_is_no_part(tmp_path: Path) -> None:
    folder = saved(unets.sd15(), tmp_path / "sd15")
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"text_encoder_select_layers": [0, 1, 2]}))
    async with launched(folder) as engine:
        await engine.ask(prompt="a red cat", size=SIZE, steps=1)


@pytest.mark.parametrize(
    ("pipeline", "said"),
    [
        ("WanPipeline", "a WanPipeline makes videos: launch it with model_type 'video'"),
        ("CogVideoXPipeline", "makes videos"),
        ("LTXPipeline", "makes videos"),
        ("HunyuanVideoPipeline", "makes videos"),
        ("AnimateDiffPipeline", "makes videos, and is not served: it animates"),
        ("StableVideoDiffusionPipeline", "makes videos"),
        ("LTX2Pipeline", "makes videos, and is not served: its videos have sound"),
        ("AudioLDM2Pipeline", "makes sound"),
        ("KandinskyV22Pipeline", "image_embeds.*combined pipeline"),
        ("KandinskyV22PriorPipeline", "makes no pictures"),
        ("DiTPipeline", "needs class_labels, which no request gives$"),
        ("DDPMPipeline", "does not draw one picture from a prompt"),
        ("NoSuchPipeline", "does not have"),
    ],
)
def test_what_cannot_draw_is_refused_before_its_weights_are_read(pipeline: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": pipeline}))
    error = refused(tmp_path)

    assert error.param == ("model_type" if "model_type 'video'" in error.message else "model_path")
    assert re.search(said, error.message), error.message
