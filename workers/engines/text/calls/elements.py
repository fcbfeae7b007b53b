"""Reads calls in which each argument stands between tags, as text. A text is put out as it comes."""

import json
import re
from collections.abc import Mapping
from typing import Any

from workers.engines.text.calls.formats import ElementFormat
from workers.engines.text.calls.scanner import SPACE, CallScanner, Rule
from workers.engines.text.calls.values import is_text, schema_of, value_of, written

_NAME_CHARACTERS = 300
_NAMED = re.compile(r"""(?:^|\s)(?:name|tool|key)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_TYPED = re.compile(r"""\s(string|type)\s*=\s*["']?([\w]+)""")


class ElementReader(CallScanner):
    """Reads one format's calls."""

    def __init__(self, elements: ElementFormat, functions: Mapping[str, Any]) -> None:
        self._elements = elements
        lined = tuple(f"\n{end}" for end in elements.value_ends) if elements.lines else ()
        self._lost = tuple(f"\n{one}" for one in (*elements.key_begins, *elements.ends)) if elements.lines else ()
        self._value_ends = (*lined, *elements.value_ends, *self._lost)
        super().__init__((*elements.wraps, *elements.triggers), elements.closings, functions)

    def _calls(self, trigger: str) -> Rule[None]:
        """See ``CallScanner``."""
        elements = self._elements
        if trigger in elements.wraps:
            yield from self._expect(elements.triggers)
        following = (*elements.key_begins, *elements.ends)
        head, end = yield from self._head((*elements.name_ends, *following))
        name, _ = _named(head)
        self._open_call(name)
        if end not in following:
            _, end = yield from self._until(following)
        before = "{"
        while end not in elements.ends:
            yield from self._argument(name, before)
            before = ", "
            _, end = yield from self._until(following)
        self._put_arguments("}" if before == ", " else "{}")

    def _head(self, ends: tuple[str, ...]) -> Rule[tuple[str, str]]:
        """Read a name, which may stand on a line of its own."""
        first = yield from self._skip(SPACE)
        self._return(first)
        return (yield from self._until(ends, most=_NAME_CHARACTERS))

    def _argument(self, name: str, before: str) -> Rule[None]:
        """Read an argument, whose key has begun, and put it out after ``before``."""
        elements = self._elements
        head, _ = yield from self._until(elements.key_ends)
        key, typed = _named(head)
        if elements.value_begins:
            between, _ = yield from self._until(elements.value_begins)
            typed = typed or re.sub(r"<[^>]*>", "", between).strip()
        if elements.lines:
            first = yield from self._take()
            if first != "\n":
                self._return(first)
        schema = schema_of(self._functions.get(name), key)
        self._put_arguments(f"{before}{written(key)}: ")
        if typed == "string" or (not typed and is_text(schema)):
            self._put_arguments('"')
            _, end = yield from self._until(self._value_ends, self._put_piece)
            self._put_arguments('"')
        else:
            text, end = yield from self._until(self._value_ends)
            self._put_arguments(written(value_of(text, schema)))
        if end in self._lost:
            self._return(end[1:])

    def _put_piece(self, text: str) -> None:
        self._put_arguments(json.dumps(text, ensure_ascii=False)[1:-1])


def _named(head: str) -> tuple[str, str]:
    """The name in a tag, and the type that it gives, or none."""
    named, typed = _NAMED.search(head), _TYPED.search(head)
    name = next((one for one in named.groups() if one is not None), "") if named else head.strip().strip("\"'")
    kind = ""
    if named and typed:
        kind = typed[2] if typed[1] == "type" else "string" if typed[2] == "true" else "json"
    return name, kind
