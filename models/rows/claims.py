"""Jobs as workers and the steward change them: claimed under a lease and a fence, renewed, finished, swept.

The fence of a job is a number that grows with every claim. A worker that has lost its lease can finish nothing, because
finishing needs the fence of its own claim, and the next claim has raised it. Conventions and clock as in
``models.rows.jobs``.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.errors import AttemptsExhausted, Cancelled, Expired, HeadraceError, ModelFailed, ModelNotFound
from models.rows.database import now_ms
from models.rows.fetching import columns, fetch
from models.rows.records import JobRow, LeasedJob
from models.rows.states import FINAL, JobState, ReplicaState
from models.rows.tables import instances, jobs, replicas, results

BACKOFF_MS = 1000
"""Pause before the second attempt; it is twice as long before the third, and four times before each further one."""

_KEYS = sa.text(
    """
    WITH RECURSIVE found(k) AS (
        SELECT min(api_key_id) FROM jobs WHERE uid = :uid AND state = 'queued' AND run_after <= :now
        UNION ALL
        SELECT (SELECT min(api_key_id) FROM jobs
                WHERE uid = :uid AND state = 'queued' AND run_after <= :now AND api_key_id > k)
        FROM found WHERE k IS NOT NULL
    )
    SELECT k, (SELECT min(rank) FROM jobs
               WHERE uid = :uid AND state = 'queued' AND run_after <= :now AND api_key_id = k) AS rank
    FROM found WHERE k IS NOT NULL
    """
)  # reads one index entry for each key, however many jobs wait; DISTINCT would read all of them


@dataclass(frozen=True, slots=True)
class Done:
    """An attempt that has ended, with the ``body`` of its result or an error. ``again``: another one may succeed."""

    id: str
    fence: int
    body: dict[str, Any] | None = None
    error: HeadraceError | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """Which worker claims, for which device, and for how many milliseconds unless the lease is renewed."""

    owner: str
    device: str
    ms: int


# ---- claiming ----------------------------------------------------------------------------------------------


def heads(connection: Connection, uid: str) -> dict[str, int]:
    """For each API key with jobs that wait for this model, the lowest rank among them. Jobs in a pause do not count."""
    now = connection.execute(sa.select(now_ms())).scalar_one()
    return {row.k: row.rank for row in connection.execute(_KEYS, {"uid": uid, "now": now})}


def claim(connection: Connection, uid: str, key: str, limit: int, worst: int, lease: Lease) -> list[JobRow]:
    """Claim up to ``limit`` of one key's jobs that may run, lowest rank first, none with a rank above ``worst``.

    Returns whole rows, with the new fence.
    """
    first = (
        sa.select(jobs.c.id)
        .where(jobs.c.uid == uid, jobs.c.state == JobState.QUEUED, jobs.c.api_key_id == key)
        .where(jobs.c.rank <= worst)
        .where(jobs.c.run_after <= now_ms(), sa.or_(jobs.c.deadline.is_(None), jobs.c.deadline > now_ms()))
        .order_by(jobs.c.rank)
        .limit(limit)
        .with_for_update(skip_locked=True)  # PostgreSQL's; SQLite has one writer
    )
    ids = list(connection.execute(first).scalars())
    if not ids:
        return []
    values = {
        "state": JobState.RUNNING,
        "fence": jobs.c.fence + 1,
        "attempt": jobs.c.attempt + 1,
        "lease_owner": lease.owner,
        "lease_expires_at": now_ms() + lease.ms,
        "device": lease.device,
        "progress": 0.0,
        "started_at": now_ms(),
    }
    mine = (jobs.c.id.in_(ids), jobs.c.state == JobState.QUEUED)
    rows = fetch(connection, sa.update(jobs).where(*mine).values(**values).returning(jobs), JobRow)
    return sorted(rows, key=lambda row: ids.index(row.id))


def renew(connection: Connection, owner: str, lease_ms: int) -> dict[str, LeasedJob]:
    """Renew all of a worker's leases; returns the jobs that it still has, by id."""
    mine = (jobs.c.state == JobState.RUNNING, jobs.c.lease_owner == owner)
    update = sa.update(jobs).where(*mine).values(lease_expires_at=now_ms() + lease_ms)
    return {row.id: row for row in fetch(connection, update.returning(*columns(LeasedJob)), LeasedJob)}


def leased(connection: Connection, owner: str) -> dict[str, LeasedJob]:
    """The jobs that a worker has, by id, without renewing their leases."""
    mine = (jobs.c.state == JobState.RUNNING, jobs.c.lease_owner == owner)
    return {row.id: row for row in fetch(connection, sa.select(*columns(LeasedJob)).where(*mine), LeasedJob)}


def progress(connection: Connection, fractions: dict[tuple[str, int], float]) -> None:
    """Record how far attempts are. ``fractions``: from 0 to 1, by job and fence."""
    statement = (
        sa.update(jobs)
        .where(jobs.c.id == sa.bindparam("job"), jobs.c.fence == sa.bindparam("its_fence"))
        .where(jobs.c.state == JobState.RUNNING)
        .values(progress=sa.bindparam("fraction"))
    )
    rows = [{"job": job, "its_fence": fence, "fraction": value} for (job, fence), value in fractions.items()]
    if rows:
        connection.execute(statement, rows)


# ---- ending an attempt -------------------------------------------------------------------------------------


def finish(connection: Connection, ended: Sequence[Done]) -> list[JobRow]:
    """End attempts; returns the rows that were changed. A cancel that was requested before wins over any end.

    An attempt without a row in the result had lost its lease: the caller must delete what it made.
    """
    _lock(connection, sa.tuple_(jobs.c.id, jobs.c.fence).in_([(one.id, one.fence) for one in ended]), *_running())
    moved = _succeed(connection, [one for one in ended if one.error is None])
    for one in ended:
        if one.error is not None:
            moved += _fail(connection, one, one.error)
    return moved


def with_result(connection: Connection, ended: Sequence[Done]) -> set[tuple[str, int]]:
    """Those of these attempts, by job and fence, whose result is stored.

    ``finish`` may leave out such an attempt, if an earlier call has ended it but the answer to that commit was lost.
    """
    mine = sa.tuple_(results.c.job_id, results.c.fence).in_([(one.id, one.fence) for one in ended])
    return {
        (row.job_id, row.fence) for row in connection.execute(sa.select(results.c.job_id, results.c.fence).where(mine))
    }


def _lock(connection: Connection, *conditions: Any) -> None:
    """Lock these jobs until the end of the transaction.

    Otherwise a cancel between two statements could be lost: the job would be queued again, and run once more.
    """
    if connection.dialect.name == "postgresql":  # SQLite has one writer
        connection.execute(sa.select(jobs.c.id).where(*conditions).order_by(jobs.c.id).with_for_update()).all()


def _succeed(connection: Connection, ended: Sequence[Done]) -> list[JobRow]:
    if not ended:
        return []
    mine = [sa.tuple_(jobs.c.id, jobs.c.fence).in_([(one.id, one.fence) for one in ended]), *_running()]
    values = {**_over(JobState.SUCCEEDED), "progress": 1.0, "error": None}
    good = sa.update(jobs).where(*mine, jobs.c.cancel_requested.is_(False)).values(**values)
    moved = fetch(connection, good.returning(jobs), JobRow)
    bodies = {(one.id, one.fence): one.body for one in ended}
    if moved:
        rows = [{"job_id": row.id, "fence": row.fence, "body": bodies[row.id, row.fence]} for row in moved]
        connection.execute(sa.insert(results), rows)
    if len(moved) < len(ended):
        late = sa.update(jobs).where(*mine, jobs.c.cancel_requested.is_(True))
        moved += fetch(connection, late.values(**_cancelled()).returning(jobs), JobRow)
    return moved


def _fail(connection: Connection, one: Done, error: HeadraceError) -> list[JobRow]:
    mine = (jobs.c.id == one.id, jobs.c.fence == one.fence, *_running())
    about = sa.select(jobs.c.cancel_requested, (jobs.c.attempt < jobs.c.max_attempts).label("left"))
    row = connection.execute(about.where(*mine)).one_or_none()
    if row is None:
        return []
    if row.cancel_requested:
        values = _cancelled()
    elif one.again and row.left:
        values = _queued_again(error)
    else:
        if one.again:
            error = AttemptsExhausted(f"given up after all its attempts; the last one: {error.message}")
        state = JobState.EXPIRED if isinstance(error, Expired) else JobState.FAILED
        values = {**_over(state), "error": error.to_row()}
    return fetch(connection, sa.update(jobs).where(*mine).values(**values).returning(jobs), JobRow)


def release(connection: Connection, owner: str, keep: Collection[str] = ()) -> list[JobRow]:
    """Give back all jobs of a worker except those in ``keep``: they are queued, and the attempt is not counted."""
    mine = (*_running(), jobs.c.lease_owner == owner, jobs.c.id.not_in(keep))
    _lock(connection, *mine)
    gone = sa.update(jobs).where(*mine, jobs.c.cancel_requested.is_(True)).values(**_cancelled())
    values = {**_waiting(), "attempt": jobs.c.attempt - 1}
    back = sa.update(jobs).where(*mine).values(**values)
    return fetch(connection, gone.returning(jobs), JobRow) + fetch(connection, back.returning(jobs), JobRow)


# ---- sweeping ----------------------------------------------------------------------------------------------


def sweep(connection: Connection, limit: int = 500) -> list[JobRow]:
    """End attempts whose lease has run out, and expire jobs that waited beyond their deadline; the changed rows."""
    lapsed = _first(limit, jobs.c.state == JobState.RUNNING, jobs.c.lease_expires_at < now_ms())
    ids = list(connection.execute(lapsed).scalars())
    moved: list[JobRow] = []
    if ids:
        mine = (jobs.c.id.in_(ids), *_running(), jobs.c.lease_expires_at < now_ms())
        lost = AttemptsExhausted("its worker was lost every time that it was tried")
        late = Expired("the deadline passed while its worker was lost")
        overdue = jobs.c.deadline <= now_ms()
        for condition, values in (
            (jobs.c.cancel_requested.is_(True), _cancelled()),
            (overdue, {**_over(JobState.EXPIRED), "error": late.to_row()}),
            (jobs.c.attempt >= jobs.c.max_attempts, {**_over(JobState.FAILED), "error": lost.to_row()}),
            (sa.true(), _queued_again(HeadraceError("its worker was lost"))),
        ):
            update = sa.update(jobs).where(*mine, condition).values(**values)
            moved += fetch(connection, update.returning(jobs), JobRow)
    overdue_ids = list(
        connection.execute(_first(limit, jobs.c.state == JobState.QUEUED, jobs.c.deadline < now_ms())).scalars()
    )
    if overdue_ids:
        waits = (jobs.c.id.in_(overdue_ids), jobs.c.state == JobState.QUEUED)
        values = {**_over(JobState.EXPIRED), "error": Expired().to_row()}
        moved += fetch(connection, sa.update(jobs).where(*waits).values(**values).returning(jobs), JobRow)
    return moved


def fail_orphans(connection: Connection, older_ms: int, limit: int = 200) -> list[JobRow]:
    """Fail jobs that have waited this long for a model that is not launched or cannot be loaded.

    Returns the changed rows.
    """
    of_model = replicas.c.uid == jobs.c.uid
    absent = sa.not_(sa.exists().where(instances.c.uid == jobs.c.uid))
    for_good = sa.and_(replicas.c.state == ReplicaState.FAILED, replicas.c.next_try_at.is_(None))
    hopeless = sa.and_(
        sa.exists().where(of_model, for_good),
        sa.not_(sa.exists().where(of_model, sa.not_(for_good))),
    )
    old = (jobs.c.state == JobState.QUEUED, jobs.c.queued_at < now_ms() - older_ms)
    moved: list[JobRow] = []
    for why, error in (
        (absent, ModelNotFound("its model is not launched any more")),
        (hopeless, ModelFailed("its model cannot be loaded")),
    ):
        if ids := list(connection.execute(_first(limit, *old, why)).scalars()):
            values = {**_over(JobState.FAILED), "error": error.to_row()}
            waits = (jobs.c.id.in_(ids), jobs.c.state == JobState.QUEUED)
            moved += fetch(connection, sa.update(jobs).where(*waits).values(**values).returning(jobs), JobRow)
    return moved


def fences(connection: Connection, ids: Collection[str]) -> dict[str, int]:
    """The present fences of those of these jobs that exist, by id."""
    query = sa.select(jobs.c.id, jobs.c.fence).where(jobs.c.id.in_(ids))
    return {row.id: row.fence for row in connection.execute(query)}


def purge(connection: Connection, older_ms: int, limit: int = 200) -> list[str]:
    """Delete jobs that ended this long ago, except those of batches; returns their ids."""
    old = _first(limit, jobs.c.state.in_(FINAL), jobs.c.finished_at < now_ms() - older_ms, jobs.c.batch_id.is_(None))
    ids = list(connection.execute(old).scalars())
    if ids:
        connection.execute(sa.delete(jobs).where(jobs.c.id.in_(ids)))
        connection.execute(sa.delete(results).where(results.c.job_id.in_(ids)))
    return ids


def _first(limit: int, *conditions: Any) -> sa.Select[Any]:
    return sa.select(jobs.c.id).where(*conditions).limit(limit).with_for_update(skip_locked=True)


def _running() -> tuple[Any, ...]:
    return (jobs.c.state == JobState.RUNNING,)


def _loose() -> dict[str, Any]:
    return {"lease_owner": None, "lease_expires_at": None}


def _over(state: JobState) -> dict[str, Any]:
    return {**_loose(), "state": state, "finished_at": now_ms()}


def _cancelled() -> dict[str, Any]:
    return {**_over(JobState.CANCELLED), "error": Cancelled().to_row()}


def _queued_again(error: HeadraceError) -> dict[str, Any]:
    pause = BACKOFF_MS * sa.case((jobs.c.attempt <= 1, 1), (jobs.c.attempt == 2, 2), else_=4)
    return {**_waiting(), "run_after": now_ms() + pause, "error": error.to_row()}


def _waiting() -> dict[str, Any]:
    return {**_loose(), "state": JobState.QUEUED, "progress": 0.0, "started_at": None}
