"""Any answer, as Anthropic's own client reads it: events in their order, which add up to the whole message."""

import itertools
import json
import re
from typing import Any

import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from models.modalities import messages
from models.modalities.base import Usage
from models.modalities.text import Delta, FinishReason, ToolDelta

ASKED: dict[str, Any] = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}
FINISHES: list[FinishReason] = ["stop", "length", "tool_calls", "content_filter"]
_TEXTS = st.text(max_size=4)


@st.composite
def answers(draw: st.DrawFn) -> list[Delta]:
    """Any answer of one choice, as the contract of ``Delta`` has it."""
    found: list[Delta] = []
    calls = 0
    kinds = ["text", "blank", "reasoning", "call", "argument", "all"]
    for kind in draw(st.lists(st.sampled_from(kinds), max_size=12)):
        text = "\n" if kind == "blank" else draw(_TEXTS) if kind in ("text", "all") else ""
        reasoning = draw(_TEXTS) if kind in ("reasoning", "all") else ""
        tools: tuple[ToolDelta, ...] = ()
        if kind in ("call", "all"):
            tools = (ToolDelta(calls, f"call_{calls}", "f", '{"a":'), ToolDelta(calls, arguments=f"{calls}}}"))
            calls += 1
        elif kind == "argument" and calls and found[-1].tools:
            tools = (ToolDelta(calls - 1, arguments=" "),)
        found.append(Delta(text, reasoning=reasoning, tools=tools, prompt_tokens=5))
    stop = draw(st.sampled_from(["", "END"]))
    finish = draw(st.sampled_from(FINISHES))
    return [*found, Delta(draw(_TEXTS), finish=finish, stop=stop if finish == "stop" else "")]


def _write(deltas: list[Delta], usage: Usage, **fields: Any) -> bytes:
    """All that the runner writes, in the order in which it asks for it."""
    reply = messages.Reply("rid", messages.Request.model_validate(ASKED | fields), 1)
    first = reply.delta(deltas[0])
    parts = [reply.start(), first, *(reply.delta(one) for one in deltas[1:])]
    return b"".join([*parts, reply.end(usage)])


def _events(body: bytes) -> list[dict[str, Any]]:
    blocks = body.decode().split("\n\n")
    assert blocks.pop() == ""
    found = []
    for block in blocks:
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    return found


def _bare(text: str) -> str:
    """The text without blanks: those that surround calls are not shown."""
    return re.sub(r"[ \t\r\n]+", "", text)


def _accumulated(events: list[dict[str, Any]]) -> Message:
    adapter: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for event in events:
        if event["type"] != "ping":
            parsed = adapter.validate_python(event)
            snapshot = accumulate_event(event=parsed, current_snapshot=snapshot, json_bufs=buffers)
    return Message.model_validate(snapshot.to_dict())


@given(answers())
def test_any_answer_is_in_order_and_adds_up_to_the_whole_message(deltas: list[Delta]) -> None:
    usage = Usage(5, 100, cached_tokens=2)
    events = _events(_write(deltas, usage, stream=True))
    kinds = [event["type"] for event in events]
    assert kinds[:2] == ["message_start", "ping"]
    assert kinds[-2:] == ["message_delta", "message_stop"]
    opened = -1
    expected = "content_block_start"
    for event in events[2:-2]:
        if event["type"] == "content_block_start":
            assert expected == "content_block_start"
            opened += 1
            expected = "content_block_stop"
        else:
            assert expected == "content_block_stop"
            if event["type"] == "content_block_stop":
                expected = "content_block_start"
        assert event["index"] == opened
    assert expected == "content_block_start"

    streamed = _accumulated(events)
    whole = Message.model_validate_json(_write(deltas, usage))
    assert streamed.to_dict() == whole.to_dict()
    texts = [block.text for block in whole.content if block.type == "text"]
    assert _bare("".join(texts)) == _bare("".join(delta.text for delta in deltas))
    for before, block in itertools.pairwise(whole.content):
        assert before.type != "tool_use" or block.type != "text" or _bare(block.text)
    thoughts = "".join(block.thinking for block in whole.content if block.type == "thinking")
    assert thoughts == "".join(delta.reasoning for delta in deltas)
    inputs = [block.input for block in whole.content if block.type == "tool_use"]
    assert inputs == [{"a": number} for number in range(len(inputs))]
    assert (whole.usage.input_tokens, whole.usage.cache_read_input_tokens, whole.usage.output_tokens) == (3, 2, 100)


@pytest.mark.parametrize(
    ("last", "tokens", "reason"),
    [
        (Delta(finish="stop"), 3, "end_turn"),
        (Delta(finish="stop", stop="END"), 3, "stop_sequence"),
        (Delta(finish="length"), 100, "max_tokens"),
        (Delta(finish="length"), 99, "model_context_window_exceeded"),
        (Delta(finish="tool_calls", tools=(ToolDelta(0, "1", "f", "{}"),)), 3, "tool_use"),
        (Delta(finish="stop", tools=(ToolDelta(0, "1", "f", "{}"),)), 3, "tool_use"),
        (Delta(finish="content_filter"), 3, "refusal"),
    ],
)
def test_why_it_ended(last: Delta, tokens: int, reason: str) -> None:
    answer = Message.model_validate_json(_write([last], Usage(1, tokens)))
    assert answer.stop_reason == reason
    assert answer.stop_sequence == (last.stop or None)


@pytest.mark.parametrize("arguments", ["", '{"a": "b', '{"a": 1'])
def test_a_call_that_was_cut_is_not_given_as_a_whole_one(arguments: str) -> None:
    calls = (ToolDelta(0, "1", "f", "{}"), ToolDelta(1, "2", "f", arguments))
    answer = Message.model_validate_json(_write([Delta(finish="length", tools=calls)], Usage(1, 100)))
    assert [block.id for block in answer.content if block.type == "tool_use"] == ["1"]
    assert answer.stop_reason == "max_tokens"


def test_the_prompts_tokens_are_told_at_once_where_they_are_known() -> None:
    first, *_ = _events(_write([Delta("a", prompt_tokens=7), Delta(finish="stop")], Usage(7, 1), stream=True))
    assert first["message"]["usage"]["input_tokens"] == 7
    assert first["message"]["content"] == []
    assert first["message"]["stop_reason"] is None


def test_thoughts_are_hidden_on_request() -> None:
    hidden = {"type": "enabled", "budget_tokens": 1024, "display": "omitted"}
    deltas = [Delta(reasoning="hm"), Delta("yes", finish="stop")]
    answer = Message.model_validate_json(_write(deltas, Usage(1, 2), thinking=hidden))
    assert [block.type for block in answer.content] == ["thinking", "text"]
    assert b"hm" not in _write(deltas, Usage(1, 2), thinking=hidden, stream=True)
    assert answer.usage.output_tokens_details is not None
    assert answer.usage.output_tokens_details.thinking_tokens == 1


@pytest.mark.parametrize(
    ("arguments", "found"), [("", {}), ('{"a": [1, 2]}', {"a": [1, 2]}), ("[1]", {}), ("not JSON", {})]
)
def test_the_input_of_a_call_is_an_object(arguments: str, found: dict[str, Any]) -> None:
    call = Delta(tools=(ToolDelta(0, "1", "f", arguments),), finish="tool_calls")
    [block] = Message.model_validate_json(_write([call], Usage(1, 100))).content
    assert block.type == "tool_use"
    assert block.input == found
