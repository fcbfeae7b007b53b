"""The steward's broom: which artifacts go with what, and what it leaves."""

import pytest

from models.rows import instances, jobs
from models.rows.jobs import NewJob
from models.rows.tables import jobs as table
from tests.support.batching import World, world
from workers.steward.sweeping import Tidying, move

__all__ = ["world"]  # a fixture


def submit(world: World, uid: str = "echo") -> str:
    """A job that waits."""
    job = NewJob(jobs.new_id(), "chat.completions", uid, {}, "me")
    world.database.call(jobs.submit, [job], None)
    return job.id


def change(world: World, job: str, **values: object) -> None:
    """Set columns of a job."""
    world.database.call(lambda connection: connection.execute(table.update().where(table.c.id == job).values(**values)))


@pytest.fixture
def tidying(world: World) -> Tidying:
    return Tidying(world.settings, world.database, world.store)


def test_artifacts_of_attempts_that_were_lost_are_swept(world: World, tidying: Tidying) -> None:
    job = submit(world)
    change(world, job, fence=2)
    kept = [f"jobs/{job}/2/a.png", f"jobs/{job}/input/b.png"]
    lost = [f"jobs/{job}/1/a.png", f"jobs/{jobs.new_id()}/1/a.png", f"jobs/{jobs.new_id()}/input/b.png"]
    for key in kept + lost:
        world.store.put(key, b"x", "image/png")
    tidying.tidy()
    assert {one.key for one in world.store.listing()} == {*kept, *lost}, "a job may be about to be submitted"
    tidying.tidy(young_s=-1)
    assert {one.key for one in world.store.listing()} == {*kept}


def test_jobs_go_with_their_artifacts_when_their_time_has_come(world: World, tidying: Tidying) -> None:
    old, young = submit(world), submit(world)
    keys = {job: f"jobs/{job}/1/a.png" for job in (old, young)}
    for key in keys.values():
        world.store.put(key, b"x", "image/png")
    for job in (old, young):
        world.database.call(jobs.cancel, job)
    change(world, old, finished_at=1)
    tidying.tidy()
    assert {one.key for one in world.store.listing()} == {keys[young]}


def test_a_model_that_jobs_wait_for_is_woken(world: World) -> None:
    world.launch("sleeper", load_on_request=True)
    world.launch("other", load_on_request=True)
    submit(world, "sleeper")
    assert world.database.call(move) == []
    with world.database.begin() as connection:
        states = {row.uid: row.state for row in instances.replicas_of(connection)}
    assert (states["sleeper"], states["other"]) == ("pending", "dormant")
