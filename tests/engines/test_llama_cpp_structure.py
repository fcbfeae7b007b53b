"""llama.cpp: answers of a given form, tool calls, thoughts; and what would hang it, refused."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from models.errors import InvalidRequest, UnsupportedParameter
from models.modalities.text import Choice
from tests.engines import templates
from tests.engines.conftest import source_of
from tests.engines.driver import Answer, Driver
from workers.engines import engine_class
from workers.engines.base import Placement
from workers.engines.llama_cpp_trial import model as model_file

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
    engine = engine_class("llama_cpp")()
    options = {"n_ctx": 1024, "n_parallel": 2, "n_threads": 1, "chat_template": template} | options
    placement = Placement(source_of("llama_cpp"), "cpu", options)
    capacity = await asyncio.to_thread(engine.load, placement, lambda stage, fraction: None)
    engine.start()
    yield Driver("llama_cpp", engine, capacity)
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


async def refused(driver: Driver, kind: str = "chat", **fields: Any) -> InvalidRequest:
    """The error of a request, which is the request's own fault."""
    answer = driver.submit(kind, **fields)
    await driver.until_over(answer)
    assert isinstance(answer.error, InvalidRequest), (answer.error, answer.text())
    return answer.error


# ---- forms ----


@pytest.mark.parametrize(
    ("form", "obeys"),
    [
        ({"regex": r"\d{3}-\d{4}/[a-f]"}, re.compile(r"[0-9]{3}-[0-9]{4}/[a-f]").fullmatch),
        ({"choice": ['a "quoted" @form', "line\nbreak", "日本"]}, ['a "quoted" @form', "line\nbreak", "日本"].count),
        ({"grammar": 'root ::= "a" digits\ndigits ::= [0-9]{3}'}, re.compile("a[0-9]{3}").fullmatch),
        ({"grammar": 'start: "a" DIGITS\nDIGITS: /[0-9]{3}/'}, re.compile("a[0-9]{3}").fullmatch),
        ({"grammar": 'root ::= list\nlist ::= list "," [0-9] | [0-9]'}, re.compile("[0-9](,[0-9])*").fullmatch),
        ({"json": {"enum": ["red", 7, None]}}, ['"red"', "7", "null"].count),
        ({"json": '{"type": "string", "pattern": "^[xy]{5}$"}'}, re.compile('"[xy]{5}"').fullmatch),
    ],
)
@pytest.mark.parametrize("kind", ["chat", "completions"])
async def test_an_answer_has_the_form_it_is_asked_to_have(
    llama_cpp: Driver, kind: str, form: dict[str, Any], obeys: Any
) -> None:
    prompt = {"content" if kind == "chat" else "prompt": "Say something."}
    answer = await llama_cpp.ask(kind, structured_outputs=form, temperature=1.0, seed=5, max_tokens=60, **prompt)

    assert answer.finishes == {0: "stop"} or "list" in str(form)
    assert obeys(answer.text().rstrip("," if "list" in str(form) else "")), answer.text()


async def test_each_choice_has_the_form(llama_cpp: Driver) -> None:
    form = {"type": "json_schema", "json_schema": {"schema": TIME["function"]["parameters"]}}
    answer = await llama_cpp.ask("chat", content="JSON.", response_format=form, n=4, temperature=1.5, max_tokens=90)

    for index in range(4):
        assert -12 <= json.loads(answer.text(index))["zone"] <= 12
    assert answer.usage is not None
    assert answer.usage.completion_tokens == sum(one.tokens for one in answer.deltas)


async def test_a_form_goes_with_log_probabilities_and_with_a_beginning(llama_cpp: Driver) -> None:
    form = {"choice": [" France", " Spain"]}
    turns = [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "Paris is the capital of"}]
    fields: dict[str, Any] = {"continue_final_message": True, "logprobs": True, "top_logprobs": 1}
    answer = await llama_cpp.ask("chat", messages=turns, structured_outputs=form, **fields)

    assert answer.text() in form["choice"]
    assert "".join(one.token for one in answer.logprobs()) == answer.text()


async def test_a_message_is_gone_on_with(llama_cpp: Driver) -> None:
    turns = [{"role": "user", "content": "Count."}, {"role": "assistant", "content": "One, two, three,"}]
    answer = await llama_cpp.ask("chat", messages=turns, continue_final_message=True, temperature=0, max_tokens=3)

    assert answer.text().startswith(" four")


HOSTILE: dict[str, dict[str, Any]] = {
    "no such type": {"json": {"type": "nonsense"}},
    "nothing obeys": {"json": {"$ref": "#"}},
    "contradiction": {"json": {"type": "integer", "minimum": 5, "maximum": 3}},
    "elsewhere": {"json": {"$ref": "http://127.0.0.1:1/schema.json"}},
    "not supported": {"json": {"not": {"type": "string"}}},
    "a billion items": {"json": {"type": "array", "items": {"type": "integer"}, "minItems": 1_000_000_000}},
    "a million items": {"json": {"type": "array", "items": {"type": "integer"}, "maxItems": 1_000_000}},
    "intersected": {"json": {"allOf": [{"type": "string", "pattern": f"^(a{{{n}}})*$"} for n in (97, 89, 83, 79, 73)]}},
    "a huge divisor": {"json": {"type": "integer", "multipleOf": 99_999_989}},
    "all of any": {"json": {"allOf": [{"anyOf": [{"required": [f"{i}{j}"]} for j in range(9)]} for i in range(9)]}},
    "nested pattern": {"json": {"type": "string", "pattern": "(" * 5000 + "a" + ")" * 5000}},
    "optional dots": {"regex": ".?" * 1000},
    "no regex": {"regex": "(a"},
    "an open end": {"regex": "a\\"},
    "a chain": {"grammar": "start: r0\n" + "\n".join(f"r{n}: r{n + 1}" for n in range(4000)) + '\nr4000: "a"'},
    "deep parentheses": {"grammar": "root ::= " + "(" * 9000 + '"a"' + ")" * 9000},
    "undefined": {"grammar": "root ::= nothing"},
    "no root": {"grammar": 'a ::= "b"'},
    "no grammar": {"grammar": "Say yes."},
    "only itself": {"grammar": "root ::= root"},
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_cannot_be_followed_is_refused_and_nobody_waits_for_it(llama_cpp: Driver, name: str) -> None:
    others = llama_cpp.submit("chat", content="Tell a story.", max_tokens=400, ignore_eos=True)
    error = await refused(llama_cpp, content="x", structured_outputs=HOSTILE[name], max_tokens=20)
    said = len(others.deltas)
    await llama_cpp.until_said(others, min(said + 2, 380))
    llama_cpp.engine.abort(others.rid)

    assert error.param == "structured_outputs"
    assert (await llama_cpp.ask("chat", content="Hi.", structured_outputs={"choice": ["yes"]})).text() == "yes"


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


async def test_an_abort_ends_an_answer_that_has_a_form(llama_cpp: Driver) -> None:
    early = llama_cpp.submit("chat", content="x", structured_outputs={"regex": "[a-z]{2000}"})
    llama_cpp.engine.abort(early.rid)
    answer = llama_cpp.submit("chat", content="x", structured_outputs={"regex": "[a-z]{1000,2000}"})
    await llama_cpp.until_said(answer, 3)
    llama_cpp.engine.abort(answer.rid)
    said = len(answer.deltas)
    await llama_cpp.ask("chat", content="Hi.", max_tokens=1)

    assert not early.deltas
    assert len(answer.deltas) == said
    assert not answer.over.is_set()


async def test_an_engine_whose_step_never_ends_is_dead(llama_cpp: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    free = llama_cpp.submit("chat", content="x", max_tokens=400, ignore_eos=True)
    await llama_cpp.until_said(free, 1)
    monkeypatch.setattr("workers.engines.llama_cpp.STUCK_S", 0.0)
    assert llama_cpp.engine.alive()

    held = llama_cpp.submit("chat", content="x", structured_outputs={"regex": "[a-z]{300}"})
    await llama_cpp.until_said(held, 1)
    assert not llama_cpp.engine.alive()

    monkeypatch.undo()
    assert llama_cpp.engine.alive()
    for answer in (free, held):
        llama_cpp.engine.abort(answer.rid)


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
        error = await refused(driver, messages=SUMS, structured_outputs={"grammar": 'root ::= "8"'})
        assert error.param == "structured_outputs"


async def test_a_model_that_cannot_be_held_to_a_form_says_so(tmp_path: Path) -> None:
    key = b"tokenizer.ggml.add_space_prefix\x07\0\0\0"
    (tmp_path / "spaced.gguf").write_bytes(model_file().replace(key + b"\0", key + b"\1"))
    engine = engine_class("llama_cpp")()
    placement = Placement(str(tmp_path / "spaced.gguf"), "cpu", {"n_ctx": 128, "n_parallel": 1})
    capacity = await asyncio.to_thread(engine.load, placement, lambda stage, fraction: None)
    engine.start()
    driver = Driver("llama_cpp", engine, capacity)
    error = await refused(driver, "completions", prompt="x", structured_outputs={"choice": ["a"]})
    await driver.ask("completions", prompt="x", max_tokens=2)
    engine.close()

    assert isinstance(error, UnsupportedParameter)
    assert error.param == "structured_outputs"


async def test_a_template_may_not_be_given_what_the_request_has(llama_cpp: Driver) -> None:
    error = await refused(llama_cpp, content="x", chat_template_kwargs={"messages": []})

    assert error.param == "chat_template_kwargs"
