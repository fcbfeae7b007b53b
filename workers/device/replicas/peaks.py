"""Remembers what the models of a device take of its memory, beyond their lives."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.ledger.placement.measuring import key_on
from models.rows import instances
from models.rows.fetching import fetch_one
from models.rows.life import measured
from models.rows.records import DeviceRow
from models.rows.tables import devices

GROWN = 1.05
"""A replica that takes so many times what was remembered of it is remembered anew."""


class Peaks:
    """The most that each replica of one device took, of all its devices. Used by the thread that reconciles."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._most: dict[str, int] = {}

    def has_grown(self, replica: str, memory_bytes: int) -> bool:
        """Whether a replica that was remembered takes so much more now that it is news."""
        return replica in self._most and memory_bytes >= self._most[replica] * GROWN

    def remember(self, connection: Connection, replica: str, uid: str, count: int, memory_bytes: int) -> None:
        """Write down what a replica of this model takes of so many devices."""
        self._most[replica] = memory_bytes
        model = instances.get(connection, uid)
        device = fetch_one(connection, sa.select(devices).where(devices.c.id == self._device), DeviceRow)
        if model and device and (key := key_on(model, device, count)):
            measured.keep(connection, key, memory_bytes)

    def forget(self, replica: str) -> None:
        """A runner has ended: the next begins anew."""
        self._most.pop(replica, None)
