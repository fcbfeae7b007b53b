"""Reads calls as Python writes them, each once it is whole."""

import ast
import json
from collections.abc import Iterator, Mapping
from typing import Any

from workers.engines.text.calls.formats import PythonFormat
from workers.engines.text.calls.scanner import SPACE, CallScanner, NoCallError, Rule
from workers.engines.text.calls.values import written

_WORDS = {"true": True, "false": False, "null": None}


class PythonReader(CallScanner):
    """Reads one format's calls."""

    def __init__(self, python: PythonFormat, functions: Mapping[str, Any]) -> None:
        self._python = python
        super().__init__(python.triggers, python.ends, functions)

    def _run(self) -> Rule[None]:
        if not self._python.triggers:
            yield from self._attempt(self._bare())
        yield from super()._run()

    def _calls(self, trigger: str) -> Rule[None]:
        """See ``CallScanner``."""
        text, _ = yield from self._until(self._python.ends)
        self._put_all(text)

    def _bare(self) -> Rule[None]:
        """Read a list with which an answer begins."""
        first = yield from self._skip(SPACE)
        if first == "<" and self._python.openings:
            self._return(first)
            yield from self._expect(self._python.openings)
            first = yield from self._skip(SPACE)
        if first != "[":
            raise NoCallError
        text, depth, quote, escaped = first, 1, "", False
        while depth:
            character = yield from self._take()
            text += character
            if quote:
                quote = "" if character == quote and not escaped else quote
                escaped = character == "\\" and not escaped
            elif character in "\"'":
                quote = character
            else:
                depth += (character in "[({") - (character in "])}")
        self._put_all(text)

    def _put_all(self, text: str) -> None:
        """Put out the calls in a text. Raises NoCallError where there are none, or anything else."""
        calls = list(_calls_in(text, self._functions))
        if not calls or any(name not in self._functions for name, _ in calls):
            raise NoCallError
        for name, arguments in calls:
            self._put_call(name, arguments)


def _calls_in(text: str, functions: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The names and arguments of the calls in a text. Raises NoCallError."""
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        yield from _python_calls(text, functions)
        return
    for one in listed if isinstance(listed, list) else [listed]:
        name = one.get("name") if isinstance(one, dict) else None
        if not isinstance(name, str):
            raise NoCallError
        arguments: Any = next((one[key] for key in ("arguments", "parameters") if key in one), {})
        yield name, arguments if isinstance(arguments, str) else written(arguments)


def _python_calls(text: str, functions: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    try:
        body = ast.parse(text.strip()).body
        for statement in body:
            expression = getattr(statement, "value", None)
            for call in expression.elts if isinstance(expression, ast.List | ast.Tuple) else [expression]:
                yield _call(call, functions)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise NoCallError from error


def _call(node: Any, functions: Mapping[str, Any]) -> tuple[str, str]:
    """The name and arguments of one call. Raises ValueError for what is none."""
    if not isinstance(node, ast.Call):
        raise ValueError(node)
    name = ast.unparse(node.func)
    parameters = functions.get(name)
    known = list(parameters.get("properties") or {}) if isinstance(parameters, Mapping) else []
    if len(node.args) > len(known):
        raise ValueError(name)
    arguments: dict[str, Any] = {key: _value(value) for key, value in zip(known, node.args, strict=False)}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise ValueError(name)
        arguments[keyword.arg] = _value(keyword.value)
    return name, written(arguments)


def _value(node: ast.expr) -> Any:
    """A constant, with the words of JSON, too."""
    if isinstance(node, ast.Name) and node.id in _WORDS:
        return _WORDS[node.id]
    if isinstance(node, ast.Dict):
        return {
            str(ast.literal_eval(key)): _value(value)
            for key, value in zip(node.keys, node.values, strict=True)
            if key is not None
        }
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(one) for one in node.elts]
    value = ast.literal_eval(node)
    json.dumps(value, allow_nan=False)
    return value
