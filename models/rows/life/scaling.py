"""Replicas that are added to an instance, and taken from it."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.errors import Conflict, InvalidRequest, NotFound
from models.reasons import told
from models.rows.instances import HELD, new_replica, replicas_of
from models.rows.life import events
from models.rows.life.events import EventKind
from models.rows.records import ReplicaRow
from models.rows.states import ReplicaState
from models.rows.tables import instances, replicas

MOST_REPLICAS = 64


def number_of(replica: str) -> int:
    """The number in a replica's id, ``uid-3-a1b2c3``."""
    return int(replica.rsplit("-", 2)[1])


def further(uid: str, there: Collection[str], count: int, *, awake: bool) -> list[dict[str, Any]]:
    """The rows of so many more replicas, numbered after those that are there."""
    first = max(map(number_of, there), default=-1) + 1
    return [new_replica(uid, first + number, awake) for number in range(count)]


def add(connection: Connection, uid: str, count: int, by: str = "") -> list[str]:
    """Add replicas to an instance; their ids. Raises NotFound, or InvalidRequest where there would be too many.

    They are to be loaded, unless all that are there are not either.
    """
    mine = instances.c.uid == uid
    grown = {"replica": instances.c.replica + count}
    fits = instances.c.replica <= MOST_REPLICAS - count
    if not connection.execute(sa.update(instances).where(mine, fits).values(**grown)).rowcount:
        if connection.execute(sa.select(instances.c.replica).where(mine)).one_or_none() is None:
            raise NotFound(f"the model '{uid}' does not exist", param="uid")
        raise InvalidRequest(f"a model has {MOST_REPLICAS} replicas at most", param="replica")
    here = replicas_of(connection, uid)
    asleep = bool(here) and all(row.state == ReplicaState.DORMANT for row in here)
    rows = further(uid, [row.id for row in here], count, awake=not asleep)
    connection.execute(sa.insert(replicas), rows)
    ids = [row["id"] for row in rows]
    for one in ids:
        events.tell(connection, uid, EventKind.REPLICA_ADDED, told("added", "replica_added"), replica=one, by=by)
    return ids


def remove(connection: Connection, uid: str, ids: Collection[str], by: str = "") -> int:
    """Take these replicas from an instance; how many it keeps. One with a runner finishes what it does first.

    Raises NotFound where one is not there, and Conflict where none would be left.
    """
    mine = replicas.c.uid == uid
    connection.execute(sa.select(replicas.c.id).where(mine).order_by(replicas.c.id).with_for_update())
    there = [row for row in replicas_of(connection, uid) if row.state != ReplicaState.STOPPING]
    if missing := set(ids) - {row.id for row in there}:
        raise NotFound(f"the model '{uid}' has no replica '{sorted(missing)[0]}'", param="replica_id")
    if len(there) <= len(ids):
        raise Conflict(f"the model '{uid}' must keep a replica: terminate it instead", param="replica_id")
    leaves = replicas.c.id.in_(ids)
    connection.execute(sa.delete(replicas).where(leaves, replicas.c.state.not_in(HELD)))
    values = {"state": ReplicaState.STOPPING, "stage": "draining"}
    connection.execute(sa.update(replicas).where(leaves, replicas.c.state.in_(HELD)).values(**values))
    left = len(there) - len(ids)
    connection.execute(sa.update(instances).where(instances.c.uid == uid).values(replica=left))
    for one in sorted(ids):
        text = told("removed; what it does is finished", "replica_removed")
        events.tell(connection, uid, EventKind.REPLICA_REMOVED, text, replica=one, by=by)
    return left


def leaving(rows: Collection[ReplicaRow], work: dict[str, int], count: int) -> list[str]:
    """Which replicas to take, so that as little as possible is disturbed. Pure.

    ``work``: the requests of those that take any. First go those that have failed, wait or are loaded, then those
    with the fewest requests; of several the newest.
    """
    order = {ReplicaState.FAILED: 0, ReplicaState.PENDING: 1, ReplicaState.DORMANT: 2}
    newest = sorted((row for row in rows if row.state != ReplicaState.STOPPING), key=lambda row: -number_of(row.id))
    newest.sort(key=lambda row: (row.id in work, work.get(row.id, order.get(row.state, 3))))
    return [row.id for row in newest[:count]]
