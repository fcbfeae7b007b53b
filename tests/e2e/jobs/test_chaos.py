"""Hundreds of jobs, while everything is killed at random: each ends once, with one result, and leaves no litter."""

import base64
import random
import time
from collections import Counter

import pytest
import sqlalchemy as sa

import migrations
from models.rows.database import Database
from models.rows.states import FINAL, JobState
from models.rows.tables import jobs, results
from models.settings import Settings
from models.storage.artifacts import open_store
from tests.e2e.conftest import StackFactory
from tests.e2e.jobs.chaos import SPEECH, Clients, Havoc, as_text, wishes
from tests.support.servers import wait_for
from workers.steward.sweeping import Tidying

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(600)]

COUNTS = {"echo": 200, "images": 50, "speech": 30, "audio": 30}


def test_every_job_ends_once_whatever_is_killed(new_stack: StackFactory, database_url: str) -> None:
    migrations.upgrade(database_url)
    quick = {"HEADRACE_JOB_LEASE_S": "4", "HEADRACE_JOB_ATTEMPTS": "30", "HEADRACE_DRAIN_S": "2"}
    stack = new_stack(**quick, HEADRACE_DATABASE_URL=database_url)
    for name in ("glyphs", "hibari", "whisper"):
        stack.client.launch({"model_name": name})
    stack.launch_echo("echo", step_ms=5, max_inflight=16)
    for name in ("glyphs", "hibari", "whisper"):
        stack.client.wait_ready(name)

    rng = random.Random(20261123)
    clients, havoc = Clients(stack.url), Havoc(stack, database_url, rng)
    todo = wishes(rng, COUNTS, _recording(stack.url))
    database = Database(database_url)
    havoc.start()
    clients.run(todo, threads=4, pause_s=0.9)
    while_killing = time.monotonic() + 20
    wait_for(lambda: time.monotonic() > while_killing or _open(database) == 0, 60)
    havoc.stop()
    wait_for(lambda: _open(database) == 0, 240, lambda: f"{_open(database)} jobs are not over\n{stack.logs()}")

    assert not clients.refused
    assert len(clients.ids) == len(todo)
    assert all(len(ids) == 1 for ids in clients.ids.values()), "an idempotency key made two jobs"
    counts = _check_rows(database, {job for ids in clients.ids.values() for job in ids})
    settings = Settings(home=stack.home, database_url=database_url)
    counts["orphans swept"] = _check_artifacts(database, settings)
    print(as_text({**havoc.done, **counts, "client retries": clients.retries}))
    assert havoc.done["runner killed"] >= 3
    database.close()


def _check_rows(database: Database, submitted: set[str]) -> dict[str, int]:
    """Every job is there and over, once; every success has its one result."""
    with database.begin() as connection:
        rows = {row.id: row for row in connection.execute(sa.select(jobs).where(jobs.c.idempotency_key.is_not(None)))}
        kept = {row.job_id: row.fence for row in connection.execute(sa.select(results))}
    assert set(rows) == submitted
    states = Counter(row.state for row in rows.values())
    failed = [row.error for row in rows.values() if row.state == JobState.FAILED]
    assert set(states) <= {JobState.SUCCEEDED, JobState.CANCELLED, JobState.EXPIRED}, failed
    succeeded = {job for job, row in rows.items() if row.state == JobState.SUCCEEDED}
    assert {job: fence for job, fence in kept.items() if job in rows} == {job: rows[job].fence for job in succeeded}
    assert len(succeeded) >= 0.75 * len(rows)
    attempts = sum(row.fence for row in rows.values())
    return {"jobs": len(rows), "attempts": attempts} | {state.value: states[state] for state in FINAL}


def _check_artifacts(database: Database, settings: Settings) -> int:
    """Each artifact that a result names is there, whole; after a sweep no other is. How many were swept."""
    with database.begin() as connection:
        inputs = {key for found in connection.execute(sa.select(jobs.c.files)).scalars() for key in found.values()}
        bodies = list(connection.execute(sa.select(results.c.body)).scalars())
    store = open_store(settings.artifacts)
    named = {one["key"]: one["bytes"] for body in bodies for one in body["artifacts"].values()}
    for key, size in named.items():
        assert store.head(key).size == size
    before = {one.key for one in store.listing("jobs/")}
    Tidying(settings, database, store).tidy(young_s=-5)
    after = {one.key for one in store.listing("jobs/")}
    assert after == named.keys() | inputs, "an artifact is orphaned, or was swept though it is not"
    return len(before) - len(after)


def _open(database: Database) -> int:
    query = sa.select(sa.func.count()).where(jobs.c.state.in_((JobState.QUEUED, JobState.RUNNING)))
    with database.begin() as connection:
        return int(connection.execute(query).scalar_one())


def _recording(url: str) -> str:
    """Speech, as a data URL: what the platform itself says."""
    import httpx

    body = {"model": "hibari", "input": SPEECH, "voice": "default", "response_format": "wav"}
    answer = httpx.post(f"{url}/v1/audio/speech", json=body, timeout=60)
    assert answer.status_code == httpx.codes.OK, answer.text
    return f"data:audio/wav;base64,{base64.b64encode(answer.content).decode()}"
