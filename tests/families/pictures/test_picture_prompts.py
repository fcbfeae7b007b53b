"""Prompts as AUTOMATIC1111's web UI reads them; and that one that is cut is told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.families.makers.pictures import cascades, flows, further, unets
from tests.families.makers.pictures.parts import clip_tokenizer, saved
from tests.families.pictures.drawing import SIZE, apart, bare, drawn, launched
from workers.engines.diffusers.prompts import CHUNK, chunks, parsed

pytestmark = pytest.mark.filterwarnings("ignore")

LONG = "a house " * 20
ASKED: dict[str, Any] = {"size": SIZE, "steps": 2, "seed": 3, "guidance_scale": 5}


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ("a cat", [("a cat", 1.0)]),
        ("a (red) cat", [("a ", 1.0), ("red", 1.1), (" cat", 1.0)]),
        ("a ((red)) cat", [("a ", 1.0), ("red", 1.21), (" cat", 1.0)]),
        ("a [red] cat", [("a ", 1.0), ("red", 1 / 1.1), (" cat", 1.0)]),
        ("a (red:1.5) cat", [("a ", 1.0), ("red", 1.5), (" cat", 1.0)]),
        ("(a (red:1.5) cat:0.5)", [("a ", 0.5), ("red", 0.75), (" cat", 0.5)]),
        (r"a \(red\) cat", [("a (red) cat", 1.0)]),
        ("at 10:30 (now", [("at 10:30 ", 1.0), ("now", 1.1)]),
        ("a red) cat]", [("a red) cat]", 1.0)]),
        ("one BREAK two", [("one ", 1.0), ("BREAK", 0.0), (" two", 1.0)]),
        ("Big Bears", [("Big Bears", 1.0)]),
    ],
)
def test_brackets_are_weights(prompt: str, texts: list[tuple[str, float]]) -> None:
    found = parsed(prompt)

    assert [text for text, _ in found] == [text for text, _ in texts]
    assert [weight for _, weight in found] == pytest.approx([weight for _, weight in texts])


def test_a_chunk_ends_at_a_comma_that_is_near() -> None:
    tokenizer = clip_tokenizer()
    near, far = chunks(tokenizer, "a" * 70 + "," + "b" * 20), chunks(tokenizer, "a" * 40 + "," + "b" * 60)

    assert [len(one) for one in near] == [71, 20]
    assert [len(one) for one in far] == [CHUNK, 26]
    assert [len(one) for one in chunks(tokenizer, "aa BREAK bb")] == [2, 2]
    assert chunks(tokenizer, "") == [[]]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("make", [unets.sd15, pytest.param(unets.sdxl, marks=pytest.mark.families)])
async def test_all_of_a_long_prompt_is_read(make: Callable[[], Any], tmp_path: Path) -> None:
    folder = saved(make(), tmp_path / "model")
    async with launched(folder) as engine:
        cut = [await engine.ask(prompt=LONG + end, **ASKED) for end in ("red cat", "blue dog")]
        whole = [await engine.ask(prompt=LONG + end, prompt_syntax="a1111", **ASKED) for end in ("red cat", "blue dog")]
        streamed = await engine.ask(prompt=LONG, stream=True, negative_prompt="blue", **ASKED | {"guidance_scale": 1})
        short, heavy = [
            await engine.ask(prompt=prompt, negative_prompt="blue", prompt_syntax="a1111", **ASKED)
            for prompt in ("a red cat", "a (red:1.5) cat")
        ]
    alone = drawn(bare(folder), negative_prompt="blue", width=64, height=64, guidance_scale=5.0)

    assert apart(cut[0].image, cut[1].image) == 0
    assert all("'prompt' was cut after 75 tokens" in one.body["warning"] for one in cut)
    assert apart(whole[0].image, whole[1].image) > 0
    assert [one.warnings for one in (*cut, *whole)] == [[one.body["warning"]] for one in cut] + [[], []]
    assert all("warning" not in one.body for one in whole)
    assert streamed.pieces[-1].warning == cut[0].body["warning"]
    assert streamed.pieces[-1].ignored == ("negative_prompt",)
    assert apart(short.image, alone) == 0
    assert apart(heavy.image, short.image) > 0


@pytest.mark.asyncio(loop_scope="session")
async def test_prompts_of_several_lengths_are_drawn_together(tmp_path: Path) -> None:
    async with launched(saved(unets.sd15(), tmp_path / "model"), prompt_syntax="a1111") as engine:
        sinks = [engine.submit(prompt=prompt, **ASKED) for prompt in ("a cat", LONG + "red cat")]
        for sink in sinks:
            await engine.until_over(sink)
        alone = await engine.ask(prompt=LONG + "red cat", **ASKED)

    assert [sink.error for sink in sinks] == [None, None]
    assert apart(sinks[1].image, alone.image) <= 1


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    ("make", "most"),
    [
        pytest.param(flows.flux, 512, id="flux"),
        pytest.param(flows.sd3, 256, id="sd3", marks=pytest.mark.families),
        pytest.param(further.bria, 128, id="bria", marks=pytest.mark.families),
        pytest.param(further.lumina2, 256, id="lumina2", marks=pytest.mark.families),
        pytest.param(flows.qwen, 512, id="qwen", marks=pytest.mark.families),
        pytest.param(cascades.kandinsky22, 75, id="kandinsky22", marks=pytest.mark.families),
    ],
)
async def test_a_cut_is_told_whoever_reads(make: Callable[[], Any], most: int, tmp_path: Path) -> None:
    async with launched(saved(make(), tmp_path / "model")) as engine:
        fits, cut = [await engine.ask(prompt="x" * count, size=SIZE, steps=1) for count in (most - 2, most + 2)]

    assert "warning" not in fits.body
    assert cut.body["warning"] == f"'prompt' was cut after {most} tokens"
