"""The answer of a chat completion: its chunks, or the whole object."""

from collections.abc import Sequence
from typing import Any

import msgspec

from models.modalities.base import Usage
from models.modalities.chat.body import Request
from models.modalities.text import (
    Choice,
    Delta,
    FinishReason,
    RunningUsage,
    TokenLogprob,
    ToolCall,
    ToolDelta,
)

_json = msgspec.json.Encoder()


class Reply:
    """Makes the ``chat.completion.chunk`` events, or the ``chat.completion`` object."""

    def __init__(self, rid: str, request: Request, created: int) -> None:
        self._request = request
        self._older = request.functions is not None
        self._choices: dict[int, Choice] = {}
        self._shared = {"id": f"chatcmpl-{rid}", "created": created, "model": request.model}
        self._shared["service_tier"] = "default"
        head = _json.encode(self._shared | {"object": "chat.completion.chunk"})[:-1]
        self._head = b"data: " + head + (b',"usage":null' if request.wants_usage else b"")
        self._lead = self._head + b',"choices":[{"index":0,"delta":{"content":'
        self._running = RunningUsage() if request.wants_running_usage else None

    def start(self) -> bytes:
        """For each choice, a chunk that announces the role."""
        if not self._request.stream:
            return b""
        first = {"role": "assistant", "content": ""}
        return b"".join(self._chunk(index, first, None, None) for index in range(self._request.choices))

    def delta(self, delta: Delta) -> bytes:
        """One chunk; nothing if the answer is not streamed."""
        if not self._request.stream:
            self._choices.setdefault(delta.index, Choice()).add(delta)
            return b""
        if self._running is not None:
            self._running.add(delta)
        elif delta.index == 0 and delta.plain:  # the common case, on the hot path
            return self._lead + _json.encode(delta.text) + b'},"logprobs":null,"finish_reason":null}]}\n\n'
        content: dict[str, Any] = {"content": delta.text} if delta.text else {}
        if delta.reasoning:
            content["reasoning_content"] = delta.reasoning
        if delta.tools and self._older:
            content["function_call"] = _function(delta.tools)
        elif delta.tools:
            content["tool_calls"] = [_tool_delta(one) for one in delta.tools]
        return self._chunk(delta.index, content, _logprobs(delta.logprobs), delta.finish)

    def end(self, usage: Usage, result: Any = None) -> bytes:
        """The usage chunk where asked for, and ``[DONE]``; or the whole answer."""
        if not self._request.stream:
            return _json.encode(self._answer(usage))
        last = b"data: [DONE]\n\n"
        if self._request.wants_usage:
            body = self._shared | {"object": "chat.completion.chunk", "choices": [], "usage": usage.to_json()}
            last = b"data: " + _json.encode(body) + b"\n\n" + last
        return last

    def _chunk(self, index: int, delta: dict[str, Any], logprobs: Any, finish: FinishReason | None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": self._finish(finish)}
        if self._running is not None:
            chunk = self._shared | {"object": "chat.completion.chunk", "usage": self._running.to_json()}
            return b"data: " + _json.encode(chunk | {"choices": [choice]}) + b"\n\n"
        return self._head + b',"choices":[' + _json.encode(choice) + b"]}\n\n"

    def _finish(self, finish: FinishReason | None) -> str | None:
        return "function_call" if finish == "tool_calls" and self._older else finish

    def _answer(self, usage: Usage) -> dict[str, Any]:
        body = self._shared | {"object": "chat.completion", "usage": usage.to_json()}
        if self._request.metadata is not None:
            body["metadata"] = self._request.metadata
        body["choices"] = [
            {
                "index": index,
                "message": message(choice, older=self._older),
                "logprobs": _logprobs(tuple(choice.logprobs)) if self._request.logprobs else None,
                "finish_reason": self._finish(choice.finish),
            }
            for index, choice in sorted(self._choices.items())
        ]
        return body


def message(choice: Choice, *, older: bool = False) -> dict[str, Any]:
    """The whole message of an assistant. ``older``: a call is a ``function_call``."""
    text = "".join(choice.text)
    whole: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if choice.reasoning:
        whole["reasoning_content"] = "".join(choice.reasoning)
    if calls := choice.calls:
        whole["content"] = text or None
        whole |= (
            {"function_call": _function(calls[:1])} if older else {"tool_calls": [_tool_call(call) for call in calls]}
        )
    return whole


def _function(pieces: Sequence[ToolCall | ToolDelta]) -> dict[str, str]:
    """A call in OpenAI's older form, or pieces of it: the first has the name."""
    arguments = {"arguments": "".join(piece.arguments for piece in pieces)}
    return {"name": pieces[0].name} | arguments if pieces[0].name else arguments


def _tool_call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _tool_delta(piece: ToolDelta) -> dict[str, Any]:
    if not piece.id:
        return {"index": piece.index, "function": {"arguments": piece.arguments}}
    function = {"name": piece.name, "arguments": piece.arguments}
    return {"index": piece.index, "id": piece.id, "type": "function", "function": function}


def _logprobs(tokens: tuple[TokenLogprob, ...]) -> dict[str, Any] | None:
    if not tokens:
        return None
    content = [_token(one) | {"top_logprobs": [_token(other) for other in one.top]} for one in tokens]
    return {"content": content, "refusal": None}


def _token(one: TokenLogprob) -> dict[str, Any]:
    return {"token": one.token, "logprob": one.logprob, "bytes": one.octets}
