"""A turn of the steward, on rows and reports (workers.steward.residency.turn)."""

import time
from dataclasses import replace
from typing import Any

import pytest

from models.ledger.need import MIB, Need
from models.ledger.placement.needs import to_row
from models.redis import presence, waiting
from models.rows import instances
from models.rows.database import Database
from models.rows.records import ReplicaRow
from models.rows.residency import moves
from models.rows.states import Leaving, ReplicaState
from models.settings import Settings
from tests.models.rows.test_instances import CPU, ECHO
from tests.support.servers import Valkey
from workers.steward.__main__ import place_all
from workers.steward.residency import in_vain
from workers.steward.residency.turn import Residency

DEVICE = str(CPU["id"])
SEEN = CPU | {"total_bytes": 1000 * MIB, "details": {"budget": True}}


class Place:
    """A device with a budget, and the steward that looks at it."""

    def __init__(self, database: Database, valkey: Valkey) -> None:
        self.database = database
        self.client: Any = valkey.client()
        self.residency = Residency(Settings(), database, self.client)
        database.call(lambda c: instances.see_device(c, **SEEN))

    def launch(self, uid: str, mib: int) -> None:
        need = to_row({"cpu": Need(mib * MIB, 0, certain=mib * MIB)})
        self.database.call(lambda c: instances.create(c, replace(ECHO, uid=uid, replica=1, need=need)))

    def load(self, uid: str) -> ReplicaRow:
        """Have it placed and ready, and reported so."""
        assert self.database.call(place_all) == [DEVICE]
        row = self.row(uid)
        self.database.call(lambda c: instances.report(c, row.id, DEVICE, state=ReplicaState.READY))
        return row

    def row(self, uid: str) -> ReplicaRow:
        [row] = self.database.call(instances.replicas_of, uid)
        return row

    def report(self, free_mib: int, *replicas: presence.Replica) -> None:
        said = presence.Snapshot(DEVICE, "w", 1, list(replicas), free_bytes=free_mib * MIB)
        self.client.set(presence.device_key(DEVICE), presence.encode(said))


@pytest.fixture
def place(database: Database, private_valkey: Valkey) -> Place:
    return Place(database, private_valkey)


def test_who_left_in_vain_does_not_leave_again_at_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another process holds is not free when the only model has left."""
    place.launch("a", 500)
    replica = place.load("a").id
    live = presence.Replica(replica, "a", "e", "ready", idle_s=99, resident_s=99, memory_bytes=500 * MIB)
    place.report(400, live)
    place.launch("b", 700)
    place.residency.turn()
    assert place.row("a").leaving == Leaving.IF_IDLE
    assert place.database.call(moves.sleep, replica, DEVICE)
    place.report(400)
    monkeypatch.setattr(in_vain, "HELPS_S", 0.0)
    place.residency.turn()
    place.database.call(instances.awaken, ["a"])
    place.load("a")
    place.report(400, live)
    for _ in range(3):
        place.residency.turn()
        assert place.row("a").leaving is None


def test_failing_replicas_do_not_wake_the_others_one_after_another(place: Place) -> None:
    new = replace(ECHO, uid="m", replica=1, min_replicas=1, max_replicas=3)
    place.database.call(lambda c: instances.create(c, new))
    assert place.database.call(place_all) == [DEVICE]
    [placed] = [row for row in place.database.call(instances.replicas_of, "m") if row.device]
    place.database.call(lambda c: instances.report(c, placed.id, DEVICE, state=ReplicaState.FAILED))
    place.residency.turn()
    assert sorted(row.state for row in place.database.call(instances.replicas_of, "m")) == [
        "dormant",
        "dormant",
        "failed",
    ]


@pytest.fixture
def pair(place: Place) -> tuple[str, str]:
    """A model of two replicas, one of which has left for another; the ids of that one and of the one that serves."""
    need = to_row({"cpu": Need(200 * MIB, 0, certain=200 * MIB)})
    place.database.call(lambda c: instances.create(c, replace(ECHO, uid="pair", replica=2, need=need)))
    assert place.database.call(place_all) == [DEVICE, DEVICE]
    away, stays = sorted(row.id for row in place.database.call(instances.replicas_of, "pair"))
    for one in (away, stays):
        place.database.call(lambda c, one=one: instances.report(c, one, DEVICE, state=ReplicaState.READY))
    place.database.call(moves.ask_to_leave, {away: Leaving.IF_IDLE})
    assert place.database.call(moves.sleep, away, DEVICE)
    return away, stays


def _turn(place: Place, pair: tuple[str, str], free_mib: int) -> str:
    """A turn of the steward; the state of the replica that is away after it."""
    away, stays = pair
    live = presence.Replica(stays, "pair", "e", "ready", idle_s=1, resident_s=1, memory_bytes=200 * MIB)
    place.report(free_mib, live)
    place.residency.turn()
    [state] = [row.state for row in place.database.call(instances.replicas_of) if row.id == away]
    return str(state)


def test_what_left_for_another_comes_back_once_there_is_room_for_a_while(place: Place, pair: tuple[str, str]) -> None:
    assert _turn(place, pair, 800) == "dormant", "there might be room for a moment"
    place.residency._scale_up_s = 1e-9
    assert _turn(place, pair, 100) == "dormant", "nobody leaves for it"
    assert _turn(place, pair, 800) == "dormant"
    assert _turn(place, pair, 800) == "pending"
    assert place.database.call(place_all) == [DEVICE]


def test_room_counts_that_was_there_without_a_break(place: Place, pair: tuple[str, str]) -> None:
    place.residency._scale_up_s = 60.0
    assert _turn(place, pair, 800) == "dormant"
    place.residency._room_since = {pair[0]: place.residency._room_since[pair[0]] - 61}
    assert _turn(place, pair, 100) == "dormant"
    assert _turn(place, pair, 800) == "dormant"


def test_nothing_comes_back_where_another_model_waits_for_room(place: Place, pair: tuple[str, str]) -> None:
    place.residency._scale_up_s = 1e-9
    place.launch("waits", 900)
    assert place.database.call(place_all) == []
    for _ in range(2):
        assert _turn(place, pair, 800) == "dormant"
    place.database.call(instances.delete, "waits")
    place.launch("never", 2000)
    assert _turn(place, pair, 800) == "dormant", "there might be room for a moment"
    assert _turn(place, pair, 800) == "pending", "what can never be loaded keeps nobody away"


def test_the_clock_of_this_machine_does_not_decide_who_waits(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    now = waiting.clock(place.client.time())
    place.client.hset(waiting.KEY, "g", waiting.encode(waiting.Report(now, {"m": [now - 40, now - 20]})))
    monkeypatch.setattr(time, "time", lambda: now + 3600)
    assert place.residency._waits()["m"].count == 2
    assert 40 <= place.residency._waits()["m"].oldest_s < 60
