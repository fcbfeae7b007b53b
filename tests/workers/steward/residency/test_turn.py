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


def test_the_clock_of_this_machine_does_not_decide_who_waits(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    now = waiting.clock(place.client.time())
    place.client.hset(waiting.KEY, "g", waiting.encode(waiting.Report(now, {"m": [now - 40, now - 20]})))
    monkeypatch.setattr(time, "time", lambda: now + 3600)
    assert place.residency._waits()["m"].count == 2
    assert 40 <= place.residency._waits()["m"].oldest_s < 60
