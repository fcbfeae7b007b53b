"""Lets torchvision be imported where its build does not fit PyTorch's: PyPI has builds for GPUs alone.

Beside PyTorch for CPUs its compiled operators cannot be loaded, and it fails as it says what their results look like.
Processors of pictures use none of them. So the operators that it asks for are declared, and never called.
"""

import importlib.util
import logging
from typing import Any

import torch

log = logging.getLogger(__name__)

_OPERATORS = ("nms", "qnms")
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[Any] = []
"""Declarations last as long as the object that made them."""


def make_importable() -> None:
    """Have torchvision imported, if it is installed. What uses it must be imported later."""
    if _declared or importlib.util.find_spec("torchvision") is None:
        return
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        log.info("torchvision's build does not fit PyTorch's (%s): its operators are left out", error)
        library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        for name in _OPERATORS:
            library.define(name + _SCHEMA)
        _declared.append(library)
        importlib.import_module("torchvision")
