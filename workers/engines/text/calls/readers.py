"""The reader of each format."""

from collections.abc import Mapping
from typing import Any

from workers.engines.text.calls.braces import BraceReader
from workers.engines.text.calls.elements import ElementReader
from workers.engines.text.calls.formats import BraceFormat, CallFormat, ElementFormat, NamedFormat, PythonFormat
from workers.engines.text.calls.objects import NamedReader, ToolReader
from workers.engines.text.calls.pythonic import PythonReader
from workers.engines.text.calls.scanner import CallScanner


def reader_of(written: CallFormat, functions: Mapping[str, Any]) -> CallScanner:
    """What reads calls in this format. ``functions`` may be called, and have the schemas of their parameters."""
    match written:
        case NamedFormat():
            return NamedReader(written, functions)
        case ElementFormat():
            return ElementReader(written, functions)
        case PythonFormat():
            return PythonReader(written, functions)
        case BraceFormat():
            return BraceReader(written, functions)
    return ToolReader(written, functions)
