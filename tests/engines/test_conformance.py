"""What every engine must do, shown with real weights where an engine has any."""

import asyncio
import math
from typing import Any

import pytest

from models.errors import ContextLengthExceeded, InvalidRequest, UnsupportedParameter
from tests.engines.conftest import ALIASES, OPTIONS, REAL, TALKING
from tests.engines.driver import Driver
from workers.engines import engine_class
from workers.engines.base import EngineSite

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.weights]

WORDS = [
    "water", "house", "green", "paper", "music", "river", "stone", "table",
    "horse", "bread", "night", "glass", "heart", "light", "plant", "train",
]  # fmt: skip
"""Words that each model here goes on repeating."""
QUESTION = "Name three primary colours."


async def test_a_chat_answers_and_ends_with_its_usage(driver: Driver) -> None:
    answer = await driver.ask("chat", content=QUESTION, temperature=0, max_tokens=48)

    assert answer.text().strip()
    assert answer.finishes.keys() == {0}
    assert answer.usage is not None
    assert answer.usage.prompt_tokens >= 4
    assert answer.usage.completion_tokens == sum(one.tokens for one in answer.deltas)


async def test_max_tokens_is_exact(driver: Driver) -> None:
    for limit in (1, 7):
        answer = await driver.ask("chat", content=QUESTION, max_tokens=limit, ignore_eos=True)

        assert answer.finishes == {0: "length"}
        assert answer.usage is not None
        assert answer.usage.completion_tokens == limit


async def test_an_answer_without_a_limit_ends_with_its_context(driver: Driver) -> None:
    room = driver.capacity.context_length
    answer = await driver.ask("completions", prompt="a " * (room - 60), ignore_eos=True, max_tokens=-1)

    assert answer.usage is not None
    total = answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert room - 1 <= total <= room + 1
    assert answer.finishes == {0: "length"}


async def test_a_stop_string_ends_the_answer_and_is_not_shown(driver: Driver) -> None:
    fields: dict[str, Any] = {"content": QUESTION, "temperature": 0, "max_tokens": 30, "ignore_eos": True}
    whole = (await driver.ask("chat", **fields)).text()
    stop = whole[12:17]  # ends and begins amid tokens

    answer = await driver.ask("chat", **fields, stop=["never said", stop])

    assert answer.text() == whole[: whole.index(stop)]
    assert answer.finishes == {0: "stop"}
    assert answer.deltas[-1].stop == stop
    assert answer.usage is not None
    assert 0 < answer.usage.completion_tokens == sum(delta.tokens for delta in answer.deltas) < 30


async def test_all_choices_are_made(driver: Driver) -> None:
    answer = await driver.ask("chat", content=QUESTION, n=5, max_tokens=6, temperature=1.5, ignore_eos=True)

    assert answer.finishes == dict.fromkeys(range(5), "length")
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5 * 6
    if driver.talks:
        assert len({answer.text(index) for index in range(5)}) > 1


async def test_a_seed_makes_an_answer_repeatable(driver: Driver) -> None:
    async def said(seed: int) -> list[str]:
        answer = await driver.ask(
            "chat", content="Tell a joke.", seed=seed, temperature=1.5, max_tokens=8, n=2, ignore_eos=True
        )
        return [answer.text(0), answer.text(1)]

    await said(7)  # the prompt is in the cache from here on, so that what follows is computed alike
    first, again, other = await said(7), await said(7), await said(8)

    assert again == first
    if driver.real:
        assert other != first
        assert first[0] != first[1]


async def test_an_abort_stops_the_engine_and_leaves_it_serving(driver: Driver) -> None:
    answer = driver.submit("chat", content="Tell a long story.", max_tokens=400, ignore_eos=True)
    await driver.until_said(answer, 4)

    driver.engine.abort(answer.rid)
    said, before = len(answer.deltas), driver.engine.counters()
    other = await driver.ask("chat", content=QUESTION, max_tokens=12, ignore_eos=True)
    after = driver.engine.counters()

    assert other.usage is not None
    assert after["tokens"] - before["tokens"] <= other.usage.completion_tokens + 1  # that of the step under way
    assert before["aborts"] >= 1
    assert len(answer.deltas) == said
    assert not answer.over.is_set()


async def test_an_abort_may_come_at_once_or_for_nothing(driver: Driver) -> None:
    answers = [driver.submit("chat", content=QUESTION * 20, max_tokens=200, n=2) for _ in range(3)]
    for answer in answers:
        driver.engine.abort(answer.rid)
        driver.engine.abort(answer.rid)
    driver.engine.abort("nobody")
    await driver.ask("chat", content=QUESTION, max_tokens=2)

    assert not any(answer.deltas for answer in answers)
    assert not any(answer.over.is_set() for answer in answers)


@pytest.mark.parametrize("times", [1, 30])
@pytest.mark.parametrize(("kind", "field"), [("chat", "content"), ("completions", "prompt")])
async def test_a_prompt_beyond_the_context_is_refused(driver: Driver, kind: str, field: str, times: int) -> None:
    answer = driver.submit(kind, **{field: "word " * times * (driver.capacity.context_length + 10)}, max_tokens=4)
    await driver.until_over(answer)

    assert isinstance(answer.error, ContextLengthExceeded)
    assert answer.error.param == ("messages" if kind == "chat" else "prompt")
    assert str(driver.capacity.context_length) in answer.error.message
    assert not answer.deltas


@pytest.mark.parametrize("driver", TALKING, indirect=True)
@pytest.mark.parametrize("rule", [{"frequency_penalty": 2}, {"presence_penalty": 2}, {"repetition_penalty": 1.8}])
async def test_a_penalty_ends_a_repetition(driver: Driver, rule: dict[str, float]) -> None:
    fields: dict[str, Any] = {"prompt": "one two one two one two", "max_tokens": 8, "temperature": 0}
    free = await driver.ask("completions", **fields)
    ruled = await driver.ask("completions", **fields, **rule)
    chat = await driver.ask("chat", content=QUESTION, max_tokens=2, **rule)

    assert free.text().split().count("two") > 1
    assert ruled.text() != free.text()
    assert chat.error is None


async def test_the_coldest_answer_is_the_likeliest(driver: Driver) -> None:
    likeliest, coldest = [
        (await driver.ask("chat", content=QUESTION, temperature=temperature, max_tokens=8)).text()
        for temperature in (0, 1e-40)
    ]

    assert coldest == likeliest


@pytest.mark.parametrize("driver", REAL, indirect=True)
async def test_tokens_that_the_model_does_not_have_are_refused(driver: Driver) -> None:
    asked: dict[str, dict[str, Any]] = {"logit_bias": {"logit_bias": {"99999999": 1}}, "prompt": {"prompt": [99999999]}}
    for field, fields in asked.items():
        answer = driver.submit("completions", **{"prompt": "One", "max_tokens": 2} | fields)
        await driver.until_over(answer)

        assert isinstance(answer.error, InvalidRequest)
        if driver.name != "vllm":
            assert answer.error.param == field


@pytest.mark.parametrize("driver", ["echo", "llama_cpp", "transformers", "seeing"], indirect=True)
async def test_what_an_engine_lacks_is_refused(driver: Driver) -> None:
    adapted: dict[str, Any] = {"prompt": "x", "lora_name": "none"}
    lacking: dict[str, tuple[str, dict[str, Any]]] = {"echo": ("chat", {"content": "x", "top_k": 3})}
    kind, fields = lacking.get(driver.name, ("completions", adapted))

    with pytest.raises(UnsupportedParameter) as caught:
        driver.check(kind, **fields)

    assert caught.value.param in fields


async def test_an_unknown_option_is_refused(driver: Driver) -> None:
    site = EngineSite("/nowhere", "cpu", OPTIONS[driver.name] | {"no_such_option": 1})

    with pytest.raises(InvalidRequest) as caught:
        engine_class(ALIASES.get(driver.name, driver.name)).load(site, lambda stage, fraction: None)

    assert caught.value.param == "no_such_option"


@pytest.mark.parametrize("driver", ["echo", *TALKING], indirect=True)
async def test_requests_are_served_together_and_none_is_mixed_up(driver: Driver) -> None:
    """Each prompt repeats a word of its own: its answer goes on with it, and has no other's.

    What sees has such a test of its own, with a picture a request.
    """
    prompts = {word: f"{word}, " * 11 + f"{word}," for word in WORDS}
    answers = await asyncio.gather(
        *[
            driver.ask("completions", prompt=one, temperature=0, max_tokens=8, ignore_eos=True)
            for one in prompts.values()
        ]
    )

    for word, answer in zip(prompts, answers, strict=True):
        assert {one for one in WORDS if one in answer.text()} == {word}, answer.text()


async def test_answers_are_the_same_together_and_alone(driver: Driver) -> None:
    questions = [f"Count from {number} to {number + 3}." for number in range(16)]
    fields: dict[str, Any] = {"temperature": 0, "max_tokens": 10}
    alone = [(await driver.ask("chat", content=one, **fields)).text() for one in questions]

    together = [
        one.text() for one in await asyncio.gather(*[driver.ask("chat", content=one, **fields) for one in questions])
    ]

    # A batch is added up in another order than a single row: where two tokens are as likely, either may come.
    same = sum(one == other for one, other in zip(alone, together, strict=True))
    assert same >= (12 if driver.real else 16)
    assert all(one[:1] == other[:1] for one, other in zip(alone, together, strict=True))


async def test_completions_take_several_prompts(driver: Driver) -> None:
    prompts = ["One two three", "The sea is"]
    answer = await driver.ask("completions", prompt=prompts, n=2, max_tokens=3, echo=True, ignore_eos=True)

    assert answer.finishes == dict.fromkeys(range(4), "length")
    for index in range(4):
        assert answer.text(index).startswith(prompts[index // 2])
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 12
    assert answer.usage.prompt_tokens <= (8 if driver.talks else 10)  # each prompt once, not once a choice


async def test_completions_take_token_ids(driver: Driver) -> None:
    ids = [[19556, 905], [504]] if driver.talks else [[195, 90], [50]]
    answer = await driver.ask("completions", prompt=ids, max_tokens=2, echo=True, temperature=0)

    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 3
    if driver.talks:
        assert answer.text(0).startswith("Hello world")
        assert answer.text(1).startswith("The")


@pytest.mark.parametrize("top", [0, 3])
async def test_log_probabilities_are_those_of_the_tokens(driver: Driver, top: int) -> None:
    prompt, count = ("One two three", 5) if driver.talks else ("A blue", 2)
    answer = await driver.ask("completions", prompt=prompt, max_tokens=count, logprobs=top, temperature=0)

    tokens = answer.logprobs()
    assert len(tokens) == count
    assert "".join(one.token for one in tokens) == answer.text()
    for one in tokens:
        assert one.logprob is not None
        assert one.logprob <= 0
        if driver.real:
            assert len(one.top) == top
            assert sum(math.exp(other.logprob or 0) for other in one.top) <= 1.001
        if one.top:
            assert one.top[0].token == one.token  # greedy takes the best
            assert one.top[0].logprob == pytest.approx(one.logprob, abs=1e-4)


async def test_a_chat_gives_log_probabilities(driver: Driver) -> None:
    answer = await driver.ask(
        "chat", content=QUESTION, max_tokens=3, logprobs=True, top_logprobs=2, ignore_eos=not driver.talks
    )

    assert [len(one.top) for one in answer.logprobs()] == [2 if driver.real else 1] * 3


async def test_characters_are_never_cut(driver: Driver) -> None:
    prompt = "🎉🎊🎉🎊🎉🎊 日本語 日本語 🎉🎊🎉🎊"
    answers = await asyncio.gather(
        *[driver.ask("completions", prompt=prompt, max_tokens=limit, temperature=0) for limit in range(1, 9)]
    )

    for answer in answers:
        assert not any("\ufffd" in one.text for one in answer.deltas)
    assert not driver.talks or any(not character.isascii() for character in answers[-1].text())
