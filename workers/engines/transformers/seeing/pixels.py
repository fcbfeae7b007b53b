"""Bounds of pixels that a processor has itself: they are set there, so that it scales once."""

from typing import Any

from models.launching.options.text import MOST_PIXELS
from workers.engines.media.pixels import PixelRange

_EDGES = 1 << 16
"""An edge that is longer than this is no edge: processors name a number of pixels so."""


def bound(processor: Any, asked: PixelRange) -> PixelRange:
    """Set what was asked for, or the default, where the processor of pictures has such bounds itself.

    Returns what is left to be done before it is called.
    """
    size = dict(getattr(processor, "size", None) or {})
    own = size.get("longest_edge")
    if own is None or own <= _EDGES:
        return asked
    most = asked.most or min(own, MOST_PIXELS)
    least = min(asked.least or size.get("shortest_edge") or 1, most)
    processor.size = type(processor.size)(**size | {"shortest_edge": least, "longest_edge": most})
    return PixelRange(None, most)
