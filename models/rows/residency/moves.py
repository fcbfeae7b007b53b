"""How ready replicas become dormant: the steward asks them to leave, and the worker lets them go. One UPDATE each."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.reasons import joined, told
from models.rows.instances import replicas_of
from models.rows.life import events
from models.rows.life.events import EventKind
from models.rows.life.scaling import further
from models.rows.states import JobState, Leaving, ReplicaState
from models.rows.tables import instances, jobs, replicas


def ask_to_leave(connection: Connection, asked: Mapping[str, Leaving]) -> set[str]:
    """Ask these replicas to leave where they are ready; the devices whose workers must know."""
    told: set[str] = set()
    for replica, how in asked.items():
        here = (
            replicas.c.id == replica,
            replicas.c.state == ReplicaState.READY,
            replicas.c.leaving.is_distinct_from(how),
        )
        changed = sa.update(replicas).where(*here).values(leaving=how).returning(replicas.c.device)
        told.update(connection.execute(changed).scalars())
    return told


def let_stay(connection: Connection, replica: str) -> str | None:
    """Ask a replica to leave no more; its device if it was asked."""
    asked = (replicas.c.id == replica, replicas.c.leaving.is_not(None))
    changed = sa.update(replicas).where(*asked).values(leaving=None).returning(replicas.c.device)
    return connection.execute(changed).scalars().one_or_none()


def sleep(connection: Connection, replica: str, device: str, why: str = "nobody asked for it") -> bool:
    """Make a ready replica dormant that was asked to leave, and takes nothing any more. Its memory is to be freed.

    False if it is to stay after all: nobody asks it any more, it was pinned, or a job runs on it; or one waits for
    it, and it is to leave only if it is idle.
    """
    its = jobs.c.uid == replicas.c.uid
    runs = sa.exists().where(its, jobs.c.state == JobState.RUNNING, jobs.c.device == device)
    waits = sa.exists().where(its, jobs.c.state == JobState.QUEUED)  # also for another attempt: that is a moment
    pinned = sa.exists().where(instances.c.uid == replicas.c.uid, instances.c.pinned.is_(True))
    may = sa.or_(replicas.c.leaving == Leaving.DRAINED, sa.and_(replicas.c.leaving == Leaving.IF_IDLE, ~waits))
    mine = (replicas.c.id == replica, replicas.c.device == device, replicas.c.state == ReplicaState.READY)
    values: dict[str, Any] = {"state": ReplicaState.DORMANT, "stage": "", "progress": 0.0, "error": None}
    values |= dict.fromkeys(("device", "others", "pid", "memory_bytes", "reserved_bytes", "leaving"))
    asleep = sa.update(replicas).where(*mine, may, ~runs, ~pinned).values(**values).returning(replicas.c.uid)
    uid = connection.execute(asleep).scalar_one_or_none()
    if uid is None:
        return False
    text = joined("; ", (why, told("the next request loads it again", "next_request_loads")))
    events.tell(connection, uid, EventKind.UNLOADED, text, replica=replica)
    return True


def took(connection: Connection, uid: str, load_s: float) -> None:
    """Remember how long the load of a model has taken."""
    connection.execute(sa.update(instances).where(instances.c.uid == uid).values(load_s=load_s))


def change(connection: Connection, uid: str, values: Mapping[str, Any]) -> bool:
    """Change how long a model stays, or its numbers of replicas, or whether it comes back. False: there is none."""
    found = connection.execute(sa.update(instances).where(instances.c.uid == uid).values(**values)).rowcount > 0
    if found:
        text = events.changed(values)
        events.tell(connection, uid, EventKind.CHANGED, text, data=values)
    if found and "max_replicas" in values:
        _fit(connection, uid, values["max_replicas"])
    return found


def _fit(connection: Connection, uid: str, most: int | None) -> None:
    """Add dormant replicas up to the most that there may be, or delete those beyond; None: as many as launched."""
    if most is None:
        most = connection.execute(sa.select(instances.c.replica).where(instances.c.uid == uid)).scalar_one()
    here = replicas_of(connection, uid)
    there = [row for row in here if row.state != ReplicaState.STOPPING]
    if len(there) < most:
        rows = further(uid, [row.id for row in here], most - len(there), awake=False)
        connection.execute(sa.insert(replicas), rows)
    surplus = [row.id for row in there if row.state == ReplicaState.DORMANT][: max(len(there) - most, 0)]
    mine = (replicas.c.id.in_(surplus), replicas.c.state == ReplicaState.DORMANT)
    connection.execute(sa.delete(replicas).where(*mine))
