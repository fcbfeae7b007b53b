"""Whether values are what an option's JSON Schema allows: types, choices and bounds. Pure."""

from collections.abc import Mapping
from typing import Any

from models.errors import InvalidRequest
from models.launching.options.base import did_you_mean

_IN_WORDS = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "a text"}
_BOUNDS: dict[str, tuple[float, float]] = {"gpu_memory_utilization": (0.01, 1.0)}
"""Of arguments whose schema has none."""


def refuse_values(options: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise InvalidRequest, with the option at fault, for a value that its schema does not allow.

    Options without a schema, and those that may be objects or lists, are left to the engine.
    """
    for name, value in options.items():
        schema = known.get(name, {})
        choices, types = schema.get("enum"), schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        if value is None:
            continue
        if choices is not None and value not in choices:
            hint = (
                did_you_mean(value, [one for one in choices if isinstance(one, str)]) if isinstance(value, str) else ""
            )
            said = ", ".join(map(str, choices))
            raise InvalidRequest(f"the engine's option '{name}' is one of {said[:400]}{hint}", param=name)
        if types and set(types) <= {*_IN_WORDS, "null"} and not any(_is(value, one) for one in types):
            wanted = " or ".join(_IN_WORDS[one] for one in types if one in _IN_WORDS)
            raise InvalidRequest(f"the engine's option '{name}' is {wanted}", param=name)
        low, high = _BOUNDS.get(name, (None, None))
        if low is not None and high is not None and not low <= value <= high:
            raise InvalidRequest(f"the engine's option '{name}' is from {low:g} to {high:g}", param=name)


def _is(value: Any, written: str) -> bool:
    match written:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            return isinstance(value, str)
