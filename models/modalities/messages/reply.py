"""The answer of Anthropic's Messages API: its events, or the whole message."""

from typing import Any

import msgspec

from models.modalities.base import Usage
from models.modalities.messages.request import Request
from models.modalities.text import BLANKS, Delta, FinishReason, ToolCall, ToolDelta

_json = msgspec.json.Encoder()
_STOPS: dict[FinishReason | None, str] = {
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


class Reply:
    """Makes the events, or the ``message`` object, which is what all events together describe.

    The signature of a thinking block is the id of its message; nothing verifies it. ``message_start`` has the number of
    the prompt's tokens if the engine has given it by then; ``message_delta`` always has it.
    """

    def __init__(self, rid: str, request: Request, created: int) -> None:
        self._request = request
        self._id = f"msg_{rid}"
        self._hides = request.thinking is not None and request.thinking.display == "omitted"
        self._blocks: list[dict[str, Any]] = []
        self._is_open = False  # the last of them
        self._call = -1  # of the open block, where it is a tool's
        self._prompt_tokens = self._thinking_tokens = 0
        self._finish: FinishReason | None = None
        self._stop = ""
        self._text_lead = b""
        self._blank = ""  # after a tool's block, perhaps the beginning of a text

    def start(self) -> bytes:
        """The event that announces the message. ``delta`` may have been called before."""
        if not self._request.stream:
            return b""
        message = self._message(Usage(self._prompt_tokens, 0)) | {"content": []}
        message["stop_reason"] = None
        return _event("message_start", message=message) + _event("ping")

    def delta(self, delta: Delta) -> bytes:
        """The events of a delta; nothing if the answer is not streamed."""
        if delta.plain and self._text_lead:  # the common case, on the hot path
            self._blocks[-1]["text"].append(delta.text)
            return self._text_lead + _json.encode(delta.text) + b"}}\n\n" if delta.text else b""
        self._prompt_tokens = delta.prompt_tokens or self._prompt_tokens
        events = b""
        if delta.reasoning:
            self._thinking_tokens += delta.tokens
            events += self._think(delta.reasoning)
        if delta.text:
            events += self._say(delta.text)
        for piece in delta.tools:
            events += self._use(piece)
        if delta.finish is not None:
            self._finish, self._stop = delta.finish, delta.stop
            events += self._close()
        return events if self._request.stream else b""

    def end(self, usage: Usage, result: Any = None) -> bytes:
        """The events that end the message, or the whole message."""
        message = self._message(usage)
        if not self._request.stream:
            return _json.encode(message)
        delta = {name: message[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
        return _event("message_delta", delta=delta, usage=message["usage"]) + _event("message_stop")

    def _think(self, thought: str) -> bytes:
        events = self._open("thinking", {"thinking": "", "signature": ""})
        if self._hides:
            return events
        self._blocks[-1]["thinking"].append(thought)
        return events + self._piece("thinking_delta", thinking=thought)

    def _say(self, text: str) -> bytes:
        if self._call >= 0:
            text = self._blank + text
            if not text.strip(BLANKS):
                self._blank = text  # between two calls, or after the last
                return b""
        events = self._open("text", {"text": ""})
        self._blocks[-1]["text"].append(text)
        if self._request.stream:
            head = {"type": "content_block_delta", "index": len(self._blocks) - 1}
            lead = _json.encode(head)[:-1] + b',"delta":{"type":"text_delta","text":'
            self._text_lead = b"event: content_block_delta\ndata: " + lead
        return events + self._piece("text_delta", text=text)

    def _use(self, piece: ToolDelta) -> bytes:
        events = b""
        if piece.index != self._call:
            events = self._close() + self._open("tool_use", {"id": piece.id, "name": piece.name, "input": {}})
            self._call = piece.index
        if piece.arguments:
            self._blocks[-1]["input"].append(piece.arguments)
            events += self._piece("input_json_delta", partial_json=piece.arguments)
        return events

    def _open(self, kind: str, empty: dict[str, Any]) -> bytes:
        """Begin a block, unless one of this kind is open. Its text, thoughts or input are a list of pieces at first."""
        if self._is_open and self._blocks[-1]["type"] == kind:
            return b""
        events = self._close()
        grows = {"thinking": "thinking", "text": "text", "tool_use": "input"}[kind]
        self._blocks.append({"type": kind} | empty | {grows: []})
        self._is_open = True
        return events + _event("content_block_start", index=len(self._blocks) - 1, content_block={"type": kind} | empty)

    def _close(self) -> bytes:
        if not self._is_open:
            return b""
        self._is_open, self._call, self._text_lead, self._blank = False, -1, b"", ""
        events = b""
        if self._blocks[-1]["type"] == "thinking":
            self._blocks[-1]["signature"] = self._id
            events = self._piece("signature_delta", signature=self._id)
        return events + _event("content_block_stop", index=len(self._blocks) - 1)

    def _piece(self, kind: str, **piece: str) -> bytes:
        return _event("content_block_delta", index=len(self._blocks) - 1, delta={"type": kind} | piece)

    def _message(self, usage: Usage) -> dict[str, Any]:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._request.model,
            "content": [_whole(block) for block in self._blocks if block is not self._cut],
            "stop_reason": self._reason(usage),
            "stop_sequence": self._stop or None,
            "stop_details": None,
            "usage": self._usage(usage),
        }

    @property
    def _cut(self) -> dict[str, Any] | None:
        """The last block, where it is a call within which the answer was cut: it is not given as a whole one."""
        last = self._blocks[-1] if self._blocks else None
        if last is None or last["type"] != "tool_use" or self._finish in ("tool_calls", None):
            return None
        return None if ToolCall(last["id"], last["name"], "".join(last["input"])).is_whole else last

    def _reason(self, usage: Usage) -> str:
        if self._finish == "stop":
            if self._stop:
                return "stop_sequence"
            return "tool_use" if any(block["type"] == "tool_use" for block in self._blocks) else "end_turn"
        if self._finish == "length" and usage.completion_tokens < self._request.max_tokens:
            return "model_context_window_exceeded"
        return _STOPS.get(self._finish, "end_turn")

    def _usage(self, usage: Usage) -> dict[str, Any]:
        """Anthropic's counts. Tokens from the cache are not among the ``input_tokens``."""
        counts: dict[str, Any] = {
            "input_tokens": usage.prompt_tokens - usage.cached_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": usage.cached_tokens,
            "output_tokens": usage.completion_tokens,
        }
        if self._thinking_tokens:
            counts["output_tokens_details"] = {"thinking_tokens": self._thinking_tokens}
        return counts


def _whole(block: dict[str, Any]) -> dict[str, Any]:
    match block["type"]:
        case "text":
            return block | {"text": "".join(block["text"])}
        case "thinking":
            return block | {"thinking": "".join(block["thinking"])}
    return block | {"input": _input("".join(block["input"]))}


def _input(arguments: str) -> dict[str, Any]:
    """The input of a tool; empty where it is no JSON object."""
    try:
        decoded = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _event(kind: str, **fields: Any) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + _json.encode({"type": kind} | fields) + b"\n\n"
