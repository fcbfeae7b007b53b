"""The devices that vLLM gets, and what is free on them."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from workers.engines.accelerator.card import Card
from workers.engines.accelerator.memory import share
from workers.engines.base import EngineSite
from workers.engines.vllm import parallel

CPU_KV_BYTES = 4 << 30


def placed(engine: dict[str, Any], reserved: int | None, site: EngineSite) -> dict[str, Any]:
    """The engine's arguments, with those that depend on the devices. ``reserved``: bytes of them for this launch.

    Raises InvalidRequest where the model cannot be divided among them, or less is free.
    """
    if site.device == "cpu":
        if "kv_cache_memory_bytes" in engine:
            os.environ.pop("VLLM_CPU_KVCACHE_SPACE", None)  # vLLM would prefer it
        elif not os.environ.get("VLLM_CPU_KVCACHE_SPACE"):
            engine["kv_cache_memory_bytes"] = cpu_cache_bytes(reserved)
        if engine.get("enforce_eager"):  # then bfloat16 ends in SIGILL on CPUs with AMX: only compiled code enables AMX
            engine.setdefault("dtype", "float32")
        return engine
    size, stages = parallel.sizes(
        engine.get("tensor_parallel_size"),
        engine.get("pipeline_parallel_size"),
        site.gpus,
        parallel.read_shape(Path(site.source)),
    )
    engine |= {"tensor_parallel_size": size, "pipeline_parallel_size": stages}
    if not engine.keys() & {"gpu_memory_utilization", "kv_cache_memory_bytes"}:
        engine["gpu_memory_utilization"] = share(measure(visible()[: size * stages]), reserved, site.reserved_bytes)
    return engine


def visible() -> list[str]:
    """The GPUs that this runner was given, as ``CUDA_VISIBLE_DEVICES`` names them."""
    return [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]


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
