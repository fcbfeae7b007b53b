"""The row of a worker's device: that it is here, what is wrong with it, and which engines work on it."""

import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from models.launching import devices
from models.launching.devices import Device
from models.launching.nvml import Fault
from models.rows import instances
from models.rows.database import Database

log = logging.getLogger(__name__)

SEEN_EVERY_S = 3.0


class Sighting:
    """Keeps the row of one device. Use it from one thread."""

    def __init__(self, node: str, device: Device, database: Database) -> None:
        self._node = node
        self._device = device
        self._id = f"{node}.{device.name}"
        self._database = database
        self._notes = devices.notes()
        self._fault: Fault | None = None
        self._seen: tuple[Mapping[str, str], Fault | None] = ({}, None)
        self._seen_at = float("-inf")

    def renew(self, usable: Mapping[str, str], fault: Fault | None, now: float) -> None:
        """Write the row every ``SEEN_EVERY_S`` and at every change. ``now`` in monotonic seconds."""
        if fault != self._fault:
            log.error("%s: %s", self._id, fault.words if fault else "can be used again")
            self._fault = fault
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
            details=self._details(fault),
            engines=usable,
        )

    def _details(self, fault: Fault | None) -> dict[str, Any]:
        about = {
            name: getattr(self._device, name)
            for name in ("uuid", "capability", "driver", "cuda", "shares_memory", "budget")
        }
        gone = bool(fault and fault.gone)
        return {**about, "fault": fault.words if fault else "", "gone": gone, "notes": self._notes}
