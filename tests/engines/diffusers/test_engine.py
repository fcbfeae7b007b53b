"""The image engine, on weights that draw what is asked: a checker looks at every picture."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from models.catalogue import find
from models.modalities import samplers
from tests.engines.diffusers.images_driver import Images, ImagesDriver
from tests.glyphs import glyphworld as world
from tests.glyphs.check import WEIGHTS
from workers.engines import engine_class
from workers.engines.base import EngineSite

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.weights,
    # diffusers' schedulers mix torch and NumPy in a way that NumPy 2 frowns at
    pytest.mark.filterwarnings("ignore:__array:DeprecationWarning"),
]

OPTIONS = find("glyphs", None, None, None).options | {"n_threads": 1, "preview_every_s": 0.0}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def glyphs() -> AsyncIterator[ImagesDriver]:
    """The model of the catalogue."""
    engine = await engine_class("diffusers").resident(EngineSite(str(WEIGHTS), "cpu", OPTIONS), lambda *_: None)
    yield ImagesDriver(engine)
    engine.close()


def seen(image: Image.Image) -> str:
    """What a picture shows."""
    return f"{world.colour_of(image)} {world.subject_of(image)}"


def pixels(image: Image.Image) -> Any:
    return np.asarray(image.convert("RGB"), int)


def png(path: Path, image: Image.Image) -> Path:
    image.save(path, "png")
    return path


async def test_it_draws_what_it_is_asked(glyphs: ImagesDriver) -> None:
    wanted = [f"{colour} {subject}" for subject in ("seven", "star", "ring", "two") for colour in ("red", "cyan")]
    answers = await asyncio.gather(*[glyphs.ask(prompt=f"a {one}", seed=7) for one in wanted])

    assert [seen(answer.image) for answer in answers] == wanted
    assert answers[0].image.size == (64, 64)
    assert answers[0].body["size"] == "64x64"
    assert answers[0].steps[0][1] == 8
    assert answers[0].steps[-1] == (8, 8)


async def test_a_seed_makes_an_image_repeatable(glyphs: ImagesDriver) -> None:
    both = await glyphs.ask(prompt="a red seven", seed=3, n=2)
    again = await glyphs.ask(prompt="a red seven", seed=3, n=2)
    second = await glyphs.ask(prompt="a red seven", seed=4)
    unsaid = await glyphs.ask(prompt="a red seven")

    assert [one["seed"] for one in both.body["images"]] == [3, 4]
    assert [one.data for one in both.outcome.artifacts] == [one.data for one in again.outcome.artifacts]  # type: ignore[union-attr]
    # in another company a sum is rounded otherwise
    assert abs(pixels(both.images[1]) - pixels(second.image)).max() <= 1
    assert abs(pixels(both.images[0]) - pixels(second.image)).max() > 50
    repeated = await glyphs.ask(prompt="a red seven", seed=unsaid.body["images"][0]["seed"])
    assert abs(pixels(repeated.image) - pixels(unsaid.image)).max() <= 1


async def test_an_image_is_drawn_anew(glyphs: ImagesDriver, tmp_path: Path) -> None:
    drawn = Image.fromarray(world.draw("seven", "red", Random(1), size=128))
    answer = await glyphs.ask(
        {"image": png(tmp_path / "a.png", drawn)}, prompt="a blue seven", strength=0.8, steps=10, seed=1
    )

    assert seen(answer.image) == "blue seven"
    assert answer.image.size == (64, 64)
    assert answer.steps[-1] == (8, 8)  # eight tenths of ten
    exact = await glyphs.ask({"image": tmp_path / "a.png"}, prompt="a blue seven", size="128x64")
    assert exact.image.size == (128, 64)


async def test_a_variation_is_like_its_image(glyphs: ImagesDriver, tmp_path: Path) -> None:
    drawn = Image.fromarray(world.draw("star", "green", Random(1))).convert("RGBA")
    drawn.putpixel((0, 0), (0, 0, 0, 0))  # transparent, and yet no mask where there is no prompt
    answer = await glyphs.ask({"image": png(tmp_path / "a.png", drawn)}, strength=0.3, steps=10, n=2, seed=1)

    assert all(world.colour_of(one.convert("RGB")) == "green" for one in answer.images)
    assert len(answer.images) == 2


@pytest.mark.parametrize("how", ["white", "transparent", "in the image itself"])
async def test_only_what_the_mask_shows_changes(glyphs: ImagesDriver, tmp_path: Path, how: str) -> None:
    original = Image.fromarray(world.draw("square", "red", Random(1), jitter=0))
    left = (0, 0, 48, 64)
    files = {"image": tmp_path / "image.png", "mask": tmp_path / "mask.png"}
    image, mask = original.copy(), Image.new("L", (64, 64))
    mask.paste(255, left)
    if how == "in the image itself":
        image.putalpha(mask.point(lambda value: 255 - value))
        del files["mask"]
    elif how == "transparent":  # what OpenAI's clients send: opaque white, with a hole
        hole = mask.point(lambda value: 255 - value)
        mask = Image.new("RGBA", (64, 64), "white")
        mask.putalpha(hole)
    mask.save(tmp_path / "mask.png")
    image.save(tmp_path / "image.png")
    answer = await glyphs.ask(files, prompt="a blue square", seed=1)

    before, after = pixels(original), pixels(answer.image)
    assert (before[:, 48:] == after[:, 48:]).all()
    assert world.colour_of(answer.image.crop(left)) == "blue"


async def test_images_of_one_shape_are_drawn_together(glyphs: ImagesDriver) -> None:
    before = glyphs.engine.counters()
    wanted = ["red seven", "blue star", "green ring"]
    answers = await asyncio.gather(
        *[glyphs.ask(prompt=f"a {one}", negative_prompt="x", seed=number) for number, one in enumerate(wanted)]
    )
    after = glyphs.engine.counters()

    assert [seen(one.image) for one in answers] == wanted
    assert (after["batches"] - before["batches"], after["images"] - before["images"]) == (1, 3)
    assert after["steps"] - before["steps"] == 8


async def test_more_than_fit_are_drawn_in_turns(glyphs: ImagesDriver) -> None:
    before = glyphs.engine.counters()
    answer = await glyphs.ask(prompt="a red seven", n=6)
    after = glyphs.engine.counters()

    assert (after["batches"] - before["batches"], after["images"] - before["images"]) == (2, 6)
    assert len(answer.images) == 6
    done = [one for one, _ in answer.steps]
    assert done == sorted(done)
    assert {total for _, total in answer.steps} == {8}
    assert answer.steps[-1] == (8, 8)


async def test_images_of_different_shapes_are_not(glyphs: ImagesDriver) -> None:
    before = glyphs.engine.counters()
    shapes: list[dict[str, Any]] = [{}, {"steps": 5}, {"guidance_scale": 3}, {"size": "128x64"}, {"scheduler": "UniPC"}]
    answers = await asyncio.gather(*[glyphs.ask(prompt="a red seven", **one) for one in shapes])

    assert glyphs.engine.counters()["batches"] - before["batches"] == len(shapes)
    assert [one.steps[-1][1] for one in answers] == [8, 5, 8, 8, 8]
    assert answers[3].image.size == (128, 64)


async def test_an_abort_stops_the_device_within_a_step(glyphs: ImagesDriver) -> None:
    answer = glyphs.submit(prompt="a red seven", steps=250, n=2)
    waiting = glyphs.submit(prompt="a red seven", steps=249)
    await glyphs.until_told(answer, 3)

    glyphs.engine.abort(answer.rid)
    glyphs.engine.abort(waiting.rid)
    glyphs.engine.abort("nobody")
    before, progressed = glyphs.engine.counters(), len(answer.steps)
    other = await glyphs.ask(prompt="a blue ring")
    after = glyphs.engine.counters()

    assert seen(other.image) == "blue ring"
    assert after["steps"] - before["steps"] <= len(other.steps) + 1
    assert after["images"] == before["images"] + 1
    assert before["aborts"] >= 2
    assert (len(answer.steps), len(waiting.steps)) == (progressed, 0)
    assert not answer.over.is_set()
    assert not waiting.over.is_set()


async def test_those_in_a_batch_with_an_aborted_one_are_drawn(glyphs: ImagesDriver) -> None:
    gone = glyphs.submit(prompt="a red seven", steps=30)
    answer = glyphs.submit(prompt="a blue star", steps=30)
    await glyphs.until_told(answer, 3)
    glyphs.engine.abort(gone.rid)
    progressed = len(gone.steps)
    await glyphs.until_over(answer)

    assert seen(answer.image) == "blue star"
    assert len(gone.steps) == progressed
    assert not gone.over.is_set()


@pytest.mark.parametrize("sampler", [one.name for one in samplers.SAMPLERS])
async def test_every_sampler_draws(glyphs: ImagesDriver, sampler: str) -> None:
    answer = await glyphs.ask(prompt="a red seven", scheduler=sampler, steps=20, seed=3)

    assert seen(answer.image) == "red seven"
    assert f"Sampler: {sampler}, " in answer.body["images"][0]["info"]
    assert answer.steps[-1][0] == answer.steps[-1][1] >= 20


async def test_a_negative_prompt_is_heeded(glyphs: ImagesDriver) -> None:
    plain = await glyphs.ask(prompt="seven", seed=3)
    without = await glyphs.ask(prompt="seven", seed=3, negative_prompt=f"a {world.colour_of(plain.image)} seven")

    assert world.colour_of(without.image) != world.colour_of(plain.image)


async def test_previews_grow_into_the_image(glyphs: ImagesDriver) -> None:
    answer = await glyphs.ask(prompt="a red seven", steps=40)

    assert answer.previews
    assert {one.media_type for one in answer.previews} == {"image/jpeg"}
    last = Image.open(io.BytesIO(answer.previews[-1].data))
    assert last.size == (64, 64)
    assert answer.steps[0][1] == 40


async def test_a_stream_has_partial_images_and_then_the_whole(glyphs: ImagesDriver) -> None:
    answer = await glyphs.ask(prompt="a red seven", stream=True, partial_images=3, output_format="webp")
    several = await glyphs.ask(prompt="a red seven", stream=True, n=16)

    assert [(one.index, one.edit, one.size) for one in answer.pieces] == [
        *((number, False, "64x64") for number in range(3)),
        (None, False, "64x64"),
    ]
    shown = [Image.open(io.BytesIO(one.data)) for one in answer.pieces]
    assert {one.format for one in shown} == {"WEBP"}
    assert seen(shown[-1].convert("RGB")) == "red seven"
    assert sorted(one.seed or 0 for one in several.pieces) == [one["seed"] for one in several.body["images"]]


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
async def test_images_come_in_the_form_asked_for(glyphs: ImagesDriver, form: str) -> None:
    fields: dict[str, Any] = {"prompt": "a red seven", "negative_prompt": "blau ü", "output_format": form, "seed": 5}
    answer = await glyphs.ask(**fields)
    coarse = await glyphs.ask(**fields, output_compression=5)

    assert answer.outcome is not None
    assert coarse.outcome is not None
    (artifact,) = answer.outcome.artifacts
    assert artifact.media_type == f"image/{form}"
    assert artifact.name == {"png": "0.png", "jpeg": "0.jpg", "webp": "0.webp"}[form]
    (image,) = answer.images
    assert image.format == form.upper()
    assert seen(image.convert("RGB")) == "red seven"
    if form == "png":
        assert image.info["parameters"] == (
            "a red seven\nNegative prompt: blau ü\n"
            "Steps: 8, Sampler: DDIM, CFG scale: 2, Seed: 5, Size: 64x64, Model: glyphs"
        )
    else:
        assert len(coarse.outcome.artifacts[0].data) < len(artifact.data)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"size": "2048x2048"}, "size"),
        ({"strength": 0.01, "image": True}, "strength"),
        ({"lora": "inky"}, "lora"),
        ({"control_scale": 0.5}, "control_scale"),
        ({"prompt": None}, "prompt"),
        ({"strength": 0.5}, "strength"),
    ],
)
async def test_what_cannot_be_is_refused(
    glyphs: ImagesDriver, tmp_path: Path, fields: dict[str, Any], param: str
) -> None:
    image = png(tmp_path / "a.png", Image.new("RGB", (64, 64)))
    files = {"image": image} if fields.pop("image", False) else {}
    error = await glyphs.refused(files, **{"prompt": "a red seven"} | fields)

    assert (error.status, error.param) == (400, param)


async def test_requests_fail_each_for_itself(glyphs: ImagesDriver, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"")
    failing, answer = glyphs.submit({"image": broken}, prompt="x"), glyphs.submit(prompt="a red seven")
    await glyphs.until_over(failing)
    await glyphs.until_over(answer)

    assert failing.error is not None
    assert failing.error.param == "image"
    assert seen(answer.image) == "red seven"


async def test_a_request_may_be_aborted_while_its_files_are_read(glyphs: ImagesDriver, tmp_path: Path) -> None:
    image = png(tmp_path / "a.png", Image.new("RGB", (4000, 4000)))
    gone: list[Images] = [glyphs.submit({"image": image}, prompt="x") for _ in range(3)]
    for one in gone:
        glyphs.engine.abort(one.rid)
    await glyphs.ask(prompt="a red seven")

    assert not any(one.over.is_set() or one.steps for one in gone)


async def test_the_platform_s_own_fields_are_no_matter_of_the_engine(glyphs: ImagesDriver) -> None:
    await glyphs.ask(prompt="a red seven", user="ada", background=True, response_format="url", quality="auto")


async def test_a_batch_bounds_what_is_in_flight() -> None:
    site = EngineSite(str(WEIGHTS), "cpu", OPTIONS | {"max_batch": 3})
    engine = await engine_class("diffusers").resident(site, lambda *_: None)

    assert engine.capacity.max_inflight == 6
    assert engine.modalities() == ["images"]
    engine.close()
