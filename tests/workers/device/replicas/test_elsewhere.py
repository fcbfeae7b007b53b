"""A replica that one device has failed is tried on others, before its load counts as given up."""

from dataclasses import replace
from typing import Any

import pytest

from models.errors import EngineFailure, HeadraceError, HubUnreachable, InvalidRequest, WeightsNotHere
from models.ledger.need import MIB, Need
from models.ledger.placement.needs import to_row
from models.rows import instances
from models.rows.database import Database
from models.rows.records import ReplicaRow
from models.rows.states import ReplicaState
from tests.models.rows.test_instances import CPU, ECHO
from workers.device.replicas.elsewhere import move_on
from workers.steward.__main__ import place_all

BROKEN = EngineFailure("libcuda.so.1 is missing")
AWAY = HubUnreachable("huggingface.co cannot be reached")
ABSENT = WeightsNotHere("there is nothing at /models/m", param="model_path")


def device(name: str, node: str = "n1", mib: int = 1000) -> dict[str, Any]:
    details = {"budget": True}
    return CPU | {"id": f"{node}.{name}", "node": node, "total_bytes": mib * MIB, "details": details}


@pytest.fixture
def three(database: Database) -> Database:
    """Two devices of one node, and one of another; a replica that is on the first."""
    for one in (device("cpu:0"), device("cpu:1"), device("cpu:0", "n2")):
        database.call(lambda c, d=one: instances.see_device(c, **d))
    database.call(
        lambda c: instances.create(c, replace(ECHO, replica=1, need=to_row({"cpu": Need(600 * MIB, 0, certain=1)})))
    )
    assert database.call(place_all) == ["n1.cpu:0"]
    return database


def row(database: Database) -> ReplicaRow:
    [found] = database.call(instances.replicas_of)
    return found


def fails(database: Database, error: HeadraceError) -> bool:
    found = row(database)
    return database.call(move_on, found.id, found.device or "", error)


def test_each_device_is_tried_before_it_is_given_up(three: Database) -> None:
    assert fails(three, BROKEN)
    found = row(three)
    assert (found.state, found.reserved_bytes) == (ReplicaState.PENDING, None)
    assert found.tried == {"n1.cpu:0": BROKEN.message}
    assert HeadraceError.from_row(found.error).message == BROKEN.message
    assert three.call(place_all) == ["n1.cpu:1"]
    assert fails(three, BROKEN)
    assert three.call(place_all) == ["n2.cpu:0"]
    assert not fails(three, BROKEN)
    assert row(three).state == ReplicaState.ASSIGNED  # its worker gives it up


def test_weights_that_are_not_on_a_machine_are_looked_for_on_others_alone(three: Database) -> None:
    assert fails(three, ABSENT)
    assert sorted(row(three).tried or ()) == ["n1.cpu:0", "n1.cpu:1"]
    assert three.call(place_all) == ["n2.cpu:0"]
    assert not fails(three, ABSENT)


def test_a_launch_that_is_at_fault_itself_is_not_tried_elsewhere(three: Database) -> None:
    assert not fails(three, InvalidRequest("it is no model"))
    assert row(three).tried is None


def test_a_device_without_room_is_no_other_device(three: Database) -> None:
    for one in (device("cpu:1", mib=500), device("cpu:0", "n2", mib=500)):
        three.call(lambda c, d=one: instances.see_device(c, **d))
    assert not fails(three, BROKEN)


def test_what_has_failed_is_used_again_where_nothing_else_is_left(three: Database) -> None:
    assert fails(three, BROKEN)
    for one in ("n1.cpu:1", "n2.cpu:0"):
        three.call(lambda c, d=one: instances.unsee(c, d.partition(".")[0], ["n1.cpu:0"]))
    assert three.call(place_all) == ["n1.cpu:0"]


def test_a_replica_of_another_device_is_left_alone(three: Database) -> None:
    assert not three.call(move_on, row(three).id, "n2.cpu:0", BROKEN)
    assert not three.call(move_on, "nobody", "n1.cpu:0", BROKEN)


def test_a_hub_that_one_machine_does_not_reach_is_asked_from_another(three: Database) -> None:
    assert fails(three, AWAY)
    assert sorted(row(three).tried or {}) == ["n1.cpu:0", "n1.cpu:1"]
    assert three.call(place_all) == ["n2.cpu:0"]
    assert not fails(three, AWAY)
