"""Which devices a replica goes to, and why to none: a pure decision."""

from dataclasses import replace

import pytest

from models.launching.placing import DeviceCandidate, Placed, Wish, choose

WORKS = {"echo": "", "llama_cpp": "", "vllm": "it is not installed"}
BROKEN = {"echo": "", "llama_cpp": "this build has no GPU support", "vllm": "it is not installed"}


def device(name: str, load: int = 0, engines: dict[str, str] | None = None, node: str = "a") -> DeviceCandidate:
    kind = name.partition(":")[0]
    return DeviceCandidate(f"{node}.{name}", node, kind, load, WORKS if engines is None else engines)


LOST = "lost (GPU is lost): restart the machine"


def lost(name: str) -> DeviceCandidate:
    return replace(device(name), fault=LOST)


CPU = device("cpu")
FULL, FREE, IDLE = device("cuda:0", 2), device("cuda:1", 1), device("cuda:2")
ASKING = device("cuda:3", engines={"echo": ""})
UNFIT = device("cuda:4", engines=BROKEN)
ELSEWHERE = [device(f"cuda:{number}", 1, node="b") for number in range(2)]


@pytest.mark.parametrize(
    ("n_gpu", "devices", "taken", "chosen"),
    [
        ("auto", [CPU, FULL, FREE], {}, ["a.cuda:1"]),
        ("auto", [CPU, FULL, FREE], {"a.cuda:1": 1}, ["a.cuda:0"]),
        ("auto", [device("cuda:9"), IDLE], {}, ["a.cuda:2"]),
        ("0", [CPU, FULL, FREE], {}, ["a.cpu"]),
        ("1", [CPU, FREE], {}, ["a.cuda:1"]),
        ("auto", [CPU, UNFIT], {}, ["a.cpu"]),
        ("auto", [CPU, UNFIT, FULL], {}, ["a.cuda:0"]),
        ("auto", [CPU, ASKING, FULL], {}, ["a.cuda:0"]),
        ("2", [CPU, FULL, FREE, IDLE], {}, ["a.cuda:1", "a.cuda:2"]),
        ("2", [FULL, *ELSEWHERE, FREE], {}, ["b.cuda:0", "b.cuda:1"]),
        ("3", [FULL, *ELSEWHERE, FREE, IDLE], {}, ["a.cuda:0", "a.cuda:1", "a.cuda:2"]),
        ("auto", [CPU, lost("cuda:0"), FULL], {}, ["a.cuda:0"]),
        ("auto", [CPU, lost("cuda:0")], {}, ["a.cpu"]),
        ("2", [lost("cuda:3"), FULL, FREE], {}, ["a.cuda:0", "a.cuda:1"]),
        ("1", [CPU, device("cuda:0.0", 1), device("cuda:0.1")], {}, ["a.cuda:0.1"]),
        ("2", [device("cuda:0.0"), device("cuda:0.1"), FULL, FREE], {}, ["a.cuda:0", "a.cuda:1"]),
    ],
)
def test_devices_are_chosen(
    n_gpu: str, devices: list[DeviceCandidate], taken: dict[str, int], chosen: list[str]
) -> None:
    assert choose(Wish("llama_cpp", n_gpu), devices, taken) == Placed(tuple(chosen))


def test_among_equals_one_whose_machine_has_the_files_is_taken() -> None:
    far = replace(device("cuda:0", node="b"), has_files=True)
    assert choose(Wish("llama_cpp"), [device("cuda:0"), far], {}).devices == ("b.cuda:0",)
    assert choose(Wish("llama_cpp"), [device("cuda:0"), replace(far, load=1)], {}).devices == ("a.cuda:0",)
    assert choose(Wish("llama_cpp"), [device("cuda:0"), far], {"b.cuda:0": 1}).devices == ("a.cuda:0",)
    assert choose(Wish("llama_cpp"), [CPU, replace(far, kind="cpu")], {}).devices == ("b.cuda:0",)


def test_what_computes_on_the_cpu_alone_goes_there() -> None:
    works = {"hibari": ""}
    gpu, cpu = device("cuda:0", engines=works), device("cpu", 9, engines=works)
    assert choose(Wish("hibari"), [gpu, cpu], {}).devices == ("a.cpu",)
    assert choose(Wish("hibari"), [gpu], {}).devices == ("a.cuda:0",)


def test_gpus_can_be_named() -> None:
    found = choose(Wish("llama_cpp", gpu_idx=(0, 2)), [CPU, FULL, FREE, IDLE], {})
    assert found.devices == ("a.cuda:0", "a.cuda:2")


def test_a_preferred_device_that_is_still_asked_is_waited_for() -> None:
    choice = choose(Wish("llama_cpp"), [CPU, ASKING], {})

    assert choice == Placed((), "a.cuda:3 must first find out whether the engine llama_cpp works there")
    assert choose(Wish("echo"), [CPU, ASKING], {}).devices == ("a.cuda:3",)
    assert choose(Wish("llama_cpp", "0"), [CPU, ASKING], {}).devices == ("a.cpu",)


@pytest.mark.parametrize(
    ("wish", "devices", "param"),
    [
        (Wish("llama_cpp", "3"), [CPU, ASKING, FULL], "n_gpu"),
        (Wish("llama_cpp", "2"), [ASKING, device("cuda:0", node="b")], "n_gpu"),
        (Wish("llama_cpp", gpu_idx=(3, 7)), [ASKING, FULL], "gpu_idx"),
        (Wish("llama_cpp", gpu_idx=(7,)), [ASKING], "gpu_idx"),
        (Wish("llama_cpp", "2"), [ASKING, UNFIT], "model_engine"),
    ],
)
def test_what_no_answer_can_change_is_not_waited_for(wish: Wish, devices: list[DeviceCandidate], param: str) -> None:
    choice = choose(wish, devices, {})

    assert (choice.devices, choice.hopeless, choice.param) == ((), True, param)
    assert choose(Wish("llama_cpp", "2"), [FREE, ASKING, UNFIT], {}).reason.startswith("a.cuda:3 must first")


def test_without_devices_a_replica_waits() -> None:
    choice = choose(Wish("echo"), [], {})
    assert (choice.devices, choice.hopeless) == ((), False)
    assert "no device reports" in choice.reason


@pytest.mark.parametrize(
    ("wish", "devices", "param", "reason"),
    [
        (Wish("llama_cpp", "1"), [CPU], "n_gpu", "no node has a GPU (there is a.cpu)"),
        (Wish("llama_cpp", "0"), [FREE], "n_gpu", "no CPU is a device here (there is a.cuda:1): start a worker"),
        (Wish("llama_cpp", "3"), [FREE, FULL, *ELSEWHERE], "n_gpu", "no node has 3 GPUs (there is a.cuda:1, a.cuda:0"),
        (Wish("llama_cpp", gpu_idx=(1, 5)), [FREE, FULL], "gpu_idx", "no node has GPUs 1 and 5"),
        (Wish("llama_cpp", gpu_idx=(5,)), [FREE], "gpu_idx", "no node has GPU 5"),
        (Wish("llama_cpp", gpu_idx=(1,)), [CPU, lost("cuda:1")], "gpu_idx", f"a.cuda:1 is {LOST}"),
        (Wish("llama_cpp", "1"), [CPU], "n_gpu", "n_gpu None (--n-gpu None) uses the CPU"),
        (Wish("llama_cpp", "1"), [replace(CPU, notes=("GPU 0 is left out",))], "n_gpu", "a: GPU 0 is left out"),
        (Wish("llama_cpp", "2"), [device("cuda:0.0"), device("cuda:0.1"), FREE], "n_gpu", "no node has 2 GPUs"),
        (Wish("llama_cpp", gpu_idx=(0,)), [device("cuda:0.0")], "gpu_idx", "a process can use one MIG instance alone"),
        (
            Wish("llama_cpp", "1"),
            [CPU, UNFIT],
            "model_engine",
            "llama_cpp works on no device that it may have. a.cuda:4: this build has no GPU support",
        ),
        (
            Wish("llama_cpp", "2"),
            [FREE, UNFIT],
            "model_engine",
            "works on 1 of the 2 devices that are asked for. a.cuda:4: this build has no GPU support",
        ),
        (Wish("vllm"), [CPU, UNFIT], "model_engine", "a.cpu, a.cuda:4: it is not installed"),
    ],
)
def test_what_no_device_can_do_is_hopeless(wish: Wish, devices: list[DeviceCandidate], param: str, reason: str) -> None:
    choice = choose(wish, devices, {})

    assert (choice.devices, choice.hopeless, choice.param) == ((), True, param)
    assert reason in choice.reason


def test_a_node_can_be_named() -> None:
    there = [CPU, FREE, *ELSEWHERE]
    assert choose(Wish("llama_cpp", node="b"), there, {}).devices == ("b.cuda:0",)
    assert choose(Wish("llama_cpp", "0", node="a"), there, {}).devices == ("a.cpu",)
    none = choose(Wish("llama_cpp", "0", node="b"), there, {})
    assert (none.hopeless, none.reason) == (
        True,
        "no CPU is a device here (there is b.cuda:0, b.cuda:1): start a worker with --device cpu",
    )
    assert choose(Wish("llama_cpp", node="c"), there, {}).reason == "no device of the node c reports"
