"""What comes back after a start: everything but what its launch says is not to."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.rows.instances import delete
from models.rows.life import events
from models.rows.life.events import EventKind
from models.rows.tables import instances


def end_others(connection: Connection) -> list[str]:
    """End the models that are not to come back, at a start of the platform; their uids."""
    uids = connection.execute(sa.select(instances.c.uid).where(instances.c.autostart.is_(False))).scalars().all()
    for uid in uids:
        delete(connection, uid, "start", why="it was not to come back after a start")
    return list(uids)


def change(connection: Connection, uid: str, values: dict[str, Any], by: str = "") -> bool:
    """Change how a model comes back: ``autostart``, ``priority``, ``max_retries``, ``retry_interval_s``.

    False where there is no such model.
    """
    if not connection.execute(sa.update(instances).where(instances.c.uid == uid).values(**values)).rowcount:
        return False
    events.tell(connection, uid, EventKind.CHANGED, events.changed(values), by=by)
    return True
