"""What is told of machines, by the rows of their devices (``api.routes.cluster.machines``)."""

from dataclasses import replace
from typing import Any

from api.routes.cluster.machines import engine_on, facts_of, node_of
from api.routes.cluster.nodes import node_of as xinference_node
from api.shapes.machines import EngineFault
from models.engines import FACTS
from models.process import machine
from models.redis.presence import Snapshot
from models.rows.records import LoadedDevice

OLD = {"release": "0.9", "python": "3.11.2", "host": "box", "cpu_count": 8, "load": 1.5, "memory_bytes": 64}
NEW = {**OLD, "release": "1.0", "memory_free_bytes": 32, "disk_bytes": 100, "disk_free_bytes": 40}
TORCH = {"transformers": {"torch": "2.8", "transformers": "4.57"}}


def row(id: str = "n.cpu", kind: str = "cpu", engines: dict[str, str] | None = None, **details: Any) -> LoadedDevice:
    return LoadedDevice(id, "n", kind, "a device", 1 << 30, 0, details, engines or {}, load=1)


def snapshot(id: str, utilization: float) -> Snapshot:
    return Snapshot(id, "w", 1, [], free_bytes=7, utilization=utilization)


def test_a_machine_is_as_its_newest_worker_says_and_two_releases_are_told() -> None:
    rows = [row("n.cpu", machine=OLD), row("n.cuda:0", "cuda", machine=NEW, driver="580", fault="it is hot")]
    latest = {"n.cpu": snapshot("n.cpu", 0.5), "n.cuda:0": snapshot("n.cuda:0", 0.25)}
    told = node_of("n", rows, latest, {"n.cpu": 4000, "n.cuda:0": 1000}, "n")
    assert (told["state"], told["gateway"], told["releases"]) == ("here", True, ["0.9", "1.0"])
    assert (told["release"], told["memory_free_bytes"], told["disk_free_bytes"], told["load"]) == ("1.0", 32, 40, 1.5)
    assert told["cpu_utilization"] == 0.5
    assert [(one["release"], one["worker"], one["free_bytes"], one["driver"]) for one in told["devices"]] == [
        ("0.9", "reports", 7, ""),
        ("1.0", "reports", 7, "580"),
    ]
    assert told["devices"][1]["fault"] == "it is hot"


def test_of_a_lost_machine_what_passes_is_not_told() -> None:
    told = node_of("n", [row(machine=NEW)], {}, {"n.cpu": 20_000}, "other")
    assert (told["state"], told["gateway"]) == ("lost", False)
    assert (told["memory_bytes"], told["memory_free_bytes"], told["disk_free_bytes"], told["load"]) == (64, *[None] * 3)
    assert [(one["worker"], one["silent_s"]) for one in told["devices"]] == [("lost", 20)]


def test_a_worker_of_a_release_that_told_nothing_or_otherwise_is_shown_all_the_same() -> None:
    for details in (
        {},
        {"machine": {"release": 7}, "libraries": ["torch"]},
        {"machine": "x", "libraries": {"vllm": 1}},
    ):
        told = node_of("n", [replace(row(), details=details)], {"n.cpu": None}, {}, "n")
        assert (told["release"], told["releases"], told["devices"][0]["worker"]) == (None, [], "silent")
        assert {one["version"] for one in told["engines"]} == {""}


def test_an_engine_tells_where_it_works_in_which_version_and_why_not_elsewhere() -> None:
    rows = [
        row("n.cuda:0", "cuda", {"transformers": "no CUDA"}, libraries={"transformers": {"torch": "1"}}),
        row("n.cuda:1", "cuda", {"transformers": "no CUDA"}),
        row("n.cpu", "cpu", {"transformers": ""}, libraries=TORCH),
    ]
    told = engine_on(FACTS["transformers"], rows)
    assert (told["works"], told["version"], told["devices"]) == (True, "4.57", ["n.cpu"])
    assert told["libraries"] == TORCH["transformers"]
    assert told["faults"] == [EngineFault(reason="no CUDA", reasons=[], devices=["n.cuda:0", "n.cuda:1"])]
    assert engine_on(FACTS["transformers"], rows[:2])["works"] is False
    assert engine_on(FACTS["transformers"], [*rows[:2], row("n.cpu")])["works"] is None
    llama = engine_on(FACTS["llama_cpp"], [row(libraries={"llama_cpp": {"llguidance": "2", "xllamacpp": "0.3"}})])
    assert llama["version"] == "0.3", "of the library that loads the weights"


def test_this_machine_is_looked_at(tmp_path: Any) -> None:
    found = machine.look(tmp_path)
    assert found.release == machine.RELEASE
    assert 0 < (found.memory_free_bytes or 0) < (found.memory_bytes or 0)
    assert 0 <= (found.disk_free_bytes or -1) <= (found.disk_bytes or 0)
    assert (found.cpu_count or 0) > 0
    away = machine.look(tmp_path / "away")
    assert (away.disk_bytes, away.release) == (None, found.release)
    assert facts_of(machine.MachineReport())["python"] is None


def test_of_another_machine_xinferences_table_has_the_processors_that_its_load_leaves() -> None:
    line = xinference_node("n", [row(machine=OLD)], {"n.cpu": 1 << 29}, {}, detailed=True)
    assert (line["cpu_count"], line["cpu_available"], line["mem_available"]) == (8, 6.5, 1 << 29)
    busy = xinference_node("n", [row(machine={**OLD, "load": 9})], {}, {}, detailed=True)
    assert (busy["cpu_available"], busy["mem_available"]) == (0, None)
    assert xinference_node("n", [row()], {}, {}, detailed=True)["cpu_count"] is None
