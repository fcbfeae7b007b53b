"""What the steward reserves: with the placement, in one transaction, so that nobody takes the same bytes twice."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from models.errors import HeadraceError, NoDevice
from models.ledger.need import MIB, Need
from models.ledger.placement.needs import to_row
from models.redis import presence
from models.rows import instances
from models.rows.database import Database
from models.rows.life import events
from models.rows.life.events import EventKind
from models.rows.records import ReplicaRow
from models.rows.states import ReplicaState
from tests.models.rows.test_instances import CPU, ECHO
from tests.support.servers import Valkey
from workers.steward.__main__ import Steward, place_all

NEED = to_row({"cpu": Need(600 * MIB, 100 * MIB, certain=600 * MIB)})


def budget(number: int, mib: int) -> dict[str, Any]:
    return CPU | {"id": f"n1.cpu:{number}", "total_bytes": mib * MIB, "details": {"budget": True}}


def launch(database: Database, uid: str, replicas: int = 1) -> None:
    new = replace(ECHO, uid=uid, replica=replicas, need=NEED)
    database.call(lambda c: instances.create(c, new))


def rows(database: Database) -> dict[str, ReplicaRow]:
    return {row.id: row for row in database.call(instances.replicas_of)}


def test_what_is_placed_is_reserved_and_what_has_no_room_waits_with_the_numbers(database: Database) -> None:
    for one in (budget(0, 1500), budget(1, 800)):
        database.call(lambda c, d=one: instances.see_device(c, **d))
    launch(database, "a", 4)
    assert sorted(database.call(place_all)) == ["n1.cpu:0", "n1.cpu:0", "n1.cpu:1"]
    found = list(rows(database).values())
    assert [row.reserved_bytes for row in found] == [700 * MIB] * 3 + [None]
    why = HeadraceError.from_row(found[3].error)
    assert why.message == (
        "a needs 0.68 GiB (0.59 weights, 0.10 overhead); n1.cpu:0 has 0.10 of 1.5 GiB free; "
        "n1.cpu:1 has 0.10 of 0.78 GiB free"
    )
    assert not isinstance(why, NoDevice)

    gone = found[0]
    database.call(lambda c: instances.report(c, gone.id, gone.device or "", state=ReplicaState.FAILED))
    assert database.call(place_all) == [gone.device]


def test_what_no_device_could_ever_hold_is_said_to_have_no_hope(database: Database) -> None:
    database.call(lambda c: instances.see_device(c, **budget(0, 699)))
    launch(database, "a")
    assert database.call(place_all) == []
    [row] = rows(database).values()
    assert isinstance(HeadraceError.from_row(row.error), NoDevice)
    database.call(lambda c: instances.see_device(c, **budget(0, 690)))  # other numbers, and as little hope
    assert database.call(place_all) == []
    assert list(rows(database).values()) == [row]


def test_what_was_measured_counts_instead_of_the_estimate(database: Database) -> None:
    database.call(lambda c: instances.see_device(c, **budget(0, 1400)))
    launch(database, "a", 2)
    assert len(database.call(place_all)) == 2
    first = next(iter(rows(database)))
    state = ReplicaState.READY
    database.call(lambda c: instances.report(c, first, "n1.cpu:0", state=state, reserved_bytes=300 * MIB))
    launch(database, "b", 2)
    database.call(lambda c: instances.see_device(c, **budget(0, 1700)))
    assert database.call(place_all) == ["n1.cpu:0"]


def test_a_replica_that_is_taken_off_a_device_gives_back_what_it_held(database: Database) -> None:
    database.call(lambda c: instances.see_device(c, **budget(0, 700)))
    launch(database, "a")
    assert database.call(place_all) == ["n1.cpu:0"]
    database.call(lambda c: instances.release(c, ["n1.cpu:0"]))
    [row] = rows(database).values()
    assert (row.device, row.reserved_bytes) == (None, None)


@pytest.mark.parametrize("measured", [699, 700])
def test_what_the_worker_measures_counts_too(database: Database, private_valkey: Valkey, measured: int) -> None:
    database.call(lambda c: instances.see_device(c, **budget(0, 1400)))
    launch(database, "a")
    with private_valkey.client() as client:
        said = presence.Snapshot("n1.cpu:0", "w", 1, [], free_bytes=measured * MIB)
        client.set(presence.device_key("n1.cpu:0"), presence.encode(said))
        leader = Steward(database, client, client)
        assert leader._turn() == (["n1.cpu:0"] if measured == 700 else [])


def test_without_redis_what_is_reserved_counts_alone(database: Database, private_valkey: Valkey) -> None:
    database.call(lambda c: instances.see_device(c, **budget(0, 700)))
    launch(database, "a")
    client = private_valkey.client()
    leader = Steward(database, client, client)
    private_valkey.stop()
    assert leader._turn() == ["n1.cpu:0"]


def test_the_last_bytes_are_given_once(database: Database, private_valkey: Valkey) -> None:
    """Launches and stewards at once, all of which lead: as many replicas have the device as it has room for."""
    database.call(lambda c: instances.see_device(c, **budget(0, 1500)))
    client = private_valkey.client()
    stewards = [Steward(database, client, client) for _ in range(4)]
    stewards[0]._turn()

    def race(number: int) -> None:
        launch(database, f"m{number}")
        for _ in range(5):
            stewards[number]._turn()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(race, range(4)))
    placed = [row for row in rows(database).values() if row.device]
    assert [row.reserved_bytes for row in placed] == [700 * MIB] * 2


def test_a_machine_that_has_the_files_is_taken_before_its_equals(database: Database) -> None:
    for node, fetched in (("a", []), ("b", ["hf:org/m"]), ("c", [])):
        seen = budget(0, 2000) | {"id": f"{node}.cpu:0", "node": node, "details": {"budget": True, "cached": fetched}}
        database.call(lambda c, d=seen: instances.see_device(c, **d))

    def goes(uid: str, source: str) -> str:
        new = replace(ECHO, uid=uid, replica=1, need=NEED, source=source)
        database.call(lambda c: instances.create(c, new))
        [device] = database.call(place_all)
        return device

    assert goes("m", "hf:org/m@main") == "b.cpu:0"
    assert goes("m2", "hf:org/m") == "a.cpu:0"  # those without models come first
    assert goes("other", "/models/p") == "c.cpu:0"
    [row] = [one for one in rows(database).values() if one.uid == "other"]
    database.call(lambda c: instances.report(c, row.id, "c.cpu:0", state=ReplicaState.READY))
    assert goes("again", "/models/p") == "c.cpu:0"


def test_room_that_is_made_for_one_is_not_taken_by_those_after_it(database: Database) -> None:
    for one in (budget(0, 1000), budget(1, 800)):
        database.call(lambda c, d=one: instances.see_device(c, **d))
    for uid in ("held", "other"):
        launch(database, uid)
    database.call(place_all)
    launch(database, "waits")
    [waits] = database.call(instances.pending)
    small = to_row({"cpu": Need(100 * MIB, 0, certain=100 * MIB)})
    database.call(lambda c: instances.create(c, replace(ECHO, uid="small", replica=1, priority=900, need=small)))
    assert database.call(lambda c: place_all(c, freeing={waits.id: {"n1.cpu:0"}})) == ["n1.cpu:1"]
    database.call(lambda c: instances.create(c, replace(ECHO, uid="late", replica=1, priority=900, need=small)))
    assert database.call(lambda c: place_all(c, freeing={waits.id: {"n1.cpu:0"}})) == []
    assert database.call(place_all) == ["n1.cpu:0"]


def test_that_a_replica_waits_is_one_event(database: Database) -> None:
    database.call(lambda c: instances.see_device(c, **budget(0, 1000)))
    launch(database, "a", 2)
    database.call(place_all)
    [held] = [row for row in rows(database).values() if row.device]

    def told() -> int:
        return sum(one.kind == EventKind.WAITING for one in database.call(events.listing, "a"))

    before, said = told(), [row.error for row in rows(database).values() if not row.device]
    database.call(lambda c: instances.report(c, held.id, held.device or "", reserved_bytes=650 * MIB))
    database.call(place_all)
    assert [row.error for row in rows(database).values() if not row.device] != said, "the numbers are today's"
    assert told() == before == 1
