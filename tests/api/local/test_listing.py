"""What is said of devices, in lines."""

from typing import Any

from api.local.listing import described, waits

WORKS, ASKED = {"works": True, "reason": ""}, {"works": None, "reason": ""}


def device(name: str, engines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": f"vm.{name}",
        "node": "vm",
        "kind": name.partition(":")[0],
        "label": "a card",
        "total_bytes": 24 << 30,
        "free_bytes": 6 << 30,
        "engines": engines,
        **more,
    }


def test_devices_are_described_and_a_shared_reason_is_said_once() -> None:
    broken = {"works": False, "reason": "it is not installed"}
    engines = {"echo": WORKS, "hibari": WORKS, "vllm": broken}
    card = {"driver": "535.1", "cuda": "12.2", "capability": "8.9"}
    devices = [
        device("cuda:0", engines, **card),
        device("cuda:1", engines, **card, fault="lost (GPU is lost): restart the machine"),
        device("cuda:2", engines | {"vllm": ASKED}, shares_memory=True, free_bytes=None),
        device("cpu", engines),
    ]
    assert described({"data": devices, "notes": [{"node": "vm", "note": "GPU 3 is left out"}]}) == [
        "vm.cuda:0: a card, 6.0 of 24.0 GiB free, capability 8.9, driver 535.1 (CUDA 12.2)",
        "  works: echo",
        "vm.cuda:1: a card, lost (GPU is lost): restart the machine",
        "vm.cuda:2: a card, 24.0 GiB, shared with the CPU",
        "  works: echo (asking: vllm)",
        "vm.cpu: a card, 6.0 of 24.0 GiB free",
        "  works: echo, hibari",
        "vm: GPU 3 is left out",
        "not vllm on vm.cuda:0, vm.cpu: it is not installed",
    ]


def test_engines_that_are_still_asked_are_known() -> None:
    assert waits([device("cpu", {"echo": WORKS}), device("cuda:0", {"echo": WORKS, "vllm": ASKED})])
    assert not waits([device("cpu", {"echo": WORKS})])
