"""Which functions may and must be called, in all forms in which clients say so, and how calls are given."""

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import ValidationError

from models.modalities.base import Usage
from models.modalities.chat import Reply, Request
from models.modalities.chat.tools import NamedChoice
from models.modalities.text import Delta, FinishReason, ToolDelta
from models.validation import invalid

F, G = ({"type": "function", "function": {"name": name}} for name in "fg")
BOTH = {"tools": [F, G]}


def request(**fields: Any) -> Request:
    return Request.model_validate({"model": "m", "messages": [{"role": "user", "content": "hi"}]} | fields)


def function(**parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": parameters}}


def refused(**fields: Any) -> str | None:
    with pytest.raises(ValidationError) as caught:
        request(**fields)
    return invalid(caught.value, {"messages": [], **fields}).param


def allowed(mode: str, *tools: Any) -> dict[str, Any]:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": list(tools)}}


CHOICES: list[tuple[dict[str, Any], list[str], bool, bool]] = [
    (BOTH, ["f", "g"], False, False),
    (BOTH | {"tool_choice": "required"}, ["f", "g"], True, False),
    (BOTH | {"tool_choice": "none"}, [], False, False),
    (BOTH | {"tool_choice": G}, ["g"], True, True),
    (BOTH | {"tool_choice": {"type": "function", "name": "g"}}, ["g"], True, True),
    (BOTH | {"tool_choice": allowed("auto", G)}, ["g"], False, False),
    (BOTH | {"tool_choice": allowed("required", F, {"type": "function", "name": "g"})}, ["f", "g"], True, False),
    (BOTH | {"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [F]}}, ["f"], True, False),
    ({"functions": [{"name": "f"}]}, ["f"], False, True),
    ({"functions": [{"name": "f"}, {"name": "g"}], "function_call": {"name": "g"}}, ["g"], True, True),
    ({"functions": [{"name": "f"}], "function_call": "none"}, [], False, True),
    ({"functions": []}, [], False, True),
]


@pytest.mark.parametrize(("fields", "names", "must", "single"), CHOICES)
def test_the_choice_says_what_may_be_called(fields: dict[str, Any], names: list[str], must: bool, single: bool) -> None:
    asked = request(**fields)
    assert [tool.function.name for tool in asked.callable_tools] == names
    assert (asked.must_call, asked.single_call) == (must, single)
    sent = Request.model_validate(asked.model_dump(mode="json", exclude_unset=True))  # as the runner gets it
    assert (sent.callable_tools, sent.choice) == (asked.callable_tools, asked.choice)


def test_what_is_asked_of_an_engine_has_the_newer_names() -> None:
    older = request(functions=[{"name": "f"}], function_call={"name": "f"})
    assert older.asked() >= {"tools", "tool_choice"}
    assert not {"functions", "function_call"} & older.asked()
    assert isinstance(older.choice, NamedChoice)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        (BOTH | {"tool_choice": allowed("auto", {"type": "function", "function": {"name": "x"}})}, "tool_choice"),
        (
            BOTH | {"tool_choice": allowed("auto", {"type": "mcp", "server_label": "x"})},
            "tool_choice.allowed_tools.tools[0].type",
        ),
        ({"functions": [{"name": "f"}], "function_call": {"name": "x"}}, "function_call"),
        (BOTH | {"functions": [{"name": "f"}]}, "functions"),
        ({"functions": [{"name": "f", "parameters": {"type": "string"}}]}, "functions[0].parameters"),
        ({"tools": [function(type="array")]}, "tools[0].function.parameters"),
        ({"tools": [function(type=["string", "null"])]}, "tools[0].function.parameters"),
        (
            {"response_format": {"type": "json_schema", "schema": {}, "json_schema": {"schema": {}}}},
            "response_format.schema",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    assert refused(**fields) == param


def test_a_function_may_be_given_null_besides_an_object() -> None:
    assert request(tools=[function(type=["object", "null"])]).callable_tools


def test_a_schema_may_stand_beside_json_object() -> None:
    constraint = request(response_format={"type": "json_object", "schema": {"type": "array"}}).constraint
    assert constraint is not None
    assert (constraint.kind, constraint.value, constraint.strict) == ("json", {"type": "array"}, False)


# ---- histories ----


def history(*messages: dict[str, Any]) -> list[Any]:
    asked = request(messages=[{"role": "user", "content": "hi"}, *messages])
    again = Request.model_validate(asked.model_dump(mode="json", exclude_unset=True))
    assert again.messages == asked.messages
    return again.messages[1:]


def test_older_calls_in_a_history_are_tool_calls() -> None:
    called = {"name": "f", "arguments": '{"a": 1}'}
    first, result, _, other = history(
        {"role": "assistant", "content": None, "function_call": called},
        {"role": "function", "name": "f", "content": "7"},
        {"role": "assistant", "content": None, "function_call": called},
        {"role": "function", "name": "f", "content": "8"},
    )
    [call] = first.tool_calls
    assert (call.function.name, call.function.arguments) == ("f", '{"a": 1}')
    assert (result.role, result.tool_call_id, result.text) == ("tool", call.id, "7")
    assert other.tool_call_id != call.id


def test_an_older_call_has_the_id_of_the_newer_result_after_it() -> None:  # as Dify writes them
    call, result = history(
        {"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "tool", "tool_call_id": "x", "name": "f", "content": "s"},
    )
    assert call.tool_calls[0].id == result.tool_call_id == "x"


# ---- answers ----


def answer(deltas: list[Delta], **fields: Any) -> dict[str, Any]:
    reply = Reply("1", request(**fields), 0)
    for delta in deltas:
        reply.delta(delta)
    choice: dict[str, Any] = json.loads(reply.end(Usage(1, 1)))["choices"][0]
    return choice


CALL = [
    Delta(tools=(ToolDelta(0, "a", "f"), ToolDelta(0, arguments="{"))),
    Delta(tools=(ToolDelta(0, arguments='"a":'),)),
    Delta(tools=(ToolDelta(0, arguments="1}"),), finish="tool_calls"),
]


def test_functions_are_answered_in_their_own_form() -> None:
    whole = answer(CALL, functions=[{"name": "f"}])
    assert whole["finish_reason"] == "function_call"
    assert whole["message"]["function_call"] == {"name": "f", "arguments": '{"a":1}'}
    assert whole["message"]["content"] is None
    assert "tool_calls" not in whole["message"]
    body = {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [whole]}
    assert ChatCompletion.model_validate(body).choices[0].message.function_call is not None


def test_functions_are_streamed_in_their_own_form() -> None:
    reply = Reply("1", request(functions=[{"name": "f"}], stream=True), 0)
    sent = [reply.delta(delta).removeprefix(b"data: ") for delta in CALL]
    choices = [ChatCompletionChunk.model_validate_json(one).choices[0] for one in sent]
    calls = [one.delta.function_call for one in choices]
    assert [(one.name, one.arguments) for one in calls if one] == [("f", "{"), (None, '"a":'), (None, "1}")]
    assert [one.finish_reason for one in choices] == [None, None, "function_call"]
    assert not any(one.delta.tool_calls for one in choices)


WHOLE, CUT = ToolDelta(0, "a", "f", '{"a": "}"}'), ToolDelta(1, "b", "g", '{"a": "')


@pytest.mark.parametrize(
    ("tools", "finish", "names"),
    [
        ((WHOLE, CUT), "length", ["f"]),
        ((WHOLE, CUT), "stop", ["f"]),  # by a stop string
        ((CUT,), "length", []),
        ((ToolDelta(0, "a", "f", ""),), "length", []),
        ((WHOLE,), "length", ["f"]),
        ((ToolDelta(0, "a", "f", "{odd}"),), "tool_calls", ["f"]),  # as the model wrote it
    ],
)
def test_a_call_that_was_cut_is_not_given_as_a_whole_one(
    tools: tuple[ToolDelta, ...], finish: FinishReason, names: list[str]
) -> None:
    whole = answer([Delta(tools=tools, finish=finish)], **BOTH)
    assert whole["finish_reason"] == finish
    assert [one["function"]["name"] for one in whole["message"].get("tool_calls", [])] == names
    assert whole["message"]["content"] == (None if names else "")
