"""Lets CTranslate2 find cuBLAS 12 where a package brings it: PyTorch's own is another version by now.

CTranslate2 opens ``libcublas.so.12`` by that name at the first product, not before. A library that is loaded already is
found by its name wherever it lies.
"""

import ctypes
import importlib.util
import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)

PACKAGE = "nvidia-cublas-cu12"
_LIBRARIES = ("libcublasLt.so.12", "libcublas.so.12")  # the second needs the first


def preload() -> None:
    """Load the package's libraries into this process, where it is installed; else CTranslate2 looks by itself."""
    spec = importlib.util.find_spec("nvidia")
    for location in spec.submodule_search_locations or () if spec else ():
        folder = Path(location) / "cublas" / "lib"
        try:
            for name in _LIBRARIES:
                ctypes.CDLL(str(folder / name), mode=os.RTLD_GLOBAL)
            return
        except OSError as error:
            log.info("cuBLAS is not loaded from %s: %s", folder, error)
