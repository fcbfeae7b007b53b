"""Batches: every statement on their rows, and on the jobs that their lines become.

Conventions as in ``models.rows.jobs``. A batch's lines are counted from 0, without blank ones. ``offset`` and ``lines``
give how much of its input has become jobs. They change in the transaction that inserts those jobs, by compare and set.
So each line becomes exactly one job, however many stewards feed the batch, and however often one of them dies.
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
from models.rows.states import BatchState, JobState
from models.rows.tables import batches, jobs, replicas, results
from models.rows.webhooks import WebhookEvent

WINDOWS_S = {"24h": 86_400}
MOST_OPEN = 100
"""Most batches of one key that may be open."""

LINE_EXPIRED = {
    "code": "batch_expired",
    "message": "This request could not be executed before the completion window expired.",
}
"""What is said of a line that was not answered in time."""

OPEN = (BatchState.VALIDATING, BatchState.IN_PROGRESS, BatchState.FINALIZING, BatchState.CANCELLING)
_FED = (BatchState.VALIDATING, BatchState.IN_PROGRESS)
_WAITS = (JobState.QUEUED, JobState.RUNNING)

_unfinished = (
    sa.select(sa.func.count()).where(jobs.c.batch_id == batches.c.id, jobs.c.state.in_(_WAITS)).scalar_subquery()
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A line of which no job can be made: it becomes a job that has failed."""

    line: int
    custom_id: str | None
    uid: str
    error: HeadraceError


# ---- what clients do ---------------------------------------------------------------------------------------


def create(connection: Connection, *, window: str = "24h", **values: Any) -> BatchRow:
    """Record a batch, which is to be validated next. ``values``: columns of the table. Raises QueueFull."""
    mine = (batches.c.api_key_id == values["api_key_id"], batches.c.state.in_(OPEN))
    if connection.execute(sa.select(sa.func.count()).where(*mine)).scalar_one() >= MOST_OPEN:
        raise QueueFull(f"{MOST_OPEN} batches of this key are not over yet", retry_after=60)
    fixed = {
        "id": f"batch_{secrets.token_hex(12)}",
        "state": BatchState.VALIDATING,
        "window": window,
        "expires_at": now_ms() + WINDOWS_S[window] * 1000,
    }
    [row] = fetch(connection, sa.insert(batches).values(**fixed, **values).returning(batches), BatchRow)
    return row


def get(connection: Connection, batch: str, api_key_id: str | None) -> BatchRow:
    """The batch. Where ``api_key_id`` is None, it may be any key's. Raises NotFound, also where it is another key's."""
    row = fetch_one(connection, sa.select(batches).where(batches.c.id == batch), BatchRow)
    if row is None or (api_key_id is not None and row.api_key_id != api_key_id):
        raise NotFound(f"there is no batch '{batch[:60]}'", param="batch_id")
    return row


def listing(
    connection: Connection,
    api_key_id: str,
    *,
    states: Collection[BatchState] = (),
    after: str | None = None,
    limit: int = 20,
) -> list[BatchRow]:
    """One page of this key's batches and one row more, newest first; ``states``: of those in one of these, or of all.

    Raises NotFound if there is no batch ``after``.
    """
    query = sa.select(batches).where(batches.c.api_key_id == api_key_id)
    if states:
        query = query.where(batches.c.state.in_(states))
    if after is not None:
        last = get(connection, after, api_key_id)
        there = sa.tuple_(sa.literal(last.created_at), sa.literal(last.id))
        query = query.where(sa.tuple_(batches.c.created_at, batches.c.id) < there)
    query = query.order_by(batches.c.created_at.desc(), batches.c.id.desc()).limit(limit + 1)
    return fetch(connection, query, BatchRow)


def tallies(connection: Connection, ids: Collection[str]) -> dict[str, dict[str, int]]:
    """For each of these batches, the number of its lines in each state, counting only lines that are jobs already."""
    counts: dict[str, dict[str, int]] = {batch: {} for batch in ids}
    query = (
        sa.select(jobs.c.batch_id, jobs.c.state, sa.func.count().label("n"))
        .where(jobs.c.batch_id.in_(ids))
        .group_by(jobs.c.batch_id, jobs.c.state)
    )
    for row in connection.execute(query):
        counts[row.batch_id][row.state] = row.n
    return counts


def failures(connection: Connection, batch: str, after: str | None, limit: int) -> list[BatchLine]:
    """The lines that have failed or expired, of a batch that is not over, in their order. ``after``: the id of one."""
    bad = jobs.c.state.in_((JobState.FAILED, JobState.EXPIRED))
    query = sa.select(*columns(BatchLine), sa.null().label("body")).where(jobs.c.batch_id == batch, bad)
    if after is not None:
        before = sa.select(jobs.c.line).where(jobs.c.batch_id == batch, jobs.c.id == after).scalar_subquery()
        query = query.where(jobs.c.line > before)
    return fetch(connection, query.order_by(jobs.c.line).limit(limit), BatchLine)


def cancel(connection: Connection, batch: str) -> list[str]:
    """Cancel a batch that is not over, and its lines; returns the devices to notify. Raises Conflict if it is over.

    A second cancel changes nothing.
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
    """Record that the input is valid and has so many lines. False if the batch was cancelled meanwhile."""
    values = {"state": BatchState.IN_PROGRESS, "in_progress_at": now_ms(), "total": total}
    return _move(connection, batch, (BatchState.VALIDATING,), values)


def fail(connection: Connection, batch: str, errors: Sequence[dict[str, Any]]) -> list[str]:
    """Fail a batch whose input is not valid or was lost; returns the devices to notify."""
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
    """Insert the lines of this span of the input (start and end in bytes).

    False, and nothing is inserted, if the batch is not at the start of the span any more.
    """
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
    """The devices that have replicas of these models."""
    query = sa.select(replicas.c.device).distinct().where(replicas.c.uid.in_(uids), replicas.c.device.is_not(None))
    return sorted(connection.execute(query).scalars())


def finalize(connection: Connection, batch: str) -> bool:
    """Record that no line is left to run. False if one is, or if the batch was cancelled meanwhile."""
    values = {"state": BatchState.FINALIZING, "finalizing_at": now_ms()}
    return _move(connection, batch, (BatchState.IN_PROGRESS,), values, _unfinished == 0)


def page(connection: Connection, batch: str, after: int, limit: int, *, succeeded: bool) -> list[BatchLine]:
    """The next lines that succeeded, or the next that did not, after line number ``after``."""
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
    """End a batch, and record its files, given by column (``output_file_id``). False if another steward has done so."""
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
    """Delete lines of a batch that is over; returns their ids, so that the caller can delete their artifacts."""
    over = sa.exists().where(batches.c.id == batch, batches.c.state.not_in(OPEN))
    some = sa.select(jobs.c.id).where(jobs.c.batch_id == batch, jobs.c.state.not_in(_WAITS), over).limit(limit)
    ids = list(connection.execute(some).scalars())
    if ids:
        connection.execute(sa.delete(results).where(results.c.job_id.in_(ids)))
        connection.execute(sa.delete(jobs).where(jobs.c.id.in_(ids)))
    return ids


def with_lines(connection: Connection) -> list[BatchRow]:
    """Batches that are over, but whose lines have not been deleted yet."""
    lines = sa.exists().where(jobs.c.batch_id == batches.c.id, jobs.c.state.not_in(_WAITS))
    return fetch(connection, sa.select(batches).where(batches.c.state.not_in(OPEN), lines), BatchRow)


def purge(connection: Connection, older_ms: int) -> None:
    """Delete batches that are over, have no lines left, and were created this long ago."""
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
