"""Hides torchvision from a process whose ``PYTHONPATH`` names this folder: as where it is not installed."""

from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

_find = PathFinder.find_spec


def _find_others(cls: type[PathFinder], fullname: str, *more: Any) -> ModuleSpec | None:
    return None if fullname.partition(".")[0] == "torchvision" else _find(fullname, *more)


PathFinder.find_spec = classmethod(_find_others)  # type: ignore[method-assign,assignment]
