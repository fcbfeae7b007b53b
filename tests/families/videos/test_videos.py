"""Every family of pipelines that makes videos: launched by its folder, it makes what the bare pipeline makes."""

from pathlib import Path
from typing import Any

import pytest
from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition
from PIL import Image

from tests.families.makers.pictures.parts import saved
from tests.families.makers.videos.layouts import OF_FIRST, OF_FIRST_AND_LAST, OF_TEXT
from tests.families.pictures.drawing import bare, noise
from tests.families.videos.driver import SIZE, apart, launched, made, near, played

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.filterwarnings("ignore"),  # diffusers and transformers deprecate parts of each other
]

MORE: dict[str, dict[str, Any]] = {
    "ltx_condition": {"decode_timestep": 0.05, "decode_noise_scale": 0.025},
    "wan22": {"guidance_scale": 3.5},
}
"""What the makers of a checkpoint call their pipeline with, beside its class's defaults."""


def families(names: Any, *in_every_run: str) -> list[Any]:
    return [pytest.param(name, marks=() if name in in_every_run else pytest.mark.families) for name in names]


@pytest.mark.parametrize("name", families(OF_TEXT, "wan", "ltx"))
async def test_a_text_becomes_the_frames_of_the_bare_pipeline(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = OF_TEXT[name]
    folder = saved(film.make(), tmp_path / name)
    asked: dict[str, Any] = {"num_frames": film.frames, "guidance_scale": 4.0, "negative_prompt": "blue"}
    async with launched(folder, monkeypatch) as engine:
        answer = await engine.ask(size=SIZE, **asked)
    alone = made(bare(folder), **MORE.get(name, {}) | asked)

    assert apart(engine.frames[0], alone) == 0
    told = {name: answer.body[name] for name in ("size", "frames", "fps", "seconds", "seed", "steps")}
    assert told == {
        "size": SIZE,
        "frames": film.frames,
        "fps": film.fps,
        "seconds": round(film.frames / film.fps, 3),
        "seed": 3,
        "steps": 2,
    }
    assert [step for step, _ in answer.steps] == [1, 2]
    shown, rate = played(answer, tmp_path)
    assert (shown.shape, rate) == (alone.shape, film.fps)
    assert near(shown, alone)


@pytest.mark.parametrize("name", families(OF_FIRST, "ltx"))
async def test_a_first_frame_is_gone_on_from_as_by_the_bare_pipeline(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = OF_FIRST[name]
    folder, picture = saved(film.make(), tmp_path / name), noise(tmp_path / "first.png")
    async with launched(folder, monkeypatch) as engine:
        answer = await engine.ask({"image": picture}, num_frames=film.frames, size=SIZE)
        assert "image2video" in engine.engine.told["abilities"]
    given: dict[str, Any] = {"image": Image.open(picture), "num_frames": film.frames}

    assert apart(engine.frames[0], made(bare(folder, film.cls), **given | MORE.get(name, {}))) == 0
    assert answer.body["frames"] == film.frames


@pytest.mark.parametrize("name", families(OF_FIRST_AND_LAST))
async def test_a_first_and_a_last_frame_are_joined_as_by_the_bare_pipeline(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = OF_FIRST_AND_LAST[name]
    folder = saved(film.make(), tmp_path / name)
    files = {"image": noise(tmp_path / "first.png"), "last_image": noise(tmp_path / "last.png", 2)}
    async with launched(folder, monkeypatch) as engine:
        await engine.ask(files, num_frames=film.frames, size=SIZE)
        assert "firstlastframe2video" in engine.engine.told["abilities"]
    first, last = (Image.open(path) for path in files.values())
    given: dict[str, Any] = {"image": first, "last_image": last}
    if name == "ltx_condition":
        places = ((first, 0), (last, film.frames - 1))
        given = {"conditions": [LTXVideoCondition(image=one, frame_index=at) for one, at in places]}

    assert apart(engine.frames[0], made(bare(folder), num_frames=film.frames, **given | MORE.get(name, {}))) == 0
