"""Reads calls whose arguments stand in braces, with texts in quotes of their own. Each is put out once it is whole."""

from collections.abc import Mapping
from typing import Any

from workers.engines.text.calls.formats import BraceFormat
from workers.engines.text.calls.scanner import CallScanner, NoCallError, Rule
from workers.engines.text.calls.values import schema_of, types_of, value_of, written

_NAME_CHARACTERS = 300


class BraceReader(CallScanner):
    """Reads one format's calls."""

    def __init__(self, braces: BraceFormat, functions: Mapping[str, Any]) -> None:
        self._braces = braces
        super().__init__((braces.trigger,), (braces.end,), functions)

    def _calls(self, trigger: str) -> Rule[None]:
        """See ``CallScanner``."""
        yield from self._expect(("call:",))
        name, _ = yield from self._until(("{",), most=_NAME_CHARACTERS)
        body, depth = "", 1
        while depth:
            text, end = yield from self._until((self._braces.quote, "{", "}", "[", "]"))
            body += text + end
            if end == self._braces.quote:
                text, end = yield from self._until((end,))
                body += text + end
            else:
                depth += (end in "{[") - (end in "}]")
        name = name.strip()
        try:
            arguments = _Body(body, self._braces.quote).object(self._functions.get(name))
        except RecursionError as error:
            raise NoCallError from error
        self._put_call(name, written(arguments))


class _Body:
    """Reads the arguments from what stands behind the first brace."""

    def __init__(self, text: str, quote: str) -> None:
        self._text = text
        self._quote = quote
        self._at = 0

    def object(self, parameters: Any) -> dict[str, Any]:
        """The object that has begun, whose schema is ``parameters``. Raises NoCallError."""
        found: dict[str, Any] = {}
        while self._next() != "}":
            key = self._quoted() if self._text.startswith(self._quote, self._at) else self._plain(":").strip()
            if self._next() != ":":
                raise NoCallError
            self._at += 1
            found[key] = self._value(schema_of(parameters, key))
        self._at += 1
        return found

    def _value(self, schema: Any) -> Any:
        first = self._next()
        if self._text.startswith(self._quote, self._at):
            text = self._quoted()
            return text if "string" in (types_of(schema) or {"string"}) else value_of(text, schema)
        if first == "{":
            self._at += 1
            return self.object(schema)
        if first != "[":
            return value_of(self._plain(",}]").strip(), schema)
        self._at += 1
        items = schema.get("items") if isinstance(schema, Mapping) else None
        values = []
        while self._next() != "]":
            values.append(self._value(items))
        self._at += 1
        return values

    def _next(self) -> str:
        """The next character that is no space and no comma. Raises NoCallError at the end."""
        while self._text[self._at : self._at + 1] in (" ", "\t", "\r", "\n", ","):
            self._at += 1
        if self._at >= len(self._text):
            raise NoCallError
        return self._text[self._at]

    def _quoted(self) -> str:
        begin = self._at + len(self._quote)
        end = self._text.index(self._quote, begin)
        self._at = end + len(self._quote)
        return self._text[begin:end]

    def _plain(self, ends: str) -> str:
        """The text up to one of these characters. Raises NoCallError where there is none."""
        begin = self._at
        while self._text[self._at : self._at + 1] not in ends:
            self._at += 1
        if begin == self._at or self._at >= len(self._text):
            raise NoCallError
        return self._text[begin : self._at]
