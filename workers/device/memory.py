"""The memory of a worker's device: how much is free, what each runner holds, and whether what ended gave it back."""

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

import psutil

from models.launching.devices import Device
from models.launching.nvml import CardMemory, Fault, Meter

FRESH_S = 0.5
"""So long a reading is used again."""
BACK_S = 2.0
"""So long the memory of a process that has ended is waited for; the driver usually frees it within 0.1 s."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The device's memory in bytes."""

    total_bytes: int
    free_bytes: int


class DeviceMemory:
    """Reads the device's memory. On a GPU, NVML is asked; a CPU's is the machine's."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._meter = Meter(device.uuid) if device.kind == "cuda" else None
        self._usage: CardMemory | None = None
        self._read_at = float("-inf")
        self._groups: dict[int, int] = {}
        self._leaving: dict[int, float] = {}
        self._lock = threading.RLock()
        """The heartbeat, the device's own thread and the readers of runners all ask."""

    def read(self) -> Memory:
        """The memory as it was at most ``FRESH_S`` ago. A card that cannot be asked has none free."""
        with self._lock:
            usage = self._fresh()
        if self._meter is None or self._device.shares_memory:
            return Memory(self._device.total_bytes, int(psutil.virtual_memory().available))
        return Memory(usage.total_bytes, usage.free_bytes) if usage else Memory(self._device.total_bytes, 0)

    @property
    def fault(self) -> Fault | None:
        """What is wrong with the GPU, as the last reading found it; None: nothing."""
        return self._meter.fault if self._meter else None

    def of(self, group: int) -> int | None:
        """What the processes of this group hold on the GPU; None where that is not known, as on a CPU."""
        with self._lock:
            usage = self._fresh()
            held = [used for pid, used in (usage.by_pid.items() if usage else ()) if self._groups.get(pid) == group]
        return sum(held) if held else None

    def expect_back(self, group: int) -> None:
        """The processes of this group have ended: what they held on the GPU is to come back."""
        until = time.monotonic() + BACK_S
        with self._lock:
            self._leaving |= {pid: until for pid, leader in self._groups.items() if leader == group}

    def is_back(self) -> bool:
        """Whether NVML lists none of the processes that have ended, or they were waited for long enough."""
        with self._lock:
            if self._leaving:
                self._read_at = float("-inf")
                usage = self._fresh()
                listed = usage.by_pid if usage else {}
                now = time.monotonic()
                self._leaving = {pid: until for pid, until in self._leaving.items() if pid in listed and now < until}
            return not self._leaving

    def close(self) -> None:
        """Let go of NVML."""
        if self._meter:
            self._meter.close()

    def _fresh(self) -> CardMemory | None:
        now = time.monotonic()
        if self._meter and now - self._read_at > FRESH_S:
            self._usage, self._read_at = self._meter.read(), now
            for pid in self._usage.by_pid if self._usage else ():
                with suppress(ProcessLookupError, PermissionError):  # of another container, or it has just ended
                    self._groups[pid] = os.getpgid(pid)
        return self._usage
