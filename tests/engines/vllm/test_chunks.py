"""What vLLM's server sends, as deltas."""

import json
from typing import Any

import pytest

from models.errors import EngineFailure
from models.modalities import chat
from models.modalities.text import Delta, ToolDelta
from workers.engines.vllm import wire


def chunk(**fields: Any) -> wire.VllmChunk:
    """A chunk as vLLM sends it."""
    found = wire.decode(f"data: {json.dumps(fields)}\n\n")
    assert found is not None
    return found


def test_chunks_become_deltas() -> None:
    usage = {"prompt_tokens": 7, "total_tokens": 0}
    piece = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
    sent: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}], "usage": usage},
        {"choices": [{"index": 0, "delta": {"reasoning": "hm"}}], "usage": usage | {"completion_tokens": 2}},
        {"choices": [{"index": 0, "delta": {}}], "usage": usage | {"completion_tokens": 3}},
        {"choices": [{"index": 0, "delta": {"tool_calls": [piece]}}], "usage": usage | {"completion_tokens": 5}},
        {
            "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop", "stop_reason": "!"}],
            "usage": usage | {"completion_tokens": 6},
        },
    ]
    choices = wire.Choices(2, 0)
    deltas = [delta for one in sent for delta in choices.deltas(chunk(**one))]

    assert deltas == [
        Delta("", 2, tokens=2, reasoning="hm", prompt_tokens=7),
        Delta("", 2, tokens=3, tools=(ToolDelta(0, "call_1", "f", ""),), prompt_tokens=7),
        Delta("x", 2, finish="stop", tokens=1, stop="!", prompt_tokens=7),
    ]
    assert wire.decode("data: [DONE]\n\n") is None
    with pytest.raises(EngineFailure):
        list(choices.deltas(chunk(choices=[{"index": 1, "delta": {}, "finish_reason": "abort"}])))


def called(index: int, call: int, name: str, arguments: str, tokens: int, finish: str | None = None) -> wire.VllmChunk:
    """A chunk of a choice that calls, after so many tokens."""
    begun = {"id": f"call_{index}_{call}"} if name else {}
    piece = {"index": call, "function": {"name": name or None, "arguments": arguments}} | begun
    choice = {"index": index, "delta": {"tool_calls": [piece]}, "finish_reason": finish}
    return chunk(choices=[choice], usage={"prompt_tokens": 7, "completion_tokens": tokens})


def demanded(**fields: Any) -> wire.Choices:
    """What converts the answer to a chat that must make calls, and may make several."""
    tools = [{"type": "function", "function": {"name": "hop"}}]
    turns = [{"role": "user", "content": "Go"}]
    asked = {"model": "m", "messages": turns, "tools": tools, "tool_choice": "required"}
    return wire.chat_choices(chat.Request.model_validate(asked | fields))


def test_a_choice_ends_where_a_demanded_call_repeats_the_one_before_it() -> None:
    choices = demanded(n=2)
    sent = [
        called(0, 0, "hop", '{"to": 1', 5),
        called(1, 0, "hop", "{}", 4),
        called(0, 0, "", "}", 6),
        called(0, 1, "hop", '{"to":', 9),
        called(0, 1, "", "2}", 11),
        called(0, 2, "hop", '{"to": 2}', 15),
    ]
    deltas = [delta for one in sent for delta in choices.deltas(one)]
    assert [delta.tools[0].arguments for delta in deltas] == ['{"to": 1', "{}", "}", '{"to":2}']
    assert not choices.over

    [end] = choices.deltas(called(0, 3, "hop", "{", 17))
    assert end == Delta("", 0, finish="tool_calls", tokens=6, prompt_tokens=7)
    assert not list(choices.deltas(called(0, 4, "hop", "{}", 30, "length")))
    assert not choices.over, "the other choice goes on"

    last = called(1, 1, "hop", " { } ", 8, "tool_calls")
    [end] = choices.deltas(last)
    assert end == Delta("", 1, finish="tool_calls", tokens=4, prompt_tokens=7)
    assert choices.over
    assert choices.usage(last) == wire.VllmUsage(7, 17 + 8)


def test_calls_that_are_demanded_are_eight_at_most() -> None:
    choices = demanded()
    deltas = [delta for n in range(9) for delta in choices.deltas(called(0, n, "hop", f'{{"to": {n}}}', n + 1))]

    assert [len(delta.tools) for delta in deltas] == [1] * 8 + [0]
    assert deltas[-1].finish == "tool_calls"
    assert choices.over


@pytest.mark.parametrize("fields", [{"tool_choice": "auto"}, {"parallel_tool_calls": False}])
def test_calls_that_nobody_demands_may_be_repeated(fields: dict[str, Any]) -> None:
    choices = demanded(**fields)
    deltas = [delta for n in range(20) for delta in choices.deltas(called(0, n, "hop", "{}", n + 1))]

    assert len(deltas) == 20
    assert not choices.over


def test_alternatives_are_the_likeliest_even_beside_an_unlikely_token() -> None:
    tops = [{"token": "rare", "logprob": -9.0}, {"token": "a", "logprob": -0.1}, {"token": "b", "logprob": -2.5}]
    content = [{"token": "rare", "logprob": -9.0, "bytes": [1], "top_logprobs": tops}]
    said = chunk(choices=[{"index": 0, "delta": {"content": "rare"}, "logprobs": {"content": content}}])
    [delta] = wire.Choices(0, 2).deltas(said)

    assert [one.token for one in delta.logprobs[0].top] == ["a", "b"]


def test_a_demanded_call_that_differs_in_the_end_is_shown() -> None:
    choices = demanded()
    sent = [called(0, 0, "hop", '{"to": "Rome"}', 5), called(0, 1, "hop", '{"to": " Rome"}', 11, "tool_calls")]
    deltas = [delta for one in sent for delta in choices.deltas(one)]

    assert [delta.tools[0].arguments for delta in deltas] == ['{"to": "Rome"}', '{"to": " Rome"}']
    assert not choices.over
