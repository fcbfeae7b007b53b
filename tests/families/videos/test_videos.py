"""Every family of pipelines that makes videos: launched by its folder, it makes what the bare pipeline makes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import pytest
from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition
from PIL import Image

from tests.families.makers.pictures.parts import saved
from tests.families.makers.videos import others, wans
from tests.families.pictures import bare, noise
from tests.families.videos.driver import SIZE, apart, launched, made, near, played

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.filterwarnings("ignore"),  # diffusers and transformers deprecate parts of each other
]

TEXTS: dict[str, tuple[Callable[[], Any], int, float]] = {
    "wan": (wans.text, 5, 16),
    "wan22": (wans.text_of_two, 5, 16),
    "wan22-small": (wans.small, 5, 24),
    "skyreels": (wans.skyreels, 5, 24),
    "ltx": (others.ltx, 9, 25),
    "ltx-condition": (others.ltx_condition, 9, 25),
    "cogvideox": (others.cogvideox, 9, 8),
    "hunyuan": (others.hunyuan, 5, 24),
    "mochi": (others.mochi, 7, 30),
}
MORE: dict[str, dict[str, Any]] = {
    "ltx-condition": {"decode_timestep": 0.05, "decode_noise_scale": 0.025},
    "wan22": {"guidance_scale": 3.5},
}
"""What the makers of a checkpoint call their pipeline with, beside its class's defaults."""
IN_EVERY_RUN = ("wan", "ltx")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in IN_EVERY_RUN else pytest.mark.families) for name in TEXTS]
)
async def test_a_text_becomes_the_frames_of_the_bare_pipeline(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, frames, fps = TEXTS[name]
    folder = saved(make(), tmp_path / name)
    async with launched(folder, monkeypatch) as engine:
        answer = await engine.ask(size=SIZE, num_frames=frames, guidance_scale=4.0, negative_prompt="blue")
    asked: dict[str, Any] = {"num_frames": frames, "guidance_scale": 4.0, "negative_prompt": "blue"}
    alone = made(bare(folder), **asked | (MORE["ltx-condition"] if name == "ltx-condition" else {}))

    assert apart(engine.frames[0], alone) == 0
    told = {name: answer.body[name] for name in ("size", "frames", "fps", "seconds", "seed", "steps")}
    assert told == {
        "size": SIZE,
        "frames": frames,
        "fps": fps,
        "seconds": round(frames / fps, 3),
        "seed": 3,
        "steps": 2,
    }
    assert [step for step, _ in answer.steps] == [1, 2]
    shown, rate = played(answer, tmp_path)
    assert (shown.shape, rate) == (alone.shape, fps)
    assert near(shown, alone)


PICTURES: dict[str, tuple[Callable[[], Any], Any, int]] = {
    "wan": (wans.image, None, 5),
    "wan22": (wans.image_of_two, None, 5),
    "wan22-small": (wans.small, diffusers.WanImageToVideoPipeline, 5),
    "skyreels": (wans.skyreels_image, None, 5),
    "ltx": (others.ltx, diffusers.LTXImageToVideoPipeline, 9),
    "ltx-condition": (others.ltx_condition, None, 9),
    "cogvideox": (others.cogvideox_image, None, 9),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "ltx" else pytest.mark.families) for name in PICTURES]
)
async def test_a_first_frame_is_gone_on_from_as_by_the_bare_pipeline(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, cls, frames = PICTURES[name]
    folder, picture = saved(make(), tmp_path / name), noise(tmp_path / "first.png")
    async with launched(folder, monkeypatch) as engine:
        answer = await engine.ask({"image": picture}, num_frames=frames, size=SIZE)
        assert "image2video" in engine.engine.told["abilities"]
    more = MORE.get(name, {})
    alone = made(bare(folder, cls or diffusers.DiffusionPipeline), image=Image.open(picture), num_frames=frames, **more)

    assert apart(engine.frames[0], alone) == 0
    assert answer.body["frames"] == frames


JOINED: dict[str, tuple[Callable[[], Any], int]] = {
    "wan": (wans.frames, 5),
    "wan22": (wans.image_of_two, 5),
    "ltx-condition": (others.ltx_condition, 9),
}


@pytest.mark.families
@pytest.mark.parametrize("name", JOINED)
async def test_a_first_and_a_last_frame_are_joined_as_by_the_bare_pipeline(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, frames = JOINED[name]
    folder = saved(make(), tmp_path / name)
    files = {"image": noise(tmp_path / "first.png"), "last_image": noise(tmp_path / "last.png", 2)}
    async with launched(folder, monkeypatch) as engine:
        await engine.ask(files, num_frames=frames, size=SIZE)
        assert "firstlastframe2video" in engine.engine.told["abilities"]
    first, last = (Image.open(path) for path in files.values())
    given: dict[str, Any] = {"image": first, "last_image": last}
    if name == "ltx-condition":
        both = [LTXVideoCondition(image=first, frame_index=0), LTXVideoCondition(image=last, frame_index=frames - 1)]
        given = {"conditions": both}
    given |= MORE.get(name, {})

    assert apart(engine.frames[0], made(bare(folder), num_frames=frames, **given)) == 0
