"""What of a JSON schema can be enforced while an answer is written. Pure.

Where a client does not insist on all of a schema (``strict``), the keywords that no grammar expresses are left out of
what is enforced, and the client is told which.
"""

import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

FORMATS = frozenset(["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri"])
"""Formats of strings that can be enforced. Others are mere annotations, as JSON Schema allows."""
DATA = frozenset(["const", "enum", "default", "examples"])
"""Keywords whose values are data, not schemas."""

_TYPES = frozenset(["null", "boolean", "integer", "number", "string", "array", "object"])
_NEVER = frozenset(
    [
        *("not", "if", "then", "else", "uniqueItems", "contains", "minContains", "maxContains", "unevaluatedItems"),
        *("dependentRequired", "dependentSchemas", "dependencies", "propertyNames", "$dynamicRef", "$recursiveRef"),
    ]
)
MAPS = frozenset(["properties", "patternProperties", "$defs", "definitions"])
"""Keywords whose values are objects of schemas."""
_IN_PLACE = ("allOf", "anyOf", "oneOf", "$ref")
_PATTERN = re.compile(
    r"\[\^?\]?(?:\\.|[^\]\\])*\]?"  # a class of characters, in which all is allowed
    r"|(?P<bad>\\[1-9bBAzZGkc]|\(\?(?:[=!>(]|<[=!]|P=)|(?<!^)(?<!\()(?<!\|)(?<!\(\?:)\^|\$(?!\Z)(?![)|]))"
    r"|\\.",
    re.DOTALL,
)


_OTHER_WORDS = re.compile(
    r"\(\?<(?=[A-Za-z_])|\\[pP](?:\{[^}]*\}|[A-Z])|\\x\{[0-9a-fA-F]+\}|\\u\{[0-9a-fA-F]+\}|\\[/z]"
)
_LONGEST_READ = 2000
"""Longest expression, in characters, that is read here: others are left to the compiler."""


@dataclass(frozen=True, slots=True)
class Relaxed:
    """A schema without what cannot be enforced, and the paths of that: ``properties.a.uniqueItems``, each once."""

    schema: Any
    left_out: tuple[str, ...]


def relaxed(schema: Any) -> Relaxed:
    """The schema without the keywords that cannot be enforced. What is malformed stays, for the compiler to refuse."""
    relaxing = _Relaxing(schema, frozenset(_ids(schema)))
    kept = relaxing.keep(schema, "")
    return Relaxed(kept, tuple(dict.fromkeys(path.removeprefix(".") for path in relaxing.left_out)))


def target(root: Any, pointer: str) -> Any:
    """What is at this place of a document, as RFC 6901 has it after ``#``; None where nothing is."""
    found = root
    for step in unquote(pointer).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and name.isdecimal() and int(name[:9]) < len(found):
            found = found[int(name[:9])]
        else:
            found = found.get(name) if isinstance(found, dict) else None
    return found


def left_out(schema: Any, path: str) -> tuple[str, ...]:
    """The paths of what ``relaxed`` leaves out, below the path of the schema itself."""
    return tuple(f"{path}.{one}" for one in relaxed(schema).left_out)


def moved(paths: tuple[str, ...], places: Mapping[str, str]) -> tuple[str, ...]:
    """The paths with the names that another protocol has for these places."""
    return tuple(
        next((new + path.removeprefix(old) for old, new in places.items() if path.startswith(old)), path)
        for path in paths
    )


class _Relaxing:
    def __init__(self, root: Any, ids: frozenset[str]) -> None:
        self.left_out: list[str] = []
        self._root = root
        self._ids = ids

    def keep(self, schema: Any, path: str) -> Any:
        """What is kept of the schema at this path."""
        if not isinstance(schema, dict):
            return schema
        kept: dict[str, Any] = {}
        for key, value in schema.items():
            if not self._enforced(key, value, schema):
                if not _asks_nothing(key, value, schema):
                    self.left_out.append(f"{path}.{key}")
            elif key not in ("oneOf", "unevaluatedProperties"):
                kept[key] = self._inner(key, value, f"{path}.{key}")
        self._put_alternatives(kept, schema, path)
        self._put_unevaluated(kept, schema, path)
        return kept

    def _inner(self, key: str, value: Any, path: str) -> Any:
        if key in DATA:
            return value
        if key in MAPS and isinstance(value, dict):
            named = value.items()
            if key == "patternProperties":
                named = {name: one for name, one in value.items() if _can_be_followed(name)}.items()
                if len(named) < len(value):
                    self.left_out.append(path)
            return {name: self.keep(one, f"{path}.{name}") for name, one in named}
        if isinstance(value, list):
            return [self.keep(one, f"{path}[]") for one in value]
        return self.keep(value, path)

    def _enforced(self, key: str, value: Any, schema: Mapping[str, Any]) -> bool:
        """Whether a keyword is enforced, or is none and asks for nothing."""
        if key in _NEVER:
            return False
        if key == "type":
            named = value if isinstance(value, list) else [value]
            return all(not isinstance(one, str) or one in _TYPES for one in named)
        if key == "format":
            return not isinstance(value, str) or value in FORMATS
        if key == "pattern":
            return not isinstance(value, str) or _can_be_followed(value)
        if key == "$ref":
            return not isinstance(value, str) or value in self._ids or self._leads_somewhere(value)
        if key in ("minProperties", "maxProperties"):
            return _required(schema).issuperset(schema.get("properties") or ())
        if key == "oneOf" and isinstance(value, list):
            return _exclude_each_other(value)
        return key != "unevaluatedProperties" or not any(one in schema for one in _IN_PLACE)

    def _leads_somewhere(self, pointer: str) -> bool:
        """Whether a reference ends at a schema of this document, not at itself. Anchors are left to the compiler."""
        seen = set[str]()
        while pointer not in seen:
            seen.add(pointer)
            if not pointer.startswith("#"):
                return pointer in self._ids
            if pointer[1:2] not in ("", "/"):
                return True
            found = target(self._root, pointer)
            following = found.get("$ref") if isinstance(found, dict) else None
            if not isinstance(following, str):
                return isinstance(found, dict | bool)
            pointer = following
        return False

    def _put_alternatives(self, kept: dict[str, Any], schema: Mapping[str, Any], path: str) -> None:
        """Keep ``oneOf`` as ``anyOf``, which is the same where its alternatives exclude each other."""
        if "oneOf" not in schema:
            return
        alternatives = self._inner("oneOf", schema["oneOf"], f"{path}.oneOf")
        if "anyOf" not in kept:
            kept["anyOf"] = alternatives
        else:
            kept["allOf"] = [*kept.get("allOf", []), {"anyOf": alternatives}]

    def _put_unevaluated(self, kept: dict[str, Any], schema: Mapping[str, Any], path: str) -> None:
        """Keep ``unevaluatedProperties`` as ``additionalProperties``: the same in an object of one piece.

        In one of several pieces, properties that are not named are allowed unless it forbids all of them.
        """
        value = schema.get("unevaluatedProperties")
        if value is None or "additionalProperties" in kept:
            return
        if not any(one in schema for one in _IN_PLACE):
            kept["additionalProperties"] = self._inner("", value, f"{path}.unevaluatedProperties")
        elif value is not False:
            kept["additionalProperties"] = True


def _asks_nothing(key: str, value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a keyword that cannot be enforced has no effect."""
    if key == "format":
        return schema.get("type") in ("number", "integer")  # the size of a machine's number
    if key in ("then", "else"):
        return "if" not in schema
    return (key, value) in (("uniqueItems", False), ("unevaluatedItems", True), ("unevaluatedProperties", True))


def _can_be_followed(pattern: str) -> bool:
    """Whether a regular expression is one, and has no look-around, back reference or the like."""
    return not any(found["bad"] for found in _PATTERN.finditer(pattern)) and _is_expression(pattern)


def _is_expression(pattern: str) -> bool:
    """Whether Python reads it, which has other words for what the compiler of grammars also knows."""
    if len(pattern) > _LONGEST_READ:
        return True
    known = _OTHER_WORDS.sub(lambda found: "(?P<" if found[0].startswith("(") else r"\w", pattern)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            re.compile(known)
        except (re.error, OverflowError, RecursionError):
            return False
    return True


def _exclude_each_other(alternatives: list[Any]) -> bool:
    """Whether it is plain that a value matches at most one: by its type, or by a property that all require."""
    if not all(isinstance(one, dict) for one in alternatives):
        return False
    if _distinct([_values(one, "type") for one in alternatives]):
        return True
    shared = [one.get("properties") for one in alternatives]
    if not all(isinstance(one, dict) for one in shared):
        return False
    return any(
        _distinct([_values(one.get(name), "const") or _values(one.get(name), "enum") for one in shared])
        for name in frozenset.intersection(*map(_required, alternatives))
    )


def _required(schema: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(name for name in _values(schema, "required") if isinstance(name, str))


def _values(schema: Any, key: str) -> list[Any]:
    value = schema.get(key) if isinstance(schema, dict) else None
    return value if isinstance(value, list) else [] if value is None else [value]


def _distinct(some: list[list[Any]]) -> bool:
    """Whether there are values in each, and none in two of them. An integer is a number, too."""
    flat = [str("number" if one == "integer" else one) for values in some for one in {str(v) for v in values}]
    return all(some) and len(flat) == len(set(flat))


def _ids(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$id"), str):
            yield schema["$id"]
        for value in schema.values():
            yield from _ids(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _ids(value)
