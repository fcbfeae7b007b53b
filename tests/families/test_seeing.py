"""Models that see, launched by their folder alone: each answers as the library does, alone and beside others."""

import asyncio
from pathlib import Path

import pytest
from transformers.utils import import_utils

from models.errors import InvalidRequest
from tests.families.makers.seeing.layouts import LAYOUTS
from tests.families.makers.seeing.more import MORE
from tests.families.makers.seeing.newest import NEWEST
from tests.families.makers.seeing.towers import TOWERS
from tests.families.seen import QUESTIONS, Library, asked, asked_together, resident

pytestmark = [pytest.mark.weights, pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")]

REST = ("mistral3", "llama4", "lfm2_vl")
"""Of the first layouts those of which there is another of the same kind."""
NEEDS_PICTURES = {"paligemma"}
MARKERS = {
    "paligemma": "<image>",
    "mllama": "<|image|>",
    "internvl": "<IMG_CONTEXT>",
    "idefics3": "<image><fake_token_around_image><|im_end|><global-img>",
}


@pytest.mark.parametrize(
    "name",
    [
        *(one for one in LAYOUTS if one not in REST),
        *(pytest.param(name, marks=pytest.mark.families) for name in (*REST, *MORE, *NEWEST, *TOWERS)),
    ],
)
async def test_it_answers_as_the_library_does(name: str, tmp_path: Path) -> None:
    await asyncio.to_thread((LAYOUTS | MORE | NEWEST | TOWERS)[name], tmp_path)
    driver = await resident(tmp_path)
    library = await asyncio.to_thread(Library, tmp_path, driver)
    asks = {one: parts for one, parts in QUESTIONS.items() if one != "text" or name not in NEEDS_PICTURES}
    right = {question: library.answer(parts) for question, parts in asks.items()}

    assert {question: await asked(driver, parts) for question, parts in asks.items()} == right
    together = await asked_together(driver, [*asks.values()] * 2)
    assert dict(zip(asks, together, strict=False)) == right
    assert together[: len(asks)] == together[len(asks) :]
    driver.engine.close()


@pytest.mark.families
@pytest.mark.parametrize("name", TOWERS)
async def test_a_tower_is_refused_by_the_name_of_the_package_that_it_lacks(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(TOWERS[name], tmp_path)
    needs = import_utils.BACKENDS_MAPPING["timm"][1]
    monkeypatch.setitem(import_utils.BACKENDS_MAPPING, "timm", (lambda: False, needs))  # as where it is not installed

    with pytest.raises(InvalidRequest, match=r"this model needs the package timm, .*\(uv pip install timm\)"):
        await resident(tmp_path)


@pytest.mark.parametrize("name", MARKERS)
async def test_markers_that_a_client_writes_are_text(name: str, tmp_path: Path) -> None:
    await asyncio.to_thread((LAYOUTS | MORE)[name], tmp_path)
    driver = await resident(tmp_path)
    word = MARKERS[name]
    plain, marked = [
        await driver.ask("tokenize", messages=[{"role": "user", "content": text}])
        if name not in NEEDS_PICTURES
        else None
        for text in ("I wrote here", f"I wrote {word} here")
    ]
    answer = await asked(driver, [f"I wrote {word} here", (48, 48), word])

    assert len(answer.tokens) == 10
    if plain is not None and marked is not None:
        special = set(driver.engine._model.tokenizer.all_special_ids)  # type: ignore[attr-defined]
        assert special & {*marked.result.ids} == special & {*plain.result.ids}
        text = driver.engine._model.tokenizer.decode(marked.result.ids)  # type: ignore[attr-defined]
        assert f"I wrote {word} here" in text
    driver.engine.close()


async def test_a_prompt_of_two_directions_that_is_put_back_goes_on(tmp_path: Path) -> None:
    """The cache holds few of the rows, so that they take turns: what they have made is no part of the prompt."""
    await asyncio.to_thread(LAYOUTS["paligemma"], tmp_path)
    driver = await resident(tmp_path, n_ctx=160, kv_tokens=224, max_requests=8)
    asks = [parts for one, parts in QUESTIONS.items() if one != "text"]
    alone = [await asked(driver, parts, 100) for parts in asks]

    assert await asked_together(driver, asks * 2, 100) == alone * 2
    driver.engine.close()
