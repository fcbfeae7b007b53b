"""Rows of different lengths in one cache of transformers: padded on the left, joined as they come, dropped as they end.

A cache of attention holds keys and values as [rows, heads, columns, size]; a mask, [rows, columns], marks the columns
that are a row's own. Keys are stored with their positions applied, so a row may be moved to the right freely. A layer
with a sliding window keeps only its last columns. Caches of other kinds (of state spaces) are not joined: see
``joinable``.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers.cache_utils import Cache, DummyLayer, DynamicLayer, DynamicSlidingWindowLayer

_JOINABLE = (DynamicLayer, DynamicSlidingWindowLayer, DummyLayer)


def joinable(cache: Cache) -> bool:
    """Whether the rows of several such caches can be put into one."""
    return all(type(layer) in _JOINABLE for layer in cache.layers)


def join(cache: Any, other: Any, columns: int) -> None:
    """Add the rows of ``other``. ``columns`` is the length of the longer of the two."""
    for mine, theirs in zip(cache.layers, other.layers, strict=True):
        if isinstance(mine, DummyLayer) or not mine.is_initialized:
            continue
        kept = _columns(mine, columns)
        mine.keys = _stacked(mine.keys, theirs.keys, kept)
        mine.values = _stacked(mine.values, theirs.values, kept)


def keep(cache: Any, rows: Tensor, columns: int) -> None:
    """Drop all rows but these, given by their indices, and all but the last ``columns``."""
    for layer in cache.layers:
        if isinstance(layer, DummyLayer) or not layer.is_initialized:
            continue
        kept = _columns(layer, columns)
        layer.keys = layer.keys.index_select(0, rows)[..., -kept:, :]
        layer.values = layer.values.index_select(0, rows)[..., -kept:, :]


def left_padded(values: Tensor, columns: int, axis: int = -1) -> Tensor:
    """The values with zeros put before them, so that the axis (the last, or the one before it) has ``columns``."""
    missing = columns - values.shape[axis]
    return values if not missing else pad(values, (missing, 0) if axis == -1 else (0, 0, missing, 0))


def _stacked(mine: Tensor, theirs: Tensor, columns: int) -> Tensor:
    return torch.cat([left_padded(values, columns, -2) for values in (mine, theirs)])


def _columns(layer: Any, columns: int) -> int:
    """How many of so many columns this layer keeps. Also sets the layer's own count of the columns that it has seen."""
    if not isinstance(layer, DynamicSlidingWindowLayer):
        return columns
    layer.cumulative_length = columns
    return min(columns, layer.sliding_window - 1)
