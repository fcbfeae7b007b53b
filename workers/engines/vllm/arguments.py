"""Write vLLM's arguments as JSON Schema, for processes that have no vLLM: ``models/launching/options/vllm.json``.

Run in vLLM's environment: ``python -m workers.engines.vllm.arguments``. A test there compares file and library.
"""

import json
from dataclasses import MISSING, fields
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import models.launching.options
from workers.engines import engine_class

_UNIMPORTED = {"QuantizationConfigArgs": dict}
"""Classes that vLLM imports for type checkers alone."""
FILE = Path(models.launching.options.__file__).with_name("vllm.json")
_TYPES: dict[type, str] = {
    int: "integer",
    float: "number",
    str: "string",
    bool: "boolean",
    NoneType: "null",
    **dict.fromkeys((list, tuple, set), "array"),
    dict: "object",
}


def described() -> dict[str, dict[str, Any]]:
    """The arguments of the installed vLLM's engine by name, each with its types, choices and default."""
    engine_class("vllm")  # which mends what vLLM's libraries import
    from vllm.engine.arg_utils import AsyncEngineArgs

    hints = get_type_hints(AsyncEngineArgs, localns=_UNIMPORTED)
    return {
        one.name: _described(hints[one.name], one.default)
        for one in sorted(fields(AsyncEngineArgs), key=lambda one: one.name)
        if not one.name.startswith("_")
    }


def _described(hint: Any, default: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    parts = _parts(hint)
    choices = [value for part in parts if get_origin(part) is Literal for value in get_args(part)]
    types = dict.fromkeys(_type(part) for part in parts if get_origin(part) is not Literal)
    if choices and not set(types) - {"null"}:
        found["enum"] = [*choices, *([None] if "null" in types else [])]
    elif types and None not in types and not choices:
        found["type"] = next(iter(types)) if len(types) == 1 else list(types)
    if default is not MISSING and isinstance(default, str | int | float | bool | NoneType) and type(default) in _TYPES:
        found["default"] = default
    if default is None and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found


def _parts(hint: Any) -> list[Any]:
    """The alternatives of a type."""
    if isinstance(hint, type) or get_origin(hint) in (Literal, list, tuple, set, dict, type):
        return [hint]
    inner = [one for one in get_args(hint) if not isinstance(one, str)]
    return [part for one in inner for part in _parts(one)] if inner else [hint]


def _type(part: Any) -> str | None:
    """JSON's name of a type; None where it has none. Configurations are objects."""
    kind = get_origin(part) or part
    if isinstance(kind, type) and kind in _TYPES:
        return str(_TYPES[kind])
    return "object" if hasattr(kind, "__dataclass_fields__") else None


if __name__ == "__main__":
    FILE.write_text(json.dumps(described(), indent=1) + "\n", encoding="utf-8")
