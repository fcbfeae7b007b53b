"""How long a model stays loaded without requests, as people write it: in seconds, or as Go writes durations."""

import re

FOREVER = -1.0
"""A model that is never unloaded because nobody asks for it."""
MOST_S = 10 * 365 * 86400.0

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_NUMBER = re.compile(r"[+-]?(\d+(?:\.\d*)?|\.\d+)")


def seconds(value: str | float) -> float:
    """The seconds that ``300``, ``"300"``, ``"5m"``, ``"1h30m"`` or ``"0"`` mean; FOREVER for what is below zero.

    Ollama's clients send all of these, and ``-1`` or ``"-1m"`` for a model that stays. Raises ValueError.
    """
    if isinstance(value, str):
        text = value.strip().lower()
        found = float(text) if _NUMBER.fullmatch(text) else _duration(text)
    else:
        found = float(value)
    if found < 0:
        return FOREVER
    if not found <= MOST_S:  # so is what is not a number
        raise ValueError("at most ten years")
    return found


def _duration(text: str) -> float:
    """A duration in Go's words."""
    sign = -1.0 if text.startswith("-") else 1.0
    parts = text.lstrip("+-") if text[:1] in ("+", "-") and text[1:2] not in ("+", "-") else text
    if not parts or _PART.sub("", parts):
        raise ValueError("give seconds, or a duration such as 5m or 1h30m; -1 keeps it loaded")
    return sign * sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(parts))
