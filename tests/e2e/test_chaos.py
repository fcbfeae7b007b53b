"""Hundreds of jobs, while everything is killed at random: each ends once, with one result, and leaves no litter."""

import base64
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

import migrations
from models.artifacts import open_store
from models.database import Database
from models.settings import Settings
from models.tables import FINAL, JobState, jobs, results
from tests.e2e.chaos import SPEECH, Clients, Havoc, as_text, wishes
from tests.e2e.conftest import StackFactory
from tests.e2e.stack import wait_for
from workers.sweeping import Tidying

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(600)]

COUNTS = {"echo": 200, "images": 50, "speech": 30, "audio": 30}


def test_every_job_ends_once_whatever_is_killed(
    new_stack: StackFactory, database_url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    migrations.upgrade(database_url)
    quick = {"HEADRACE_JOB_LEASE_S": "4", "HEADRACE_JOB_ATTEMPTS": "30", "HEADRACE_DRAIN_S": "2"}
    stack = new_stack(**quick, HEADRACE_DATABASE_URL=database_url)
    for name in ("glyphs", "hibari", "whisper"):
        stack.client.launch({"model_name": name})
    stack.launch_echo("echo", step_ms=5, max_inflight=16)
    for name in ("glyphs", "hibari", "whisper"):
        stack.client.wait_ready(name)
    recording = _recording(stack.url)

    rng = random.Random(20261123)
    clients, havoc = Clients(stack.url), Havoc(stack, database_url, rng)
    todo = wishes(rng, COUNTS, recording)
    havoc.start()
    clients.run(todo, threads=4, pause_s=0.5)
    database = Database(database_url)
    while_killing = time.monotonic() + 20
    wait_for(lambda: time.monotonic() > while_killing or _open(database) == 0, 60)
    havoc.stop()
    wait_for(lambda: _open(database) == 0, 240, lambda: f"{_open(database)} jobs are not over\n{stack.logs()}")

    assert not clients.refused
    assert all(len(ids) == 1 for ids in clients.ids.values()), "an idempotency key made two jobs"
    assert len(clients.ids) == len(todo)
    with database.begin() as connection:
        rows = {row.id: row for row in connection.execute(sa.select(jobs))}
        kept = {row.job_id: row for row in connection.execute(sa.select(results))}
    assert set(rows) == {job for ids in clients.ids.values() for job in ids}
    states = Counter(row.state for row in rows.values())
    assert set(states) <= {JobState.SUCCEEDED, JobState.CANCELLED, JobState.EXPIRED}, [
        row.error for row in rows.values() if row.state == JobState.FAILED
    ]
    succeeded = {job for job, row in rows.items() if row.state == JobState.SUCCEEDED}
    assert set(kept) == succeeded
    assert all(kept[job].fence == rows[job].fence for job in succeeded)
    assert states[JobState.SUCCEEDED] >= 0.75 * len(todo)

    settings = Settings(home=stack.home, database_url=database_url)
    store = open_store(settings.artifacts)
    for job in succeeded:  # each artifact that a result names is there, whole
        for artifact in kept[job].body["artifacts"].values():
            assert store.head(artifact["key"]).size == artifact["bytes"]
    before = {one.key for one in store.listing("jobs/")}
    Tidying(settings, database, store).tidy(young_s=-5)
    named = {artifact["key"] for row in kept.values() for artifact in row.body["artifacts"].values()}
    inputs = {key for row in rows.values() for key in row.files.values()}
    assert {one.key for one in store.listing("jobs/")} <= named | inputs, "an artifact is orphaned"
    attempts = sum(row.fence for row in rows.values())
    done = {**havoc.done, "jobs": len(rows), "attempts": attempts, "client retries": clients.retries}
    done |= {state.value: states[state] for state in FINAL} | {"orphans swept": len(before - named - inputs)}
    record_property("chaos", as_text(done))
    print(as_text(done))
    assert havoc.done["runner killed"] >= 3
    database.close()


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
