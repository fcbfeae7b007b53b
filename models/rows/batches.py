"""Batches: every statement on their rows, and on the jobs that their lines become. Same manner as ``models.rows.jobs``.

A batch's lines are counted from 0, blank ones not at all. ``offset`` and ``lines`` say how far its input has become
jobs, and move in the transaction that inserts them, by compare and set: so that whoever feeds, and however often it
dies, each line is one job.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.errors import Cancelled, Conflict, HeadraceError, NotFound, QueueFull
from models.rows import jobs as submissions
from models.rows import uploads, webhooks
from models.rows.database import now_ms
from models.rows.fetching import columns, fetch, fetch_one
from models.rows.jobs import NewJob
from models.rows.records import BatchLine, BatchRow, OpenBatch
from models.rows.tables import BatchState, JobState, batches, jobs, replicas, results
from models.rows.webhooks import WebhookEvent

WINDOWS_S = {"24h": 86_400}
MOST_OPEN = 100
"""Batches that one key may have open."""

OPEN = (BatchState.VALIDATING, BatchState.IN_PROGRESS, BatchState.FINALIZING, BatchState.CANCELLING)
_FED = (BatchState.VALIDATING, BatchState.IN_PROGRESS)
_WAITS = (JobState.QUEUED, JobState.RUNNING)

_unfinished = (
    sa.select(sa.func.count()).where(jobs.c.batch_id == batches.c.id, jobs.c.state.in_(_WAITS)).scalar_subquery()
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that cannot be a job: it becomes one that has failed."""

    line: int
    custom_id: str | None
    uid: str
    error: HeadraceError


# ---- what clients do ---------------------------------------------------------------------------------------


def create(connection: Connection, *, window: str = "24h", **values: Any) -> BatchRow:
    """Record a batch, to be validated. ``values``: the table's columns. Raises QueueFull."""
    mine = (batches.c.api_key_id == values["api_key_id"], batches.c.state.in_(OPEN))
    if connection.execute(sa.select(sa.func.count()).where(*mine)).scalar_one() >= MOST_OPEN:
        raise QueueFull(f"{MOST_OPEN} batches of this key are not over yet", retry_after=60)
    fixed = {
        "id": f"batch_{secrets.token_hex(12)}",
        "state": BatchState.VALIDATING,
        "window": window,
        "expires_at": now_ms() + WINDOWS_S[window] * 1000,
    }
    [made] = fetch(connection, sa.insert(batches).values(**fixed, **values).returning(batches), BatchRow)
    return made


def get(connection: Connection, batch: str, api_key_id: str | None) -> BatchRow:
    """The batch. ``api_key_id`` None: whoever's. Raises NotFound, also where it is another key's."""
    found = fetch_one(connection, sa.select(batches).where(batches.c.id == batch), BatchRow)
    if found is None or (api_key_id is not None and found.api_key_id != api_key_id):
        raise NotFound(f"there is no batch '{batch[:60]}'", param="batch_id")
    return found


def listing(connection: Connection, api_key_id: str, *, after: str | None = None, limit: int = 20) -> list[BatchRow]:
    """One page and one row more of this key's batches, newest first. Raises NotFound: there is no batch ``after``."""
    query = sa.select(batches).where(batches.c.api_key_id == api_key_id)
    if after is not None:
        last = get(connection, after, api_key_id)
        there = sa.tuple_(sa.literal(last.created_at), sa.literal(last.id))
        query = query.where(sa.tuple_(batches.c.created_at, batches.c.id) < there)
    query = query.order_by(batches.c.created_at.desc(), batches.c.id.desc()).limit(limit + 1)
    return fetch(connection, query, BatchRow)


def tallies(connection: Connection, ids: Collection[str]) -> dict[str, dict[str, int]]:
    """How many lines of each of these batches are in which state, of those that are jobs."""
    found: dict[str, dict[str, int]] = {batch: {} for batch in ids}
    query = (
        sa.select(jobs.c.batch_id, jobs.c.state, sa.func.count().label("n"))
        .where(jobs.c.batch_id.in_(ids))
        .group_by(jobs.c.batch_id, jobs.c.state)
    )
    for row in connection.execute(query):
        found[row.batch_id][row.state] = row.n
    return found


def cancel(connection: Connection, batch: str) -> list[str]:
    """Cancel a batch that is not over, and its lines; the devices that must be told. Raises Conflict where it is over.

    To cancel once more changes nothing.
    """
    mine = (batches.c.id == batch, batches.c.state.in_(_FED))
    values = {"state": BatchState.CANCELLING, "cancelling_at": now_ms()}
    if connection.execute(sa.update(batches).where(*mine).values(**values)).rowcount:
        return _cancel_lines(connection, batch)
    state = get(connection, batch, None).state
    if state not in (BatchState.CANCELLING, BatchState.CANCELLED):
        raise Conflict(f"cannot cancel a batch with status '{state}'", param="batch_id")
    return []


def _cancel_lines(connection: Connection, batch: str) -> list[str]:
    waits = jobs.c.state == JobState.QUEUED
    values = {
        "cancel_requested": True,
        "state": sa.case((waits, JobState.CANCELLED.value), else_=jobs.c.state),
        "finished_at": sa.case((waits, now_ms()), else_=jobs.c.finished_at),
        "error": sa.case((waits, sa.literal(Cancelled().to_row(), jobs.c.error.type)), else_=jobs.c.error),
    }
    mine = (jobs.c.batch_id == batch, jobs.c.state.in_(_WAITS))
    moved = connection.execute(sa.update(jobs).where(*mine).values(**values).returning(jobs.c.state, jobs.c.device))
    return sorted({row.device for row in moved if row.state == JobState.RUNNING and row.device})


# ---- what the steward does ---------------------------------------------------------------------------------


def open_batches(connection: Connection) -> list[OpenBatch]:
    """The batches that are not over, oldest first."""
    query = sa.select(batches, _unfinished.label("unfinished"), now_ms().label("now"))
    return fetch(connection, query.where(batches.c.state.in_(OPEN)).order_by(batches.c.created_at), OpenBatch)


def start(connection: Connection, batch: str, total: int) -> bool:
    """The input is valid, and has so many lines. False: it was cancelled meanwhile."""
    values = {"state": BatchState.IN_PROGRESS, "in_progress_at": now_ms(), "total": total}
    return _move(connection, batch, (BatchState.VALIDATING,), values)


def fail(connection: Connection, batch: str, errors: Sequence[dict[str, Any]]) -> list[str]:
    """The input is not valid, or was lost; the devices that must be told."""
    values = {"state": BatchState.FAILED, "failed_at": now_ms(), "errors": list(errors)}
    if not _move(connection, batch, _FED, values):
        return []
    devices = _cancel_lines(connection, batch)
    _announce(connection, get(connection, batch, None))
    return devices


def feed(
    connection: Connection,
    row: BatchRow,
    span: tuple[int, int],
    new: Sequence[NewJob],
    refused: Sequence[Refused],
    kind: str,
) -> bool:
    """Insert the lines of this span of the input, in bytes. False: its beginning is not where the batch is."""
    here = (batches.c.id == row.id, batches.c.state == BatchState.IN_PROGRESS, batches.c.offset == span[0])
    values = {"offset": span[1], "lines": batches.c.lines + len(new) + len(refused)}
    if not connection.execute(sa.update(batches).where(*here).values(**values)).rowcount:
        return False
    submissions.submit(connection, new, None)
    if refused:
        now = connection.execute(sa.select(now_ms())).scalar_one()
        connection.execute(sa.insert(jobs), [_failed(row, one, kind, now) for one in refused])
    return True


def _failed(row: BatchRow, one: Refused, kind: str, now: int) -> dict[str, Any]:
    return {
        "id": submissions.new_id(),
        "kind": kind,
        "uid": one.uid[:100],
        "api_key_id": row.api_key_id,
        "state": JobState.FAILED,
        "priority": submissions.BATCH_PRIORITY,
        "rank": now,
        "batch_id": row.id,
        "line": one.line,
        "custom_id": one.custom_id,
        "queued_at": now,
        "finished_at": now,
        "error": one.error.to_row(),
        "files": {},
        "request": {},
    }


def holders(connection: Connection, uids: Collection[str]) -> list[str]:
    """The devices that have these models."""
    query = sa.select(replicas.c.device).distinct().where(replicas.c.uid.in_(uids), replicas.c.device.is_not(None))
    return sorted(connection.execute(query).scalars())


def finalize(connection: Connection, batch: str) -> bool:
    """Nothing is left to run. False: something is, or it was cancelled meanwhile."""
    values = {"state": BatchState.FINALIZING, "finalizing_at": now_ms()}
    return _move(connection, batch, (BatchState.IN_PROGRESS,), values, _unfinished == 0)


def page(connection: Connection, batch: str, after: int, limit: int, *, succeeded: bool) -> list[BatchLine]:
    """The next lines that succeeded, or those that did not."""
    same = jobs.c.state == JobState.SUCCEEDED
    query = (
        sa.select(*columns(BatchLine), results.c.body)
        .outerjoin(results, results.c.job_id == jobs.c.id)
        .where(jobs.c.batch_id == batch, jobs.c.line > after, same if succeeded else sa.not_(same))
        .order_by(jobs.c.line)
        .limit(limit)
    )
    return fetch(connection, query, BatchLine)


def finish(
    connection: Connection, row: BatchRow, state: BatchState, written: dict[str, dict[str, Any]], counts: dict[str, Any]
) -> bool:
    """The batch is over: its files, by column (``output_file_id``), are recorded. False: somebody else did it."""
    values: dict[str, Any] = {column: file["id"] for column, file in written.items()}
    values |= {"state": state, f"{state.value}_at": now_ms(), "counts": counts}
    if row.finalizing_at is None:
        values["finalizing_at"] = now_ms()
    if not _move(connection, row.id, (row.state,), values, _unfinished == 0):
        return False
    for file in written.values():
        uploads.create(connection, **file)
    _announce(connection, get(connection, row.id, None))
    return True


def forget_lines(connection: Connection, batch: str, limit: int = 500) -> list[str]:
    """Forget lines of a batch that is over; their ids, whose artifacts are the caller's to delete."""
    over = sa.exists().where(batches.c.id == batch, batches.c.state.not_in(OPEN))
    some = sa.select(jobs.c.id).where(jobs.c.batch_id == batch, jobs.c.state.not_in(_WAITS), over).limit(limit)
    ids = list(connection.execute(some).scalars())
    if ids:
        connection.execute(sa.delete(results).where(results.c.job_id.in_(ids)))
        connection.execute(sa.delete(jobs).where(jobs.c.id.in_(ids)))
    return ids


def with_lines(connection: Connection) -> list[BatchRow]:
    """Batches that are over, and whose lines are still there."""
    lines = sa.exists().where(jobs.c.batch_id == batches.c.id, jobs.c.state.not_in(_WAITS))
    return fetch(connection, sa.select(batches).where(batches.c.state.not_in(OPEN), lines), BatchRow)


def purge(connection: Connection, older_ms: int) -> None:
    """Forget batches that are over and of which nothing is left, made this long ago."""
    lines = sa.exists().where(jobs.c.batch_id == batches.c.id)
    old = batches.c.created_at < now_ms() - older_ms
    connection.execute(sa.delete(batches).where(batches.c.state.not_in(OPEN), old, sa.not_(lines)))


def _move(
    connection: Connection, batch: str, states: Collection[str], values: dict[str, Any], *conditions: Any
) -> bool:
    mine = (batches.c.id == batch, batches.c.state.in_(states), *conditions)
    return connection.execute(sa.update(batches).where(*mine).values(**values)).rowcount > 0


def _announce(connection: Connection, row: BatchRow) -> None:
    if row.webhook:
        webhooks.enqueue(connection, [WebhookEvent(row.id, row.webhook, f"batch.{row.state}", {"id": row.id})])
