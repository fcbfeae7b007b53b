"""Lets a torchvision that was built for CUDA be imported beside a PyTorch that was not.

The package index has no other build. Where its library cannot be loaded, it asks PyTorch for two operators that are not
defined, and then the import of all image processors fails. So they are declared here, and never called. Python imports
a module of this name in every process whose ``PYTHONPATH`` names this folder: those that vLLM starts.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

_kept: list[Any] = []


class _Finder(MetaPathFinder):
    """Waits for the first import of torchvision, so that a process that does not use it loses no time."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            _declare()
        return None


def _declare() -> None:
    torch: Any = importlib.import_module("torch")
    found = PathFinder.find_spec("torchvision")
    if found is None or found.origin is None:
        return
    try:
        torch.ops.load_library(str(Path(found.origin).parent / "_C.so"))
    except OSError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        missing = [name for name in ("nms", "qnms") if not hasattr(torch.ops.torchvision, name)]
        for name in missing:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _kept.append(library)  # its declarations last only as long as it does


sys.meta_path.insert(0, _Finder())
