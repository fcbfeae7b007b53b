"""Reads calls whose arguments are a JSON object, which is put out as it comes."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workers.engines.text.calls.formats import PYTHON_TAG, NamedFormat, ToolFormat
from workers.engines.text.calls.scanner import SPACE, CallScanner, NoCallError, Rule

_NAME_CHARACTERS = 300
_BETWEEN = 100
"""Most characters between a name's end and its arguments."""


class _JsonScanner(CallScanner):
    """Reads values of JSON."""

    def _value(self, first: str, each: Callable[[str], None] | None = None) -> Rule[str]:
        """Read the JSON value that begins with ``first``. ``each`` is called with every character as it comes.

        A string, an object or a list ends with its last character; a number or a word ends before the next character.
        """
        if first in ",:}]":
            raise NoCallError
        place, value, character = _Place(), [], first
        while True:
            value.append(character)
            if each is not None:
                each(character)
            place.move(character)
            if place.outside and character in '"}]':
                return "".join(value)
            character = yield from self._take()
            if place.outside and character in ",}]" + SPACE:
                self._back.append(character)
                self._raw = self._raw[:-1]
                return "".join(value)

    def _decoded(self, text: str) -> str:
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if not isinstance(value, str):
            raise NoCallError
        return value


class ToolReader(_JsonScanner):
    """Reads calls that are objects with a name and arguments, one or in a list, or a name with an object after it."""

    def __init__(self, tool_format: ToolFormat, functions: Mapping[str, Any]) -> None:
        self._format = tool_format
        triggers = [one for one in (tool_format.trigger, *tool_format.triggers) if one]
        closings = [one for one in (tool_format.end, *tool_format.closings) if one]
        super().__init__(triggers, closings, functions)

    def _run(self) -> Rule[None]:
        if not self._format.trigger:
            yield from self._attempt(self._bare())
        yield from super()._run()

    def _bare(self) -> Rule[None]:
        """Read an answer that has calls from its first character on."""
        first = yield from self._skip(SPACE)
        if first == "<":
            for wanted in PYTHON_TAG[1:]:
                if (yield from self._take()) != wanted:
                    raise NoCallError
            first = yield from self._skip(SPACE)
        while first == "{":
            yield from self._object()
            first = yield from self._skip(SPACE + ";")
        raise NoCallError

    def _calls(self, trigger: str) -> Rule[None]:
        """See ``CallScanner``."""
        if self._format.keys is None:
            yield from self._named()
            return
        first = yield from self._skip(SPACE)
        if self._format.listed and first == "[":
            first = yield from self._skip(SPACE)
            while first == "{":
                yield from self._object()
                first = yield from self._skip(SPACE + ",")
            if first != "]":
                raise NoCallError
        elif first == "{":
            yield from self._object()
        else:
            raise NoCallError
        if self._format.several:
            yield from self._more()

    def _more(self) -> Rule[None]:
        """Read further objects, which follow without a trigger."""
        while True:
            self._raw, self._space = "", self._space + self._raw
            character = yield from self._read()
            if character == "{":
                self._raw = character
                yield from self._object()
            elif character in SPACE + ",;":
                self._raw = character
            else:
                self._back.append(character)
                return

    def _named(self) -> Rule[None]:
        name = ""
        while not name.endswith((self._format.middle, "{")):
            name += yield from self._take()
            if len(name) > _NAME_CHARACTERS:
                raise NoCallError
        if name.endswith(self._format.middle) and (yield from self._skip(SPACE)) != "{":
            raise NoCallError
        self._open_call(name.removesuffix(self._format.middle).removesuffix("{").partition("[CALL_ID]")[0].strip())
        yield from self._value("{", self._put_arguments)

    def _object(self) -> Rule[None]:
        """Read a call that is a JSON object, whose first brace has been read."""
        name_key, arguments_keys = self._format.keys or ("", ())
        named, held = False, ""
        first = yield from self._skip(SPACE)
        while first != "}":
            if first != '"':
                raise NoCallError
            key = self._decoded((yield from self._value('"')))
            if (yield from self._skip(SPACE)) != ":":
                raise NoCallError
            first = yield from self._skip(SPACE)
            if not name_key and not named:
                self._open_call(key)
                named = True
                held += yield from self._arguments(first, named)
            elif key == name_key and not named:
                self._open_call(self._decoded((yield from self._value(first))))
                named = True
                self._put_arguments(held)
            elif key in arguments_keys:
                held += yield from self._arguments(first, named)
            else:
                yield from self._value(first)
            first = yield from self._skip(SPACE)
            if first == ",":
                first = yield from self._skip(SPACE)
        if not named:
            raise NoCallError
        if not held:
            self._put_arguments("{}")
        self._raw = ""
        self.open = False

    def _arguments(self, first: str, named: bool) -> Rule[str]:
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


class NamedReader(_JsonScanner):
    """Reads calls that are a name between marks, and a JSON object after it."""

    def __init__(self, named: NamedFormat, functions: Mapping[str, Any]) -> None:
        self._named = named
        super().__init__((*named.wraps, *named.triggers), named.closings, functions)

    def _calls(self, trigger: str) -> Rule[None]:
        """See ``CallScanner``."""
        named = self._named
        if trigger in named.wraps:
            yield from self._expect(named.triggers)
        name, _ = yield from self._until(named.middles, most=_NAME_CHARACTERS)
        gap, _ = yield from self._until(("{",), most=_BETWEEN)
        if gap.strip() and not named.gap:
            raise NoCallError
        self._open_call(named.function(name))
        yield from self._value("{", self._put_arguments)


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
