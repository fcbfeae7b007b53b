"""What requests about audio have in common when they come as forms: JSON in strings, and Xinference's ``kwargs``."""

import json
from typing import Any

from pydantic_core import PydanticCustomError


def decoded(value: Any, what: str = "this") -> Any:
    """The value; where it is a string that looks like a JSON list or object, that. For use in a validator."""
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise PydanticCustomError("invalid_value", "{what} is not valid JSON", {"what": what}) from error


def merged(body: dict[str, Any]) -> dict[str, Any]:
    """The body with the fields in its ``kwargs`` put in, which do not replace its own. For use in a validator."""
    if "kwargs" not in body:
        return body
    more = decoded(body["kwargs"] or {}, "'kwargs'")
    if not isinstance(more, dict):
        raise PydanticCustomError("invalid_value", "'kwargs' must be a JSON object")
    return more | {name: one for name, one in body.items() if name != "kwargs"}
