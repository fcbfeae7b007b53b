"""Further families that draw: each launches by its folder, draws as the bare pipeline, tells its steps and stops."""

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import pytest
from PIL import Image

from tests.families.makers.pictures import cascades, edits, further
from tests.families.makers.pictures.kolors import kolors
from tests.families.makers.pictures.parts import saved
from tests.families.pictures.drawing import apart, bare, drawn, launched, noise, refused

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.filterwarnings("ignore")]

rest = pytest.mark.families
GUIDED: dict[str, Any] = {"negative_prompt": "blue", "guidance_scale": 5.0}
MAKERS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "sana": (further.sana, GUIDED),
    "sana-sprint": (further.sana_sprint, {"guidance_scale": 3.0}),
    "lumina2": (further.lumina2, GUIDED),
    "aura-flow": (further.aura_flow, GUIDED),
    "cogview4": (further.cogview4, GUIDED),
    "chroma": (further.chroma, GUIDED),
    "bria": (further.bria, GUIDED),
    "krea2": (further.krea2, GUIDED),
    "flux2-klein": (edits.klein, {}),
    "kandinsky21": (cascades.kandinsky21, GUIDED),
    "kandinsky22": (cascades.kandinsky22, GUIDED),
    "kandinsky3": (cascades.kandinsky3, GUIDED),
    "hunyuan-dit": (further.hunyuan_dit, GUIDED),
    "hidream": (further.hidream, GUIDED),
}
IN_EVERY_RUN = ("sana-sprint", "kandinsky22")
OWN_SIZES = ("hunyuan-dit", "hidream")
REDRAWN = {
    "chroma": "ChromaImg2ImgPipeline",
    "sana-sprint": "SanaSprintImg2ImgPipeline",
    "kandinsky21": "KandinskyImg2ImgCombinedPipeline",
    "kandinsky22": "KandinskyV22Img2ImgCombinedPipeline",
    "kandinsky3": "Kandinsky3Img2ImgPipeline",
}
ASKED: dict[str, Any] = {"prompt": "a red cat", "size": "64x64", "steps": 2, "seed": 3}


def families(names: Any = MAKERS) -> list[Any]:
    return [pytest.param(name, marks=() if name in IN_EVERY_RUN else rest) for name in names]


@pytest.mark.parametrize("name", families())
async def test_a_text_is_drawn_as_by_the_bare_pipeline(name: str, tmp_path: Path) -> None:
    make, fields = MAKERS[name]
    folder = saved(make(), tmp_path / name)
    async with launched(folder) as engine:
        answer = await engine.ask(**ASKED, **fields)
        told = engine.engine.told
    alone = drawn(bare(folder), width=64, height=64, **fields)

    assert apart(answer.image, alone) == 0
    assert [step for step, _ in answer.steps] == [1, 2]
    assert "text2image" in told["abilities"]
    if name in OWN_SIZES:
        assert answer.body["size"] == "1024x1024"
        assert "drawn as 1024x1024" in answer.body["warning"]
    else:
        assert answer.body["size"] == "64x64"
        assert "warning" not in answer.body


@pytest.mark.parametrize("name", families([name for name in MAKERS if name not in OWN_SIZES]))
async def test_it_stops_within_a_step(name: str, tmp_path: Path) -> None:
    make, _ = MAKERS[name]
    async with launched(saved(make(), tmp_path / name)) as engine:
        long = engine.submit(prompt="a red cat", size="64x64", steps=200)
        await engine.until_told(long, 1)
        engine.engine.abort(long.rid)
        before = len(long.steps)
        await engine.ask(prompt="a red cat", size="64x64", steps=1)

    assert len(long.steps) <= before + 1


@pytest.mark.parametrize("name", families(REDRAWN))
async def test_an_image_is_drawn_anew_as_by_the_bare_pipeline(name: str, tmp_path: Path) -> None:
    make, file = MAKERS[name][0], noise(tmp_path / "a.png")
    folder = saved(make(), tmp_path / name)
    async with launched(folder) as engine:
        answer = await engine.ask({"image": file}, **ASKED | {"steps": 4}, strength=0.5)
    pipe = getattr(diffusers, REDRAWN[name])
    given: dict[str, Any] = {"image": Image.open(file), "strength": 0.5, "num_inference_steps": 4}
    given |= {} if name == "kandinsky3" else {"width": 64, "height": 64}
    if name == "sana-sprint":
        given["intermediate_timesteps"] = None

    assert apart(answer.image, drawn(bare(folder, pipe), **given)) == 0


@pytest.mark.parametrize("steps", [1, 3])
async def test_sana_sprint_takes_any_number_of_steps(steps: int, tmp_path: Path) -> None:
    folder = saved(further.sana_sprint(), tmp_path / "sana-sprint")
    async with launched(folder) as engine:
        answer = await engine.ask(**ASKED | {"steps": steps})
    given: dict[str, Any] = {"num_inference_steps": steps, "intermediate_timesteps": None, "width": 64, "height": 64}

    assert apart(answer.image, drawn(bare(folder), **given)) == 0


@pytest.mark.parametrize(
    ("make", "size", "multiple"),
    [
        (further.sana, "96x64", 32),
        (cascades.kandinsky22, "128x64", 64),
        pytest.param(edits.klein, "80x64", 16, marks=rest),
    ],
)
async def test_sizes_are_multiples_of_what_the_model_draws_at_once(
    make: Callable[[], Any], size: str, multiple: int, tmp_path: Path
) -> None:
    async with launched(saved(make(), tmp_path / "model")) as engine:
        answer = await engine.ask(**ASKED | {"size": size})
        error = await engine.refused(**ASKED | {"size": "72x64"})

    assert answer.body["size"] == size
    assert f"multiples of {multiple}" in error.message


async def test_a_sampler_that_would_be_ignored_is_refused(tmp_path: Path) -> None:
    async with launched(saved(cascades.kandinsky22(), tmp_path / "kandinsky")) as engine:
        error = await engine.refused(**ASKED, scheduler="Euler a")
        await engine.ask(**ASKED, scheduler="DDIM")

    assert (error.status, error.param) == (400, "scheduler")


@rest
async def test_stable_cascade_is_drawn_from_the_hubs_folder(tmp_path: Path) -> None:
    folder = saved(cascades.stable_cascade(), tmp_path / "cascade")
    cascades.as_on_the_hub(folder)
    asked = ASKED | {"size": "128x128", "negative_prompt": "blue"}
    async with launched(folder) as engine:
        usual, more = [await engine.ask(**asked, guidance_scale=scale) for scale in (None, 6.0)]
        told = engine.engine.told["defaults"]
    given: dict[str, Any] = {"width": 128, "height": 128, "negative_prompt": "blue"}
    pipe = bare(folder)  # finds the moved package because the engine has put it there

    assert apart(usual.image, drawn(pipe, **given)) == 0
    assert apart(more.image, drawn(pipe, **given, prior_guidance_scale=6.0)) == 0
    assert apart(usual.image, more.image) > 0
    assert told["guidance_scale"] == 4.0


async def test_krea_2_is_guided_even_where_it_was_distilled(tmp_path: Path) -> None:
    async with launched(saved(further.krea2(distilled=True), tmp_path / "krea")) as engine:
        plain, guided = await engine.ask(**ASKED), await engine.ask(**ASKED, guidance_scale=4)
        told = engine.engine.told["defaults"]

    assert apart(plain.image, guided.image) > 0
    assert "ignored" not in guided.body
    assert (told["steps"], told["guidance_scale"]) == (8, 0.0)


@rest
async def test_kolors_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("sentencepiece")
    folder = saved(kolors(tmp_path / "words"), tmp_path / "kolors")
    async with launched(folder) as engine:
        answer = await engine.ask(**ASKED, **GUIDED)

    assert apart(answer.image, drawn(bare(folder), width=64, height=64, **GUIDED)) == 0


@rest
async def test_omnigen_draws_from_a_text(tmp_path: Path) -> None:
    folder = saved(further.omnigen(), tmp_path / "omnigen")
    async with launched(folder) as engine:
        answer = await engine.ask(**ASKED, guidance_scale=3)
        error = await engine.refused({"image": noise(tmp_path / "a.png")}, **ASKED)

    assert apart(answer.image, drawn(bare(folder), width=64, height=64, guidance_scale=3.0)) == 0
    assert (error.status, error.param) == (400, "image")


@rest
async def test_omnigen_is_refused_without_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "OmniGenPipeline"}')
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    error = refused(tmp_path)

    assert (error.param, "OmniGenPipeline needs torchvision" in error.message) == ("model_path", True)


def test_a_pipeline_is_refused_by_the_name_of_the_package_that_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "KolorsPipeline"}')
    lacking = importlib.import_module("diffusers.utils.dummy_torch_and_transformers_and_sentencepiece_objects")
    monkeypatch.setattr(diffusers, "KolorsPipeline", lacking.KolorsPipeline)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sentencepiece" else name)
    error = refused(tmp_path)

    assert error.message == "the pipeline KolorsPipeline needs sentencepiece, which must be installed beside the engine"
