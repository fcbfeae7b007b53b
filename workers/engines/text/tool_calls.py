"""Tool calls out of a model's text, as it comes: wherever the text is cut, the same calls come of it."""

import json
import secrets
from collections.abc import Callable, Generator
from typing import Any

from models.modalities.text import ToolDelta
from workers.engines.text.tool_formats import PYTHON_TAG, ToolFormat

_SPACE = " \t\r\n"
_NAME_CHARACTERS = 300
_Machine = Generator[None, str, Any]


class _NoCallError(Exception):
    """What looked like a call is none: it is text."""


class ToolReader:
    """Feed it an answer's text; it gives back what is said beside the calls, and the calls.

    A call of a function that is not among ``names`` is text, as is all that only begins like a call. Space around
    calls is dropped. The reading is a machine that is sent one character at a time.
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
        self._machine = self._run()
        next(self._machine)

    def feed(self, text: str) -> tuple[str, tuple[ToolDelta, ...]]:
        """The text to show, and pieces of calls."""
        for character in text:
            self._machine.send(character)
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

    # ---- the machine: first text, then calls, then text again ----

    def _run(self) -> _Machine:
        if not self._form.trigger:
            yield from self._attempt(self._bare())
        while True:
            yield from self._until_calls()
            yield from self._attempt(self._calls())

    def _attempt(self, reading: _Machine) -> _Machine:
        try:
            yield from reading
        except _NoCallError:
            self._say(self._raw)
        self._raw = ""
        self.open = False

    def _until_calls(self) -> _Machine:
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

    def _bare(self) -> _Machine:
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

    def _calls(self) -> _Machine:
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

    def _named(self) -> _Machine:
        name = ""
        while not name.endswith((self._form.middle, "{")):
            name += yield from self._take()
            if len(name) > _NAME_CHARACTERS:
                raise _NoCallError
        if name.endswith(self._form.middle) and (yield from self._skip(_SPACE)) != "{":
            raise _NoCallError
        self._announce(name.removesuffix(self._form.middle).removesuffix("{").partition("[CALL_ID]")[0].strip())
        yield from self._value("{", self._argue)

    def _object(self) -> _Machine:
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

    def _arguments(self, first: str, named: bool) -> _Machine:
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

    def _read(self) -> _Machine:
        if self._back:
            return self._back.pop()
        character: str = yield
        return character

    def _take(self) -> _Machine:
        character = yield from self._read()
        self._raw += character
        return character

    def _skip(self, these: str) -> _Machine:
        """The next character that is none of these."""
        while True:
            character = yield from self._take()
            if character not in these:
                return character

    def _value(self, first: str, tell: Callable[[str], None] | None = None) -> _Machine:
        """The text of the JSON value that begins so, of which each character is told as it comes."""
        if first in ",:}]":
            raise _NoCallError
        depth, string, escaped, said, character = 0, False, False, [], first
        while True:
            said.append(character)
            if tell is not None:
                tell(character)
            if string:
                escaped, string = character == "\\" and not escaped, escaped or character != '"'
            elif character == '"':
                string = True
            elif character in "{[":
                depth += 1
            elif character in "}]":
                depth -= 1
            if depth == 0 and not string and character in '"}]':
                return "".join(said)
            character = yield from self._take()
            if depth == 0 and not string and character in ",}]" + _SPACE:  # the end of a number or a word
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
