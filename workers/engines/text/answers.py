"""Splits a model's text into thoughts, the answer and tool calls. Pure.

The text comes in pieces; the result is the same wherever it is cut.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.launching.chat_templates import Tags
from models.modalities.text import ToolDelta
from workers.engines.text.calls.formats import CallFormat
from workers.engines.text.calls.readers import reader_of
from workers.engines.text.channels import Channels
from workers.engines.text.repeats import RepeatFilter
from workers.engines.text.thoughts import Separator, Thinking, Thoughts


@dataclass(frozen=True, slots=True)
class Piece:
    """What some text was split into."""

    text: str = ""
    reasoning: str = ""
    tools: tuple[ToolDelta, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.text or self.reasoning or self.tools)

    def __add__(self, other: "Piece") -> "Piece":
        return Piece(self.text + other.text, self.reasoning + other.reasoning, (*self.tools, *other.tools))


class Splitter:
    """Splits a choice's text, which is fed as it comes. Space between the tags and the text around them is dropped.

    ``functions`` are those that may be called, with the schemas of their parameters, if any; ``single``: only one call
    is wanted; ``must``: the model can write nothing but calls, so any text that is left at the end is a call that was
    cut off, and a call that repeats the one before it ends the answer: a model that cannot stop otherwise repeats
    itself.
    """

    def __init__(
        self,
        tags: Tags | None = None,
        thinking: Thinking = "over",
        tools: CallFormat | None = None,
        functions: Mapping[str, Any] | None = None,
        *,
        single: bool = False,
        must: bool = False,
    ) -> None:
        self._thoughts = _separator(tags, thinking) if tags else None
        self._reader = reader_of(tools, functions) if tools and functions else None
        self._single = single
        self._must = must
        self._repeats = RepeatFilter() if must and not single else None

    @property
    def called(self) -> bool:
        """Whether there were tool calls, and all are complete."""
        return self._reader is not None and self._reader.calls > 0 and not self._reader.open

    @property
    def full(self) -> bool:
        """Whether nothing more is wanted."""
        return self.repeated or (self._single and self.called)

    @property
    def repeated(self) -> bool:
        """Whether the model began to repeat its calls."""
        return self._repeats is not None and self._repeats.met

    def feed(self, text: str) -> Piece:
        """Take more text. Returns what can be shown now."""
        reasoning = ""
        if self._thoughts is not None:
            reasoning, text = self._thoughts.feed(text)
        answer, tools = self._answer(text) if text else ("", ())
        return Piece(answer, reasoning, tools)

    def flush(self) -> Piece:
        """Returns what was held back, once no more text will come."""
        reasoning, answer = "", ""
        tools: tuple[ToolDelta, ...] = ()
        if self._thoughts is not None:
            reasoning, answer = self._thoughts.flush()
            answer, tools = self._answer(answer)
        if self._reader is not None:
            more, last = self._reader.flush()
            answer, tools = answer + more, (*tools, *self._novel(last))
        return Piece("" if self._must else answer, reasoning, tools)

    def _answer(self, text: str) -> tuple[str, tuple[ToolDelta, ...]]:
        if self._reader is None:
            return text, ()
        shown, tools = self._reader.feed(text)
        return shown, self._novel(tools)

    def _novel(self, tools: tuple[ToolDelta, ...]) -> tuple[ToolDelta, ...]:
        return tools if self._repeats is None else self._repeats.pass_on(tools, complete=self.called)


def _separator(tags: Tags, thinking: Thinking) -> Separator:
    return Channels(tags, thinking) if tags.channels else Thoughts(tags, thinking)
