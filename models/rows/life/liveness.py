"""Which workers have fallen silent, and for how long, by the database's clock."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.rows import instances
from models.rows.database import now_ms
from models.rows.records import LoadedDevice
from models.rows.tables import devices


def silences(connection: Connection) -> dict[str, int]:
    """How long each device has not been seen, in ms; of those that were taken away (``instances.unsee``) nothing."""
    query = sa.select(devices.c.id, now_ms() - devices.c.seen_at).where(devices.c.seen_at > 0)
    return {id: max(0, int(silent)) for id, silent in connection.execute(query)}


def silent_devices(connection: Connection, silence_ms: int, within_ms: int) -> list[LoadedDevice]:
    """Devices that were not seen for the first time, but for less than the second, in the order of their ids."""
    here = {row.id for row in instances.alive_devices(connection, silence_ms)}
    return [row for row in instances.alive_devices(connection, within_ms) if row.id not in here]
