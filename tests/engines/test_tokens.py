"""Tokenization: what an engine counts is what an answer reads, and its tokens make the text again."""

from typing import Any

import pytest

from models.errors import InvalidRequest
from models.modalities.tokenize import Tokens
from tests.engines.conftest import REAL
from tests.engines.driver import Driver

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.weights]

TEXT = "Hello world, straße 🎉 日本語"
TURNS: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Name a colour."},
    {"role": "assistant", "content": "Red, or"},
]


async def tokens(driver: Driver, **fields: Any) -> Tokens:
    """What the engine finds."""
    found: Tokens = (await driver.ask("tokenize", **fields)).result
    return found


async def test_tokens_are_those_that_an_answer_reads(driver: Driver) -> None:
    found = await tokens(driver, prompt=TEXT)
    read = await driver.ask("completions", prompt=TEXT, max_tokens=1)

    assert read.usage is not None
    assert len(found.ids) == read.usage.prompt_tokens
    assert found.texts is None
    assert found.context == driver.capacity.context_length


async def test_a_conversation_has_the_tokens_that_its_answer_reads(driver: Driver) -> None:
    found = await tokens(driver, messages=TURNS[:2])
    read = await driver.ask("chat", messages=TURNS[:2], max_tokens=1)

    assert read.usage is not None
    assert len(found.ids) == read.usage.prompt_tokens


@pytest.mark.parametrize("driver", REAL, indirect=True)
async def test_tokens_make_their_text_again(driver: Driver) -> None:
    found = await tokens(driver, prompt=TEXT, return_token_strs=True)
    again = await driver.ask("detokenize", tokens=found.ids)

    assert again.result == TEXT
    assert found.texts is not None
    assert len(found.texts) == len(found.ids)
    assert found.texts[0] == ("Hello" if driver.talks else "H")  # what sees has hardly any words
    assert (await driver.ask("detokenize", tokens=[])).result == ""
    assert (await tokens(driver, prompt="")).ids == []


@pytest.mark.parametrize("driver", REAL, indirect=True)
async def test_special_tokens_are_tokens_in_both_directions(driver: Driver) -> None:
    assert (await tokens(driver, prompt="<|im_end|>")).ids == [2]
    assert (await driver.ask("detokenize", tokens=[2])).result == "<|im_end|>"


@pytest.mark.parametrize("driver", REAL, indirect=True)
async def test_a_prompt_may_lack_what_begins_the_answer(driver: Driver) -> None:
    whole = await tokens(driver, messages=TURNS[:2])
    bare = await tokens(driver, messages=TURNS[:2], add_generation_prompt=False)

    opening = whole.ids[len(bare.ids) :]
    assert whole.ids[: len(bare.ids)] == bare.ids
    assert (await driver.ask("detokenize", tokens=opening)).result == "<|im_start|>assistant\n"


async def test_a_text_longer_than_the_context_is_counted(driver: Driver) -> None:
    found = await tokens(driver, prompt="word " * 2000)

    assert len(found.ids) > found.context


@pytest.mark.parametrize("driver", REAL, indirect=True)
async def test_a_token_that_is_none_is_refused(driver: Driver) -> None:
    answer = driver.submit("detokenize", tokens=[1, 1 << 30])
    await driver.until_over(answer)

    assert isinstance(answer.error, InvalidRequest)
    assert answer.error.param == "tokens"


@pytest.mark.parametrize("driver", REAL, indirect=True)
async def test_an_aborted_count_is_not_told(driver: Driver) -> None:
    answer = driver.submit("tokenize", prompt="word " * 2000)
    driver.engine.abort(answer.rid)
    await driver.ask("tokenize", prompt="x")

    assert not answer.over.is_set()
