"""How many tokens of context a text model has: what a launch asks for, within the positions that it knows. Pure."""

from collections.abc import Mapping
from typing import Any

_WRITTEN = ("max_position_embeddings", "n_positions", "max_seq_len")
POSITIONS = (*_WRITTEN, "rope_parameters", "rope_scaling")
"""What a configuration says of them."""
_MOST = 1 << 31
"""A number of positions beyond this one is none: configurations are written by strangers."""


def written_positions(text: Mapping[str, Any]) -> int | None:
    """The positions of a network of text as its configuration writes them; None where it does not."""
    return next((found for name in _WRITTEN if (found := _positions(text.get(name))) is not None), None)


def known_positions(text: Mapping[str, Any]) -> int | None:
    """The positions that a network of text knows, by its configuration; None where it does not say.

    YaRN's factors lengthen them, as its makers describe: what is written is often the length without. Those of dynamic
    NTK do not: they change with the longest request of a batch, and with them others' answers.
    """
    known = written_positions(text)
    rope = text.get("rope_parameters") or text.get("rope_scaling")
    if not isinstance(rope, Mapping) or "yarn" not in (rope.get("rope_type"), rope.get("type")):
        return known
    original, factor = _positions(rope.get("original_max_position_embeddings")), rope.get("factor")
    if known is None or original is None or isinstance(factor, bool) or not isinstance(factor, int | float):
        return known
    longer = int(original * factor) if 0 < factor <= _MOST else 0  # JSON of Python's has NaN and Infinity
    return max(known, longer) if longer <= _MOST else known


def shortened(option: str, asked: object, known: int | None) -> str:
    """What is to be told where a launch asks for more context than the model knows; "" where it does not."""
    count = _count(asked)
    if count is None or known is None or count <= known:
        return ""
    return f"'{option}' is {count}, and the model knows {known} positions: a request may have {known} tokens"


def _positions(value: object) -> int | None:
    return count if (count := _count(value)) is not None and count <= _MOST else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
