"""Which device a replica goes to, and why to none: a pure decision."""

import pytest

from models.launching.placing import Choice, DeviceCandidate, choose

WORKS = {"echo": "", "llama_cpp": "", "vllm": "it is not installed"}
BROKEN = {"echo": "", "llama_cpp": "this build has no GPU support", "vllm": "it is not installed"}
CPU = DeviceCandidate("cpu", "cpu", 0, WORKS)
FULL = DeviceCandidate("g0", "cuda", 2, WORKS)
FREE = DeviceCandidate("g1", "cuda", 1, WORKS)
ASKING = DeviceCandidate("g2", "cuda", 0, {"echo": ""})
UNFIT = DeviceCandidate("g3", "cuda", 0, BROKEN)


@pytest.mark.parametrize(
    ("n_gpu", "devices", "taken", "device"),
    [
        ("auto", [CPU, FULL, FREE], {}, "g1"),
        ("auto", [CPU, FULL, FREE], {"g1": 1}, "g0"),
        ("auto", [FREE, DeviceCandidate("g0", "cuda", 1, WORKS)], {}, "g0"),
        ("0", [CPU, FULL, FREE], {}, "cpu"),
        ("1", [CPU, FREE], {}, "g1"),
        ("auto", [CPU, UNFIT], {}, "cpu"),
        ("auto", [CPU, UNFIT, FULL], {}, "g0"),
        ("auto", [CPU, ASKING, FULL], {}, "g0"),
    ],
)
def test_a_device_is_chosen(n_gpu: str, devices: list[DeviceCandidate], taken: dict[str, int], device: str) -> None:
    assert choose(n_gpu, "llama_cpp", devices, taken) == Choice(device)


def test_a_preferred_device_that_is_still_asked_is_waited_for() -> None:
    choice = choose("auto", "llama_cpp", [CPU, ASKING], {})

    assert choice == Choice(None, "g2 must first find out whether the engine llama_cpp works there")
    assert choose("auto", "echo", [CPU, ASKING], {}).device == "g2"
    assert choose("0", "llama_cpp", [CPU, ASKING], {}).device == "cpu"


def test_without_devices_a_replica_waits() -> None:
    choice = choose("auto", "echo", [], {})
    assert (choice.device, choice.hopeless) == (None, False)
    assert "no device reports" in choice.reason


@pytest.mark.parametrize(
    ("n_gpu", "devices", "by_kind", "reason"),
    [
        ("1", [CPU], True, "no GPU is a device here (there is cpu)"),
        ("0", [FREE], True, "no CPU is a device here (there is g1): start a worker with --device cpu"),
        ("1", [CPU, UNFIT], False, "llama_cpp works on no device here. g3: this build has no GPU support"),
    ],
)
def test_what_no_device_can_do_is_hopeless(
    n_gpu: str, devices: list[DeviceCandidate], by_kind: bool, reason: str
) -> None:
    choice = choose(n_gpu, "llama_cpp", devices, {})

    assert (choice.device, choice.hopeless, choice.by_kind) == (None, True, by_kind)
    assert reason in choice.reason


def test_each_device_says_why_not() -> None:
    choice = choose("auto", "vllm", [CPU, UNFIT], {})
    assert choice.reason == (
        "the engine vllm works on no device here. cpu: it is not installed; g3: it is not installed"
    )
