"""The devices of this machine: its GPUs, else its CPU. GPUs are asked through NVML, so that workers need no torch."""

import contextlib
import os
import platform
import re
from pathlib import Path
from typing import Literal

import msgspec
import psutil

from models.errors import InvalidRequest

_NAME = re.compile(r"cpu|cuda:(?:0|[1-9]\d{0,2})")
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class Device(msgspec.Struct, frozen=True):
    """One GPU of this machine, or its CPU. ``name`` is what ``--device`` takes."""

    name: str
    kind: Literal["cpu", "cuda"]
    label: str
    total_bytes: int
    uuid: str = ""
    """What to put into ``CUDA_VISIBLE_DEVICES``. Unlike an index, it means the same card to NVML and to CUDA."""


def detect() -> list[Device]:
    """The devices that get a worker each: every visible GPU, or the CPU where there is none."""
    return _gpus() or [_cpu()]


def parse(name: str) -> Device:
    """The device of that name. Raises InvalidRequest if it is no device name, or if this machine has no such device."""
    if not _NAME.fullmatch(name):
        raise InvalidRequest(f"{name!r} is not a device: say cpu or cuda:0, cuda:1, …", param="device")
    if name == "cpu":  # allowed on a machine with GPUs, too
        return _cpu()
    gpus = _gpus()
    for gpu in gpus:
        if gpu.name == name:
            return gpu
    present = ", ".join(gpu.name for gpu in gpus) or "no GPU"
    raise InvalidRequest(f"this machine has no {name} (NVML sees {present})", param="device")


def _cpu() -> Device:
    return Device("cpu", "cpu", _cpu_label(), _ram_bytes())


def _cpu_label() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _ram_bytes() -> int:
    """What this process may use: the machine's memory, or the container's limit where that is less."""
    total = int(psutil.virtual_memory().total)
    for path in _CGROUP_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # absent, or "max"
            total = min(total, int(Path(path).read_text(encoding="ascii")))
    return total


def _gpus() -> list[Device]:
    import pynvml  # deferred, so that importing this module stays fast

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no driver or no card
        return []
    try:
        return [gpu for index in range(pynvml.nvmlDeviceGetCount()) if _visible(gpu := _gpu(index), index)]
    finally:
        pynvml.nvmlShutdown()


def _gpu(index: int) -> Device:
    import pynvml

    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    return Device(
        name=f"cuda:{index}",
        kind="cuda",
        label=_text(pynvml.nvmlDeviceGetName(handle)),
        total_bytes=int(pynvml.nvmlDeviceGetMemoryInfo(handle).total),
        uuid=_text(pynvml.nvmlDeviceGetUUID(handle)),
    )


def _visible(gpu: Device, index: int) -> bool:
    """Whether ``CUDA_VISIBLE_DEVICES``, by index or by the beginning of a UUID, lets us use the card."""
    wanted = os.environ.get("CUDA_VISIBLE_DEVICES")
    if wanted is None:
        return True
    return any(
        entry == str(index) or (entry.startswith("GPU-") and gpu.uuid.startswith(entry))
        for entry in (part.strip() for part in wanted.split(","))
    )


def _text(value: str | bytes) -> str:
    """A string of NVML's as text. In some versions of the binding it is bytes."""
    return value.decode() if isinstance(value, bytes) else value
