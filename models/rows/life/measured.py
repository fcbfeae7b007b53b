"""What models took of devices, remembered beyond their lives by ``models.ledger.placement.measuring``'s keys.

Each function takes a connection inside a transaction.
"""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from models.rows.database import now_ms
from models.rows.tables import measured

DAY_MS = 86_400_000
PEAK_MS = 7 * DAY_MS
"""For so long the most that was measured counts; then the next report takes its place, be it less."""
KEPT_MS = 180 * DAY_MS
"""An entry is forgotten when nothing was reported for so long."""


def keep(connection: Connection, key: str, memory_bytes: int) -> None:
    """Remember a report, where none of the last days was of more."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(measured).values(key=key, memory_bytes=memory_bytes, at=now_ms())
    new = insert.excluded
    counts = sa.or_(new.memory_bytes >= measured.c.memory_bytes, measured.c.at < now_ms() - PEAK_MS)
    values = {"memory_bytes": new.memory_bytes, "at": new.at}
    connection.execute(insert.on_conflict_do_update(index_elements=[measured.c.key], set_=values, where=counts))


def recall(connection: Connection, keys: Collection[str]) -> dict[str, int]:
    """What was measured, in bytes, of those entries that are remembered."""
    found: dict[str, int] = {}
    asked = sorted(keys)
    for first in range(0, len(asked), 500):
        some = measured.c.key.in_(asked[first : first + 500])
        rows = connection.execute(sa.select(measured.c.key, measured.c.memory_bytes).where(some))
        found |= {row.key: row.memory_bytes for row in rows}
    return found


def purge(connection: Connection, *, kept_ms: int = KEPT_MS) -> None:
    """Forget what was last measured long ago."""
    connection.execute(sa.delete(measured).where(measured.c.at < now_ms() - kept_ms))
