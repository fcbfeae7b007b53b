"""Splits a model's text into thoughts, the answer and tool calls. Pure.

The text comes in pieces; the result is the same wherever it is cut.
"""

from dataclasses import dataclass
from typing import Literal

from models.launching.chat_templates import Tags
from models.modalities.text import ToolDelta
from workers.engines.text.repeats import RepeatFilter
from workers.engines.text.tool_calls import ToolReader
from workers.engines.text.tool_formats import ToolFormat

Thinking = Literal["open", "possible", "over"]
"""Where an answer begins.

"open": within thoughts, which the prompt has begun; "possible": thoughts may come first; "over": after them, or there
are none.
"""


def thinking_of(prompt: str, tags: Tags) -> Thinking:
    """Where the answer to this prompt begins."""
    begun, ended = prompt.rfind(tags.begin), prompt.rfind(tags.end)
    if begun > ended and not prompt[begun + len(tags.begin) :].strip():
        return "open"
    return "over" if ended >= 0 and not prompt[ended + len(tags.end) :].strip() else "possible"


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

    ``names`` are the functions that may be called; ``single``: only one call is wanted; ``must``: the model can write
    nothing but calls, so any text that is left at the end is a call that was cut off, and a call that repeats the one
    before it ends the answer: a model that cannot stop otherwise repeats itself.
    """

    def __init__(
        self,
        tags: Tags | None = None,
        thinking: Thinking = "over",
        tools: ToolFormat | None = None,
        names: frozenset[str] = frozenset(),
        *,
        single: bool = False,
        must: bool = False,
    ) -> None:
        self._tags = tags
        self._state: Thinking = thinking if tags else "over"
        self._held = ""  # text held back, since it may be a tag; with the space before it
        self._strip = self._state == "open"  # whether space that comes next is dropped
        self._reader = ToolReader(tools, names) if tools and names else None
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
        if self._state == "possible":
            text = self._begin(text)
        if self._state == "open":
            reasoning, text = self._think(text)
        answer, tools = self._answer(text) if self._state == "over" and text else ("", ())
        return Piece(answer, reasoning, tools)

    def flush(self) -> Piece:
        """Returns what was held back, once no more text will come."""
        if self._state == "open":
            return Piece(reasoning=self._held.rstrip())
        held, self._held = self._held, ""
        answer, tools = self._answer(held)
        if self._reader is not None:
            more, last = self._reader.flush()
            answer, tools = answer + more, (*tools, *self._novel(last))
        return Piece("" if self._must else answer, tools=tools)

    def _begin(self, text: str) -> str:
        """Find out whether there are thoughts. Returns the text to go on with; empty while that is not known."""
        assert self._tags is not None
        self._held += text
        begun, tag = self._held.lstrip(), self._tags.begin
        if begun.startswith(tag):
            self._state, self._strip, self._held = "open", True, ""
            return begun[len(tag) :]
        if tag.startswith(begun):
            return ""
        text, self._held, self._state = self._held, "", "over"
        return text

    def _think(self, text: str) -> tuple[str, str]:
        """The thoughts to show, and the text that follows them."""
        assert self._tags is not None
        tag, whole = self._tags.end, self._held + text
        if self._strip:
            whole = whole.lstrip()
            self._strip = not whole
        thought, end, rest = whole.partition(tag)
        if end:
            self._state, self._strip, self._held = "over", True, ""
            return thought.rstrip(), rest
        begun = next((n for n in range(len(tag) - 1, 0, -1) if whole.endswith(tag[:n])), 0)
        shown = whole[: len(whole) - begun].rstrip()
        self._held = whole[len(shown) :]
        return shown, ""

    def _answer(self, text: str) -> tuple[str, tuple[ToolDelta, ...]]:
        if self._strip:
            text = text.lstrip()
            self._strip = not text
        if self._reader is None:
            return text, ()
        shown, tools = self._reader.feed(text)
        return shown, self._novel(tools)

    def _novel(self, tools: tuple[ToolDelta, ...]) -> tuple[ToolDelta, ...]:
        return tools if self._repeats is None else self._repeats.pass_on(tools, complete=self.called)
