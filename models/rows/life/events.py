"""What happened to models, a row each, written in the transaction of the change that it tells of."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.reasons import Told, as_told, joined, told
from models.rows.database import now_ms
from models.rows.fetching import fetch
from models.rows.records import EventRow, ReplicaRow
from models.rows.states import ReplicaState
from models.rows.tables import events

MOST_OF_ONE = 1000
"""Events kept of one model: one that dies again and again must not push out the others'."""
MOST = 20_000
"""Events kept in all."""
KEPT_MS = 30 * 86_400_000
MOST_TEXT = 4000
"""Characters of a text that are kept."""
REASONS_OF = "reasons"
"""Where an event's data have what its text says."""
AGAIN = told("loaded again", "loaded_again")
TAKES = told("it takes requests", "takes_requests")


class EventKind(StrEnum):
    """What happened."""

    LAUNCHED = "launched"
    PLACED = "placed"
    WAITING = "waiting"
    LOST = "lost"
    DOWNLOADING = "downloading"
    LOADING = "loading"
    READY = "ready"
    RELOADED = "reloaded"
    DIED = "died"
    FAILED = "failed"
    RETRIED = "retried"
    UNLOADED = "unloaded"
    CANCELLED = "cancelled"
    TERMINATED = "terminated"
    REPLICA_ADDED = "replica_added"
    REPLICA_REMOVED = "replica_removed"
    CHANGED = "changed"


def tell(
    connection: Connection,
    uid: str,
    kind: EventKind,
    text: str,
    *,
    replica: str | None = None,
    by: str = "",
    data: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Record that something happened. ``by``: the caller's key, hashed, or the process that did it."""
    plain = text.replace("\0", "")[:MOST_TEXT]  # PostgreSQL takes no NUL, and engines quote files
    values = {"uid": uid, "kind": kind.value, "text": plain, "replica": replica, "by": by}
    reasons = {REASONS_OF: as_told(text)} if isinstance(text, Told) else {}
    connection.execute(sa.insert(events).values(**values, data={**data, **reasons}))


def launched(model: str, engine: str, number: int, *, at_once: bool) -> Told:
    """That a model was launched, with so many replicas. ``at_once``: it is loaded now."""
    text = f"{model} on {engine}, {number} replica{'s' if number > 1 else ''}"
    made = told(text, "launched", model=model, engine=engine, number=number)
    later = told("loaded when it is first asked for", "loaded_when_asked")
    return made if at_once else joined(", ", (made, later))


def changed(values: Mapping[str, Any]) -> Told:
    """Which settings of a model have other values now."""
    settings = [f"{name} {value}" for name, value in sorted(values.items())]
    return told(", ".join(settings), "changed", settings=settings)


def of_report(before: ReplicaRow, values: Mapping[str, Any]) -> tuple[EventKind, str] | None:
    """What a worker's report of a replica tells that is news, after what its row said before; None: nothing. Pure."""
    state, stage = values.get("state", before.state), values.get("stage", before.stage)
    if state == ReplicaState.READY and before.state != ReplicaState.READY:
        again = before.context_length is not None  # it was ready before
        return (EventKind.RELOADED, AGAIN) if again else (EventKind.READY, TAKES)
    if state != ReplicaState.LOADING or stage == before.stage:
        return None
    if stage == "downloading":
        return EventKind.DOWNLOADING, told("its weights are being fetched", "fetching")
    if stage == "loading":
        return EventKind.LOADING, told("its weights are being loaded", "loading")
    return None


def listing(
    connection: Connection,
    uid: str | None = None,
    *,
    after: int | None = None,
    limit: int = 100,
    kinds: Collection[EventKind] | None = None,
) -> list[EventRow]:
    """The last events of one model, or of all, oldest first; with ``after`` the first that came after this id.

    ``kinds``: those of these alone.
    """
    query = sa.select(events) if uid is None else sa.select(events).where(events.c.uid == uid)
    if kinds is not None:
        query = query.where(events.c.kind.in_([one.value for one in kinds]))
    if after is not None:
        return fetch(connection, query.where(events.c.id > after).order_by(events.c.id).limit(limit), EventRow)
    return fetch(connection, query.order_by(events.c.id.desc()).limit(limit), EventRow)[::-1]


def purge(connection: Connection, *, most_of_one: int = MOST_OF_ONE, most: int = MOST, kept_ms: int = KEPT_MS) -> None:
    """Delete the events beyond what is kept, the oldest first."""
    connection.execute(sa.delete(events).where(events.c.at < now_ms() - kept_ms))
    _keep(connection, most, sa.true())
    many = sa.select(events.c.uid).group_by(events.c.uid).having(sa.func.count() > most_of_one)
    for uid in connection.execute(many).scalars().all():
        _keep(connection, most_of_one, events.c.uid == uid)


def _keep(connection: Connection, most: int, which: sa.ColumnElement[bool]) -> None:
    """Delete all but the newest ``most`` of these."""
    query = sa.select(events.c.id).where(which).order_by(events.c.id.desc()).offset(most).limit(1)
    newest = connection.execute(query).scalar_one_or_none()
    if newest is not None:
        connection.execute(sa.delete(events).where(which, events.c.id <= newest))
