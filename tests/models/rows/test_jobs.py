"""Jobs as clients look at them: their own alone, page by page, in the order in which they come."""

from typing import Any

import pytest
import sqlalchemy as sa

from models.errors import Conflict, EngineFailure, NotFound
from models.rows import batches, claims, jobs
from models.rows.claims import Done, Lease
from models.rows.database import Database
from models.rows.jobs import NewJob

ANY_RANK = 1 << 62


def submit(database: Database, key: str = "me", **fields: Any) -> str:
    """A job that waits."""
    job = NewJob(**{"id": jobs.new_id(), "kind": "completions", "uid": "m", "request": {}, "api_key_id": key} | fields)
    database.call(jobs.submit, [job], None)
    return job.id


def line(database: Database) -> str:
    """A job that is a line of a batch."""
    values = {"api_key_id": "me", "endpoint": "/v1/completions", "input_file_id": "file-1"}
    batch = database.call(lambda connection: batches.create(connection, **values)).id
    return submit(database, batch_id=batch, line=0, custom_id="a")


def ids(database: Database, key: str = "me", **options: Any) -> list[str]:
    """A page of this key's jobs."""
    return [row.id for row in database.call(lambda connection: jobs.listing(connection, key, **options))]


def test_another_keys_jobs_are_not_there(database: Database) -> None:
    mine, theirs = submit(database), submit(database, "them")
    assert ids(database) == [mine]
    assert database.call(jobs.get, mine, "me").id == mine
    assert database.call(jobs.get, theirs, None).id == theirs
    with pytest.raises(NotFound):
        database.call(jobs.get, theirs, "me")


def test_lines_are_their_batchs_to_show(database: Database) -> None:
    job = line(database)
    assert ids(database) == []
    assert database.call(jobs.get, job, None).id == job
    with pytest.raises(NotFound):
        database.call(jobs.get, job, "me")


def test_pages_have_each_job_once(database: Database) -> None:
    made = {submit(database) for _ in range(5)}
    first = ids(database, limit=2)
    assert len(first) == 3, "one more, to know that there is"
    second = ids(database, limit=2, after=first[1])
    third = ids(database, limit=2, after=second[1])
    assert [*first[:2], *second[:2], *third] == ids(database)
    assert set(ids(database)) == made
    assert ids(database, state="running") == ids(database, uid="another") == []


def test_jobs_of_some_kinds(database: Database) -> None:
    submit(database)
    drawn = {submit(database, kind=kind) for kind in ("images.generations", "images.edits")}
    submit(database, "them", kind="images.edits")
    assert set(ids(database, kinds=["images.edits", "images.generations"])) == drawn
    assert ids(database, kinds=["audio.speech"]) == []


def test_jobs_of_some_kinds_are_found_by_an_index(database: Database) -> None:
    wanted = "SELECT id FROM jobs WHERE api_key_id = 'me' AND batch_id IS NULL AND kind IN ('a', 'b')"
    if database.engine.dialect.name == "sqlite":
        plan = database.call(lambda one: [str(row) for row in one.execute(sa.text(f"EXPLAIN QUERY PLAN {wanted}"))])
        assert "ix_jobs_kind" in str(plan)


def test_priority_goes_before_age(database: Database) -> None:
    low, usual, high = (submit(database, priority=priority) for priority in (-1, 0, 1))
    ahead = [database.call(jobs.ahead, database.call(jobs.get, job, None)) for job in (high, usual, low)]
    assert ahead == [0, 1, 2]
    rows = database.call(claims.claim, "m", "me", 9, ANY_RANK, Lease("w", "d", 60_000))
    assert [row.id for row in rows] == [high, usual, low]


def test_what_succeeded_is_not_tried_again(database: Database) -> None:
    done, failed = submit(database), submit(database)
    for row in database.call(claims.claim, "m", "me", 9, ANY_RANK, Lease("w", "d", 60_000)):
        end = Done(row.id, row.fence, {}) if row.id == done else Done(row.id, row.fence, error=EngineFailure())
        database.call(claims.finish, [end])
    assert [database.call(jobs.retry, job) for job in (done, failed)] == [False, True]


def test_only_what_is_over_is_deleted(database: Database) -> None:
    job = submit(database)
    with pytest.raises(Conflict):
        database.call(jobs.delete, job)
    database.call(jobs.cancel, job)
    database.call(jobs.delete, job)
    assert ids(database) == []
