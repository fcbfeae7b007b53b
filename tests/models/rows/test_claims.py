"""Statements on attempts that the state machine of jobs does not reach: pauses, hopeless models, lines of batches."""

from typing import Any

import pytest
import sqlalchemy as sa

from models.errors import EngineFailure, HeadraceError, ReplicaLost
from models.rows import batches, claims, instances, jobs
from models.rows.claims import Done, Lease
from models.rows.database import Database, now_ms
from models.rows.instances import NewInstance
from models.rows.jobs import NewJob
from models.rows.states import ReplicaState
from models.rows.tables import jobs as table
from models.rows.tables import replicas

ANY_RANK = 1 << 62
HOUR_MS = 3_600_000
ECHO = NewInstance("m", "echo", "LLM", "echo", replica=2)


def submit(database: Database, **fields: Any) -> str:
    """A job that waits."""
    job = NewJob(**{"id": jobs.new_id(), "kind": "completions", "uid": "m", "request": {}} | fields)
    database.call(jobs.submit, [job], None)
    return job.id


def row(database: Database, job: str) -> Any:
    """The job as it is now."""
    return database.call(jobs.get, job, None)


def change(database: Database, job: str, **values: Any) -> None:
    """Set columns of a job."""
    database.call(lambda connection: connection.execute(sa.update(table).where(table.c.id == job).values(**values)))


def begin(database: Database) -> Any:
    """Claim the only job that may be claimed."""
    [found] = database.call(claims.claim, "m", "", 9, ANY_RANK, Lease("w", "d", 60_000))
    return found


def test_each_attempt_waits_longer_than_the_one_before_up_to_four_seconds(database: Database) -> None:
    job = submit(database, max_attempts=6)
    for seconds in (1, 2, 4, 4):
        change(database, job, run_after=0)
        held = begin(database)
        before = database.call(lambda connection: connection.execute(sa.select(now_ms())).scalar_one())
        [moved] = database.call(claims.finish, [Done(job, held.fence, error=ReplicaLost(), again=True)])
        after = database.call(lambda connection: connection.execute(sa.select(now_ms())).scalar_one())
        assert before + seconds * 1000 <= moved.run_after <= after + seconds * 1000


def test_a_lease_that_was_renewed_does_not_lapse(database: Database) -> None:
    job = submit(database)
    begin(database)
    change(database, job, lease_expires_at=1)
    assert database.call(claims.renew, "w", HOUR_MS).keys() == {job}
    assert database.call(claims.sweep) == []
    change(database, job, lease_expires_at=1)
    assert [moved.id for moved in database.call(claims.sweep)] == [job]


def test_a_job_waits_a_while_for_a_model_that_is_not_launched(database: Database) -> None:
    job = submit(database)
    assert database.call(claims.fail_orphans, HOUR_MS) == []
    change(database, job, queued_at=1)
    [moved] = database.call(claims.fail_orphans, HOUR_MS)
    assert (moved.id, HeadraceError.from_row(moved.error).code) == (job, "model_not_found")


def test_jobs_of_a_model_that_cannot_be_loaded_fail(database: Database) -> None:
    database.call(lambda connection: instances.create(connection, ECHO))
    job = submit(database)
    change(database, job, queued_at=1)

    def fail(count: int) -> None:
        some = sa.select(replicas.c.id).where(replicas.c.state == ReplicaState.PENDING).limit(count)
        failed = {"state": ReplicaState.FAILED, "device": "d", "error": EngineFailure("no").to_row()}
        database.call(
            lambda connection: connection.execute(
                sa.update(replicas).where(replicas.c.id.in_(some.scalar_subquery())).values(**failed)
            )
        )

    assert database.call(claims.fail_orphans, HOUR_MS) == []
    fail(1)
    assert database.call(claims.fail_orphans, HOUR_MS) == [], "the other one may still be loaded"
    fail(1)
    again = sa.update(replicas).values(next_try_at=1)
    database.call(lambda connection: connection.execute(again))
    assert database.call(claims.fail_orphans, HOUR_MS) == [], "its load is tried again"
    database.call(lambda connection: connection.execute(again.values(next_try_at=None)))
    [moved] = database.call(claims.fail_orphans, HOUR_MS)
    assert (moved.id, HeadraceError.from_row(moved.error).code) == (job, "model_failed")


def test_lines_of_batches_are_not_forgotten_as_jobs_are(database: Database) -> None:
    values = {"api_key_id": "", "endpoint": "/v1/completions", "input_file_id": "file-1"}
    batch = database.call(lambda connection: batches.create(connection, **values)).id
    alone, line = submit(database), submit(database, batch_id=batch, line=0, custom_id="a")
    for held in database.call(claims.claim, "m", "", 9, ANY_RANK, Lease("w", "d", 60_000)):
        database.call(claims.finish, [Done(held.id, held.fence, {})])
        change(database, held.id, finished_at=1)
    assert database.call(claims.purge, HOUR_MS) == [alone]
    assert row(database, line).state == "succeeded"


@pytest.mark.parametrize("again", [True, False])
def test_the_last_error_is_told_with_the_last_attempt(database: Database, again: bool) -> None:
    job = submit(database, max_attempts=1)
    held = begin(database)
    database.call(claims.finish, [Done(job, held.fence, error=EngineFailure("out of memory"), again=again)])
    error = HeadraceError.from_row(row(database, job).error)
    assert "out of memory" in error.message
    assert error.code == ("attempts_exhausted" if again else EngineFailure().code)
