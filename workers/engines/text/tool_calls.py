"""Reads tool calls from a model's text as it comes. The calls are the same wherever the text is cut.

The text is parsed by recursive descent, but it arrives in pieces, and a parser cannot wait within a call. So each rule
is a generator: where it needs the next character it yields, and ``feed`` sends that character in. A rule uses another
one with ``yield from``, whose value is what the other has read. Two lists and ``_raw`` hold what the rules have done:

* ``_text`` and ``_tools``: what ``feed`` returns next;
* ``_raw``: what was read and may still become a call. Where it does not (``_NoCallError``), it is text.

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
"""A generator to which characters are sent, one at a time. Its value is what it has read."""


class _NoCallError(Exception):
    """What looked like a call is not one: it is text."""


class ToolReader:
    """Feed it an answer's text; it returns the text beside the calls, and the calls.

    A call of a function that is not among ``names`` is text, and so is anything that only begins like a call. Space
    around calls is dropped.
    """

    def __init__(self, tool_format: ToolFormat, names: frozenset[str]) -> None:
        self.calls = 0
        self.open = False  # a call has a name, and no end yet
        self._format = tool_format
        self._names = names
        self._tags = [tag for tag in (tool_format.trigger, tool_format.end) if tag]
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
        ending = self.calls > 0 and self._format.end.startswith(self._raw)  # nothing, or a part of the end tag
        held = "" if ending and not self._has_text else self._space + self._raw
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
        if not self._format.trigger:
            yield from self._attempt(self._bare())
        while True:
            yield from self._until_calls()
            yield from self._attempt(self._calls())

    def _attempt(self, reading: _Rule[None]) -> _Rule[None]:
        """Read calls by this rule; what turns out not to be a call is put out as text."""
        try:
            yield from reading
        except _NoCallError:
            self._put_text(self._raw)
        self._raw = ""
        self.open = False

    def _until_calls(self) -> _Rule[None]:
        """Put out what comes as text, up to the trigger, with which calls begin."""
        part = ""
        while True:
            character = yield from self._read()
            if any(tag.startswith(part + character) for tag in self._tags):
                self._raw = part = part + character
                if part == self._format.trigger:
                    return
                if part in self._tags and self.calls:  # the end tag
                    self._raw = part = self._space = ""
            elif part:
                self._back += reversed(part[1:] + character)
                self._raw, first, part = "", part[0], ""
                self._put_text(first)
            elif character in _SPACE:
                self._space += character
            else:
                self._put_text(character)

    def _bare(self) -> _Rule[None]:
        """Read an answer that has calls from its first character on."""
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
        """Read the calls after the trigger."""
        if self._format.keys is None:
            yield from self._named()
            return
        first = yield from self._skip(_SPACE)
        if self._format.listed and first == "[":
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
        while not name.endswith((self._format.middle, "{")):
            name += yield from self._take()
            if len(name) > _NAME_CHARACTERS:
                raise _NoCallError
        if name.endswith(self._format.middle) and (yield from self._skip(_SPACE)) != "{":
            raise _NoCallError
        self._open_call(name.removesuffix(self._format.middle).removesuffix("{").partition("[CALL_ID]")[0].strip())
        yield from self._value("{", self._put_arguments)

    def _object(self) -> _Rule[None]:
        """Read a call that is a JSON object, whose first brace has been read."""
        name_key, arguments_keys = self._format.keys or ("", ())
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
                self._open_call(self._decoded((yield from self._value(first))))
                named = True
                self._put_arguments(held)
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
            self._put_arguments("{}")
        self._raw = ""
        self.open = False

    def _arguments(self, first: str, named: bool) -> _Rule[str]:
        """Read the arguments, and put them out at once where the call already has a name.

        Some models write the object as a string.
        """
        if first == "{":
            return (yield from self._value(first, self._put_arguments if named else None))
        arguments = yield from self._value(first)
        arguments = self._decoded(arguments) if first == '"' else "{}" if arguments == "null" else arguments
        if named:
            self._put_arguments(arguments)
        return arguments

    # ---- what they put out ----

    def _put_text(self, text: str) -> None:
        self._text.append(self._space + text)
        self._space = ""
        self._has_text = True

    def _open_call(self, name: str) -> None:
        if name not in self._names:
            raise _NoCallError
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

    # ---- how they read ----

    def _read(self) -> _Rule[str]:
        """Read the next character."""
        if self._back:
            return self._back.pop()
        return (yield)

    def _take(self) -> _Rule[str]:
        """Read the next character, which may be a part of a call."""
        character = yield from self._read()
        self._raw += character
        return character

    def _skip(self, these: str) -> _Rule[str]:
        """Read up to the next character that is not one of these, and return it."""
        while True:
            character = yield from self._take()
            if character not in these:
                return character

    def _value(self, first: str, each: Callable[[str], None] | None = None) -> _Rule[str]:
        """Read the JSON value that begins with ``first``. ``each`` is called with every character as it comes.

        A string, an object or a list ends with its last character; a number or a word ends before the next character.
        """
        if first in ",:}]":
            raise _NoCallError
        place, value, character = _Place(), [], first
        while True:
            value.append(character)
            if each is not None:
                each(character)
            place.move(character)
            if place.outside and character in '"}]':
                return "".join(value)
            character = yield from self._take()
            if place.outside and character in ",}]" + _SPACE:
                self._back.append(character)
                self._raw = self._raw[:-1]
                return "".join(value)

    def _decoded(self, text: str) -> str:
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if not isinstance(value, str):
            raise _NoCallError
        return value


@dataclass(slots=True)
class _Place:
    """The place within a JSON value that has been reached. ``escaped``: a backslash in a string comes before it."""

    depth: int = 0
    string: bool = False
    escaped: bool = False

    @property
    def outside(self) -> bool:
        """Whether it is neither within a string, nor within an object or list."""
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
        if self.escaped:  # then a quote, too, is a part of the string
            self.escaped = False
        elif character == "\\":
            self.escaped = True
        elif character == '"':
            self.string = False
