"""The memory of a worker's device: how much is free, what each runner holds, and whether what ended gave it back.

And how busy the device is.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil

from models.launching.devices import Device
from models.launching.nvml import Fault
from workers.device.card_watch import CardWatch


@dataclass(frozen=True, slots=True)
class Memory:
    """The device's memory in bytes."""

    total_bytes: int
    free_bytes: int


CPU_EVERY_S = 1.0
"""The use of the CPU is an average over at least this long."""


class CpuUse:
    """How busy the machine's processors are. From any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at = clock()
        self._last: float | None = None
        psutil.cpu_percent()  # the first answer is of no time at all

    def read(self) -> float | None:
        """The part of them that was in use since it was read before, from 0 to 1; None before the first second."""
        with self._lock:
            now = self._clock()
            if now - self._read_at >= CPU_EVERY_S:
                self._last, self._read_at = min(psutil.cpu_percent() / 100, 1.0), now
            return self._last


class DeviceMemory:
    """The device's memory, from any thread. NVML is asked of a GPU, and of the others that its runners hold."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._lock = threading.Lock()
        self._cards: dict[str, CardWatch] = {}
        self._own = self._card(device.uuid) if device.kind == "cuda" else None
        self._cpu = CpuUse() if device.kind == "cpu" else None
        if self._own:
            self._own.refresh()

    def read(self, held: int = 0) -> Memory:
        """The memory as it was a moment ago. A card that cannot be asked has none free.

        ``held``: what the device's runners hold, which counts against a budget.
        """
        if self._own is None or self._device.shares_memory:
            total, free = self._device.total_bytes, int(psutil.virtual_memory().available)
            return Memory(total, max(0, min(free, total - held)) if self._device.budget else free)
        usage = self._own.usage
        return Memory(usage.total_bytes, usage.free_bytes) if usage else Memory(self._device.total_bytes, 0)

    @property
    def utilization(self) -> float | None:
        """The part of the device that computes, from 0 to 1; None: not known, as of a Mac's GPU.

        Of a CPU it is that of all of the machine's processors, whoever uses them.
        """
        if self._cpu:
            return self._cpu.read()
        return self._own.utilization if self._own else None

    @property
    def fault(self) -> Fault | None:
        """What is wrong with the GPU; None: nothing."""
        return self._own.fault if self._own else None

    def of(self, group: int, uuids: Sequence[str]) -> int | None:
        """What the processes of this group hold on these GPUs; None where that is not known, as on a CPU."""
        held = [part for card in self._all(uuids) if (part := card.held_by(group)) is not None]
        return sum(held) if held else None

    def is_back(self, uuids: Sequence[str]) -> bool:
        """Whether all processes that have ended gave back what they held on these GPUs, or were waited for in vain."""
        back = [card.is_back() for card in self._all(uuids)]  # all are waited for at the same time
        return all(back)

    def close(self) -> None:
        """Let go of NVML."""
        for card in self._cards.values():
            card.close()

    def _all(self, uuids: Sequence[str]) -> list[CardWatch]:
        return [self._card(uuid) for uuid in uuids] if self._own else []

    def _card(self, uuid: str) -> CardWatch:
        with self._lock:
            if uuid not in self._cards:
                self._cards[uuid] = CardWatch(uuid)
            return self._cards[uuid]
