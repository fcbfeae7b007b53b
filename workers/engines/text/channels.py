"""Reads the answer of a model that writes several messages, each with a header that says for whom it is. Pure.

Thoughts are one kind of message, what the user is to read another, and calls a third. Of a call the header is put
out, too, in one form: so what reads calls finds it in the text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from models.launching.chat_templates import Tags
from workers.engines.text.thoughts import Thinking, first_of, overlap

_HEADER = 300
"""Most characters of a header."""

_Kind = Literal["thought", "answer", "call"]


@dataclass(frozen=True, slots=True)
class _Form:
    """How messages are written.

    ``starts``: how a header begins; ``marks``: the texts that end it. ``ends`` end a message; ``next`` begin another
    one, whether or not this one was ended. ``kind`` says of a header what follows it, and how a call's is put out.
    """

    starts: tuple[str, ...]
    marks: tuple[str, ...]
    ends: tuple[str, ...]
    next: tuple[str, ...]
    kind: Callable[[str], tuple[_Kind, str]]


def _harmony(header: str) -> tuple[_Kind, str]:
    to = re.search(r"to=([\w.-]+)", header)
    if to:
        return "call", f"<|channel|>commentary to={to[1]}<|message|>"
    return ("thought" if re.search(r"<\|channel\|>\s*analysis", header) else "answer"), ""


def _inkling(header: str) -> tuple[_Kind, str]:
    if header.endswith("<|content_invoke_tool_json|>"):
        return "call", "<|content_invoke_tool_json|>"
    return ("thought" if header.endswith("<|content_thinking|>") else "answer"), ""


def _muse(header: str) -> tuple[_Kind, str]:
    to = re.search(r"to=([\w.-]+)", header)
    if to is None or to[1] == "user":
        return "answer", ""
    return ("thought" if to[1] == "self" else "call"), ""


_FORMS = {
    "harmony": _Form(
        starts=("<|start|>", "<|channel|>", "<|message|>", "to="),
        marks=("<|message|>",),
        ends=("<|end|>", "<|call|>", "<|return|>"),
        next=("<|start|>", "<|channel|>"),
        kind=_harmony,
    ),
    "inkling": _Form(
        starts=("<|message_model|>", "<|content_"),
        marks=(
            *("<|content_text|>", "<|content_thinking|>", "<|content_invoke_tool_json|>"),
            *("<|content_invoke_tool_text|>", "<|content_tool_error|>"),
        ),
        ends=("<|end_message|>", "<|content_model_end_sampling|>"),
        next=("<|message_model|>",),
        kind=_inkling,
    ),
    "muse": _Form(
        starts=("<|start|>", "to=", "<|message|>"),
        marks=("<|message|>",),
        ends=("<|eom|>", "<|eot|>"),
        next=("<|start|>",),
        kind=_muse,
    ),
}

CHANNEL_MARKS = {name: (*form.starts, *form.marks, *form.ends, "<|constrain|>") for name, form in _FORMS.items()}
"""The texts of each form that may be special tokens."""


class Channels:
    """Separates the messages. What has no header is the answer. Messages of one kind stand on lines of their own."""

    def __init__(self, tags: Tags, thinking: Thinking) -> None:
        self._form = _FORMS[tags.channels]
        self._kind: _Kind | None = "thought" if thinking == "open" else None  # None: within a header
        self._held = ""
        self._shown: dict[str, str] = {}  # what is due before the next text of a kind: a line's end
        self._fresh = True  # whether space that comes next is dropped
        self._follows = thinking == "open"  # whether there was a message before

    def feed(self, text: str) -> tuple[str, str]:
        """See ``Separator``."""
        self._held += text
        thoughts, answer = "", ""
        while True:
            kind = self._kind
            more, goes_on = self._header() if kind is None else self._message(kind)
            thoughts, answer = (thoughts + more, answer) if kind == "thought" else (thoughts, answer + more)
            if not goes_on:
                return thoughts, answer

    def flush(self) -> tuple[str, str]:
        """See ``Separator``."""
        held, self._held = self._held, ""
        if self._kind == "thought":
            return held.rstrip(), ""
        return "", held

    def _header(self) -> tuple[str, bool]:
        """Read a header. Returns what of it is to be shown, and whether there is more to read."""
        form, begun = self._form, self._held.lstrip()
        at, mark = first_of(self._held[:_HEADER], form.marks)
        if any(begun.startswith(start) for start in form.starts):
            if mark:
                header, self._held = self._held[: at + len(mark)], self._held[at + len(mark) :]
                return self._open(*form.kind(header)), True
            if len(self._held) < _HEADER:
                return "", False
        elif any(start.startswith(begun) for start in form.starts):
            return "", False
        self._held = begun if self._follows else self._held
        return self._open("answer", ""), True

    def _open(self, kind: _Kind, call: str) -> str:
        self._kind, self._fresh, self._follows = kind, kind != "call", True
        return call

    def _message(self, kind: _Kind) -> tuple[str, bool]:
        """Read a message's text. Returns what is to be shown, and whether there is more to read."""
        form = self._form
        if self._fresh and kind == "thought":
            self._held = self._held.lstrip()
        at, end = first_of(self._held, (*form.ends, *form.next))
        if end:
            text = self._held[:at].rstrip() if kind == "thought" else self._held[:at]
            self._held = self._held[at:] if end in form.next else self._held[at + len(end) :]
            self._kind = None
            shown = self._put(kind, text) + (form.ends[0] if kind == "call" else "")
            if kind in self._shown:
                self._shown[kind] = "\n"
            return shown, True
        keep = overlap(self._held, (*form.ends, *form.next))
        text = self._held[: len(self._held) - keep]
        text = text.rstrip() if kind == "thought" else text
        self._held = self._held[len(text) :]
        return self._put(kind, text), False

    def _put(self, kind: _Kind, text: str) -> str:
        if not text:
            return ""
        before = self._shown.get(kind, "") if kind != "call" else ""
        self._shown[kind], self._fresh = "", False
        return before + text
