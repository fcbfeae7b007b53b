"""``api.routes.models.memory``: what a launch may count on of devices."""

from types import SimpleNamespace
from typing import Any

import pytest

from api.routes.models.memory import devices_for, room_of, target_of
from models.ledger.need import Target
from models.redis.presence import Replica
from models.rows.instances import NewInstance
from models.rows.records import LoadedDevice

GIB = 1 << 30


def device(name: str, kind: str = "cuda", *, total: int = 24 * GIB, works: str = "transformers", **details: Any) -> Any:
    return LoadedDevice(f"box.{name}", "box", kind, "a card", total, 0, details, {works: ""}, load=0)


def gateway(free: int | None, *replicas: Replica) -> Any:
    held = [("box.cuda:0", one) for one in replicas] + [
        ("box.cpu", Replica("o", "other", "e", "ready", memory_bytes=9))
    ]
    return SimpleNamespace(routing_table=SimpleNamespace(free_bytes=lambda _: free, replicas=lambda: held))


def launch(n_gpu: str = "auto", gpu_idx: list[int] | None = None) -> NewInstance:
    return NewInstance(
        uid="m",
        model_name="m",
        model_type="LLM",
        engine="transformers",
        model_format=None,
        quantization=None,
        size_in_billions=None,
        source="/m",
        n_gpu=n_gpu,
        gpu_idx=gpu_idx,
        replica=1,
        request_limits=None,
        trust_remote_code=False,
        load_on_request=False,
        options={},
        about={},
    )


def test_what_ready_models_without_requests_hold_could_be_unloaded() -> None:
    found = room_of(
        gateway(
            3 * GIB,
            Replica("1", "idle", "e", "ready", memory_bytes=GIB),
            Replica("2", "idle", "e", "ready", memory_bytes=GIB),
            Replica("3", "busy", "e", "ready", inflight=1, memory_bytes=GIB),
            Replica("4", "loading", "e", "loading", memory_bytes=GIB),
        ),
        device("cuda:0"),
    )
    assert (found.free, found.total, found.idle) == (3 * GIB, 24 * GIB, {"idle": 2 * GIB})


@pytest.mark.parametrize(
    "one", [device("cuda:0", shares_memory=True), device("cuda:0", fault="it is lost"), device("cuda:0", total=0)]
)
def test_a_device_may_not_know_what_it_has(one: LoadedDevice) -> None:
    assert room_of(gateway(GIB), one).free is None


def test_a_cpu_knows_what_it_has() -> None:
    assert room_of(gateway(GIB), device("cpu", "cpu", shares_memory=False)).free == GIB
    assert room_of(gateway(None), device("cpu", "cpu")).free is None


def test_only_the_devices_that_the_launch_gets_count() -> None:
    there = [device("cuda:0"), device("cuda:1"), device("cuda:2", works="vllm"), device("cpu", "cpu")]
    assert [one.id for one in devices_for(there, launch())] == ["box.cuda:0", "box.cuda:1"]
    assert [one.id for one in devices_for(there, launch("0"))] == ["box.cpu"]
    assert [one.id for one in devices_for(there, launch("2"))] == ["box.cuda:0", "box.cuda:1"]
    assert [one.id for one in devices_for(there, launch("1", [1]))] == ["box.cuda:1"]
    assert devices_for(there, launch("3")) == []
    still_asked = LoadedDevice("box.cuda:9", "box", "cuda", "a card", GIB, 0, {}, {}, load=0)
    assert devices_for([still_asked, there[3]], launch()) == []
    assert [one.id for one in devices_for(there[3:], launch())] == ["box.cpu"]


def test_a_device_is_estimated_for_as_what_computes_there() -> None:
    assert target_of("transformers", device("cuda:0", capability="7.5")) == Target("cuda", bfloat16=False)
    assert target_of("transformers", device("cuda:0", capability="8.0")) == Target("cuda", bfloat16=True)
    assert target_of("transformers", device("metal", "metal")) == Target("metal", bfloat16=True)
    assert target_of("hibari", device("cuda:0", capability="8.0")).kind == "cpu"
