"""The steward's broom: which artifacts go with what, and what it leaves."""

import threading

import pytest
import sqlalchemy as sa

from models.errors import StorageUnavailable
from models.redis import events
from models.rows import claims, instances, jobs, responses, uploads
from models.rows.claims import Lease
from models.rows.database import Database
from models.rows.jobs import NewJob
from models.rows.tables import batches, deliveries, files
from models.rows.tables import events as happened
from models.rows.tables import jobs as table
from models.rows.tables import responses as kept
from tests.models.rows.test_responses import new as response
from tests.support.batching import HOOK, World, line, world
from workers.steward.sweeping import Tidying, move, publish_moved

__all__ = ["world"]  # a fixture


def submit(world: World, uid: str = "echo") -> str:
    """A job that waits."""
    job = NewJob(jobs.new_id(), "chat.completions", uid, {}, "me")
    world.database.call(jobs.submit, [job], None)
    return job.id


def change(world: World, job: str, **values: object) -> None:
    """Set columns of a job."""
    world.database.call(lambda connection: connection.execute(table.update().where(table.c.id == job).values(**values)))


class Turns(threading.Event):
    """An event that comes after so many waits for it."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def wait(self, timeout: float | None = None) -> bool:
        """See ``threading.Event``."""
        self.left -= 1
        return self.left < 0


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


def test_events_are_forgotten_also_where_the_store_is_away(
    world: World, tidying: Tidying, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: str) -> None:
        raise StorageUnavailable()

    world.launch("other")
    world.database.call(lambda c: c.execute(happened.update().values(at=1)))
    job = submit(world)
    world.database.call(jobs.cancel, job)
    change(world, job, finished_at=1)
    monkeypatch.setattr(world.store, "delete_prefix", away)
    with pytest.raises(StorageUnavailable):
        tidying.tidy()
    assert world.database.call(lambda c: c.execute(sa.select(happened)).all()) == []


def test_a_model_that_jobs_wait_for_is_woken(world: World) -> None:
    world.launch("sleeper", load_on_request=True)
    world.launch("other", load_on_request=True)
    submit(world, "sleeper")
    assert world.database.call(move) == []
    with world.database.begin() as connection:
        states = {row.uid: row.state for row in instances.replicas_of(connection)}
    assert (states["sleeper"], states["other"]) == ("pending", "dormant")


def test_what_nobody_else_moves_is_moved_and_announced(world: World) -> None:
    lapsed = submit(world)
    world.database.call(claims.claim, "echo", "me", 1, 1 << 62, Lease("w", "d", -1))
    late, orphan = submit(world), submit(world, "nowhere")
    change(world, lapsed, webhook=HOOK)
    change(world, late, deadline=1, webhook=HOOK)
    change(world, orphan, queued_at=1, webhook=HOOK)
    channel = world.client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    channel.subscribe(events.channel(orphan))
    channel.get_message(timeout=30)
    moved = world.database.call(move)
    assert {row.id: row.state for row in moved} == {lapsed: "queued", late: "expired", orphan: "failed"}
    assert sorted(world.events()) == ["job.expired", "job.failed"]
    publish_moved(world.client, moved)
    heard = channel.get_message(timeout=30)
    assert heard is not None
    assert heard["data"] == b"state"
    channel.close()
    assert world.database.call(move) == []


def test_however_many_are_old_all_of_them_go(world: World, tidying: Tidying) -> None:
    old = [NewJob(jobs.new_id(), "chat.completions", "echo", {}, "me") for _ in range(201)]
    world.database.call(jobs.submit, old, None)
    over = sa.update(table).values(state="cancelled", finished_at=1)
    world.database.call(lambda connection: connection.execute(over))
    world.database.call(responses.keep, [response(str(number)) for number in range(501)], -1000)
    tidying.tidy()
    assert (world.count(table), world.count(kept)) == (0, 0)


def test_files_go_with_their_bytes(world: World, tidying: Tidying) -> None:
    fresh, old, lost = world.file(b"a"), world.file(b"b"), uploads.artifact(uploads.new_id())
    expiry = sa.update(files).where(files.c.id == old).values(expires_at=1)
    world.database.call(lambda connection: connection.execute(expiry))
    world.store.put(lost, b"c", "application/jsonl")
    tidying.tidy()
    assert {one.key for one in world.store.listing()} == {uploads.artifact(fresh), lost}
    tidying.tidy(young_s=-1)
    assert {one.key for one in world.store.listing()} == {uploads.artifact(fresh)}


def test_batches_go_with_their_lines_and_deliveries(world: World, tidying: Tidying) -> None:
    """Also those that a steward left which was killed when the batch had ended."""
    batch = world.batch(line("a") + b"\n" + line("b"))
    world.finish()
    change(world, submit(world), batch_id=batch, line=9, state="failed", finished_at=1)
    tidying.tidy()
    assert (world.count(table), world.count(batches), world.count(deliveries)) == (0, 1, 1), "their lines go at once"
    for old in (
        sa.update(batches).values(created_at=1),
        sa.update(deliveries).values(next_at=1, state="delivered"),
    ):
        world.database.call(lambda connection, old=old: connection.execute(old))
    tidying.tidy()
    assert (world.count(batches), world.count(deliveries)) == (0, 0)


@pytest.mark.parametrize("leads", [True, False])
def test_only_the_steward_that_leads_tidies(world: World, tidying: Tidying, leads: bool) -> None:
    change(world, submit(world), state="cancelled", finished_at=1)
    leading = threading.Event()
    if leads:
        leading.set()
    tidying.run(Turns(1), leading)
    assert world.count(table) == (0 if leads else 1)


def test_tidying_outlives_a_database_that_is_away(world: World) -> None:
    away = Database("sqlite:////nowhere/at/all.db")
    leading, turns = threading.Event(), Turns(2)
    leading.set()
    Tidying(world.settings, away, world.store).run(turns, leading)
    assert turns.left < 0
    away.close()
