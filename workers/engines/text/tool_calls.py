"""Tool calls out of a model's text, as it comes: wherever the text is cut, the same calls come of it.

The text is parsed by recursive descent, but it arrives in pieces, and a parser cannot wait within a call. So each rule
is a generator: where it needs the next character it yields, and ``feed`` sends that character in. One rule reads by
another with ``yield from``, whose value is what was read. Two lists and ``_raw`` hold what the rules have done:

* ``_text`` and ``_tools``: what ``feed`` gives out next;
* ``_raw``: what was read and may yet become a call. Where it does not (``_NoCallError``), it is text after all.

Characters that were read too far are put into ``_back``, and read again from there.
"""

import json
import secrets
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from models.modalities.text import ToolDelta
from workers.engines.text.tool_formats import PYTHON_TAG, ToolFormat

_SPACE = " \t\r\n"
_NAME_CHARACTERS = 300

T = TypeVar("T")
_Rule: TypeAlias = Generator[None, str, T]
"""Is sent characters, one at a time; its value is what it has read."""


class _NoCallError(Exception):
    """What looked like a call is none: it is text."""


class ToolReader:
    """Feed it an answer's text; it gives back what is said beside the calls, and the calls.

    A call of a function that is not among ``names`` is text, as is all that only begins like a call. Space around
    calls is dropped.
    """

    def __init__(self, form: ToolFormat, names: frozenset[str]) -> None:
        self.calls = 0
        self.open = False  # a call has a name, and no end yet
        self._form = form
        self._names = names
        self._tags = [one for one in (form.trigger, form.end) if one]
        self._back: list[str] = []  # characters to be read again, the next one last
        self._text: list[str] = []
        self._tools: list[ToolDelta] = []
        self._space = ""  # held, for a call may follow
        self._raw = ""  # read, and not given out yet: what may become a call
        self._spoken = False  # something was said since the last call
        self._parser = self._run()
        next(self._parser)  # up to where it wants its first character

    def feed(self, text: str) -> tuple[str, tuple[ToolDelta, ...]]:
        """The text to show, and pieces of calls."""
        for character in text:
            self._parser.send(character)
        return self._taken()

    def flush(self) -> tuple[str, tuple[ToolDelta, ...]]:
        """What was held back, once no more text will come."""
        ending = self.calls > 0 and self._form.end.startswith(self._raw)  # nothing, or some of the end tag
        held = "" if ending and not self._spoken else self._space + self._raw
        if not self.open:
            self._text.append(held)
        return self._taken()

    def _taken(self) -> tuple[str, tuple[ToolDelta, ...]]:
        text, tools = "".join(self._text), tuple(self._tools)
        self._text.clear()
        self._tools.clear()
        return text, tools

    # ---- the rules: first text, then calls, then text again ----

    def _run(self) -> _Rule[None]:
        if not self._form.trigger:
            yield from self._attempt(self._bare())
        while True:
            yield from self._until_calls()
            yield from self._attempt(self._calls())

    def _attempt(self, reading: _Rule[None]) -> _Rule[None]:
        """Read calls by this rule; what turns out to be none is said as text."""
        try:
            yield from reading
        except _NoCallError:
            self._say(self._raw)
        self._raw = ""
        self.open = False

    def _until_calls(self) -> _Rule[None]:
        """Show what comes, up to what begins calls."""
        part = ""
        while True:
            character = yield from self._read()
            if any(tag.startswith(part + character) for tag in self._tags):
                self._raw = part = part + character
                if part == self._form.trigger:
                    return
                if part in self._tags and self.calls:  # the end tag
                    self._raw = part = self._space = ""
            elif part:
                self._back += reversed(part[1:] + character)
                self._raw, first, part = "", part[0], ""
                self._say(first)
            elif character in _SPACE:
                self._space += character
            else:
                self._say(character)

    def _bare(self) -> _Rule[None]:
        """An answer that is calls from its first character on."""
        first = yield from self._skip(_SPACE)
        if first == "<":
            for wanted in PYTHON_TAG[1:]:
                if (yield from self._take()) != wanted:
                    raise _NoCallError
            first = yield from self._skip(_SPACE)
        while first == "{":
            yield from self._object()
            first = yield from self._skip(_SPACE + ";")
        raise _NoCallError

    def _calls(self) -> _Rule[None]:
        """After the trigger."""
        if self._form.keys is None:
            yield from self._named()
            return
        first = yield from self._skip(_SPACE)
        if self._form.listed and first == "[":
            first = yield from self._skip(_SPACE)
            while first == "{":
                yield from self._object()
                first = yield from self._skip(_SPACE + ",")
            if first != "]":
                raise _NoCallError
        elif first == "{":
            yield from self._object()
        else:
            raise _NoCallError

    def _named(self) -> _Rule[None]:
        name = ""
        while not name.endswith((self._form.middle, "{")):
            name += yield from self._take()
            if len(name) > _NAME_CHARACTERS:
                raise _NoCallError
        if name.endswith(self._form.middle) and (yield from self._skip(_SPACE)) != "{":
            raise _NoCallError
        self._announce(name.removesuffix(self._form.middle).removesuffix("{").partition("[CALL_ID]")[0].strip())
        yield from self._value("{", self._argue)

    def _object(self) -> _Rule[None]:
        """A call that is a JSON object, of which the brace was read."""
        name_key, arguments_keys = self._form.keys or ("", ())
        named, held = False, ""
        first = yield from self._skip(_SPACE)
        while first != "}":
            if first != '"':
                raise _NoCallError
            key = self._decoded((yield from self._value('"')))
            if (yield from self._skip(_SPACE)) != ":":
                raise _NoCallError
            first = yield from self._skip(_SPACE)
            if key == name_key and not named:
                self._announce(self._decoded((yield from self._value(first))))
                named = True
                self._argue(held)
            elif key in arguments_keys:
                held += yield from self._arguments(first, named)
            else:
                yield from self._value(first)
            first = yield from self._skip(_SPACE)
            if first == ",":
                first = yield from self._skip(_SPACE)
        if not named:
            raise _NoCallError
        if not held:
            self._argue("{}")
        self._raw = ""
        self.open = False

    def _arguments(self, first: str, named: bool) -> _Rule[str]:
        """The arguments, told at once where the call has a name already. Some models write the object as a string."""
        if first == "{":
            return (yield from self._value(first, self._argue if named else None))
        said = yield from self._value(first)
        said = self._decoded(said) if first == '"' else "{}" if said == "null" else said
        if named:
            self._argue(said)
        return said

    # ---- what it says ----

    def _say(self, text: str) -> None:
        self._text.append(self._space + text)
        self._space = ""
        self._spoken = True

    def _announce(self, name: str) -> None:
        if name not in self._names:
            raise _NoCallError
        self._tools.append(ToolDelta(self.calls, f"call_{secrets.token_hex(12)}", name))
        self.calls += 1
        self._raw = self._space = ""
        self._spoken, self.open = False, True

    def _argue(self, text: str) -> None:
        """Text of the open call's arguments."""
        self._raw = ""
        last = self._tools[-1] if self._tools else None
        if last is not None and last.index == self.calls - 1:
            text = last.arguments + text
            self._tools[-1] = ToolDelta(last.index, last.id, last.name, text)
        elif text:
            self._tools.append(ToolDelta(self.calls - 1, arguments=text))

    # ---- what it reads ----

    def _read(self) -> _Rule[str]:
        """The next character."""
        if self._back:
            return self._back.pop()
        return (yield)

    def _take(self) -> _Rule[str]:
        """The next character, which may be a part of a call."""
        character = yield from self._read()
        self._raw += character
        return character

    def _skip(self, these: str) -> _Rule[str]:
        """The next character that is none of these."""
        while True:
            character = yield from self._take()
            if character not in these:
                return character

    def _value(self, first: str, each: Callable[[str], None] | None = None) -> _Rule[str]:
        """The text of the JSON value that begins with ``first``; ``each`` is called with every character as it comes.

        A string, an object or a list ends with its last character. A number or a word ends before the next one.
        """
        if first in ",:}]":
            raise _NoCallError
        place, said, character = _Place(), [], first
        while True:
            said.append(character)
            if each is not None:
                each(character)
            place.move(character)
            if place.outside and character in '"}]':
                return "".join(said)
            character = yield from self._take()
            if place.outside and character in ",}]" + _SPACE:
                self._back.append(character)
                self._raw = self._raw[:-1]
                return "".join(said)

    def _decoded(self, text: str) -> str:
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, str):
            raise _NoCallError
        return found


@dataclass(slots=True)
class _Place:
    """Where in a JSON value its last character stands. ``escaped``: the next one follows a backslash in a string."""

    depth: int = 0
    string: bool = False
    escaped: bool = False

    @property
    def outside(self) -> bool:
        """Not within a string, nor within an object or list."""
        return self.depth == 0 and not self.string

    def move(self, character: str) -> None:
        """Go on by one character."""
        if self.string:
            self._move_in_string(character)
        elif character == '"':
            self.string = True
        elif character in "{[":
            self.depth += 1
        elif character in "}]":
            self.depth -= 1

    def _move_in_string(self, character: str) -> None:
        if self.escaped:  # a quote, too, is then a part of the string
            self.escaped = False
        elif character == "\\":
            self.escaped = True
        elif character == '"':
            self.string = False
