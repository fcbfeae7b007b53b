"""Replicas that are added and removed, and which go first (``models.rows.life.scaling``)."""

from typing import Any

import pytest

from models.errors import Conflict, InvalidRequest, NotFound
from models.rows import instances
from models.rows.database import Database
from models.rows.instances import NewInstance
from models.rows.life import autostart, events, scaling
from models.rows.records import ReplicaRow
from models.rows.states import ReplicaState
from tests.models.rows.test_instances import CPU


def launch(database: Database, **values: Any) -> None:
    database.call(lambda c: instances.create(c, NewInstance("my-echo", "echo", "LLM", "echo", **values)))
    database.call(lambda c: instances.see_device(c, **CPU))


def rows_of(database: Database) -> list[ReplicaRow]:
    return database.call(instances.replicas_of, "my-echo")


def test_replicas_are_added_up_to_a_bound(database: Database) -> None:
    launch(database)
    ids = database.call(scaling.add, "my-echo", 2)
    assert [scaling.number_of(one) for one in ids] == [1, 2]
    assert {row.state for row in rows_of(database)} == {ReplicaState.PENDING}
    with pytest.raises(InvalidRequest):
        database.call(scaling.add, "my-echo", 62)
    with pytest.raises(NotFound):
        database.call(scaling.add, "nobody", 1)
    assert len(rows_of(database)) == 3
    database.call(scaling.add, "my-echo", 61)
    assert [row.replica for row in database.call(instances.listing)] == [64]


def test_a_copy_of_what_sleeps_sleeps(database: Database) -> None:
    launch(database, load_on_request=True)
    database.call(scaling.add, "my-echo", 1)
    assert [row.state for row in rows_of(database)] == [ReplicaState.DORMANT] * 2


def test_one_with_a_runner_finishes_and_others_are_gone(database: Database) -> None:
    launch(database, replica=3)
    first, second, _ = (row.id for row in rows_of(database))
    assert database.call(instances.place, first, "n1.cpu")
    assert database.call(scaling.remove, "my-echo", [first, second]) == 1
    left = {row.id: (row.state, row.stage) for row in rows_of(database)}
    assert left.pop(first) == (ReplicaState.STOPPING, "draining")
    assert len(left) == 1
    assert second not in left
    assert [row.replica for row in database.call(instances.listing)] == [1]
    with pytest.raises(NotFound):
        database.call(scaling.remove, "my-echo", [first])  # it goes already
    database.call(instances.delete, "my-echo")
    assert [row.stage for row in rows_of(database)] == ["stopping"], "terminating waits for no request"


def test_one_replica_is_left(database: Database) -> None:
    launch(database, replica=2)
    ids = [row.id for row in rows_of(database)]
    with pytest.raises(Conflict):
        database.call(scaling.remove, "my-echo", ids)
    assert len(rows_of(database)) == 2
    assert "replica_removed" not in [row.kind for row in database.call(events.listing)]


def row(number: int, state: ReplicaState) -> ReplicaRow:
    numbers = (None, None, None, None, None, 0, None, None, None, 0, 0)
    return ReplicaRow(f"m-{number}-abc", "m", None, None, state, "", 0.0, None, *numbers)


def test_what_does_nothing_goes_first() -> None:
    rows = [
        row(0, ReplicaState.READY),
        row(1, ReplicaState.READY),
        row(2, ReplicaState.READY),
        row(3, ReplicaState.LOADING),
        row(4, ReplicaState.FAILED),
        row(5, ReplicaState.STOPPING),
    ]
    work = {"m-0-abc": 0, "m-1-abc": 4, "m-2-abc": 0}
    assert [scaling.number_of(one) for one in scaling.leaving(rows, work, 9)] == [4, 3, 2, 0, 1]
    assert scaling.leaving(rows, work, 1) == ["m-4-abc"]


def test_what_is_not_to_come_back_is_ended_at_a_start(database: Database) -> None:
    launch(database)
    assert database.call(autostart.end_others) == []
    assert database.call(autostart.change, "my-echo", {"autostart": False, "priority": 3})
    assert not database.call(autostart.change, "nobody", {"autostart": False})
    assert database.call(autostart.end_others) == ["my-echo"]
    assert (database.call(instances.listing), rows_of(database)) == ([], [])
    told = [(one.kind, one.text) for one in database.call(events.listing, "my-echo")]
    assert told[-2:] == [
        ("changed", "autostart False, priority 3"),
        ("terminated", "it was not to come back after a start"),
    ]
