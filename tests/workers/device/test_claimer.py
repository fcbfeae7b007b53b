"""The claimer where the answer to a commit is lost: what was committed is neither held for ever nor thrown away."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from models.errors import DatabaseUnavailable
from models.rows import claims, jobs
from models.rows.claims import Lease
from models.rows.database import Database
from models.rows.tables import jobs as table
from models.storage.artifacts import Store, open_store
from tests.models.rows.test_job_races import new
from tests.support.servers import Valkey, wait_for
from workers.device.claimer import Claimer
from workers.protocol import JobEnded

T = TypeVar("T")

ANY_RANK = 1 << 62


class Unheard(Database):
    """A database that loses the answers to this many commits. ``heard`` are those that arrived."""

    losing = 0
    heard = 0

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """See ``Database``."""
        found = super().call(function, *args)
        if self.losing:
            self.losing -= 1
            raise DatabaseUnavailable()
        self.heard += 1
        return found


@contextmanager
def claiming(database: Database, store: Store, valkey: Valkey) -> Iterator[Claimer]:
    """A claimer, the owner ``w``, without any runners. It begins when the block calls ``start``."""
    claimer = Claimer(Lease("w", "d", 600_000), database, store, valkey.client(), list, response_retention_s=600)
    try:
        yield claimer
    finally:
        claimer.close()


def _claimed(database: Database) -> str:
    """A job that ``w`` has claimed."""
    made = new()
    database.call(jobs.submit, [made], None)
    assert database.call(claims.claim, "m", "", 1, ANY_RANK, Lease("w", "d", 600_000))
    return made.id


def _row(database: Database, job: str) -> Any:
    return database.call(lambda connection: connection.execute(sa.select(table).where(table.c.id == job)).one())


def test_a_claim_that_its_worker_never_heard_of_is_given_back(
    database: Database, tmp_path: Path, valkey: Valkey
) -> None:
    job = _claimed(database)
    with claiming(database, open_store(tmp_path.as_uri()), valkey) as claimer:
        claimer.start()
        wait_for(lambda: _row(database, job).state == "queued", 30)
        assert (_row(database, job).attempt, _row(database, job).lease_owner) == (0, None)


def test_a_result_whose_commit_was_not_heard_keeps_its_artifacts(
    database: Database, database_url: str, tmp_path: Path, valkey: Valkey
) -> None:
    store = open_store(tmp_path.as_uri())
    unheard = Unheard(database_url)
    job = _claimed(database)
    key = f"jobs/{job}/1/0.png"
    store.put(key, b"picture", "image/png")
    with claiming(unheard, store, valkey) as claimer:
        unheard.losing = 1
        artifacts = {"0.png": {"key": key, "media_type": "image/png", "bytes": 7}}
        claimer.hear(JobEnded(job, 1, {"body": {}, "artifacts": artifacts}))
        claimer.start()
        wait_for(lambda: unheard.heard >= 2, 30)  # the same end once more, and what follows from it
        assert unheard.losing == 0
    assert _row(database, job).state == "succeeded"
    assert store.head(key).size == 7
    unheard.close()


def test_the_artifacts_of_an_attempt_that_lost_its_lease_are_deleted(
    database: Database, tmp_path: Path, valkey: Valkey
) -> None:
    store = open_store(tmp_path.as_uri())
    job = _claimed(database)
    database.call(claims.release, "w")
    key = f"jobs/{job}/1/0.png"
    store.put(key, b"picture", "image/png")
    with claiming(database, store, valkey) as claimer:
        artifacts = {"0.png": {"key": key, "media_type": "image/png", "bytes": 7}}
        claimer.hear(JobEnded(job, 1, {"body": {}, "artifacts": artifacts}))
        claimer.start()
        wait_for(lambda: not list(store.listing(f"jobs/{job}/")), 30)
