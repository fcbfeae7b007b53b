"""What all readers of tool calls share. The calls are the same wherever the text is cut.

The text is parsed by recursive descent, but it arrives in pieces, and a parser cannot wait within a call. So each rule
is a generator: where it needs the next character it yields, and ``feed`` sends that character in. A rule uses another
one with ``yield from``, whose value is what the other has read. Two lists and ``_raw`` hold what the rules have done:

* ``_text`` and ``_tools``: what ``feed`` returns next;
* ``_raw``: what was read and may still become a call. Where it does not (``NoCallError``), it is text.

Characters that were read too far are put into ``_back``, and read again from there.
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from models.modalities.text import ToolDelta
from workers.engines.text.thoughts import overlap

SPACE = " \t\r\n"

T = TypeVar("T")
Rule: TypeAlias = Generator[None, str, T]
"""A generator to which characters are sent, one at a time. Its value is what it has read."""


class NoCallError(Exception):
    """What looked like a call is not one: it is text."""


class CallScanner(ABC):
    """Feed it an answer's text; it returns the text beside the calls, and the calls.

    Calls begin with one of ``triggers``; after calls ``closings`` are dropped. ``functions`` are those that may be
    called, each with the schema of its parameters, if any. A call of another function is text, and so is anything that
    only begins like a call. Space around calls is dropped.
    """

    def __init__(self, triggers: Sequence[str], closings: Sequence[str], functions: Mapping[str, Any]) -> None:
        self.calls = 0
        self.open = False  # a call has a name, and no end yet
        self._functions = functions
        self._triggers = tuple(triggers)
        self._closings = tuple(closings)
        self._back: list[str] = []  # characters to be read again, the next one last
        self._text: list[str] = []
        self._tools: list[ToolDelta] = []
        self._space = ""  # held back, since a call may follow
        self._raw = ""  # read, and held back: it may become a call
        self._has_text = False  # whether there was text since the last call
        self._parser = self._run()
        next(self._parser)  # run it up to where it needs its first character

    def feed(self, text: str) -> tuple[str, tuple[ToolDelta, ...]]:
        """Take more text. Returns the text to show, and pieces of calls."""
        for character in text:
            self._parser.send(character)
        return self._taken()

    def flush(self) -> tuple[str, tuple[ToolDelta, ...]]:
        """Returns what was held back, once no more text will come."""
        ending = not self._raw or any(closing.startswith(self._raw) for closing in self._closings)
        held = "" if self.calls > 0 and ending and not self._has_text else self._space + self._raw
        if not self.open:
            self._text.append(held)
        return self._taken()

    def _taken(self) -> tuple[str, tuple[ToolDelta, ...]]:
        text, tools = "".join(self._text), tuple(self._tools)
        self._text.clear()
        self._tools.clear()
        return text, tools

    # ---- the rules: first text, then calls, then text again ----

    def _run(self) -> Rule[None]:
        while True:
            trigger = yield from self._until_calls()
            yield from self._attempt(self._calls(trigger))

    @abstractmethod
    def _calls(self, trigger: str) -> Rule[None]:
        """Read the calls after a trigger."""

    def _attempt(self, reading: Rule[None]) -> Rule[None]:
        """Read calls by this rule; what turns out not to be a call is put out as text."""
        try:
            yield from reading
        except NoCallError:
            self._put_text(self._raw)
        self._raw = ""
        self.open = False

    def _until_calls(self) -> Rule[str]:
        """Put out what comes as text, up to a trigger, with which calls begin. Returns the trigger."""
        part, tags = "", self._triggers + self._closings
        while True:
            character = yield from self._read()
            if any(tag.startswith(part + character) for tag in tags):
                self._raw = part = part + character
                if part in self._triggers:
                    return part
                if part in self._closings and self.calls:
                    self._raw = part = self._space = ""
            elif part:
                self._back += reversed(part[1:] + character)
                self._raw, first, part = "", part[0], ""
                self._put_plain(first)
            else:
                self._put_plain(character)

    def _put_plain(self, character: str) -> None:
        if character in SPACE:
            self._space += character
        else:
            self._put_text(character)

    # ---- what they put out ----

    def _put_text(self, text: str) -> None:
        self._text.append(self._space + text)
        self._space = ""
        self._has_text = True

    def _open_call(self, name: str) -> None:
        """Begin a call. Raises NoCallError where there is no such function."""
        if name not in self._functions:
            raise NoCallError
        self._tools.append(ToolDelta(self.calls, f"call_{secrets.token_hex(12)}", name))
        self.calls += 1
        self._raw = self._space = ""
        self._has_text, self.open = False, True

    def _put_arguments(self, text: str) -> None:
        """Put out more of the open call's arguments."""
        self._raw = ""
        last = self._tools[-1] if self._tools else None
        if last is not None and last.index == self.calls - 1:
            text = last.arguments + text
            self._tools[-1] = ToolDelta(last.index, last.id, last.name, text)
        elif text:
            self._tools.append(ToolDelta(self.calls - 1, arguments=text))

    def _put_call(self, name: str, arguments: str) -> None:
        """Put out a whole call. Raises NoCallError where there is no such function."""
        self._open_call(name)
        self._put_arguments(arguments)
        self.open = False

    # ---- how they read ----

    def _read(self) -> Rule[str]:
        """Read the next character."""
        if self._back:
            return self._back.pop()
        return (yield)

    def _take(self) -> Rule[str]:
        """Read the next character, which may be a part of a call."""
        character = yield from self._read()
        self._raw += character
        return character

    def _return(self, text: str) -> None:
        """Read this again, which was read last."""
        self._back += reversed(text)
        self._raw = self._raw[: len(self._raw) - len(text)]

    def _skip(self, these: str) -> Rule[str]:
        """Read up to the next character that is not one of these, and return it."""
        while True:
            character = yield from self._take()
            if character not in these:
                return character

    def _expect(self, texts: Sequence[str]) -> Rule[str]:
        """Read one of these texts, after space. Raises NoCallError where none follows."""
        text = yield from self._skip(SPACE)
        while text not in texts:
            if not any(one.startswith(text) for one in texts):
                raise NoCallError
            text += yield from self._take()
        return text

    def _until(
        self, ends: tuple[str, ...], each: Callable[[str], None] | None = None, most: int | None = None
    ) -> Rule[tuple[str, str]]:
        """Read up to one of these texts. Returns what came before it, and which it is.

        ``each`` is called with every piece of what came before, as it comes; then it is not returned. Raises
        NoCallError after ``most`` characters.
        """
        whole, held = [], ""
        while True:
            held += yield from self._take()
            end = next((end for end in ends if held.endswith(end)), "")
            sure = held[: len(held) - (len(end) if end else overlap(held, ends))]
            if sure and each is not None:
                each(sure)
            elif sure:
                whole.append(sure)
            if end:
                return "".join(whole), end
            held = held[len(sure) :]
            if most is not None and len(whole) > most:
                raise NoCallError
