"""The events of models: written with the change, in order, and kept within bounds (``models.rows.life.events``)."""

from typing import Any

import pytest
import sqlalchemy as sa

from models.errors import EngineFailure, HeadraceError, NoDevice, ReplicaLost
from models.rows import instances, tables
from models.rows.database import Database, now_ms
from models.rows.instances import NewInstance
from models.rows.life import events, retries
from models.rows.life.events import EventKind
from models.rows.states import ReplicaState
from tests.models.rows.test_instances import CPU

ONE = NewInstance("echo", "echo", "LLM", "echo")


def kinds(database: Database, uid: str | None = "echo") -> list[str]:
    return [row.kind for row in database.call(events.listing, uid)]


def report(database: Database, replica: str, **values: Any) -> None:
    assert database.call(lambda c: instances.report(c, replica, "n1.cpu", **values))


@pytest.fixture
def placed(database: Database) -> str:
    """A replica that its device is to load."""
    database.call(lambda c: instances.create(c, ONE, "somebody"))
    database.call(lambda c: instances.see_device(c, **CPU))
    [row] = database.call(instances.pending)
    database.call(lambda c: instances.hold_back(c, row.id, NoDevice("there is no device")))
    assert database.call(instances.place, row.id, "n1.cpu")
    return row.id


def load(database: Database, replica: str) -> None:
    """All that a worker reports of a load, each stage more than once."""
    report(database, replica, state=ReplicaState.LOADING, stage="starting", pid=1)
    for stage in ("downloading", "loading"):
        for progress in (0.1, 0.9):
            report(database, replica, stage=stage, progress=progress)
    report(database, replica, state=ReplicaState.READY, stage="ready", context_length=0)
    report(database, replica, state=ReplicaState.READY, stage="ready")


def test_a_whole_life_is_told_in_order(database: Database, placed: str) -> None:
    load(database, placed)
    assert database.call(instances.died, placed, "n1.cpu", ReplicaLost("the runner was killed"))
    load(database, placed)
    database.call(lambda c: retries.give_up(c, placed, "n1.cpu", EngineFailure("no memory"), ["one", "two"]))
    assert database.call(instances.delete, "echo", "me")
    loaded = ["downloading", "loading"]
    assert kinds(database) == [
        *("launched", "waiting", "placed", *loaded, "ready", "died", *loaded, "reloaded", "failed", "terminated")
    ]
    rows = database.call(events.listing, "echo")
    assert (rows[0].by, rows[-1].by, rows[0].replica) == ("somebody", "me", None)
    assert {row.replica for row in rows[1:-1]} == {placed}
    assert [row.text for row in rows if row.kind == "died"] == ["the runner was killed; loaded again"]
    assert [row.id for row in rows] == sorted(row.id for row in rows)
    assert all(abs(row.at - rows[0].at) < 60_000 for row in rows)


def test_a_load_that_fails_is_no_death(database: Database, placed: str) -> None:
    report(database, placed, state=ReplicaState.LOADING, stage="starting", pid=1)
    error = EngineFailure("no memory")
    assert database.call(lambda c: instances.died(c, placed, "n1.cpu", error, served=False))
    last = database.call(events.listing, "echo")[-1]
    assert (last.kind, last.text) == ("failed", "no memory; tried again at once")


def test_an_end_says_whether_the_memory_is_back(database: Database, placed: str) -> None:
    report(database, placed, memory_bytes=5)
    database.call(instances.delete, "echo")
    assert not database.call(lambda c: instances.report(c, placed, "n1.cpu", state=ReplicaState.READY))
    database.call(instances.forget, placed, "n2.cpu")  # another device has no say
    assert kinds(database)[-1] == "terminated"
    database.call(instances.forget, placed, "n1.cpu")
    database.call(instances.forget, placed, "n1.cpu")
    last = database.call(events.listing, "echo")[-1]
    said = [one["code"] for one in last.data.pop("reasons")]
    assert (last.kind, last.data) == ("unloaded", {"memory_bytes": 5, "memory_is_back": True})
    assert said == ["unloaded", "memory_free"]
    assert kinds(database).count("unloaded") == 1


def test_an_end_that_keeps_its_memory_says_so(database: Database, placed: str) -> None:
    database.call(instances.delete, "echo")
    database.call(lambda c: instances.forget(c, placed, "n1.cpu", kept="its runner is stuck"))
    last = database.call(events.listing, "echo")[-1]
    assert (last.text, last.data["memory_is_back"]) == ("unloaded; its runner is stuck", False)


def test_what_a_runner_says_may_have_any_character(database: Database, placed: str) -> None:
    """PostgreSQL keeps no NUL in a text, and a file that is damaged may have one."""
    assert database.call(instances.died, placed, "n1.cpu", ReplicaLost("bad token 'a\0b'"))
    [died] = [row for row in database.call(events.listing) if row.kind == "died"]
    assert died.text == "bad token 'ab'; loaded again"


def test_what_did_not_happen_is_not_told(database: Database, placed: str) -> None:
    before = kinds(database)
    assert not database.call(lambda c: instances.report(c, placed, "n2.cpu", state=ReplicaState.READY))
    assert not database.call(instances.place, placed, "n1.cpu")
    assert not database.call(instances.died, placed, "n2.cpu", ReplicaLost("gone"))
    assert not database.call(instances.delete, "other")
    database.call(lambda c: instances.hold_back(c, placed, NoDevice("it has one")))
    assert database.call(lambda c: retries.give_up(c, placed, "n2.cpu", EngineFailure("no"), [])) == ""
    assert kinds(database) == before
    with pytest.raises(HeadraceError):
        database.call(lambda c: instances.create(c, ONE))
    assert kinds(database) == before


def test_a_lost_device_is_told_of_each_replica(database: Database, placed: str) -> None:
    assert database.call(instances.release, ["n1.cpu"]) == 1
    assert database.call(events.listing, "echo")[-1].text == "n1.cpu is lost; it waits for another device"


def test_events_are_read_from_one_on(database: Database) -> None:
    for number in range(5):
        database.call(lambda c, n=number: events.tell(c, f"m{n % 2}", EventKind.CHANGED, str(n)))
    assert [row.text for row in database.call(events.listing)] == list("01234")
    assert [row.text for row in database.call(events.listing, "m1")] == ["1", "3"]
    last = database.call(lambda c: events.listing(c, limit=2))
    assert [row.text for row in last] == ["3", "4"]
    assert [row.text for row in database.call(lambda c: events.listing(c, after=last[0].id - 1, limit=1))] == ["3"]
    first = database.call(lambda c: events.listing(c, after=0, limit=2))
    assert [row.text for row in first] == ["0", "1"], "zero is before all"


def test_events_are_kept_within_bounds(database: Database) -> None:
    for number in range(9):
        database.call(lambda c, n=number: events.tell(c, "often" if n % 3 else "rare", EventKind.DIED, str(n)))
    database.call(lambda c: events.purge(c, most_of_one=4))
    assert [row.text for row in database.call(events.listing)] == ["0", "3", "4", "5", "6", "7", "8"]
    database.call(lambda c: events.purge(c, most=3))
    assert [row.text for row in database.call(events.listing)] == ["6", "7", "8"]
    database.call(
        lambda c: c.execute(sa.update(tables.events).where(tables.events.c.text == "7").values(at=now_ms() - 9000))
    )
    database.call(lambda c: events.purge(c, kept_ms=5000))
    assert [row.text for row in database.call(events.listing)] == ["6", "8"]
    database.call(lambda c: events.tell(c, "m", EventKind.FAILED, "x" * 9999))
    assert len(database.call(events.listing)[-1].text) == events.MOST_TEXT


def test_those_of_some_kinds_alone_are_listed(database: Database, placed: str) -> None:
    load(database, placed)
    chosen = database.call(lambda c: events.listing(c, kinds=[EventKind.WAITING, EventKind.READY], limit=2))
    assert [one.kind for one in chosen] == ["waiting", "ready"]
    assert database.call(lambda c: events.listing(c, kinds=[])) == []
