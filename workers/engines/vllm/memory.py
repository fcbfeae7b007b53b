"""How much of a device's memory vLLM may take: pure decisions, and the measurements that they are based on."""

import os
from collections.abc import Sequence

import psutil

from models.errors import InvalidRequest

MARGIN_BYTES = 512 << 20
"""Bytes that are left free on a GPU beside what others hold, for CUDA contexts and what allocators round up."""
MOST = 0.92
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


def utilization(memory: Sequence[tuple[int, int]], reserved: int | None) -> float:
    """vLLM's ``gpu_memory_utilization``: the share of each GPU that it may fill, weights, KV cache and all.

    ``memory`` is (total, free) of each GPU in bytes; ``reserved`` is the launch's own bound over all of them. Without a
    bound vLLM may take what others leave free. Raises InvalidRequest where less than the bound is free.
    """
    share = min((free - MARGIN_BYTES) / total for total, free in memory)
    if reserved is not None:
        wanted = max(reserved / len(memory) / total for total, _ in memory)
        if wanted > share:
            raise InvalidRequest(
                f"{reserved} bytes are asked for, and {int(share * sum(total for total, _ in memory))} are free",
                param="memory_bytes",
            )
        share = wanted
    return round(max(0.01, min(MOST, share)), 4)


def measure(gpus: Sequence[str]) -> list[tuple[int, int]]:
    """Total and free bytes of these GPUs, through NVML: CUDA must be initialised in vLLM's own processes only."""
    import pynvml

    pynvml.nvmlInit()
    try:
        measured = []
        for gpu in gpus:
            by_uuid = not gpu.isdecimal()
            handle = pynvml.nvmlDeviceGetHandleByUUID(gpu) if by_uuid else pynvml.nvmlDeviceGetHandleByIndex(int(gpu))
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
            measured.append((int(memory.total), int(memory.free)))
        return measured
    finally:
        pynvml.nvmlShutdown()


def cpu_cache_bytes(reserved: int | None) -> int:
    """The KV cache on a CPU: as reserved, else a modest part of what is free."""
    return reserved or min(CPU_KV_BYTES, int(psutil.virtual_memory().available) // 4)
