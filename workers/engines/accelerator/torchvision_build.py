"""Lets torchvision be imported where its build does not fit PyTorch's: the package index has builds for GPUs alone.

Beside PyTorch for CPUs its compiled operators cannot be loaded, and it fails as it says what their results look like.
Processors of pictures use none of them. So the operators that it asks for are declared, and never called.
"""

import importlib
import logging
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

log = logging.getLogger(__name__)

_OPERATORS = ("nms", "qnms")
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[Any] = []
"""Declarations last as long as the object that made them."""


class _FirstImport(MetaPathFinder):
    """Waits for the first import of torchvision, so that a runner that shows no pictures loses no time."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "torchvision" and self in sys.meta_path:
            sys.meta_path.remove(self)
            _declare_operators()
        return None


_first_import = _FirstImport()


def make_importable() -> None:
    """Have torchvision be importable from now on, if it is installed. What imports it must be imported later."""
    if not _declared and "torchvision" not in sys.modules and _first_import not in sys.meta_path:
        sys.meta_path.insert(0, _first_import)


def _declare_operators() -> None:
    found = PathFinder.find_spec("torchvision")
    if found is None or found.origin is None:
        return
    torch = importlib.import_module("torch")
    try:
        torch.ops.load_library(str(Path(found.origin).parent / "_C.so"))
    except OSError as error:
        log.info("torchvision's build does not fit PyTorch's (%s): its operators are left out", error)
        library: Any = torch.library.Library("torchvision", "FRAGMENT")
        for name in _OPERATORS:
            if not hasattr(torch.ops.torchvision, name):  # by another run of this file (vllm/site)
                library.define(name + _SCHEMA)
        _declared.append(library)
