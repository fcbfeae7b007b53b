"""The GPUs that vLLM gets, and what is free on them."""

import os
from collections.abc import Sequence

import psutil

from models.errors import InvalidRequest
from workers.engines.accelerator.card import Card

CPU_KV_BYTES = 4 << 30


def visible() -> list[str]:
    """The GPUs that this runner was given, as ``CUDA_VISIBLE_DEVICES`` names them."""
    return [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]


def parallel(asked: int | None, pipeline: int, gpus: int) -> int:
    """The tensor-parallel size: as asked, or else all GPUs. Raises InvalidRequest where there are too few GPUs."""
    size = asked if asked is not None else max(1, gpus // pipeline)
    if size * pipeline > max(1, gpus):
        raise InvalidRequest(
            f"{size} times {pipeline} GPUs asked for, the replica has {max(1, gpus)}", param="tensor_parallel_size"
        )
    return size


def measure(gpus: Sequence[str]) -> list[Card]:
    """These GPUs as they are now, through NVML: CUDA must be initialised in vLLM's own processes only."""
    import pynvml

    pynvml.nvmlInit()
    try:
        return [_measured(gpu) for gpu in gpus]
    finally:
        pynvml.nvmlShutdown()


def _measured(gpu: str) -> Card:
    import pynvml

    by_uuid = not gpu.isdecimal()
    handle = pynvml.nvmlDeviceGetHandleByUUID(gpu) if by_uuid else pynvml.nvmlDeviceGetHandleByIndex(int(gpu))
    major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
    try:
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    except pynvml.NVMLError_NotSupported:  # GB10 and Jetson have no memory of their own
        host = psutil.virtual_memory()
        return Card((major, minor), int(host.total), int(host.available), unified=True)
    return Card((major, minor), int(memory.total), int(memory.free))


def cpu_cache_bytes(reserved: int | None) -> int:
    """The KV cache on a CPU: as reserved, else a modest part of what is free."""
    return reserved or min(CPU_KV_BYTES, int(psutil.virtual_memory().available) // 4)
