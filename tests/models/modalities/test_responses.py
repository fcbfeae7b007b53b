"""Responses: fields are known, items become a conversation, deltas the events that OpenAI's client reads."""

import json
import typing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import (
    Response,
    ResponseInputItemParam,
    ResponseItem,
    ResponseStreamEvent,
    input_token_count_params,
)
from openai.types.responses import response_create_params as theirs
from pydantic import TypeAdapter, ValidationError

from models.errors import EngineFailure, HeadraceError, InvalidRequest, UnsupportedParameter
from models.modalities import responses
from models.modalities.base import Usage
from models.modalities.responses import count
from models.modalities.responses.items import as_items, item_id, place_of, stored_items
from models.modalities.responses.request import CountTokens
from models.modalities.responses.writer import error_event, final, next_number
from models.modalities.text import Delta, TokenLogprob, ToolDelta
from models.validation import invalid

RID = "0123456789abcdef01234567"
BASE: dict[str, Any] = {"model": "m", "input": "Hello"}
TOOL: dict[str, Any] = {"type": "function", "name": "f", "parameters": {"type": "object"}}
CALL: dict[str, Any] = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
OUTPUT: dict[str, Any] = {"type": "function_call_output", "call_id": "c", "output": "42"}
IMAGE = "data:image/png;base64,iVBORw0KGgo="

Events = TypeAdapter[ResponseStreamEvent](ResponseStreamEvent)


def request(**fields: Any) -> responses.Request:
    return responses.Request.model_validate(BASE | fields)


def refusal(**fields: Any) -> HeadraceError:
    """The error that a client gets for this body."""
    with pytest.raises(ValidationError) as caught:
        request(**fields)
    return invalid(caught.value, BASE | fields)


def messages(items: Any, **fields: Any) -> list[dict[str, Any]]:
    """The chat that a runner's engine is asked for this input."""
    inner = request(input=items, **fields).inner()
    return [one.model_dump(exclude_unset=True) for one in inner.messages]


# ---- requests ----------------------------------------------------------------------------------------------


def test_every_field_of_openais_is_known() -> None:
    fields = typing.get_type_hints(theirs.ResponseCreateParamsStreaming)
    assert set(fields) <= set(responses.CreateResponse.model_fields)
    counted = typing.get_type_hints(input_token_count_params.InputTokenCountParams)
    assert set(counted) <= set(CountTokens.model_fields)


def test_what_is_not_implemented_is_refused_by_name() -> None:
    for name, inert in responses.CreateResponse.INERT.items():
        error = refusal(**{name: {"anything": "else"}})
        assert isinstance(error, UnsupportedParameter)
        assert error.param == name
        for value in (None, *inert):
            request(**{name: value})


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"tools": [{"type": "web_search"}], "tool_choice": "required"}, "tool_choice", "unsupported_parameter"),
        ({"tools": [{"type": ""}]}, "tools[0].type", "invalid_value"),
        ({"tools": [{"name": "f"}]}, "tools[0].type", "invalid_value"),
        ({"tools": [TOOL, TOOL]}, "tools", "invalid_value"),
        ({"tools": [{"type": "function", "name": "a b"}]}, "tools[0].name", "invalid_value"),
        ({"tool_choice": "required"}, "tool_choice", "invalid_value"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "name": "g"}}, "tool_choice", "invalid_value"),
        (
            {
                "tools": [TOOL],
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "auto",
                    "tools": [{"type": "function", "name": "g"}],
                },
            },
            "tool_choice",
            "invalid_value",
        ),
        ({"tool_choice": {"type": "web_search_preview"}}, "tool_choice.type", "unsupported_parameter"),
        ({"input": [{"type": "computer_call", "id": "x"}]}, "input[0].type", "unsupported_parameter"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]},
            "input[0].content[0].type",
            "unsupported_parameter",
        ),
        ({"input": [{"role": "king", "content": "x"}]}, "input[0].role", "invalid_value"),
        ({"input": []}, "input", "invalid_value"),
        ({"input": [OUTPUT]}, "input", "invalid_value"),
        ({"input": [{"role": "user", "content": [{"type": "output_text", "text": "x"}]}]}, "input[0]", "invalid_value"),
        ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "text.format.schema", "invalid_value"),
        ({"text": {"verbosity": "terse"}}, "text.verbosity", "invalid_value"),
        ({"tools": [{"type": "functoin", "name": "f"}]}, "tools[0].type", "invalid_value"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0].function", "invalid_value"),
        ({"reasoning": {"summary": "long"}}, "reasoning.summary", "invalid_value"),
        ({"temperature": float("nan")}, "temperature", "invalid_value"),
        ({"top_logprobs": 21}, "top_logprobs", "invalid_value"),
        ({"include": ["everything"]}, "include[0]", "invalid_value"),
        ({"stream_options": {"include_obfuscation": False}}, "stream_options", "invalid_value"),
        ({"background": True, "store": False}, "store", "invalid_value"),
        ({"metadata": {"a" * 65: "b"}}, "metadata", "invalid_value"),
        ({"input": "\ud800"}, "input", "invalid_value"),
        ({"truncation": "auto"}, "truncation", "unsupported_parameter"),
    ],
)
def test_a_wrong_value_names_its_parameter(fields: dict[str, Any], param: str, code: str) -> None:
    error = refusal(**fields)
    assert (error.status, error.code) == (400, code)
    assert (error.param or "").startswith(param)


def test_what_is_wrong_is_said_once_and_of_the_type_that_was_sent() -> None:
    assert refusal(tools=[TOOL, TOOL]).message == "'tools': two tools have the same name"
    assert "at least 1 item" in refusal(input=[]).message


def test_fields_are_handed_on_to_the_chat() -> None:
    inner = request(
        temperature=0.5,
        top_p=0.9,
        max_output_tokens=7,
        reasoning={"effort": "none"},
        tools=[TOOL, TOOL | {"name": "g"}],
        tool_choice={"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "g"}]},
        parallel_tool_calls=False,
        top_logprobs=2,
        text={"format": {"type": "json_schema", "name": "a", "schema": {"type": "integer"}, "strict": True}},
    ).inner()
    assert (inner.temperature, inner.top_p, inner.token_limit) == (0.5, 0.9, 7)
    assert inner.template_kwargs == {"reasoning_effort": "none", "enable_thinking": False}
    assert [tool.function.name for tool in inner.callable_tools] == ["g"]
    assert inner.must_call
    assert inner.parallel_tool_calls is False
    assert (inner.logprobs, inner.top_logprobs) == (True, 2)
    assert inner.constraint is not None
    assert inner.constraint.value == {"type": "integer"}
    assert request().inner().asked() == {"model", "messages"}


def asked(items: Any) -> list[dict[str, Any]]:
    """The items as a gateway hands them on."""
    return as_items(request(input=items).model_dump(mode="json", exclude_unset=True)["input"])


def test_what_is_counted_is_the_prompt() -> None:
    fields: dict[str, Any] = BASE | {"instructions": "be brief", "tools": [TOOL], "reasoning": {"effort": "none"}}
    inner = count.Request.model_validate(fields).inner()
    assert [one.text for one in inner.messages or []] == ["be brief", "Hello"]
    assert [one.function.name for one in inner.tools or []] == ["f"]
    assert (inner.chat_template_kwargs or {})["enable_thinking"] is False
    with pytest.raises(ValidationError):
        count.Request.model_validate({"model": "m"})


# ---- items -------------------------------------------------------------------------------------------------


def test_a_turn_of_the_model_becomes_one_message() -> None:
    answer = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a", "annotations": []}]},
        CALL,
        CALL | {"call_id": "d"},
    ]
    found = messages(
        [{"role": "user", "content": "q"}, *answer, OUTPUT, OUTPUT | {"call_id": "d"}, {"role": "user", "content": "!"}]
    )
    assert [one["role"] for one in found] == ["user", "assistant", "tool", "tool", "user"]
    assert (found[1]["content"], found[1]["reasoning_content"]) == ("a", "hm")
    assert [one["id"] for one in found[1]["tool_calls"]] == ["c", "d"]


def test_instructions_and_a_first_system_message_are_one() -> None:
    system = [{"role": "developer", "content": "be kind"}, {"role": "user", "content": "q"}]
    assert [one["content"] for one in messages(system, instructions="be brief")] == ["be brief\n\nbe kind", "q"]
    assert [one["role"] for one in messages("q", instructions="be brief")] == ["system", "user"]


def test_pictures_and_recordings_keep_their_place() -> None:
    parts = [
        {"type": "input_text", "text": "what"},
        {"type": "input_image", "image_url": IMAGE, "detail": "low"},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]
    inner = request(input=[{"role": "user", "content": parts}]).inner()
    assert [one.type for one in inner.messages[0].parts] == ["text", "image_url", "input_audio"]
    assert inner.asked() >= {"image_url", "input_audio"}
    [_, _, tool] = messages(
        [{"role": "user", "content": "q"}, CALL, OUTPUT | {"output": [{"type": "input_image", "image_url": IMAGE}]}]
    )
    assert tool["content"][0]["type"] == "image_url"


def test_a_thought_alone_and_two_answers_in_a_row_stay_apart() -> None:
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}
    assert messages([thought, {"role": "user", "content": "q"}])[0] == {
        "role": "assistant",
        "content": "",
        "reasoning_content": "hm",
    }
    assert len(messages([{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}])) == 2


def test_what_was_not_looked_for_cannot_be_asked() -> None:
    with pytest.raises(InvalidRequest, match="goes on"):
        request(previous_response_id="resp_x").inner()
    with pytest.raises(InvalidRequest, match="looks for"):
        request(input=[{"type": "item_reference", "id": "msg_x"}]).inner()
    earlier = [{"role": "user", "content": "before"}]
    assert len(request(previous_response_id="resp_x", earlier=earlier).inner().messages) == 2


def test_kept_items_are_what_openais_types_say_and_can_be_sent_again() -> None:
    items = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}, CALL, OUTPUT]
    found = stored_items(asked(items), f"resp_{RID}")
    for one in found:
        TypeAdapter[ResponseItem](ResponseItem).validate_python(one)
        TypeAdapter[ResponseInputItemParam](ResponseInputItemParam).validate_python(one)
    assert [place_of(one["id"]) for one in found] == [(f"resp_{RID}", 0x8000 + place) for place in range(4)]
    assert messages(found) == messages(items)
    assert stored_items(asked(found), "resp_" + "f" * 24) == found


def test_an_items_id_tells_where_it_is() -> None:
    assert place_of(item_id("msg", f"resp_{RID}", 3)) == (f"resp_{RID}", 3)
    assert place_of("msg_else") is None


# ---- events ------------------------------------------------------------------------------------------------

TEXT = st.text(max_size=6)
DELTAS = st.lists(
    st.one_of(
        TEXT.map(lambda text: Delta(text)),
        TEXT.map(lambda text: Delta(reasoning=text or "x")),
        st.tuples(TEXT, TEXT).map(lambda both: Delta(both[0], reasoning=both[1])),
        st.tuples(st.booleans(), TEXT).map(lambda one: Delta(tools=(ToolDelta(int(one[0]), arguments=one[1]),))),
        st.sampled_from(["\n", " "]).map(lambda text: Delta(text)),
    ),
    max_size=12,
)


def numbered(deltas: list[Delta]) -> list[Delta]:
    """The calls one after another: a piece of index 1 begins a new one, and so does one after other words."""
    found, last, apart = [], -1, True
    for delta in deltas:
        pieces = []
        apart |= bool(delta.text.strip(" \t\r\n") or delta.reasoning)
        for piece in delta.tools:
            new, apart = piece.index == 1 or apart, False
            last += new
            about = {"id": f"call_{last}", "name": "f"} if new else {}
            pieces.append(ToolDelta(last, arguments=piece.arguments, **about))
        found.append(Delta(delta.text, reasoning=delta.reasoning, tools=tuple(pieces)))
    return found


def events(body: bytes) -> list[dict[str, Any]]:
    """The events, each as it names itself."""
    found = []
    *blocks, rest = body.decode().split("\n\n")
    assert rest == ""
    for block in blocks:
        name, data = block.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


def answered(deltas: list[Delta], finish: Any = "stop", **fields: Any) -> bytes:
    """What a client reads, in the order in which a runner asks for it."""
    reply = responses.Reply(RID, request(**fields), 1)
    said = b""
    for number, delta in enumerate([*deltas, Delta(finish=finish)]):
        body = reply.delta(delta)
        said += body if number else reply.start() + body
    return said + reply.end(Usage(3, len(deltas) + 1))


def same(response: dict[str, Any]) -> dict[str, Any]:
    return response | {"completed_at": None}


@settings(deadline=None)
@given(DELTAS, st.sampled_from(["stop", "length", "tool_calls", "content_filter"]))
def test_any_deltas_become_events_that_openais_client_puts_together(deltas: list[Delta], finish: Any) -> None:
    deltas = numbered(deltas)
    body = answered(deltas, finish, stream=True)
    found = events(body)
    assert [one["sequence_number"] for one in found] == list(range(len(found)))
    assert [one["type"] for one in found[:2]] == ["response.created", "response.in_progress"]
    assert next_number(body) == len(found)

    state = ResponseStreamState(input_tools=omit, text_format=omit)
    for one in found:
        state.handle_event(Events.validate_python(one))
    last = found[-1]["response"]
    done = [one["item"] for one in found if one["type"] == "response.output_item.done"]
    assert last["output"] == done
    assert json.loads(final(body)) == last
    assert last["status"] == ("completed" if finish in ("stop", "tool_calls") else "incomplete")

    whole = json.loads(answered(deltas, finish))
    assert same(whole) == same(last)
    Response.model_validate(whole)


@settings(deadline=None)
@given(DELTAS)
def test_nothing_that_was_said_is_lost(deltas: list[Delta]) -> None:
    deltas = numbered(deltas)
    answer = Response.model_validate_json(answered(deltas))
    blanks = str.maketrans("", "", " \t\r\n")
    texts = "".join(one.text for one in deltas)
    assert answer.output_text.translate(blanks) == texts.translate(blanks)
    thoughts = [one for one in answer.output if one.type == "reasoning"]
    assert "".join(part.text for one in thoughts for part in one.content or []) == "".join(
        one.reasoning for one in deltas
    )
    calls = {one.call_id: one.arguments for one in answer.output if one.type == "function_call"}
    assert "".join(calls.values()) == "".join(piece.arguments for one in deltas for piece in one.tools)


def test_blanks_between_calls_are_no_message() -> None:
    call = Delta(tools=(ToolDelta(0, "c", "f", "{}"),))
    other = Delta(tools=(ToolDelta(1, "d", "f", "{}"),))
    answer = Response.model_validate_json(answered([call, Delta("\n"), other, Delta("\n\n")], "tool_calls"))
    assert [one.type for one in answer.output] == ["function_call", "function_call"]
    answer = Response.model_validate_json(answered([call, Delta("\n"), Delta("so")]))
    assert answer.output_text == "\nso"


def test_usage_counts_what_was_thought() -> None:
    answer = Response.model_validate_json(answered([Delta(reasoning="a"), Delta(reasoning="b"), Delta("c")]))
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (3, 4, 7)
    assert answer.usage.output_tokens_details.reasoning_tokens == 2


def test_logprobs_come_where_they_were_asked_for() -> None:
    delta = Delta("é", logprobs=(TokenLogprob("é", -0.5, (TokenLogprob("é", -0.5),)),))
    asked = json.loads(answered([delta], include=["message.output_text.logprobs"]))
    Response.model_validate(asked)
    [token] = asked["output"][0]["content"][0]["logprobs"]
    assert (token["token"], token["bytes"], len(token["top_logprobs"])) == ("é", [195, 169], 1)
    assert json.loads(answered([delta]))["output"][0]["content"][0]["logprobs"] == []


def test_an_answer_that_was_cut_says_so() -> None:
    answer = Response.model_validate_json(answered([Delta("a")], "length"))
    assert (answer.status, answer.completed_at) == ("incomplete", None)
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "max_output_tokens"
    assert answer.output[0].status == "incomplete"  # type: ignore[union-attr]


def test_an_answer_without_a_word_is_announced_all_the_same() -> None:
    reply = responses.Reply(RID, request(stream=True), 1)
    found = events(reply.end(Usage(1, 0)))
    assert [one["sequence_number"] for one in found] == list(range(len(found)))
    assert found[0]["type"] == "response.created"


def test_an_error_is_numbered_after_what_was_sent() -> None:
    reply = responses.Reply(RID, request(stream=True), 1)
    first = reply.delta(Delta('\ndata: {"type":"x","sequence_number":99'))
    said = reply.start() + first
    [error] = events(error_event(EngineFailure("it broke"), next_number(said)))
    assert error["sequence_number"] == len(events(said))
    assert (error["code"], error["error"]["message"]) == ("engine_failure", "it broke")
    Events.validate_python(error)


def test_what_was_asked_is_said_again() -> None:
    fields = {"instructions": "be brief", "metadata": {"a": "b"}, "tools": [TOOL], "user": "u", "temperature": 0.5}
    answer = json.loads(answered([Delta("a")], **fields))
    assert fields.items() <= answer.items()
    assert answer["store"] is True
    assert json.loads(answered([Delta("a")], store=False))["store"] is False
