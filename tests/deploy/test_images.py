"""What the images are built from: the compose file's arguments are the Dockerfile's, and an operator may set them."""

import re

from deploy.backend import LLAMA_CPP_INDEX, choose
from deploy.machine import Machine, Nvidia
from tests.deploy.composed import COMPOSE, ROOT, Config, rendered


def arguments(config: Config, worker: str) -> dict[str, str]:
    """Those of a worker's build."""
    read: dict[str, str] = config["services"][worker]["build"]["args"]
    return read


def test_the_gpu_workers_builds_are_the_operators_to_choose(config: Config) -> None:
    builds = arguments(config, "worker-gpu")
    plan = choose(Machine("Linux", "x86_64", (3, 12), (2, 39), Nvidia("580.95.05", (13, 0))))
    assert builds["TORCH_BACKEND"] == plan.torch
    assert builds["LLAMA_CPP_INDEX"] == f"{LLAMA_CPP_INDEX}/{plan.llama_cpp}"
    assert builds["LIBRARIES"] == " ".join(plan.libraries)
    assert "LLAMA_CPP_INDEX" not in arguments(config, "worker-cpu")

    chosen = {"HEADRACE_GPU_TORCH_BACKEND": "cu129", "HEADRACE_VLLM": "", "HEADRACE_GPU_BASE": "debian:trixie"}
    builds = arguments(rendered(HEADRACE_LLAMA_CPP_INDEX="", **chosen), "worker-gpu")
    assert [builds[name] for name in ("TORCH_BACKEND", "VLLM", "BASE", "LLAMA_CPP_INDEX")] == [*chosen.values(), ""]


def test_every_argument_of_the_build_exists(config: Config) -> None:
    known = {*re.findall(r"^ARG (\w+)", (ROOT / "deploy/worker.Dockerfile").read_text(), re.M)}
    for worker in ("worker-cpu", "worker-gpu"):
        assert arguments(config, worker).keys() <= known


def test_the_example_names_every_variable() -> None:
    used = {*re.findall(r"\$\{(\w+)", COMPOSE.read_text())}
    named = {*re.findall(r"^#?(\w+)=", (ROOT / ".env.example").read_text(), re.M)}
    assert used == named
