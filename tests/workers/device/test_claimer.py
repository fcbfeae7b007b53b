"""The claimer: what it claims, what becomes of it, and what it does where the answer to a commit is lost."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

import migrations
from models.errors import DatabaseUnavailable, EngineFailure, HeadraceError, ReplicaLost
from models.redis import events
from models.rows import claims, jobs, outbox
from models.rows.claims import Lease
from models.rows.database import Database
from models.rows.jobs import BATCH_PRIORITY
from models.rows.tables import deliveries
from models.rows.tables import jobs as table
from models.storage.artifacts import Store, open_store
from tests.models.rows.test_job_races import new
from tests.support.servers import Valkey, wait_for
from workers.device.claimer import Claimer
from workers.device.runner_process import Phase, RunnerProcess
from workers.protocol import JobEnded, JobProgress, Load

T = TypeVar("T")

ANY_RANK = 1 << 62
LONG = {"model": "m", "prompt": "a b", "max_tokens": 30_000}
DONE: dict[str, Any] = {"body": {}, "artifacts": {}}
LATER = 1 << 60


class Unheard(Database):
    """A database that loses the answers to ``losing`` commits and counts the others; before one it calls ``next``."""

    losing = 0
    heard = 0
    next: Callable[[], None] | None = None

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """See ``Database``."""
        found = super().call(function, *args)
        act, self.next = self.next, None
        if act is not None:
            act()
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


def _submitted(database: Database, **fields: Any) -> str:
    """A job that waits."""
    made = new(**fields)
    database.call(jobs.submit, [made], None)
    return made.id


def _claimed(database: Database, **fields: Any) -> str:
    """A job that ``w`` has claimed, in the transaction that submitted it."""
    made = new(**fields)

    def act(connection: sa.Connection) -> None:
        jobs.submit(connection, [made], None)
        assert claims.claim(connection, "m", "", 1, ANY_RANK, Lease("w", "d", 600_000))

    database.call(act)
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


def test_what_a_cancelled_attempt_made_is_deleted(database: Database, tmp_path: Path, valkey: Valkey) -> None:
    store = open_store(tmp_path.as_uri())
    job = _claimed(database)
    database.call(outbox.cancel, job)
    key = f"jobs/{job}/1/0.png"
    store.put(key, b"picture", "image/png")
    with claiming(database, store, valkey) as claimer:
        artifacts = {"0.png": {"key": key, "media_type": "image/png", "bytes": 7}}
        claimer.hear(JobEnded(job, 1, {"body": {}, "artifacts": artifacts}))
        claimer.start()
        wait_for(lambda: not list(store.listing(f"jobs/{job}/")), 30)
    assert _row(database, job).state == "cancelled"


@pytest.mark.parametrize(
    ("error", "state"), [(None, "succeeded"), (ReplicaLost(), "queued"), (EngineFailure(), "failed")]
)
def test_an_end_is_recorded_and_published(
    database: Database, tmp_path: Path, valkey: Valkey, error: HeadraceError | None, state: str
) -> None:
    """Another attempt follows where the replica was at fault, and a webhook where none does."""
    job = _claimed(database, webhook="http://127.0.0.1:9/")
    with valkey.client() as client, claiming(database, open_store(tmp_path.as_uri()), valkey) as claimer:
        channel = client.pubsub(ignore_subscribe_messages=True)
        channel.subscribe(events.channel(job))
        channel.get_message(timeout=30)
        claimer.hear(JobEnded(job, 1, DONE) if error is None else JobEnded(job, 1, error=error.to_wire()))
        claimer.start()
        wait_for(lambda: channel.get_message() is not None, 30)
    assert _row(database, job).state == state
    assert _webhooks(database) == ([] if state == "queued" else [job])


def test_a_cancelled_job_that_is_given_back_has_its_webhook(database: Database, tmp_path: Path, valkey: Valkey) -> None:
    job = _claimed(database, webhook="http://127.0.0.1:9/")
    database.call(outbox.cancel, job)
    with claiming(database, open_store(tmp_path.as_uri()), valkey) as claimer:
        claimer.start()
        wait_for(lambda: _row(database, job).state == "cancelled", 30)
    assert _webhooks(database) == [job]


def _webhooks(database: Database) -> list[str]:
    """What webhooks are to be delivered about."""
    return database.call(lambda connection: list(connection.execute(sa.select(deliveries.c.subject)).scalars()))


# ---- with a runner -----------------------------------------------------------------------------------------


class Device:
    """A claimer, whose database is ``database``, and the runner that it claims for."""

    def __init__(self, database: Unheard, valkey: Valkey, folder: Path, runner: RunnerProcess, lease_ms: int) -> None:
        self.database = database
        self.runner = runner
        lease, store = Lease("w", "d", lease_ms), open_store(folder.as_uri())
        self.claimer = Claimer(lease, database, store, valkey.client(), lambda: [self.runner], response_retention_s=600)

    def begin(self) -> str:
        """A long job, once the claimer holds it."""
        job = _submitted(self.database, request=LONG)
        self.claimer.start()
        wait_for(lambda: self.claimer.held == 1, 30)
        return job

    def turns(self, count: int) -> None:
        """Wait for so many more transactions."""
        before = self.database.heard
        wait_for(lambda: self.database.heard >= before + count, 30)

    def running(self) -> list[str]:
        """The jobs that run."""
        query = sa.select(table.c.id).where(table.c.state == "running")
        return list(Database.call(self.database, lambda connection: connection.execute(query).scalars().all()))

    def row(self, job: str) -> Any:
        """The job as it is now."""
        query = sa.select(table).where(table.c.id == job)
        return Database.call(self.database, lambda connection: connection.execute(query).one())


@contextmanager
def running(valkey: Valkey, folder: Path, on_job: Callable[[JobEnded | JobProgress], None]) -> Iterator[RunnerProcess]:
    """A runner that is ready for 8 jobs at once; each token of them takes 20 ms."""
    options = {"step_ms": 20, "max_inflight": 8}
    runner = RunnerProcess(
        Load("m-0", "E", "m", "echo", "cpu", valkey.url, "", str(folder), options, store=folder.as_uri()),
        interpreter="",
        visible="",
        compiled=folder,
        on_change=lambda _: None,
        on_job=on_job,
    )
    try:
        wait_for(lambda: runner.phase is Phase.READY and runner.ready is not None, 60)
        yield runner
    finally:
        runner.stop()


@pytest.fixture(scope="module")
def hearing() -> list[Claimer]:
    """The claimer that hears the shared runner now, if there is any."""
    return []


@pytest.fixture(scope="module")
def shared(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory, hearing: list[Claimer]) -> Iterator[RunnerProcess]:
    """A runner for all tests that leave it alive."""
    folder = tmp_path_factory.mktemp("runner")

    def pass_on(news: JobEnded | JobProgress) -> None:
        for claimer in hearing:
            claimer.hear(news)

    with running(valkey, folder, pass_on) as runner:
        yield runner


@pytest.fixture
def device(
    tmp_path: Path, valkey: Valkey, shared: RunnerProcess, hearing: list[Claimer], request: pytest.FixtureRequest
) -> Iterator[Device]:
    """A device; the parameter is how long its leases are, in ms. Its statements are tested on PostgreSQL elsewhere."""
    url = f"sqlite:///{tmp_path / 'test.db'}"
    migrations.upgrade(url)
    made = Device(Unheard(url), valkey, tmp_path, shared, getattr(request, "param", 600_000))
    hearing[:] = [made.claimer]
    yield made
    for job, claim in list(made.claimer._claims.items()):
        shared.cancel_job(job, claim.fence)
    made.claimer.close()
    shared.limit, shared.asked_at = None, float("-inf")
    hearing.clear()
    made.database.close()


def test_a_claim_whose_commit_was_not_heard_is_made_again(device: Device) -> None:
    job = _submitted(device.database, request=LONG | {"max_tokens": 2})
    device.database.losing = 1
    device.claimer.start()
    wait_for(lambda: device.row(job).state == "succeeded", 30)
    assert (device.row(job).attempt, device.row(job).fence) == (1, 2)


def test_a_claim_whose_commit_was_not_heard_beside_others_is_given_back_alone(device: Device) -> None:
    held = device.begin()
    lost = _claimed(device.database, request=LONG)
    wait_for(lambda: device.claimer.held == 2, 30)
    assert (device.row(held).fence, device.row(lost).fence) == (1, 2)


@pytest.mark.parametrize(("limit", "most"), [(None, 7), (2, 1)])
def test_no_more_is_claimed_than_there_is_room_for(device: Device, limit: int | None, most: int) -> None:
    """A slot is kept for the next request."""
    device.runner.limit = limit
    for _ in range(9):
        _submitted(device.database, request=LONG)
    device.claimer.start()
    wait_for(lambda: device.claimer.held >= most, 30)
    device.turns(2)
    assert len(device.running()) == most


def test_lines_of_batches_leave_room_beside_requests(device: Device) -> None:
    device.runner.asked_at = time.monotonic() + 3600
    low = [_submitted(device.database, request=LONG, priority=BATCH_PRIORITY) for _ in range(3)]
    normal = _submitted(device.database, request=LONG)
    device.claimer.start()
    wait_for(lambda: device.claimer.held >= 2, 30)
    device.turns(2)
    begun = {*device.running()}
    assert normal in begun
    assert (len(begun & {*low}), len(begun)) == (1, 2)


def test_who_drains_claims_nothing(device: Device) -> None:
    _submitted(device.database, request=LONG)
    device.claimer.draining = True
    device.claimer.start()
    device.turns(1)
    assert device.running() == []


def test_a_cancel_reaches_the_runner(device: Device) -> None:
    job = device.begin()
    Database.call(device.database, outbox.cancel, job)
    device.claimer.ring()
    wait_for(lambda: device.row(job).state == "cancelled", 30)
    wait_for(lambda: device.claimer.held == 0, 30)


def test_a_job_whose_lease_was_lost_is_stopped(device: Device) -> None:
    job = device.begin()

    def lose(connection: sa.Connection) -> None:
        claims.release(connection, "w")
        connection.execute(sa.update(table).values(run_after=LATER))

    Database.call(device.database, lose)
    wait_for(lambda: device.claimer.held == 0, 30)
    assert device.row(job).state == "queued"


@pytest.mark.parametrize("device", [4000], indirect=True)
def test_leases_are_renewed_and_progress_is_recorded(device: Device) -> None:
    job = device.begin()
    expiry = sa.update(table).values(lease_expires_at=1)
    Database.call(device.database, lambda connection: connection.execute(expiry))
    device.claimer.hear(JobProgress(job, 1, 0.5))
    wait_for(lambda: device.row(job).lease_expires_at > 1, 30)
    wait_for(lambda: device.row(job).progress > 0, 30)


def test_the_jobs_of_a_runner_that_is_gone_are_tried_again_and_no_others(
    device: Device, shared: RunnerProcess, valkey: Valkey, tmp_path: Path
) -> None:
    with running(valkey, tmp_path, device.claimer.hear) as device.runner:
        job = device.begin()
        device.claimer.hear(shared)
        device.turns(2)
        assert device.running() == [job]
        device.runner.kill()
        wait_for(lambda: device.runner.phase is Phase.GONE, 30)
        device.claimer.hear(device.runner)
        wait_for(lambda: device.row(job).state != "running", 30)
    assert (device.row(job).state, device.row(job).attempt) == ("queued", 1)


def test_a_runner_that_ends_before_it_has_its_job_loses_it(device: Device, valkey: Valkey, tmp_path: Path) -> None:
    with running(valkey, tmp_path, device.claimer.hear) as device.runner:
        job = _submitted(device.database, request=LONG)
        device.database.next = device.runner.stop
        device.claimer.start()
        wait_for(lambda: device.row(job).error is not None, 30)
    assert device.row(job).state == "queued"
    assert HeadraceError.from_row(device.row(job).error).code == ReplicaLost.code


def test_a_request_that_no_message_can_hold_fails(device: Device) -> None:
    job = _submitted(device.database, request=LONG | {"seed": 1 << 70})
    device.claimer.start()
    wait_for(lambda: device.row(job).error is not None, 30)
    assert device.row(job).state == "failed"
    assert "cannot be handed over" in str(HeadraceError.from_row(device.row(job).error))


def test_what_is_held_in_the_end_is_given_back(device: Device) -> None:
    job = device.begin()
    device.claimer.close()
    row = device.row(job)
    assert (row.state, row.attempt, row.lease_owner) == ("queued", 0, None)


def test_an_end_that_comes_last_of_all_counts(device: Device) -> None:
    job = device.begin()

    def end() -> None:
        device.claimer._over.set()
        device.claimer.hear(JobEnded(job, 1, DONE))

    device.database.next = end
    device.claimer.ring()
    wait_for(lambda: device.row(job).state != "running", 30)
    assert device.row(job).state == "succeeded"
