"""What an engine that honours structured output, tools and the like must do, shown with real weights.

The smallest model is asked, and at a temperature at which it talks nonsense: what it is held to, it obeys all the same.
"""

import asyncio
import json
import re
from typing import Any

import pytest

from models.errors import HeadraceError, InvalidRequest, UnsupportedParameter
from models.modalities.chat import Reply
from models.modalities.text import Choice
from tests.engines.conftest import TALKING
from tests.engines.driver import Answer, Driver

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.weights]

WILD: dict[str, Any] = {"content": "Tell me about Anna.", "temperature": 1.5, "max_tokens": 160}
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "colours": {"type": "array", "items": {"enum": ["red", "blue"]}, "maxItems": 2},
    },
    "required": ["name", "age", "colours"],
    "additionalProperties": False,
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 12}, "unit": {"enum": ["C", "F"]}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}
DANCE = {
    "type": "function",
    "function": {
        "name": "dance",
        "parameters": {
            "type": "object",
            "properties": {"step": {"enum": ["left", "right"]}},
            "required": ["step"],
            "additionalProperties": False,
        },
    },
}


@pytest.fixture(scope="module", params=TALKING)
def driver(request: pytest.FixtureRequest) -> Driver:
    """Every engine that talks, in turn; what sees is asked in test_transformers_vision_structure.py."""
    found: Driver = request.getfixturevalue(request.param)
    return found


def schema(value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": value} | more}


def is_person(value: Any) -> bool:
    return (
        set(value) == {"name", "age", "colours"}
        and isinstance(value["name"], str)
        and len(value["name"]) <= 12
        and type(value["age"]) is int
        and 0 <= value["age"] <= 120
        and len(value["colours"]) <= 2
        and {*value["colours"]} <= {"red", "blue"}
    )


def whole(answer: Answer, index: int = 0) -> Choice:
    found = Choice()
    for delta in answer.deltas:
        if delta.index == index:
            found.add(delta)
    return found


def is_call(name: str, arguments: str) -> bool:
    value = json.loads(arguments)
    if name == "dance":
        return bool(value in ({"step": "left"}, {"step": "right"}))
    return name == "get_weather" and set(value) == {"city", "unit"} and value["unit"] in ("C", "F")


async def test_answers_obey_a_schema(driver: Driver) -> None:
    asked = [driver.ask("chat", **WILD, response_format=schema(PERSON), n=2, seed=seed) for seed in range(4)]

    answers = await asyncio.gather(*asked)

    ended = [(one.text(index), one.finishes[index]) for one in answers for index in range(2)]
    assert all(is_person(json.loads(text)) for text, finish in ended if finish == "stop")
    assert sum(finish == "stop" for _, finish in ended) >= 4
    assert {finish for _, finish in ended} <= {"stop", "length"}
    assert len({text for text, _ in ended}) > 4


async def test_an_answer_can_be_any_object(driver: Driver) -> None:
    short = WILD | {"max_tokens": 40}
    answers = await asyncio.gather(
        *[driver.ask("chat", **short, response_format={"type": "json_object"}, seed=seed) for seed in range(4)]
    )

    for answer in answers:
        assert answer.text().startswith("{")
        if answer.finishes[0] == "stop":
            assert isinstance(json.loads(answer.text()), dict)


@pytest.mark.parametrize("kind", ["chat", "completions"])
async def test_answers_obey_an_expression_a_choice_and_a_grammar(driver: Driver, kind: str) -> None:
    wild = {"prompt" if kind == "completions" and name == "content" else name: one for name, one in WILD.items()}

    async def said(**form: Any) -> list[str]:
        answers = [driver.ask(kind, **wild, structured_outputs=form, seed=seed) for seed in range(3)]
        answered = await asyncio.gather(*answers)
        assert {answer.finishes[0] for answer in answered} == {"stop"}
        return [answer.text() for answer in answered]

    assert all(re.fullmatch(r"[0-9]{3}-[a-f]{2,6}!", text) for text in await said(regex=r"[0-9]{3}-[a-f]{2,6}!"))
    assert {*await said(choice=["red", "green apple", "été 😀"])} <= {"red", "green apple", "été 😀"}
    gbnf = 'root ::= "go " ("left" | "right") again? "."\nagain ::= " twice"'
    assert all(re.fullmatch(r"go (left|right)( twice)?\.", text) for text in await said(grammar=gbnf))


async def test_a_held_answer_ends_though_the_end_is_to_be_ignored(driver: Driver) -> None:
    answer = await driver.ask("chat", **WILD, structured_outputs={"choice": ["yes", "no"]}, ignore_eos=True)

    assert answer.text() in ("yes", "no")
    assert answer.finishes == {0: "stop"}


async def test_what_is_cut_off_is_a_valid_beginning(driver: Driver) -> None:
    fields = WILD | {"max_tokens": 6, "response_format": schema({"const": {"abc": [1, 2, 3], "def": "ghijklmnopq"}})}
    answer = await driver.ask("chat", **fields)

    assert answer.finishes == {0: "length"}
    assert '{"abc":[1,2,3],"def":"ghijklmnopq"}'.startswith(re.sub(r"\s", "", answer.text()))


async def test_other_rules_hold_within_a_form(driver: Driver) -> None:
    fields: dict[str, Any] = WILD | {"structured_outputs": {"regex": "[a-z]{20,30}"}}
    await driver.ask("chat", **fields, seed=5)  # the prompt is in the cache from here on
    first = await driver.ask("chat", **fields, seed=5)
    again = await driver.ask("chat", **fields, seed=5)
    stopped = await driver.ask("chat", **fields, seed=5, stop=first.text()[4:7])

    assert again.text() == first.text()
    assert stopped.text() == first.text()[: first.text().index(first.text()[4:7])]
    assert stopped.finishes == {0: "stop"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("response_format", schema({"type": "nonsense"}, strict=True)),
        ("response_format", schema({"type": "string", "minLength": "x"})),
        ("structured_outputs", {"regex": "(unclosed"}),
        ("structured_outputs", {"grammar": "this is none"}),
    ],
)
async def test_a_form_that_is_none_is_refused(driver: Driver, field: str, value: Any) -> None:
    answer = driver.submit("chat", **WILD, **{field: value})
    await driver.until_over(answer)

    assert isinstance(answer.error, InvalidRequest)
    assert answer.error.param == field
    assert not answer.deltas


@pytest.mark.parametrize("seed", range(3))
async def test_a_required_call_is_made(driver: Driver, seed: int) -> None:
    answer = await driver.ask(
        "chat", **WILD, tools=[WEATHER, DANCE], tool_choice="required", parallel_tool_calls=False, seed=seed
    )

    [call] = whole(answer).tools.values()
    assert is_call(call.name, call.arguments)
    assert call.id
    assert answer.finishes == {0: "tool_calls"}
    assert not answer.text()


async def test_a_demand_for_calls_ends_by_itself(driver: Driver) -> None:
    function = {"name": "hop", "parameters": {"properties": {"to": {"const": "left"}}, "required": ["to"]}}
    tools = [{"type": "function", "function": function}]
    fields: dict[str, Any] = {"content": "Hop all day.", "temperature": 0.01, "max_tokens": 300, "n": 2}
    answer = await driver.ask("chat", **fields, tools=tools, tool_choice="required")

    for index in range(2):
        [call] = whole(answer, index).tools.values()
        assert json.loads(call.arguments) == {"to": "left"}
    assert answer.finishes == {0: "tool_calls", 1: "tool_calls"}
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 20
    assert answer.usage.completion_tokens == sum(delta.tokens for delta in answer.deltas)
    assert 20 < answer.usage.completion_tokens < 300


async def test_a_function_without_parameters_takes_none(driver: Driver) -> None:
    bare: list[dict[str, Any]] = [{"name": "now"}, {"name": "now", "parameters": {}}]
    for function in bare:
        tools = [{"type": "function", "function": function}]
        answer = await driver.ask("chat", **WILD, tools=tools, tool_choice="required", parallel_tool_calls=False)
        assert [json.loads(call.arguments) for call in whole(answer).tools.values()] == [{}]


async def test_no_keys_are_invented(driver: Driver) -> None:
    parameters = {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 12}, "unit": {"enum": ["C", "F"]}},
        "required": ["city"],
    }
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": parameters}}]
    named = {"type": "function", "function": {"name": "get_weather"}}
    called = [driver.ask("chat", **WILD, tools=tools, tool_choice=named, seed=seed) for seed in range(10)]
    formed = [driver.ask("chat", **WILD, response_format=schema(parameters), seed=seed) for seed in range(3)]

    keys = [
        set(json.loads(call.arguments)) for one in await asyncio.gather(*called) for call in whole(one).tools.values()
    ]
    keys += [set(json.loads(one.text())) for one in await asyncio.gather(*formed)]
    assert len(keys) == 13
    assert all(one <= {"city", "unit"} for one in keys)


async def test_a_schema_that_is_not_strict_is_followed_as_far_as_it_can_be(driver: Driver) -> None:
    letters = {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1, "maxItems": 3, "uniqueItems": True}
    loose = {
        "type": "object",
        "properties": {"letters": letters, "odd": {"type": "any", "enum": [1]}},
        "required": ["letters", "odd"],
        "if": {},
        "not": {"required": ["x"]},
    }
    function = {"name": "spell", "parameters": loose}
    tools = [{"type": "function", "function": function}]

    formed = await driver.ask("chat", **WILD, response_format={"type": "json_object", "schema": loose})
    called = await driver.ask("chat", **WILD, tools=tools, tool_choice="required", parallel_tool_calls=False)
    refused = driver.submit("chat", **WILD, response_format=schema(loose, strict=True))
    await driver.until_over(refused)

    [call] = whole(called).tools.values()
    for value in (json.loads(formed.text()), json.loads(call.arguments)):
        assert set(value) == {"letters", "odd"}
        assert {*value["letters"]} <= {"a", "b"}
        assert value["odd"] == 1
    assert isinstance(refused.error, InvalidRequest)
    assert refused.error.param == "response_format"


async def test_a_call_that_is_cut_is_left_out_of_a_whole_answer(driver: Driver) -> None:
    long = {"type": "string", "minLength": 200}
    function = {"name": "say", "parameters": {"type": "object", "properties": {"text": long}, "required": ["text"]}}
    fields: dict[str, Any] = WILD | {"max_tokens": 40, "tools": [{"type": "function", "function": function}]}
    fields["tool_choice"] = {"type": "function", "function": {"name": "say"}}
    answer = await driver.ask("chat", **fields)
    reply = Reply("x", driver.check("chat", **fields), 0)
    for delta in answer.deltas:
        reply.delta(delta)
    assert answer.usage is not None
    choice = json.loads(reply.end(answer.usage))["choices"][0]

    assert whole(answer).tools
    assert choice["finish_reason"] == "length"
    assert choice["message"] == {"role": "assistant", "content": "", "refusal": None}


async def test_a_named_function_is_called(driver: Driver) -> None:
    named = {"type": "function", "function": {"name": "dance"}}
    answer = await driver.ask("chat", **WILD, tools=[WEATHER, DANCE], tool_choice=named)

    [call] = whole(answer).tools.values()
    assert call.name == "dance"
    assert is_call(call.name, call.arguments)
    assert answer.finishes[0] in ("tool_calls", "stop")  # OpenAI and vLLM say "stop" where the function was named


async def test_without_a_wish_for_calls_there_are_none(driver: Driver) -> None:
    answer = await driver.ask("chat", **WILD | {"max_tokens": 20}, tools=[WEATHER], tool_choice="none")

    assert not whole(answer).tools
    assert answer.text()


async def test_a_streamed_call_is_the_whole_one(driver: Driver) -> None:
    fields: dict[str, Any] = WILD | {"tools": [WEATHER], "tool_choice": "required", "parallel_tool_calls": False}
    request = driver.check("chat", **fields, stream=True)
    plain = driver.check("chat", **fields)
    answer = await driver.ask("chat", **fields, stream=True)
    assert answer.usage is not None

    streaming, reply = Reply("x", request, 0), Reply("x", plain, 0)
    chunks = [json.loads(streaming.delta(delta).removeprefix(b"data: ")) for delta in answer.deltas]
    for delta in answer.deltas:
        reply.delta(delta)
    message = json.loads(reply.end(answer.usage))["choices"][0]["message"]

    pieces = [piece for chunk in chunks for piece in chunk["choices"][0]["delta"].get("tool_calls", [])]
    [call] = message["tool_calls"]
    assert pieces[0]["id"] == call["id"]
    assert pieces[0]["function"]["name"] == call["function"]["name"]
    assert "".join(piece["function"]["arguments"] for piece in pieces) == call["function"]["arguments"]
    assert len(pieces) >= 2
    assert not any("id" in piece for piece in pieces[1:])
    assert message["content"] is None


async def test_earlier_calls_and_their_results_are_read(driver: Driver) -> None:
    called = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Rome"}'}}
    conversation: list[dict[str, Any]] = [
        {"role": "user", "content": "How is the weather in Rome?"},
        {"role": "assistant", "content": None, "tool_calls": [called], "reasoning_content": "I should look."},
        {"role": "tool", "tool_call_id": "c1", "content": "21 degrees, sunny"},
    ]
    short = await driver.ask("chat", messages=conversation[:1], tools=[WEATHER], max_tokens=1)
    answer = await driver.ask("chat", messages=conversation, tools=[WEATHER], max_tokens=8)

    assert answer.usage is not None
    assert short.usage is not None
    assert answer.usage.prompt_tokens > short.usage.prompt_tokens + 8


async def test_a_tool_that_is_none_is_refused(driver: Driver) -> None:
    parameters = {"type": "object", "properties": {"a": {"type": "nonsense"}}}
    bad = {"type": "function", "function": {"name": "x", "parameters": parameters, "strict": True}}
    answer = driver.submit("chat", **WILD, tools=[bad], tool_choice="required")
    await driver.until_over(answer)

    assert isinstance(answer.error, HeadraceError)
    assert answer.error.status == 400


@pytest.mark.parametrize("driver", [name for name in TALKING if name != "llama_cpp"], indirect=True)
async def test_a_token_can_end_the_answer(driver: Driver) -> None:
    fields: dict[str, Any] = {"prompt": "One two three", "temperature": 0, "max_tokens": 12, "ignore_eos": True}
    free = await driver.ask("completions", **fields, logit_bias={"905": 100})
    stopped = await driver.ask("completions", **fields, logit_bias={"905": 100}, stop_token_ids=[905])

    assert free.finishes == {0: "length"}
    assert stopped.finishes == {0: "stop"}
    assert not stopped.text()


@pytest.mark.parametrize("driver", [name for name in TALKING if name != "llama_cpp"], indirect=True)
@pytest.mark.parametrize("drawn", [{"temperature": 0}, {"temperature": 1, "top_p": 0.9, "seed": 3}])
async def test_an_answer_has_its_least_tokens(driver: Driver, drawn: dict[str, Any]) -> None:
    ends = {"stop_token_ids": [905], "logit_bias": {"905": 100}, "stop": [" the"], **drawn}
    fields: dict[str, Any] = {"prompt": "One two three", "max_tokens": 20, "ignore_eos": True, **ends}
    short = await driver.ask("completions", **fields)
    longer = await driver.ask("completions", **fields, min_tokens=7)

    assert short.usage is not None
    assert longer.usage is not None
    assert (short.finishes, short.usage.completion_tokens) == ({0: "stop"}, 1)
    assert (longer.finishes, longer.usage.completion_tokens) == ({0: "stop"}, 8)


@pytest.mark.parametrize("driver", ["transformers"], indirect=True)
async def test_a_form_may_end_before_the_least_tokens(driver: Driver) -> None:
    answer = await driver.ask("chat", **WILD, structured_outputs={"choice": ["yes", "no"]}, min_tokens=30)

    assert answer.text() in ("yes", "no")
    assert answer.finishes == {0: "stop"}


@pytest.mark.parametrize("driver", [name for name in TALKING if name != "transformers"], indirect=True)
async def test_least_tokens_that_cannot_be_had_are_refused(driver: Driver) -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        driver.check("chat", **WILD, structured_outputs={"choice": ["yes", "no"]}, min_tokens=3)

    assert refused.value.param == "min_tokens"


async def test_an_answer_can_be_begun_by_the_client(driver: Driver) -> None:
    messages = [
        {"role": "user", "content": "What is the capital of France?"},
        {"role": "assistant", "content": "The capital of France is"},
    ]
    answer = await driver.ask(
        "chat", messages=messages, continue_final_message=True, temperature=0, max_tokens=4, logprobs=True
    )

    assert answer.text().startswith(" Paris")
