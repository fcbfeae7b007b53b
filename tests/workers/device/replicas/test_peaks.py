"""What a model took is remembered when it is ready, grows with use, and is used for the next placement."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from models.errors import ReplicaLost
from models.ledger.need import MIB, Need
from models.ledger.placement.needs import to_row
from models.ledger.placement.rooms import Reported, rooms
from models.rows import instances
from models.rows.database import Database
from models.rows.records import ReplicaRow
from tests.models.rows.test_instances import CPU, ECHO
from workers.device.replicas.reports import Reports
from workers.device.runner_process import RunnerProcess
from workers.steward.__main__ import place_all

NEED = to_row({"cpu": Need(300 * MIB, 100 * MIB, certain=200 * MIB)})
RUNNER = cast(
    RunnerProcess,
    SimpleNamespace(ready=SimpleNamespace(about=None, context_length=0), load=SimpleNamespace(uid="echo"), visible=[]),
)
"""What reports look at of a runner."""


@pytest.fixture
def ready(database: Database) -> Database:
    """A device of 1000 MiB on which one replica is to be loaded, with an estimate of 400."""
    seen: dict[str, Any] = CPU | {"total_bytes": 1000 * MIB, "details": {"budget": True}}
    database.call(lambda c: instances.see_device(c, **seen))
    database.call(lambda c: instances.create(c, replace(ECHO, replica=1, need=NEED)))
    assert database.call(place_all) == ["n1.cpu"]
    return database


def rows(database: Database, uid: str = "echo") -> list[ReplicaRow]:
    return database.call(instances.replicas_of, uid)


def reserved_next(database: Database) -> int | None:
    """What is reserved for such a model, launched once more where the first was."""
    database.call(lambda c: instances.delete(c, "echo"))
    for row in rows(database):
        database.call(instances.forget, row.id, "n1.cpu")
    database.call(lambda c: instances.create(c, replace(ECHO, uid="again", replica=1, need=NEED)))
    assert database.call(place_all) == ["n1.cpu"]
    [row] = rows(database, "again")
    return row.reserved_bytes


@pytest.mark.parametrize(("measured", "reserved"), [(700, 700), (350, 350), (100, 300), (None, 400)])
def test_the_next_placement_knows_what_the_last_took(ready: Database, measured: int | None, reserved: int) -> None:
    Reports(ready, "n1.cpu").ready(rows(ready)[0].id, RUNNER, measured and measured * MIB)
    assert reserved_next(ready) == reserved * MIB


def test_what_has_grown_since_counts(ready: Database) -> None:
    [row], reports = rows(ready), Reports(ready, "n1.cpu")
    reports.takes(row.id, RUNNER, 900 * MIB)  # it is not ready yet
    reports.ready(row.id, RUNNER, 500 * MIB)
    reports.takes(row.id, RUNNER, 600 * MIB)
    reports.takes(row.id, RUNNER, 605 * MIB)  # no news
    reports.takes(row.id, RUNNER, 450 * MIB)
    assert reserved_next(ready) == 600 * MIB


def test_nothing_is_remembered_of_a_replica_that_is_not_here_any_more(ready: Database) -> None:
    [row] = rows(ready)
    ready.call(lambda c: instances.release(c, ["n1.cpu"]))
    Reports(ready, "n1.cpu").ready(row.id, RUNNER, 700 * MIB)
    assert ready.call(place_all) == ["n1.cpu"]
    assert rows(ready)[0].reserved_bytes == 400 * MIB


def test_a_runner_that_ended_is_measured_anew(ready: Database) -> None:
    [row], reports = rows(ready), Reports(ready, "n1.cpu")
    reports.ready(row.id, RUNNER, 500 * MIB)
    reports.ended(row.id)
    reports.takes(row.id, RUNNER, 900 * MIB)
    assert reserved_next(ready) == 500 * MIB


@pytest.mark.parametrize("begun", [False, True])
def test_what_a_dead_runner_held_is_kept_for_the_next(ready: Database, begun: bool) -> None:
    """All is measured as free, and it is to have 700 again; only its death is known, or the next has begun."""
    [row], reports = rows(ready), Reports(ready, "n1.cpu")
    reports.ready(row.id, RUNNER, 700 * MIB)
    if begun:
        reports.started(row, 1)
    else:
        reports.died(row.id, ReplicaLost("killed"))
    devices = ready.call(instances.alive_devices, instances.ALIVE_MS)
    found = rooms(devices, rows(ready), Reported({"n1.cpu": 1000 * MIB}, {}))
    assert found["n1.cpu"].free == 300 * MIB
    crowded = rooms(devices, rows(ready), Reported({"n1.cpu": 800 * MIB}, {}))
    assert crowded["n1.cpu"].free == 100 * MIB, "another process holds 200"


def test_one_that_waits_is_refused_by_what_was_measured(ready: Database) -> None:
    Reports(ready, "n1.cpu").ready(rows(ready)[0].id, RUNNER, 700 * MIB)
    ready.call(lambda c: instances.create(c, replace(ECHO, uid="second", replica=1, need=NEED)))
    assert ready.call(place_all) == []
    [row] = rows(ready, "second")
    assert "needs 0.68 GiB (0.29 weights, 0.10 overhead, 0.29 more, as it was measured)" in str(row.error)
