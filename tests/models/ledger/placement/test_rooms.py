"""``models.ledger.placement.rooms``: what each device has and who holds it."""

from dataclasses import replace
from typing import Any

import pytest

from models.ledger.fit import Holding
from models.ledger.need import GIB, Need, Target
from models.ledger.placement.needs import need_on, needs_of, target_of, to_row
from models.ledger.placement.rooms import NOTHING, Reported, reported, room, rooms
from models.redis.presence import Replica, Snapshot, encode
from models.rows.fetching import names
from models.rows.records import DeviceRow, ReplicaRow
from models.rows.states import ReplicaState


def device(name: str, kind: str = "cuda", *, total: int = 24 * GIB, **details: Any) -> DeviceRow:
    return DeviceRow(f"box.{name}", "box", kind, "a card", total, 0, details, {})


def row(name: str, state: ReplicaState, reserved: int | None, measured: int | None = None, **more: Any) -> ReplicaRow:
    none: dict[str, Any] = dict.fromkeys(names(ReplicaRow))
    placed = ReplicaRow(**none | {"id": name, "uid": f"m-{name}", "device": "box.cuda:0"})
    more = {"state": state, "reserved_bytes": reserved, "memory_bytes": measured} | more
    return replace(placed, **more)


def live(name: str, measured: int, *, inflight: int = 0, state: str = "ready") -> Replica:
    return Replica(name, f"m-{name}", "e", state, inflight=inflight, memory_bytes=measured)


CARD = device("cuda:0")
READY = ReplicaState.READY


def test_what_is_reserved_or_in_use_is_not_free_whichever_is_more() -> None:
    replicas = [row("a", READY, 4 * GIB), row("b", ReplicaState.ASSIGNED, 3 * GIB), row("c", ReplicaState.FAILED, GIB)]
    assert rooms([CARD], replicas, NOTHING)["box.cuda:0"].free == 17 * GIB
    heavy = Reported({}, {"a": live("a", 6 * GIB)})
    assert rooms([CARD], replicas, heavy)["box.cuda:0"].free == 15 * GIB


def test_what_is_measured_free_counts_less_what_is_still_to_be_taken() -> None:
    replicas = [row("a", READY, 4 * GIB), row("b", ReplicaState.LOADING, 3 * GIB)]
    found = Reported({"box.cuda:0": 10 * GIB}, {"a": live("a", 4 * GIB), "b": live("b", GIB, state="loading")})
    assert rooms([CARD], replicas, found)["box.cuda:0"].free == 8 * GIB


def test_what_ready_models_without_requests_hold_could_be_unloaded() -> None:
    replicas = [row(name, READY, GIB) for name in "abc"] + [row("d", ReplicaState.LOADING, GIB), row("e", READY, GIB)]
    replicas[1] = replace(replicas[1], uid="m-a")
    there = {"a": live("a", GIB), "b": live("b", 2 * GIB), "c": live("c", GIB, inflight=1)}
    found = rooms([CARD], replicas, Reported({}, there | {"d": live("d", GIB, state="loading")}))["box.cuda:0"]
    assert found.idle == {"m-a": 3 * GIB}
    assert (found.reserved, found.emptied) == (6 * GIB, 24 * GIB)


def test_mapped_weights_are_not_free_twice() -> None:
    """They are in what a model holds, and in what the machine has available: nothing comes back when it leaves."""
    cpu = replace(device("cpu", "cpu", total=16 * GIB), id="box.cuda:0")
    there = {"a": Replica("a", "m-a", "e", "ready", memory_bytes=4 * GIB, mapped_bytes=3 * GIB)}
    found = rooms([cpu], [row("a", READY, GIB)], Reported({cpu.id: 9 * GIB}, there))[cpu.id]
    assert (found.free, found.emptied, found.reachable) == (9 * GIB, 10 * GIB, 10 * GIB)
    budget = replace(cpu, details={"budget": True})
    found = rooms([budget], [row("a", READY, GIB)], Reported({cpu.id: 9 * GIB}, there))[cpu.id]
    assert found.emptied == 13 * GIB, "a budget counts what a process holds"
    found = rooms([cpu], [row("a", READY, 4 * GIB)], Reported({cpu.id: 2 * GIB}, {}))[cpu.id]
    assert found.emptied == 4 * GIB, "nothing is measured of it: it may have taken all"


def test_what_others_hold_of_a_card_does_not_come_back() -> None:
    replicas = [row("a", READY, 8 * GIB), row("b", ReplicaState.LOADING, 8 * GIB)]
    there = {"a": live("a", 8 * GIB), "b": live("b", GIB, state="loading")}
    found = rooms([CARD], replicas, Reported({"box.cuda:0": 3 * GIB}, there))["box.cuda:0"]
    assert (found.free, found.emptied) == (0, 12 * GIB), "another process holds the other 12"


def test_a_replica_on_several_devices_holds_a_part_of_each() -> None:
    other = device("cuda:1")
    replicas = [row("a", READY, 2 * GIB, 8 * GIB, others=["box.cuda:1"])]
    found = rooms([CARD, other], replicas, NOTHING)
    assert [one.free for one in found.values()] == [20 * GIB, 20 * GIB]


@pytest.mark.parametrize(
    "one", [device("cuda:0", shares_memory=True), device("cuda:0", fault="it is lost"), device("cuda:0", total=0)]
)
def test_a_device_may_not_know_what_it_has(one: DeviceRow) -> None:
    assert room(one, [], GIB).free is None


def test_a_cpu_knows_what_it_has() -> None:
    assert room(device("cpu", "cpu", shares_memory=False), [], GIB).free == GIB
    assert room(device("cpu", "cpu"), [], None).rule == "soft"
    assert room(device("cpu:0", "cpu", budget=True), [Holding("r", "m", GIB)], None).rule == "budget"
    assert room(device("cuda:0"), [], None).rule == "card"


def test_what_workers_say_is_read_where_they_say_it() -> None:
    said = encode(Snapshot("box.cuda:0", "w", 1, [live("a", GIB)], total_bytes=2 * GIB, free_bytes=GIB))
    found = reported([said, None])
    assert found.free == {"box.cuda:0": GIB}
    assert found.replicas["a"].memory_bytes == GIB


@pytest.mark.parametrize("first", [True, False])
def test_a_replica_that_ends_on_one_device_does_not_hide_itself_on_another(first: bool) -> None:
    there = encode(Snapshot("box.cuda:0", "w", 1, [live("a", GIB, state="stopping")]))
    here = encode(Snapshot("box.cuda:1", "w", 1, [live("a", 2 * GIB)]))
    found = reported([there, here] if first else [here, there])
    assert (found.replicas["a"].state, found.replicas["a"].memory_bytes) == ("ready", 2 * GIB)


def test_a_device_is_estimated_for_as_what_computes_there() -> None:
    assert target_of("transformers", device("cuda:0", capability="7.5")) == Target("cuda", bfloat16=False)
    assert target_of("transformers", device("cuda:0", capability="8.0")) == Target("cuda", bfloat16=True)
    assert target_of("transformers", device("metal", "metal")) == Target("metal", bfloat16=True)
    assert target_of("hibari", device("cuda:0", capability="8.0")).kind == "cpu"


@pytest.mark.parametrize("engine", ["transformers", "hibari", "echo"])
def test_needs_are_kept_for_every_kind_of_device(engine: str) -> None:
    found = needs_of(engine, None, {})
    kept = to_row(found)
    for one in (device("cuda:0", capability="7.5"), device("cuda:1", capability="9.0"), device("cpu", "cpu")):
        assert need_on(kept, engine, one) == found["cpu"]
    assert need_on(None, engine, CARD) is None
    assert need_on({}, engine, CARD) is None


def test_a_need_is_read_as_it_was_written() -> None:
    need = Need(5, 4, cache=3, least_cache=2, context=7, requests=6, certain=1, dtype="f16", unknown=("the cache",))
    assert need_on(to_row({"cpu": need}), "hibari", CARD) == need


def test_what_is_pinned_could_not_be_unloaded() -> None:
    replicas = [row("a", READY, 4 * GIB), row("b", READY, 2 * GIB)]
    found = Reported({}, {"a": live("a", 4 * GIB), "b": live("b", 2 * GIB)})
    assert rooms([CARD], replicas, found)["box.cuda:0"].idle == {"m-a": 4 * GIB, "m-b": 2 * GIB}
    held = rooms([CARD], replicas, found, {"m-a"})["box.cuda:0"]
    assert held.idle == {"m-b": 2 * GIB}
    assert held.reachable == 20 * GIB
    assert held.emptied == 24 * GIB


def test_reports_that_cannot_be_read_count_as_not_there() -> None:
    whole = encode(Snapshot("box.cuda:0", "w", 1, [live("a", GIB)], free_bytes=GIB))
    found = reported([b"{}", whole, b"no json", b'{"device": 3}'])
    assert found.free == {"box.cuda:0": GIB}
    assert found.replicas.keys() == {"a"}
