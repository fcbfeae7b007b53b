"""What audio requests that come as forms have in common: JSON in strings, and Xinference's ``kwargs``."""

import json
from typing import Any

from pydantic_core import PydanticCustomError


def decoded(value: Any, what: str = "this") -> Any:
    """What a form's string means where a list or an object is wanted. For use in a validator."""
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise PydanticCustomError("invalid_value", "{what} is not valid JSON", {"what": what}) from error


def merged(body: dict[str, Any]) -> dict[str, Any]:
    """The body with the fields that lie in its ``kwargs``, which do not override its own. For use in a validator."""
    if "kwargs" not in body:
        return body
    more = decoded(body["kwargs"] or {}, "'kwargs'")
    if not isinstance(more, dict):
        raise PydanticCustomError("invalid_value", "'kwargs' must be a JSON object")
    return more | {name: one for name, one in body.items() if name != "kwargs"}
