"""What models write, from ``samples.toml``: two calls, each in its own way, and answers with thoughts."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "deep": {"$ref": "#/$defs/deep"},
    },
    "$defs": {"deep": {"type": "object"}},
}
FUNCTIONS: dict[str, Any] = {"get": PARAMETERS, "go": None}

CITY = 'Ro"me\n<b>{}'
TWO: list[tuple[str, Any]] = [("get", {"city": CITY, "days": 3, "deep": {"a": [1, "é"]}}), ("go", {})]
"""The calls that each of ``CALLS`` makes."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a model writes: the formats of its calls and thoughts, the text, and what stands in it beside calls."""

    calls: str = "hermes"
    thoughts: str = ""
    text: str = ""
    said: str = ""
    thought: str = ""


_READ = tomllib.loads((Path(__file__).parent / "samples.toml").read_text(encoding="utf-8"))
CALLS = [Sample(**one) for one in _READ["call"]]
ANSWERS = [Sample(**one) for one in _READ["answer"]]
