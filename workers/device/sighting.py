"""The row of a worker's device: that it is here, what is wrong with it, which engines work on it, and its machine."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy.engine import Connection

from models.hubs import cache
from models.launching import devices
from models.launching.devices import Device
from models.launching.nvml import Fault
from models.process import machine
from models.reasons import as_told
from models.rows import instances
from models.rows.database import Database
from workers.device.probing import Probing

log = logging.getLogger(__name__)

SEEN_EVERY_S = 3.0
LISTED_EVERY_S = 30.0
"""So often it is looked which repositories of hubs are on this machine."""


class Sighting:
    """Keeps the row of one device. Use it from one thread."""

    def __init__(self, node: str, device: Device, database: Database, home: Path, probing: Probing) -> None:
        """``home``: the folder in which our caches of hubs are. ``probing``: what asks the engines."""
        self._home = home
        self._probing = probing
        self._cached: list[str] = []
        self._listed_at = float("-inf")
        self._node = node
        self._device = device
        self._id = f"{node}.{device.name}"
        self._database = database
        self._notes = devices.notes()
        self._fault: Fault | None = None
        self._seen: tuple[Mapping[str, str], Fault | None] = ({}, None)
        self._seen_at = float("-inf")

    def renew(self, fault: Fault | None, now: float) -> None:
        """Write the row every ``SEEN_EVERY_S`` and at every change. ``now`` in monotonic seconds."""
        if fault != self._fault:
            log.error("%s: %s", self._id, fault.words if fault else "can be used again")
            self._fault = fault
        if now - self._listed_at > LISTED_EVERY_S:
            self._cached, self._listed_at = cache.newest(self._home / "models"), now
        usable = self._probing.usable() or {}
        seen = usable, fault
        if now - self._seen_at > SEEN_EVERY_S or seen != self._seen:
            self._database.call(self._write, dict(usable), fault)
            self._seen_at, self._seen = now, seen

    def _write(self, connection: Connection, usable: dict[str, str], fault: Fault | None) -> None:
        about = self._device
        instances.see_device(
            connection,
            id=self._id,
            node=self._node,
            kind=about.kind,
            label=about.label,
            total_bytes=about.total_bytes,
            details=self._details(fault) | {"reasons": {name: as_told(why) for name, why in usable.items() if why}},
            engines=usable,
        )

    def _details(self, fault: Fault | None) -> dict[str, Any]:
        about = {
            name: getattr(self._device, name)
            for name in ("uuid", "capability", "driver", "cuda", "shares_memory", "budget")
        }
        gone = bool(fault and fault.gone)
        return {
            **about,
            "fault": fault.words if fault else "",
            "gone": gone,
            "notes": self._notes,
            "cached": self._cached,
            "machine": msgspec.to_builtins(machine.look(self._home)),
            "libraries": self._probing.libraries,
        }
