"""How many CPU threads a runner takes: pure decisions, and the number of cores that they are based on."""

import os

TORCH_ON_GPU = 8
"""PyTorch's, where the GPU computes: they pack batches and pick tokens."""
LLAMA_CPP_ON_GPU = 4
"""llama.cpp's, where all layers are on the GPU: the embeddings of tokens alone are read on the CPU."""
LLAMA_CPP_SHARED = 16
"""llama.cpp's, where the CPU computes some of the layers."""


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def host_threads(asked: int | None, present: int, most: int | None) -> int | None:
    """As many as asked; else ``most``, or the cores that are ``present``; None: what the library takes by itself.

    ``most`` is None where the CPU computes the model, which then has them all.
    """
    if asked is not None or most is None:
        return asked
    return min(present, most)


def llama_cpp_most(layers: int | None, *, on_gpu: bool) -> int | None:
    """The ``most`` of llama.cpp. ``layers``: how many the launch asks to be on the GPU; None means all."""
    if not on_gpu or layers == 0:
        return None
    return LLAMA_CPP_ON_GPU if layers is None else LLAMA_CPP_SHARED
