"""llama.cpp: tool calls and thoughts, read natively or out of what the model is held to write."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from models.errors import InvalidRequest
from models.modalities.text import Choice
from tests.engines import templates
from tests.engines.conftest import source_of
from tests.engines.driver import Answer, Driver
from workers.engines import engine_class
from workers.engines.base import EngineSite

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.weights]

TIME: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_time",
        "description": "The time in a zone.",
        "parameters": {
            "type": "object",
            "properties": {"zone": {"type": "integer", "minimum": -12, "maximum": 12}},
            "required": ["zone"],
            "additionalProperties": False,
        },
    },
}
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 20}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


def call(zone: int) -> dict[str, Any]:
    """An assistant's turn that asks for the time."""
    function = {"name": "get_time", "arguments": json.dumps({"zone": zone})}
    return {"role": "assistant", "content": None, "tool_calls": [{"id": f"call{zone}", "function": function}]}


SHOWN = [
    turn
    for zone in (3, 7, -2)
    for turn in (
        {"role": "user", "content": f"What time is it in zone {zone}?"},
        call(zone),
        {"role": "tool", "tool_call_id": f"call{zone}", "content": "12:30"},
        {"role": "assistant", "content": "It is 12:30."},
    )
] + [{"role": "user", "content": "What time is it in zone 5?"}]
"""A conversation after which even a small model calls by itself."""

SUMS = [
    turn
    for word, number, answer in (("two", 2, 4), ("three", 3, 6))
    for turn in (
        {"role": "user", "content": f"{number}+{number}?"},
        {"role": "assistant", "content": str(answer), "reasoning_content": f"{word} and {word} make {answer}."},
    )
] + [{"role": "user", "content": "4+4?"}]
"""A conversation after which even a small model thinks."""


def choice(answer: Answer, index: int = 0) -> Choice:
    """One choice, whole."""
    found = Choice()
    for delta in answer.deltas:
        if delta.index == index:
            found.add(delta)
    return found


def calls(answer: Answer, index: int = 0) -> list[tuple[str, Any]]:
    """The tool calls of a choice: names and arguments."""
    return [(one.name, json.loads(one.arguments)) for one in choice(answer, index).tools.values()]


async def _taught(template: str, **options: Any) -> AsyncIterator[Driver]:
    options = {"n_ctx": 1024, "n_parallel": 2, "n_threads": 1, "chat_template": template} | options
    site = EngineSite(source_of("llama_cpp"), "cpu", options)
    engine = await engine_class("llama_cpp").resident(site, lambda stage, fraction: None)
    yield Driver("llama_cpp", engine)
    engine.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def plain() -> AsyncIterator[Driver]:
    """A model whose template knows nothing of tools, with room for a conversation about some."""
    async for driver in _taught(templates.TOOLS.replace("tools", "utensils").replace("tool_calls", "forks")):
        yield driver


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def taught() -> AsyncIterator[Driver]:
    """The same model, whose template knows tools."""
    async for driver in _taught(templates.TOOLS):
        yield driver


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def thinker() -> AsyncIterator[Driver]:
    """The same model, whose template knows thoughts."""
    async for driver in _taught(templates.THINKS):
        yield driver


@pytest.fixture(params=["plain", "taught"])
def model(request: pytest.FixtureRequest) -> Driver:
    """With a template that knows tools, and with one that does not."""
    found: Driver = request.getfixturevalue(request.param)
    return found


# ---- tools ----


async def test_a_named_function_is_called(model: Driver) -> None:
    named = {"type": "function", "function": {"name": "get_time"}}
    answer = await model.ask("chat", content="Hello.", tools=[WEATHER, TIME], tool_choice=named, max_tokens=80)

    [(name, arguments)] = calls(answer)
    assert name == "get_time"
    assert -12 <= arguments["zone"] <= 12
    assert answer.finishes == {0: "tool_calls"}
    assert not answer.text()
    assert next(iter(choice(answer).tools.values())).id


async def test_some_function_is_called_where_one_must_be(model: Driver) -> None:
    fields: dict[str, Any] = {"tools": [TIME, WEATHER], "tool_choice": "required", "parallel_tool_calls": False}
    answer = await model.ask("chat", content="Hello.", **fields, n=2, temperature=1.2, seed=4, max_tokens=90)

    for index in range(2):
        [(name, arguments)] = calls(answer, index)
        assert arguments.keys() == ({"zone"} if name == "get_time" else {"city"})
        assert answer.finishes[index] == "tool_calls"


async def test_several_functions_are_called_at_once(model: Driver) -> None:
    answer = await model.ask("chat", content="Hello.", tools=[TIME], tool_choice="required", max_tokens=120)

    pieces = [piece for delta in answer.deltas for piece in delta.tools]
    indices = [piece.index for piece in pieces]
    assert indices == sorted(indices)
    assert len({one.id for one in choice(answer).tools.values()}) == len(choice(answer).tools) >= 1


async def test_a_model_calls_by_itself(model: Driver) -> None:
    answer = await model.ask("chat", messages=SHOWN, tools=[TIME, WEATHER], temperature=0, max_tokens=60)

    assert calls(answer) == [("get_time", {"zone": 5})]
    assert answer.finishes == {0: "tool_calls"}
    assert not answer.text().strip()
    assert answer.usage is not None
    assert answer.usage.completion_tokens == sum(one.tokens for one in answer.deltas)


async def test_a_model_that_may_not_call_does_not(model: Driver) -> None:
    answer = await model.ask("chat", messages=SHOWN, tools=[TIME], tool_choice="none", temperature=0, max_tokens=30)

    assert not choice(answer).tools
    assert answer.text()


async def test_a_call_is_cut_where_the_answer_is(model: Driver) -> None:
    answer = await model.ask("chat", messages=SHOWN, tools=[TIME], temperature=0, max_tokens=20)

    assert answer.finishes == {0: "length"}


async def test_tools_are_counted(model: Driver) -> None:
    counted = await model.ask("tokenize", messages=SHOWN, tools=[TIME, WEATHER])
    for fields in ({}, {"tool_choice": "required"}):
        read = await model.ask("chat", messages=SHOWN, tools=[TIME, WEATHER], max_tokens=1, **fields)
        assert read.usage is not None
        assert len(counted.result.ids) == read.usage.prompt_tokens


async def test_tools_go_with_log_probabilities(model: Driver) -> None:
    answer = await model.ask("chat", messages=SHOWN, tools=[TIME], logprobs=True, top_logprobs=1, temperature=0)

    assert calls(answer) == [("get_time", {"zone": 5})]
    assert len(answer.logprobs()) > 5


async def test_what_is_hostile_in_a_tool_is_refused_or_harmless(model: Driver) -> None:
    many = {"type": "object", "properties": {f"p{n}": {"type": "integer"} for n in range(50)}}
    for parameters in (
        many,
        {"type": "object", "properties": {"x": {"type": "string", "pattern": "^" + ".?" * 400 + "$"}}},
    ):
        tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
        for chosen in ("auto", "required"):
            answer = model.submit("chat", content="x", tools=[tool], tool_choice=chosen, max_tokens=20)
            await model.until_over(answer)
            if answer.error is not None:
                assert isinstance(answer.error, InvalidRequest)
                assert answer.error.param in ("tools", "messages")


# ---- thoughts ----


async def test_thoughts_are_told_apart(thinker: Driver) -> None:
    answer = await thinker.ask("chat", messages=SUMS, temperature=0, max_tokens=60)

    assert "four and four" in "".join(choice(answer).reasoning).lower()
    assert answer.text().strip() == "8"


async def test_a_model_thinks_before_an_answer_that_has_a_form(thinker: Driver) -> None:
    form = {"choice": ["seven", "eight"]}
    answer = await thinker.ask("chat", messages=SUMS, structured_outputs=form, temperature=0, max_tokens=60)

    assert "four and four" in "".join(choice(answer).reasoning).lower()
    assert answer.text() in form["choice"]


@pytest.mark.parametrize("how", [{"enable_thinking": False}, {"reasoning_effort": "none"}])
async def test_a_model_does_not_think_where_it_is_told_not_to(thinker: Driver, how: dict[str, Any]) -> None:
    for form in ({}, {"structured_outputs": {"choice": ["seven", "eight"]}}):
        answer = await thinker.ask("chat", messages=SUMS, temperature=0, max_tokens=40, **how, **form)

        assert not choice(answer).reasoning
        assert answer.text()


async def test_a_model_that_always_thinks_is_held_to_its_answer() -> None:
    async for driver in _taught(templates.THINKS_FIRST):
        form = {"type": "json_schema", "json_schema": {"schema": {"enum": [7, 8]}}}
        answer = await driver.ask("chat", messages=SUMS, response_format=form, temperature=0, max_tokens=60)
        assert "four and four" in "".join(choice(answer).reasoning).lower()
        assert json.loads(answer.text()) in (7, 8)
        error = await driver.refused("chat", messages=SUMS, structured_outputs={"grammar": 'root ::= "8"'})
        assert error.param == "structured_outputs"


async def test_a_template_may_not_be_given_what_the_request_has(llama_cpp: Driver) -> None:
    error = await llama_cpp.refused("chat", content="x", chat_template_kwargs={"messages": []})

    assert error.param == "chat_template_kwargs"
