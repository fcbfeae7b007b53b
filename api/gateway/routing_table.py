"""What this gateway knows of the devices: their newest snapshots, and an event for those who wait for a change."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from models.redis.presence import Replica, Snapshot
from models.rows.states import ReplicaState


@dataclass(slots=True)
class _Report:
    snapshot: Snapshot
    at: float


class RoutingTable:
    """Which replicas there are and which are ready; updated by snapshots, read for every request.

    It is used on the event loop's thread alone. ``on_lost(epoch)`` is called for each runner that a device does not
    report any more, or whose device has fallen silent.
    """

    def __init__(self, silence_s: float, on_lost: Callable[[str], None]) -> None:
        self._silence_s = silence_s
        self._on_lost = on_lost
        self._devices: dict[str, _Report] = {}
        self._doubted: set[str] = set()
        self._changed = asyncio.Event()

    def update(self, snapshot: Snapshot, now: float) -> None:
        """Take the snapshot of a device. One that is older than the last is ignored."""
        before = self._devices.get(snapshot.device)
        if before and before.snapshot.worker == snapshot.worker and before.snapshot.serial >= snapshot.serial:
            return
        self._devices[snapshot.device] = _Report(snapshot, now)
        self._doubted &= {one.epoch for _, one in self.replicas()}
        self._doubted -= {one.epoch for one in snapshot.replicas if one.state == ReplicaState.READY and not one.leaving}
        if before is not None:
            here = {one.epoch for one in snapshot.replicas if one.state != ReplicaState.STOPPING}
            for one in before.snapshot.replicas:
                if one.epoch not in here:
                    self._on_lost(one.epoch)
        self._changed.set()
        self._changed = asyncio.Event()

    def doubt(self, epoch: str) -> None:
        """Send no requests to a runner that ends or leaves, until the next snapshot of its device that has it ready."""
        self._doubted.add(epoch)

    def sweep(self, now: float) -> None:
        """Drop the devices that have been silent for too long. ``now``: the loop's time."""
        for device, report in list(self._devices.items()):
            if now - report.at > self._silence_s:
                del self._devices[device]
                for one in report.snapshot.replicas:
                    self._on_lost(one.epoch)

    def ready(self, uid: str) -> list[tuple[str, Replica]]:
        """The replicas of this model that take requests, each with its device."""
        return [(device, one) for device, one in self.replicas() if one.uid == uid and self._serves(device, one)]

    def serving(self) -> list[tuple[str, Replica]]:
        """The replicas of all models that take requests, each with its device."""
        return [(device, one) for device, one in self.replicas() if self._serves(device, one)]

    def replicas(self) -> list[tuple[str, Replica]]:
        """All replicas that were reported, each with its device."""
        return [(device, one) for device, report in self._devices.items() for one in report.snapshot.replicas]

    def room(self) -> int:
        """How many requests all ready replicas hold, in flight and waiting."""
        return sum(one.max_inflight + one.max_waiting for _, one in self.serving())

    def free_bytes(self, device: str) -> int | None:
        """The free memory of a device, as it last reported; None where it does not report."""
        report = self._devices.get(device)
        return None if report is None else report.snapshot.free_bytes

    def latest(self, device: str) -> Snapshot | None:
        """What a device last reported; None where it does not report."""
        report = self._devices.get(device)
        return None if report is None else report.snapshot

    def devices(self) -> list[str]:
        """The devices that are alive."""
        return list(self._devices)

    @property
    def changed(self) -> asyncio.Event:
        """An event that the next snapshot sets. Take it first, then look at the table, then wait for the event."""
        return self._changed

    @staticmethod
    async def change(changed: asyncio.Event, limit_s: float) -> None:
        """Wait for such an event, but no longer than this: some changes show in the database alone."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await changed.wait()

    def _serves(self, device: str, one: Replica) -> bool:
        draining = self._devices[device].snapshot.draining
        return one.state == ReplicaState.READY and not draining and not one.leaving and one.epoch not in self._doubted
