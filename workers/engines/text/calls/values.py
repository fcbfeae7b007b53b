"""Values of arguments that a model wrote as plain text, by the schemas of the function's parameters. Pure."""

import ast
import json
from collections.abc import Mapping
from typing import Any

_NAMES = {"true": True, "false": False, "null": None, "none": None}
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "object": (dict,),
    "array": (list,),
}
_DEPTH = 8
"""Most schemas within each other that are looked at."""


def schema_of(parameters: Any, key: str) -> Any:
    """The schema of one parameter; None where there is none."""
    properties = parameters.get("properties") if isinstance(parameters, Mapping) else None
    found = properties.get(key) if isinstance(properties, Mapping) else None
    return _followed(found, parameters)


def _followed(schema: Any, root: Any) -> Any:
    """The schema, with the ones that it refers to in their places."""
    for _ in range(_DEPTH):
        if not isinstance(schema, Mapping) or not isinstance(schema.get("$ref"), str):
            break
        place: Any = root
        for step in schema["$ref"].removeprefix("#").strip("/").split("/"):
            place = place.get(step) if isinstance(place, Mapping) else None
        schema = place
    if isinstance(schema, Mapping):
        for word in ("anyOf", "oneOf"):
            if isinstance(schema.get(word), list):
                return {**schema, word: [_followed(one, root) for one in schema[word]]}
    return schema


def types_of(schema: Any, depth: int = 0) -> frozenset[str]:
    """The types that a schema allows; empty where it does not say."""
    if not isinstance(schema, Mapping) or depth > _DEPTH:
        return frozenset()
    kind = schema.get("type")
    if isinstance(kind, str):
        return frozenset([kind])
    if isinstance(kind, list):
        return frozenset(one for one in kind if isinstance(one, str))
    if isinstance(schema.get("enum"), list):
        return frozenset(name for value in schema["enum"] for name in [_type_of(value)] if name)
    several = [one for word in ("anyOf", "oneOf") for one in schema.get(word) or []]
    found = [types_of(one, depth + 1) for one in several]
    return frozenset().union(*found) if found and all(found) else frozenset()


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return next((name for name, types in _TYPES.items() if isinstance(value, types)), "")


def is_text(schema: Any) -> bool:
    """Whether a value can be nothing but text."""
    return types_of(schema) == {"string"}


def value_of(text: str, schema: Any) -> Any:
    """The value that a text means. Without a schema it is what its JSON means, or itself."""
    types = types_of(schema)
    if types == {"string"}:
        return text
    value = _decoded(text.strip())
    if types and not any(_is(value, name) for name in types):
        return text
    return value


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES.get(name, ()))


def _decoded(text: str) -> Any:
    """What a text means as JSON, or as Python, or as it is."""
    if text.lower() in _NAMES:
        return _NAMES[text.lower()]
    for decode in (json.loads, ast.literal_eval) if text[:1] in ("[", "{", "(") else (json.loads,):
        try:
            value = decode(text)
            json.dumps(value, allow_nan=False)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            continue
        return value
    return text


def written(value: Any) -> str:
    """A value as JSON text."""
    return json.dumps(value, ensure_ascii=False)
