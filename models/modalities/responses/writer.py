"""Makes the output of a response: output items, and the events about them, from the engine's deltas.

Protocol: https://platform.openai.com/docs/api-reference/responses-streaming. Events are numbered from 0 without gaps;
the last one has the whole ``response`` object. What a model thought is an item of its own, returned as it is.
"""

import re
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from models.errors import HeadraceError
from models.modalities.base import Usage
from models.modalities.responses.items import item_id
from models.modalities.text import BLANKS, Delta, TokenLogprob, ToolDelta

_json = msgspec.json.Encoder()
_LAST = re.compile(rb'\ndata: \{"type":"[a-z_.]+","sequence_number":(\d+)')
_FINAL = re.compile(rb"event: response\.(?:completed|incomplete|failed)\ndata: ")

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why an answer is incomplete: from a finish reason to OpenAI's word for it."""


class ClosingEvent(msgspec.Struct):
    """The part of the last event that is read again."""

    response: msgspec.Raw


def event(kind: str, number: int, fields: dict[str, Any]) -> bytes:
    """One event. Its type and number come first, since ``next_number`` looks for them there."""
    body = _json.encode({"type": kind, "sequence_number": number} | fields)
    return b"event: " + kind.encode() + b"\ndata: " + body + b"\n\n"


def queued(about: dict[str, Any]) -> list[bytes]:
    """The events of a response that waits to be made."""
    response = about | {"status": "queued"}
    kinds = ("response.created", "response.queued")
    return [event(kind, number, {"response": response}) for number, kind in enumerate(kinds)]


def next_number(sent: bytes) -> int:
    """The number of the event that comes after these."""
    numbers = _LAST.findall(sent)
    return int(numbers[-1]) + 1 if numbers else 0


def error_event(error: HeadraceError, number: int) -> bytes:
    """The event that ends a stream after an error: with the error as documented, and as OpenAI's clients read it."""
    about = {"code": error.code, "message": error.message, "param": error.param}
    return event("error", number, about | {"error": about | {"type": error.type}})


def failure(error: HeadraceError) -> dict[str, Any]:
    """The ``error`` of a response that has failed, with one of the few codes that OpenAI has for it."""
    codes = {429: "rate_limit_exceeded", 400: "invalid_prompt"}
    return {"code": codes.get(error.status, "server_error"), "message": error.message}


def final(answer: bytes) -> bytes:
    """The ``response`` object at the end of an answer, streamed or not, as JSON."""
    last = None
    for last in _FINAL.finditer(answer):  # noqa: B007 - the last one is wanted
        pass
    if last is None:
        return answer
    end = answer.index(b"\n\n", last.end())
    return bytes(msgspec.json.decode(answer[last.end() : end], type=ClosingEvent).response)


class Writer:
    """Writes one response. ``about`` is its ``response`` object, without output yet.

    Events are written only with ``stream``. Of a response that is made in the background the gateway writes the first
    ones (``queued``). Tool calls come one after another: one ends where the next begins. ``names`` has the fields that
    name a function, for those that the model knows by another name.
    """

    def __init__(
        self,
        about: dict[str, Any],
        *,
        logprobs: bool,
        stream: bool = True,
        names: Mapping[str, dict[str, str]] | None = None,
    ) -> None:
        self._about = about
        self._names = names or {}
        self._logprobs = logprobs
        self._stream = stream
        self._first = len(queued(about)) if about["background"] else 0
        self._announced = (
            ("response.in_progress",) if about["background"] else ("response.created", "response.in_progress")
        )
        self._number = self._first + len(self._announced)
        self._begun = False
        self._items: list[dict[str, Any]] = []
        self._open = ""  # the type of the last item while it grows
        self._calls: dict[int, int] = {}  # a call's index → its place among the items
        self._parts: list[str] = []  # of the last item's text
        self._tokens: list[dict[str, Any]] = []
        self._blank = ""  # between tool calls, perhaps the beginning of a message
        self._lead = b""
        self._thought = 0
        self._cut: str | None = None

    def begin(self) -> bytes:
        """The events that announce the response."""
        self._begun = True
        if not self._stream:
            return b""
        numbered = enumerate(self._announced, self._first)
        return b"".join(event(kind, number, {"response": self._about}) for number, kind in numbered)

    def add(self, delta: Delta) -> bytes:
        """Take what the engine made; returns the events about it."""
        if delta.plain and self._open == "message":  # the common case, on the hot path
            return self._text(delta.text, ())
        written = b""
        if delta.reasoning:
            self._thought += 0 if delta.text else delta.tokens
            written += self._think(delta.reasoning)
        if delta.text or delta.logprobs:
            written += self._say(delta)
        for piece in delta.tools:
            written += self._call(piece)
        if delta.finish is not None:
            self._cut = INCOMPLETE.get(delta.finish)
        return written

    def end(self, usage: Usage) -> tuple[bytes, bytes]:
        """The events that close the response, and the whole ``response`` object."""
        written = b"" if self._begun else self.begin()
        if not self._items and self._cut is None:
            written += self._item("message")
        written += self._close(cut=self._cut is not None)
        status = "completed" if self._cut is None else "incomplete"
        whole = self._about | {
            "status": status,
            "completed_at": int(time.time()) if self._cut is None else None,
            "incomplete_details": self._cut and {"reason": self._cut},
            "output": self._items,
            "usage": {
                "input_tokens": usage.prompt_tokens,
                "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
                "output_tokens": usage.completion_tokens,
                "output_tokens_details": {"reasoning_tokens": min(self._thought, usage.completion_tokens)},
                "total_tokens": usage.prompt_tokens + usage.completion_tokens,
            },
        }
        return written + self._numbered_event(f"response.{status}", {"response": whole}), _json.encode(whole)

    # ---- what an engine makes ------------------------------------------------------------------------------

    def _think(self, text: str) -> bytes:
        written = b"" if self._open == "reasoning" else self._item("reasoning")
        self._parts.append(text)
        return written + self._numbered_event("response.reasoning_text.delta", self._where() | {"delta": text})

    def _say(self, delta: Delta) -> bytes:
        if self._open == "message":
            return self._text(delta.text, delta.logprobs)
        self._blank += delta.text
        if self._open == "function_call" and not self._blank.strip(BLANKS):
            return b""  # between two calls, or after the last
        text = self._blank
        return self._item("message") + self._text(text, delta.logprobs)

    def _text(self, text: str, logprobs: tuple[TokenLogprob, ...]) -> bytes:
        self._parts.append(text)
        tokens = [_token(one) for one in logprobs] if self._logprobs else []
        self._tokens += tokens
        if not self._stream:
            return b""
        number, self._number = self._number, self._number + 1
        encoded = _json.encode(text) + b',"logprobs":' + (_json.encode(tokens) if tokens else b"[]")
        return b"%b%d%b%b}\n\n" % (_DELTA, number, self._lead, encoded)

    def _call(self, piece: ToolDelta) -> bytes:
        written = b""
        if piece.index not in self._calls:
            named = self._names.get(piece.name, {"name": piece.name})
            written = self._item("function_call", call_id=piece.id, **named, arguments="")
            self._calls[piece.index] = len(self._items) - 1
        place = self._calls[piece.index]
        item = self._items[place]
        item["arguments"] += piece.arguments
        if piece.arguments:
            where = {"item_id": item["id"], "output_index": place, "delta": piece.arguments}
            written += self._numbered_event("response.function_call_arguments.delta", where)
        return written

    # ---- items ---------------------------------------------------------------------------------------------

    def _item(self, kind: str, **fields: Any) -> bytes:
        """Close the item before and begin one."""
        written, self._blank = self._close(), ""
        prefix = {"reasoning": "rs", "message": "msg", "function_call": "fc"}[kind]
        item: dict[str, Any] = {"id": item_id(prefix, self._about["id"], len(self._items)), "type": kind}
        item["status"] = "in_progress"
        if kind == "reasoning":
            item["summary"] = []
        elif kind == "message":
            item["role"] = "assistant"
        if kind != "function_call":
            item["content"] = []
        self._items.append(item | fields)
        self._open = kind
        written += self._numbered_event("response.output_item.added", self._placed())
        if kind == "function_call":
            return written
        where = _json.encode(self._where())[1:-1]
        self._lead = b"," + where + b',"delta":'
        return written + self._numbered_event(
            "response.content_part.added", self._where() | {"part": _part(kind, "", [])}
        )

    def _close(self, *, cut: bool = False) -> bytes:
        """End the item that is open."""
        kind, self._open = self._open, ""
        if not kind:
            return b""
        item = self._items[-1]
        item["status"] = "incomplete" if cut else "completed"
        if kind == "function_call":
            where = {"item_id": item["id"], "output_index": len(self._items) - 1}
            call = {"name": item["name"], "arguments": item["arguments"]}
            written = self._numbered_event("response.function_call_arguments.done", where | call)
        else:
            part = _part(kind, "".join(self._parts), self._tokens)
            self._parts, self._tokens = [], []
            item["content"] = [part]
            done, content = "response.reasoning_text.done", {"text": part["text"]}
            if kind == "message":
                done, content = "response.output_text.done", content | {"logprobs": part["logprobs"]}
            written = self._numbered_event(done, self._where() | content)
            written += self._numbered_event("response.content_part.done", self._where() | {"part": part})
        return written + self._numbered_event("response.output_item.done", self._placed())

    def _placed(self) -> dict[str, Any]:
        return {"output_index": len(self._items) - 1, "item": self._items[-1]}

    def _where(self) -> dict[str, Any]:
        """The fields that locate the one part of the last item."""
        return {"item_id": self._items[-1]["id"], "output_index": len(self._items) - 1, "content_index": 0}

    def _numbered_event(self, kind: str, fields: dict[str, Any]) -> bytes:
        if not self._stream:
            return b""
        number, self._number = self._number, self._number + 1
        return event(kind, number, fields)


_DELTA = b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":'


def _part(kind: str, text: str, tokens: list[dict[str, Any]]) -> dict[str, Any]:
    if kind == "reasoning":
        return {"type": "reasoning_text", "text": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": tokens}


def _token(one: TokenLogprob) -> dict[str, Any]:
    return _bare(one) | {"top_logprobs": [_bare(other) for other in one.top]}


def _bare(one: TokenLogprob) -> dict[str, Any]:
    return {"token": one.token, "logprob": one.logprob, "bytes": one.octets}
