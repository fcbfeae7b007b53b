"""What every key is told of a device (``api.routes.devices``)."""

from typing import Any

import pytest

from api.routes.devices import _describe, basics_of
from api.shapes.devices import DescribedDevice
from models.ledger.fit import Holding, Room
from models.reasons import as_told, told
from models.redis.presence import Snapshot
from models.rows.records import LoadedDevice


def device(**details: Any) -> LoadedDevice:
    return LoadedDevice("n.d", "n", "cuda", "a device", 1 << 34, 0, details, {}, load=2)


def described(latest: Snapshot | None, silent_ms: int = 0, **details: Any) -> DescribedDevice:
    return _describe(device(**details), latest, Room("n.d", "n", 1 << 34, None), silent_ms)


def test_what_was_fetched_is_not_told() -> None:
    told = described(None, uuid="GPU-1", cached=["hf:a/b"], notes=["n"], gone=1, machine={}, libraries={})
    assert told["uuid"] == "GPU-1"
    assert not {"cached", "notes", "gone", "machine", "libraries"} & told.keys()


@pytest.mark.parametrize(
    ("latest", "worker", "utilization", "used"),
    [
        (Snapshot("n.d", "w", 1, [], free_bytes=1 << 33, utilization=0.25), "reports", 0.25, 1 << 33),
        (Snapshot("n.d", "w", 1, [], draining=True), "draining", None, 1 << 34),
        (None, "silent", None, None),
    ],
)
def test_a_device_tells_whether_its_worker_reports(
    latest: Snapshot | None, worker: str, utilization: float | None, used: int | None
) -> None:
    told = described(latest, 2500)
    assert (told["worker"], told["utilization"], told["used_bytes"]) == (worker, utilization, used)
    assert told["silent_s"] == 2.5


def test_a_replica_that_does_a_job_is_not_idle() -> None:
    held = tuple(Holding(id, "m", 1, 1, idle=id != "answers") for id in ("rests", "answers", "job"))
    told = _describe(device(), None, Room("n.d", "n", 1 << 34, None, holdings=held), 0, {"answers", "job"})
    assert {one["replica_id"]: one["idle"] for one in told["holders"]} == {
        "rests": True,
        "answers": False,
        "job": False,
    }


def test_a_lost_device_tells_how_long_it_was_silent_and_who_waits_for_it() -> None:
    told = basics_of(device(), 61_000)
    assert (told["id"], told["silent_s"], told["replicas"]) == ("n.d", 61, 2)


def test_why_an_engine_does_not_work_is_told_for_machines_too() -> None:
    why = told("its build is for GPUs", "vllm_for_gpus", version="1", command="make")
    row = device(reasons={"vllm": as_told(why), "echo": "nonsense"})
    row.engines.update(vllm=str(why), echo="broken")
    engines = _describe(row, None, Room("n.d", "n", 1, None), 0)["engines"]
    assert engines["vllm"] == {"works": False, "reason": why, "reasons": as_told(why)}
    assert engines["echo"] == {"works": False, "reason": "broken", "reasons": []}
    assert engines["llama_cpp"] == {"works": None, "reason": "", "reasons": []}
