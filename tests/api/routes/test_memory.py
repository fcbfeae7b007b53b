"""``api.routes.models.memory``: what a launch may count on of devices."""

from typing import Any

from api.routes.models.memory import devices_for
from models.rows.instances import NewInstance
from models.rows.records import LoadedDevice

GIB = 1 << 30


def device(name: str, kind: str = "cuda", *, total: int = 24 * GIB, works: str = "transformers", **details: Any) -> Any:
    return LoadedDevice(f"box.{name}", "box", kind, "a card", total, 0, details, {works: ""}, load=0)


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
