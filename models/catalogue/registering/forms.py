"""What a text describes: a model, in JSON or in YAML, as an object."""

import json
from typing import Any

import yaml
from pydantic_core import PydanticCustomError

from models.errors import InvalidRequest
from models.unicode import DEEPEST, refuse_broken

MOST_BYTES = 256 << 10
"""Largest description of a model. YAML is read slowly, some 100 KiB a second."""
MOST_YAML_BYTES = 64 << 10
_OF_CONSTRUCTORS = (TypeError, LookupError, AttributeError, ArithmeticError)
"""What PyYAML raises beside its own errors, of values that their tags do not fit, and of keys that JSON has not."""


def read(text: str) -> dict[str, Any]:
    """The object that a text holds. Raises InvalidRequest where it is neither JSON nor YAML, or too large."""
    if len(text) > MOST_BYTES:
        raise InvalidRequest(f"it is longer than {MOST_BYTES} characters", param="model")
    try:
        found = json.loads(text) if text.lstrip()[:1] == "{" else _yaml(text)
    except (ValueError, RecursionError, yaml.YAMLError, *_OF_CONSTRUCTORS) as error:
        raise InvalidRequest("it is neither JSON nor YAML without aliases", param="model") from error
    if not isinstance(found, dict):
        raise InvalidRequest("it must describe a model, as an object", param="model")
    return checked(found)


def checked(found: dict[str, Any]) -> dict[str, Any]:
    """The object, if it can be kept. Raises InvalidRequest."""
    try:
        refuse_broken(found, nul=False)
    except PydanticCustomError as error:
        raise InvalidRequest(error.message(), param="model") from error
    if len(json.dumps(found)) > MOST_BYTES:
        raise InvalidRequest(f"it is longer than {MOST_BYTES} characters", param="model")
    return found


def _yaml(text: str) -> Any:
    """What YAML holds, with dates as text. Raises ValueError, YAMLError."""
    if len(text) > MOST_YAML_BYTES:
        raise ValueError("it is too long")
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("it has an alias")  # a few lines of those can stand for more than fits into memory
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:  # what is nested thousands of times is read for minutes
            raise ValueError("it is nested too deeply")
    return json.loads(json.dumps(yaml.safe_load(text), default=str))
