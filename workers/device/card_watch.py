"""Reads the memory of one card in a thread of its own: a call of NVML's may hang for as long as its driver likes."""

import os
import threading
import time
from contextlib import suppress

from models.launching.nvml import CardMemory, Fault, Meter
from workers.wakeups import in_background

EVERY_S = 0.5
FRESH_S = 0.5
"""So long a new reading is waited for; one takes some milliseconds."""
SILENT_S = 10.0
"""A driver that does not answer for this long is at fault."""
BACK_S = 2.0
"""So long the memory of a process that has ended is waited for; the driver usually frees it within 0.1 s."""
SILENT = Fault(f"without an answer from its driver for {SILENT_S:g} s: see what nvidia-smi says", gone=False)


class CardWatch:
    """What one card's memory holds, as NVML said last. From any thread; none waits for NVML beyond ``FRESH_S``."""

    def __init__(self, uuid: str) -> None:
        self._meter = Meter(uuid)
        self._wanted = threading.Event()
        self._closing = threading.Event()
        self._read = threading.Condition()
        self._usage: CardMemory | None = None
        self._fault: Fault | None = None
        self._groups: dict[int, int] = {}
        """The process groups of those that NVML lists, and that were seen alive, by their pids."""
        self._reading_since: float | None = None
        self._read_at = float("-inf")
        """When the last whole reading began."""
        self._leaving: dict[int, float] = {}
        in_background(self._run)

    @property
    def usage(self) -> CardMemory | None:
        """The last reading; None where there is none, and where the card cannot be asked."""
        return None if self.fault else self._usage

    @property
    def utilization(self) -> float | None:
        """The part of the last moment in which the card computed, from 0 to 1; None: not known."""
        return None if self.fault else self._meter.utilization

    @property
    def fault(self) -> Fault | None:
        """What is wrong with the card, as the last reading found it; None: nothing."""
        since = self._reading_since
        return SILENT if since is not None and time.monotonic() - since > SILENT_S else self._fault

    def held_by(self, group: int) -> int | None:
        """What the processes of this group hold, in bytes; None where that is not known."""
        with self._read:
            usage = self.usage
            held = [used for pid, used in (usage.by_pid.items() if usage else ()) if self._groups.get(pid) == group]
        return sum(held) if held else None

    def is_back(self) -> bool:
        """Whether NVML lists no process that has ended, or each was waited for long enough; reads anew."""
        self.refresh()
        now = time.monotonic()
        with self._read:
            ended = [pid for pid in self._groups if _group(pid) is None]
            self._leaving = {pid: self._leaving.get(pid, now + BACK_S) for pid in ended}
            return all(now >= until for until in self._leaving.values())

    def refresh(self) -> None:
        """Wait for a reading that begins now."""
        asked_at = time.monotonic()
        self._wanted.set()
        with self._read:
            self._read.wait_for(lambda: self._read_at >= asked_at, FRESH_S)

    def close(self) -> None:
        """End the thread, once NVML has answered."""
        self._closing.set()
        self._wanted.set()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._reading_since = began = time.monotonic()
            usage = self._meter.read()
            listed = usage.by_pid if usage else ()
            groups = {pid: self._groups.get(pid) if (group := _group(pid)) is None else group for pid in listed}
            with self._read:
                self._usage, self._fault = usage, self._meter.fault
                self._groups = {pid: group for pid, group in groups.items() if group is not None}
                self._read_at, self._reading_since = began, None
                self._read.notify_all()
            self._wanted.wait(EVERY_S)
            self._wanted.clear()
        self._meter.close()


def _group(pid: int) -> int | None:
    """The group of a process; None where it has ended, is of another container, or no process can have this pid."""
    with suppress(ProcessLookupError, PermissionError, OverflowError):
        return os.getpgid(pid) if pid else None  # 0 would be this process
    return None
