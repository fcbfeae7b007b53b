"""Jobs as clients use them: submitted, looked at, cancelled, tried again, deleted. What workers do is in ``claims``.

Each function takes a connection inside a transaction. Every change of state is one conditional UPDATE; the rows that it
returns show what happened. All times are Unix time in milliseconds by the database's clock.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from models.errors import Cancelled, Conflict, HeadraceError, IdempotencyConflict, NotFound, QueueFull
from models.rows.database import now_ms
from models.rows.fetching import Record, columns, fetch, fetch_one
from models.rows.records import JobRow, JobStatus, JobSummary
from models.rows.states import FINAL, BatchState, JobState
from models.rows.tables import batches, jobs, results

PRIORITY_MS = 60_000
"""One step of priority counts as much as this time of waiting. So jobs of low priority rise; none waits for ever."""

BATCH_PRIORITY = -1000
"""The priority of a batch's lines. After some 17 of their 24 hours they rank like new jobs."""

RECENT = 64
"""How many of a model's last finished jobs its rate is measured on."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to submit. ``deadline_s`` counts from its insertion; ``digest`` is made of all that the client asked for.

    ``key_bound``: how many jobs may wait for its model under its API key; None: any number.
    """

    id: str
    kind: str
    uid: str
    request: dict[str, Any]
    api_key_id: str = ""
    files: dict[str, str] = field(default_factory=dict)
    priority: int = 0
    deadline_s: float | None = None
    max_attempts: int = 3
    key_bound: int | None = None
    idempotency_key: str | None = None
    digest: str = ""
    metadata: dict[str, Any] | None = None
    webhook: str | None = None
    batch_id: str | None = None
    line: int | None = None
    custom_id: str | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """The job of a submission; ``created`` is false if an earlier one with the same idempotency key has created it.

    ``queued_at``, and ``ahead``, the number of jobs that waited for its model already, are known only if it is new.
    """

    id: str
    created: bool
    queued_at: int = 0
    ahead: int = 0


@dataclass(frozen=True, slots=True)
class _Before(Record):
    """The job that an earlier submission with the same idempotency key has created."""

    table = jobs

    id: str
    digest: str
    api_key_id: str
    idempotency_key: str


def new_id() -> str:
    """A new job's id."""
    return f"job_{secrets.token_hex(12)}"


def digest(*parts: Any) -> str:
    """A hash of a request, by which two requests under the same idempotency key are compared."""
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()


# ---- submitting --------------------------------------------------------------------------------------------


def submit(connection: Connection, new: Sequence[NewJob], most: int | None) -> list[Submitted | HeadraceError]:
    """Insert jobs, many in one transaction; returns the outcome of each.

    At most ``most`` jobs may wait for one model; None: neither that bound nor those of the keys are checked. The
    outcome is QueueFull where too many jobs wait for the model or under the key, IdempotencyConflict where the
    idempotency key was used for another request.
    """
    known = _by_idempotency(connection, new)
    waiting = _waiting(connection, {one.uid for one in new}) if most is not None else {}
    outcome: dict[str, Submitted | HeadraceError] = {}
    accepted: list[NewJob] = []
    before_it: dict[str, int] = {}
    named: set[tuple[str, str]] = set()
    for one in new:
        name = (one.api_key_id, one.idempotency_key or "")
        if (before := known.get((one.api_key_id, one.idempotency_key))) is not None:
            outcome[one.id] = _same(one, before)
        elif name in named:  # another of these has the same idempotency key: both become one job, which is counted once
            accepted.append(one)
        elif most is not None and (full := _full(connection, waiting, most, one)):
            outcome[one.id] = full
        else:
            before_it[one.id] = sum(n for (uid, _), n in waiting.items() if uid == one.uid) - 1
            accepted.append(one)
            named |= {name} if one.idempotency_key else set()
    now = connection.execute(sa.select(now_ms())).scalar_one()
    inserted = _insert(connection, accepted, now)
    # Of those not inserted, another with the same idempotency key came first, perhaps in this very call.
    late = [one for one in accepted if one.id not in inserted]
    known = _by_idempotency(connection, late)
    for one in accepted:
        if one.id in inserted:
            outcome[one.id] = Submitted(one.id, True, now, before_it.get(one.id, 0))
        else:
            outcome[one.id] = _same(one, known.get((one.api_key_id, one.idempotency_key)))
    return [outcome[one.id] for one in new]


def _insert(connection: Connection, accepted: Sequence[NewJob], now: int) -> set[str]:
    if not accepted:
        return set()
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(jobs).on_conflict_do_nothing().returning(jobs.c.id)
    # In the same order everywhere: otherwise two gateways that insert the same keys could wait for each other.
    ordered = sorted(accepted, key=lambda one: (one.api_key_id, one.idempotency_key or ""))
    return set(connection.execute(statement, [_values(one, now) for one in ordered]).scalars())


def as_queued(one: NewJob, now: int) -> JobRow:
    """The whole row of a job that was inserted at ``now``."""
    unset = ("lease_owner", "lease_expires_at", "device", "error", "started_at", "finished_at")
    zero = ("run_after", "attempt", "fence")
    blank: dict[str, Any] = dict.fromkeys(unset) | dict.fromkeys(zero, 0) | {"cancel_requested": False, "progress": 0.0}
    return JobRow(**blank | _values(one, now))


def _values(one: NewJob, now: int) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "uid": one.uid,
        "api_key_id": one.api_key_id,
        "state": JobState.QUEUED,
        "priority": one.priority,
        "rank": now - one.priority * PRIORITY_MS,
        "deadline": None if one.deadline_s is None else now + int(one.deadline_s * 1000),
        "max_attempts": one.max_attempts,
        "idempotency_key": one.idempotency_key,
        "digest": one.digest,
        "batch_id": one.batch_id,
        "line": one.line,
        "custom_id": one.custom_id,
        "queued_at": now,
        "webhook": one.webhook,
        "metadata": one.metadata,
        "files": one.files,
        "request": one.request,
    }


def _by_idempotency(connection: Connection, new: Iterable[NewJob]) -> dict[tuple[str, str | None], _Before]:
    pairs = [(one.api_key_id, one.idempotency_key) for one in new if one.idempotency_key is not None]
    if not pairs:
        return {}
    name = sa.tuple_(jobs.c.api_key_id, jobs.c.idempotency_key)
    query = sa.select(*columns(_Before)).where(name.in_(pairs))
    return {(row.api_key_id, row.idempotency_key): row for row in fetch(connection, query, _Before)}


def _same(one: NewJob, before: _Before | None) -> Submitted | HeadraceError:
    if before is None:  # a batch's line that was inserted before, or a job that was deleted at this moment
        return Conflict("this job was submitted before")
    if before.digest == one.digest:
        return Submitted(before.id, created=False)
    return IdempotencyConflict(
        f"the idempotency key was used for another request, job {before.id}", param="Idempotency-Key"
    )


def _waiting(connection: Connection, uids: set[str]) -> dict[tuple[str, str], int]:
    """How many jobs wait, by model and key. Lines of batches do not count, since the feeder bounds them.

    All waiting jobs are counted, which reads the index alone. Then the lines, which are never many, are subtracted.
    """
    same = (jobs.c.uid, jobs.c.api_key_id)
    waits = jobs.c.state == JobState.QUEUED
    fed = sa.select(batches.c.id).where(batches.c.state == BatchState.IN_PROGRESS)  # only these have lines that wait
    every = sa.select(*same, sa.func.count().label("n")).where(jobs.c.uid.in_(sorted(uids)), waits)
    # Without a condition on the uid, so that the index of batches is used.
    lines = sa.select(*same, -sa.func.count()).where(jobs.c.batch_id.in_(fed), waits)
    found: dict[tuple[str, str], int] = {}
    for row in connection.execute(sa.union_all(every.group_by(*same), lines.group_by(*same))):
        if row.uid in uids:
            found[row.uid, row.api_key_id] = found.get((row.uid, row.api_key_id), 0) + row.n
    return found


def _full(connection: Connection, waiting: dict[tuple[str, str], int], most: int, one: NewJob) -> QueueFull | None:
    """The error if there is no room for this job; else None, and the job is added to ``waiting``."""
    mine = waiting.get((one.uid, one.api_key_id), 0)
    of_model = sum(n for (uid, _), n in waiting.items() if uid == one.uid)
    if of_model < most and (one.key_bound is None or mine < one.key_bound):
        waiting[one.uid, one.api_key_id] = mine + 1
        return None
    who = f"for '{one.uid}'" if of_model >= most else f"for '{one.uid}' under this key"
    count = of_model if of_model >= most else mine
    jobs_per_s = rate(connection, one.uid)
    wait = min(max(int(1 / jobs_per_s + 0.999), 1), 600) if jobs_per_s else 30
    return QueueFull(f"{count} jobs wait {who}", retry_after=wait)


# ---- looking -----------------------------------------------------------------------------------------------


def get(connection: Connection, job: str, api_key_id: str | None) -> JobRow:
    """The job's whole row. Where ``api_key_id`` is None, it may be any key's.

    Raises NotFound, also where it is another key's, or a line of a batch, which clients change through the batch alone.
    """
    row = fetch_one(connection, sa.select(jobs).where(jobs.c.id == job), JobRow)
    if row is None or (api_key_id is not None and (row.api_key_id != api_key_id or row.batch_id is not None)):
        raise NotFound(f"there is no job '{job[:60]}'", param="id")
    return row


def states(connection: Connection, ids: Sequence[str]) -> dict[str, JobStatus]:
    """The states of these jobs, by id. Deleted jobs are missing."""
    query = sa.select(*columns(JobStatus)).where(jobs.c.id.in_(ids))
    return {row.id: row for row in fetch(connection, query, JobStatus)}


def result(connection: Connection, job: str) -> dict[str, Any] | None:
    """The result of a succeeded job; None if there is none."""
    body = connection.execute(sa.select(results.c.body).where(results.c.job_id == job)).scalar_one_or_none()
    return body if body is None else dict(body)


def listing(
    connection: Connection,
    api_key_id: str,
    *,
    state: str | None = None,
    uid: str | None = None,
    kinds: Sequence[str] | None = None,
    after: str | None = None,
    limit: int = 20,
) -> list[JobSummary]:
    """One page of this key's jobs and one row more, newest first, without lines of batches.

    Raises NotFound if there is no job ``after``.
    """
    query = sa.select(*columns(JobSummary)).where(jobs.c.api_key_id == api_key_id, jobs.c.batch_id.is_(None))
    if state is not None:
        query = query.where(jobs.c.state == state)
    if uid is not None:
        query = query.where(jobs.c.uid == uid)
    if kinds is not None:
        query = query.where(jobs.c.kind.in_(kinds))
    if after is not None:
        last = get(connection, after, api_key_id)
        order = sa.tuple_(jobs.c.queued_at, jobs.c.id)
        query = query.where(order < sa.tuple_(sa.literal(last.queued_at), sa.literal(last.id)))
    query = query.order_by(jobs.c.queued_at.desc(), jobs.c.id.desc()).limit(limit + 1)
    return fetch(connection, query, JobSummary)


def ahead(connection: Connection, row: JobSummary) -> int:
    """How many queued jobs of the same model rank before this one. Fairness between keys may still change the order."""
    query = sa.select(sa.func.count()).where(
        jobs.c.uid == row.uid, jobs.c.state == JobState.QUEUED, jobs.c.rank < row.rank
    )
    return int(connection.execute(query).scalar_one())


def rate(connection: Connection, uid: str) -> float:
    """Jobs a second that this model finishes while it works, over the last ``RECENT``; 0 where none is known."""
    query = (
        sa.select(jobs.c.started_at, jobs.c.finished_at)
        .where(jobs.c.uid == uid, jobs.c.finished_at.is_not(None))
        .order_by(jobs.c.finished_at.desc())
        .limit(RECENT)
    )
    spans = [(row.started_at, row.finished_at) for row in connection.execute(query) if row.started_at is not None]
    return throughput(spans)


def counts(connection: Connection) -> dict[tuple[str, str], int]:
    """How many jobs wait and run, by model and state."""
    query = sa.select(jobs.c.uid, jobs.c.state, sa.func.count().label("n"))
    query = query.where(jobs.c.state.in_((JobState.QUEUED, JobState.RUNNING))).group_by(jobs.c.uid, jobs.c.state)
    return {(row.uid, row.state): row.n for row in connection.execute(query)}


def throughput(spans: Iterable[tuple[int, int]]) -> float:
    """Jobs a second, from the beginnings and ends of jobs in ms. Time in which none of them ran does not count."""
    ordered = sorted(spans)
    busy, reached = 0, 0
    for begun, ended in ordered:
        busy += max(ended - max(begun, reached), 0)
        reached = max(reached, ended)
    return 1000 * len(ordered) / max(busy, 1) if ordered else 0.0


# ---- changing ----------------------------------------------------------------------------------------------


def cancel(connection: Connection, job: str) -> JobRow | None:
    """Cancel a job: at once if it waits; if it runs, its worker will do so. None if it is over already."""
    waits = jobs.c.state == JobState.QUEUED
    values = {
        "cancel_requested": True,
        "state": sa.case((waits, JobState.CANCELLED.value), else_=jobs.c.state),
        "finished_at": sa.case((waits, now_ms()), else_=jobs.c.finished_at),
        "error": sa.case((waits, sa.literal(Cancelled().to_row(), jobs.c.error.type)), else_=jobs.c.error),
    }
    mine = (jobs.c.id == job, jobs.c.state.in_((JobState.QUEUED, JobState.RUNNING)))
    return fetch_one(connection, sa.update(jobs).where(*mine).values(**values).returning(jobs), JobRow)


def retry(connection: Connection, job: str) -> bool:
    """Queue a job again that failed, was cancelled or expired; False for any other.

    Its attempts are counted from 0 again, and it has no deadline any more.
    """
    over = (JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED)
    values = {
        "state": JobState.QUEUED,
        "attempt": 0,
        "run_after": 0,
        "deadline": None,
        "cancel_requested": False,
        "progress": 0.0,
        "error": None,
        "queued_at": now_ms(),
        "rank": now_ms() - jobs.c.priority * PRIORITY_MS,
        "started_at": None,
        "finished_at": None,
    }
    return (
        connection.execute(sa.update(jobs).where(jobs.c.id == job, jobs.c.state.in_(over)).values(**values)).rowcount
        > 0
    )


def delete(connection: Connection, job: str) -> None:
    """Delete a job and its result. Raises Conflict while it is not over."""
    if not connection.execute(sa.delete(jobs).where(jobs.c.id == job, jobs.c.state.in_(FINAL))).rowcount:
        raise Conflict(f"job '{job}' is not over: cancel it first", param="id")
    connection.execute(sa.delete(results).where(results.c.job_id == job))
