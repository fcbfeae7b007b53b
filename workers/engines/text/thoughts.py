"""Tells a model's thoughts from its answer, by the tags around them, as the text comes. Pure."""

from typing import Literal, Protocol

from models.launching.chat_templates import Tags

Thinking = Literal["open", "possible", "over"]
"""Where an answer begins.

"open": within thoughts, which the prompt has begun; "possible": thoughts may come first; "over": after them, or there
are none.
"""


def thinking_of(prompt: str, tags: Tags) -> Thinking:
    """Where the answer to this prompt begins."""
    begun, begin = _last(prompt, (tags.begin, *tags.begins))
    ended, end = _last(prompt, (tags.end, *tags.ends))
    if begun > ended and not prompt[begun + len(begin) :].strip():
        return "open"
    if ended >= 0 and not prompt[ended + len(end) :].strip():
        return "over"
    return "open" if tags.silent else "possible"


def _last(prompt: str, texts: tuple[str, ...]) -> tuple[int, str]:
    """Where the last of these stands in the prompt, and which it is. White space at its end does not count."""
    return max((prompt.rfind(text.rstrip()), text.rstrip()) for text in texts)


def overlap(text: str, tags: tuple[str, ...]) -> int:
    """The length of the longest end of the text with which one of the tags begins."""
    longest = min(len(text), max(map(len, tags), default=1) - 1)
    return next((n for n in range(longest, 0, -1) if any(tag.startswith(text[-n:]) for tag in tags)), 0)


def first_of(text: str, tags: tuple[str, ...]) -> tuple[int, str]:
    """Where the first of these tags stands in the text, and which it is; -1 where there is none."""
    places = [(at, -len(tag), tag) for tag in tags if (at := text.find(tag)) >= 0]
    return (min(places)[0], min(places)[2]) if places else (-1, "")


class Separator(Protocol):
    """What separates thoughts from an answer. Both methods return the thoughts and the answer that can be shown."""

    def feed(self, text: str) -> tuple[str, str]:
        """Take more text."""

    def flush(self) -> tuple[str, str]:
        """Returns what was held back, once no more text will come."""


class Thoughts:
    """Thoughts between tags, before the answer. Space between the tags and the text around them is dropped."""

    def __init__(self, tags: Tags, thinking: Thinking) -> None:
        self._begins = (tags.begin, *tags.begins)
        self._ends = (tags.end, *tags.ends, *tags.breaks)
        self._breaks = tags.breaks
        self._state = thinking
        self._held = ""  # text held back, since it may be a tag; with the space before it
        self._strip = thinking == "open"  # whether space that comes next is dropped
        self._repeatable = thinking == "open"  # whether the model may repeat the tag with which the prompt ends
        self._frame = _Frame(tags.around) if tags.around else None

    def feed(self, text: str) -> tuple[str, str]:
        """See ``Separator``."""
        reasoning = ""
        if self._state == "possible":
            text = self._begin(text)
        if self._state == "open":
            reasoning, text = self._think(text)
        return reasoning, self._answer(text) if self._state == "over" else ""

    def flush(self) -> tuple[str, str]:
        """See ``Separator``."""
        held, self._held = self._held, ""
        if self._state == "open":
            return held.rstrip(), ""
        answer = self._answer(held)
        return "", answer + (self._frame.flush() if self._frame else "")

    def _begin(self, text: str) -> str:
        """Find out whether there are thoughts. Returns the text to go on with; empty while that is not known."""
        self._held += text
        begun = self._held.lstrip()
        tag = next((tag for tag in self._begins if begun.startswith(tag)), "")
        if tag:
            self._state, self._strip, self._held = "open", True, ""
            return begun[len(tag) :]
        if any(tag.startswith(begun) for tag in self._begins):
            return ""
        text, self._held, self._state = self._held, "", "over"
        return text

    def _think(self, text: str) -> tuple[str, str]:
        """The thoughts to show, and the text that follows them."""
        whole = self._held + text
        if self._strip:
            whole = whole.lstrip()
            if self._repeatable and (tag := next((tag for tag in self._begins if whole.startswith(tag)), "")):
                whole, self._repeatable = whole[len(tag) :].lstrip(), False
            self._strip = not whole or (self._repeatable and any(tag.startswith(whole) for tag in self._begins))
            if self._strip:
                self._held = whole
                return "", ""
        at, end = first_of(whole, self._ends)
        if end:
            self._state, self._strip, self._held = "over", True, ""
            return whole[:at].rstrip(), whole[at:] if end in self._breaks else whole[at + len(end) :]
        shown = whole[: len(whole) - overlap(whole, self._ends)].rstrip()
        self._held = whole[len(shown) :]
        return shown, ""

    def _answer(self, text: str) -> str:
        if self._strip:
            text = text.lstrip()
            self._strip = not text
        return self._frame.feed(text) if self._frame else text


class _Frame:
    """Drops the texts around an answer. An end without its beginning is text, where it is no special token."""

    def __init__(self, pairs: tuple[tuple[str, str], ...]) -> None:
        self._begins = dict(pairs)
        self._ends = tuple(end for _, end in pairs if end.startswith("<|"))
        self._fresh = True
        self._strip = False  # whether space that comes next is dropped
        self._held = ""

    def feed(self, text: str) -> str:
        """Take more of the answer. Returns what can be shown."""
        self._held += text
        if self._fresh:
            begun = self._held.lstrip()
            begin = next((begin for begin in self._begins if begun.startswith(begin)), "")
            if not begin and any(begin.startswith(begun) for begin in self._begins):
                return ""
            self._fresh = False
            if begin:
                self._ends += (self._begins[begin],)
                self._held, self._strip = begun[len(begin) :], True
        shown = ""
        while (found := first_of(self._held, self._ends))[1]:
            at, end = found
            shown += self._stripped(self._held[:at]).rstrip()
            self._held, self._strip = self._held[at + len(end) :], True
        self._held = self._stripped(self._held)
        keep = overlap(self._held, self._ends)
        kept = self._held[: len(self._held) - keep]
        kept = kept.rstrip() if self._ends else kept
        self._held = self._held[len(kept) :]
        return shown + kept

    def _stripped(self, text: str) -> str:
        text = text.lstrip() if self._strip else text
        self._strip = self._strip and not text
        return text

    def flush(self) -> str:
        """Returns what was held back."""
        held, self._held = self._held, ""
        return held
