"""Machines with GPUs, as a stub of NVML describes them: what starts there, where models go, and what is refused."""

import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import sqlalchemy as sa

from models.errors import HeadraceError
from models.launching import devices
from models.rows import instances, tables
from models.rows.database import Database
from tests.e2e.stack import Stack, headrace
from tests.support.nvml import MIB, FakeInstance, FakeNvml, gb10, h100, rtx_4090
from tests.support.servers import wait_for

pytestmark = pytest.mark.e2e

Start = Callable[..., Stack]

SLOW_TO_ASK = """#!/bin/sh
case "$*" in *workers.engines.probe*)
    while [ ! -e {answers} ]; do sleep 0.05; done
    echo "a library is broken" >&2
    exit 1
esac
exec {python} "$@"
"""
"""An interpreter whose engines are asked in vain, once there is a file."""


@pytest.fixture
def start(fake_nvml: FakeNvml, tmp_path: Path) -> Iterator[Start]:
    """Starts Headrace on the machine of ``fake_nvml``, all its devices."""
    made: list[Stack] = []

    def begin(**env: str) -> Stack:
        fake_nvml.write()
        made.append(Stack(tmp_path / f"home{len(made)}", demo=False, devices=(), **fake_nvml.environment | env))
        return made[-1].start()

    yield begin
    for stack in made:
        stack.close()


def by_name(stack: Stack) -> dict[str, dict[str, Any]]:
    """The devices that report, by their names on this node."""
    return {one["id"].removeprefix(f"{one['node']}."): one for one in stack.client.devices()}


def until_asked(stack: Stack, engine: str, count: int) -> dict[str, dict[str, Any]]:
    """The devices, once each of so many has said whether this engine works on it."""

    def asked() -> dict[str, dict[str, Any]]:
        found = by_name(stack)
        known = [one for one in found.values() if one["engines"][engine]["works"] is not None]
        return found if len(known) == count else {}

    found: dict[str, dict[str, Any]] = wait_for(asked, 90, lambda: f"{by_name(stack)}\n{stack.logs()}")
    return found


def visible(stack: Stack, uid: str) -> list[str]:
    """The GPUs that a model's one runner sees."""
    [replica] = stack.client.replicas(uid)
    return [one for one in psutil.Process(replica["pid"]).environ()["CUDA_VISIBLE_DEVICES"].split(",") if one]


def refusal(stack: Stack, **body: Any) -> tuple[int, str, str]:
    """The status, parameter and message with which a launch is refused."""
    launch = {"model_name": "echo", "model_engine": "echo"} | body
    answer = httpx.post(f"{stack.url}/v1/models", json=launch, timeout=120)
    error = answer.json()["error"]
    return answer.status_code, error["param"], error["message"]


def until_waiting(stack: Stack, uid: str) -> str:
    """Why a model waits for a device, once it does."""

    def why() -> str:
        now = stack.client.progress(uid)
        return now.reason if now.stage == "waiting" else ""

    return str(wait_for(why, 90, lambda: f"{stack.client.progress(uid)}\n{stack.logs()}"))


def state(model: dict[str, Any]) -> str:
    """The state that the list of models shows."""
    return str(model["state"])


def answer(stack: Stack, uid: str) -> str:
    """What a model says."""
    return "".join(stack.client.chat(uid, [{"role": "user", "content": "still here"}], max_tokens=3))


def test_two_gpus_and_the_cpu_are_devices_and_models_go_where_they_can(fake_nvml: FakeNvml, start: Start) -> None:
    fake_nvml.gpus = [rtx_4090(0), rtx_4090(1)]
    fake_nvml.driver, fake_nvml.cuda = "535.183.01", 12020
    first, second = (gpu.uuid for gpu in fake_nvml.gpus)
    stack = start()
    found = until_asked(stack, "llama_cpp", 3)

    assert [*found] == ["cpu", "cuda:0", "cuda:1"]
    card = found["cuda:0"]
    assert (card["label"], card["driver"], card["cuda"], card["capability"]) == (
        "NVIDIA GeForce RTX 4090",
        "535.183.01",
        "12.2",
        "8.9",
    )
    assert found["cpu"]["engines"]["llama_cpp"]["works"]
    assert not card["engines"]["llama_cpp"]["works"]
    listed = headrace(stack, "list").stdout
    assert "of 24.0 GiB free, capability 8.9, driver 535.183.01 (CUDA 12.2)" in listed
    assert card["engines"]["llama_cpp"]["reason"] in listed

    stack.launch_echo("one")
    stack.launch_echo("two")
    assert {*visible(stack, "one"), *visible(stack, "two")} == {first, second}
    stack.launch_echo("on-cpu", n_gpu="None")
    assert visible(stack, "on-cpu") == []
    stack.launch_echo("both", n_gpu=2)
    assert visible(stack, "both") == [first, second]
    stack.launch_echo("named", gpu_idx=[1])
    assert visible(stack, "named") == [second]

    assert refusal(stack, model_uid="x", n_gpu=3)[:2] == (400, "n_gpu")
    assert refusal(stack, model_uid="x", gpu_idx=[7])[:2] == (400, "gpu_idx")
    status, param, message = refusal(stack, model_name="smollm2", model_engine="llama_cpp", n_gpu=1)
    assert (status, param) == (400, "model_engine")
    assert card["engines"]["llama_cpp"]["reason"] in message


def test_a_launch_that_turns_out_hopeless_ends(fake_nvml: FakeNvml, start: Start, tmp_path: Path) -> None:
    fake_nvml.gpus = [rtx_4090(0)]
    answers, python = tmp_path / "answers", tmp_path / "python"
    python.write_text(SLOW_TO_ASK.format(answers=answers, python=sys.executable))
    python.chmod(0o755)
    stack = start(HEADRACE_INTERPRETERS=json.dumps({"llama_cpp": str(python)}))
    assert by_name(stack)["cuda:0"]["engines"]["llama_cpp"]["works"] is None
    assert refusal(stack, model_name="smollm2", model_engine="llama_cpp", n_gpu=9)[:2] == (400, "n_gpu")

    with ThreadPoolExecutor(2) as pool:
        asked = {"model_name": "smollm2", "model_engine": "llama_cpp", "n_gpu": 1}
        by_api = pool.submit(refusal, stack, model_uid="by-api", **asked)
        launched = ("launch", "-n", "smollm2", "-en", "llama_cpp", "--n-gpu", "1", "-u", "by-hand")
        by_hand = pool.submit(headrace, stack, *launched)
        wait_for(lambda: [*map(state, stack.client.models())] == ["waiting"] * 2, 60, stack.logs)
        answers.touch()
        status, param, message = by_api.result()
        said = by_hand.result()

    assert (status, param) == (400, "model_engine")
    assert "a library is broken" in message
    assert said.returncode == 1
    assert "waiting: " in said.stderr
    assert "must first find out whether the engine llama_cpp works there" in said.stderr
    assert "the model 'by-hand' waits for a device: the engine llama_cpp works on no device" in said.stderr
    assert "a library is broken" in said.stderr
    assert {model["id"] for model in stack.client.models()} == {"by-api", "by-hand"}
    stack.launch_echo("by-hand")  # it replaces what has no hope


def test_memory_is_that_of_the_card(fake_nvml: FakeNvml, start: Start) -> None:
    fake_nvml.gpus = [rtx_4090(0)]
    stack = start()
    until_asked(stack, "echo", 2)
    stack.launch_echo()
    [replica] = stack.client.replicas("echo")
    fake_nvml.gpus[0].processes = {replica["pid"]: 5000 * MIB}
    fake_nvml.gpus[0].used_mib += 5000
    fake_nvml.write()

    def measured() -> bool:
        [now] = stack.client.replicas("echo")
        assert now["host_memory_bytes"] is not None
        return bool(now["memory_bytes"] == 5000 * MIB)

    wait_for(measured, 20, lambda: str(stack.client.replicas("echo")))
    free = by_name(stack)["cuda:0"]["free_bytes"]
    assert 0 < free < (fake_nvml.gpus[0].total_mib - 5000) * MIB


def test_models_go_where_nvml_shows_room_and_wait_where_none_is(fake_nvml: FakeNvml, start: Start) -> None:
    fake_nvml.gpus = [rtx_4090(0), rtx_4090(1)]
    stack = start()
    until_asked(stack, "echo", 3)
    for number in (0, 1):
        stack.launch_echo(f"on-{number}", gpu_idx=[number])

    def leave_free(mib: int, other: int) -> None:
        """Have others use the cards but for so much, and wait until that is known."""
        for gpu, free in zip(fake_nvml.gpus, (mib, other), strict=True):
            gpu.used_mib = gpu.total_mib - gpu.reserved_mib - free
        fake_nvml.write()
        known = {"cuda:0": mib * MIB, "cuda:1": other * MIB}
        wait_for(lambda: known.items() <= {name: one["free_bytes"] for name, one in by_name(stack).items()}.items(), 30)

    leave_free(30, 2000)
    stack.launch_echo("third", n_gpu=1)
    assert visible(stack, "third") == [fake_nvml.gpus[1].uuid]

    leave_free(30, 20)
    stack.client.launch({"model_uid": "fourth", "model_name": "echo", "model_engine": "echo", "n_gpu": 1})
    why = until_waiting(stack, "fourth")
    assert why.startswith("fourth needs 0.04 GiB")
    assert "cuda:0 has 0.0" in why
    assert "of 24.0 GiB free" in why
    leave_free(2000, 20)
    stack.client.wait_ready("fourth")
    assert visible(stack, "fourth") == [fake_nvml.gpus[0].uuid]
    held = {name: [one["model_uid"] for one in device["holders"]] for name, device in by_name(stack).items()}
    assert held == {"cpu": [], "cuda:0": ["on-0", "fourth"], "cuda:1": ["on-1", "third"]}


def test_a_gpu_that_is_lost_while_it_is_used_ends_nothing(fake_nvml: FakeNvml, start: Start) -> None:
    fake_nvml.gpus = [rtx_4090(0), rtx_4090(1)]
    stack = start()
    until_asked(stack, "echo", 3)
    stack.launch_echo("both", n_gpu=2)
    stack.launch_echo("second", gpu_idx=[1])
    stack.launch_echo("first", gpu_idx=[0])
    workers = stack.pids()["worker"]
    fake_nvml.gpus[1].fault = "lost"
    fake_nvml.write()

    fault = "lost (GPU is lost): restart the machine"
    for uid in ("both", "second"):
        assert f"cuda:1 is {fault}" in until_waiting(stack, uid)
    assert by_name(stack)["cuda:1"]["fault"] == fault
    listed = headrace(stack, "list").stdout
    assert f"cuda:1: NVIDIA GeForce RTX 4090, {fault}" in listed
    assert "second: no node has GPU 1" in listed
    assert stack.log("worker-cuda1").count(f"cuda:1: {fault}") == 1
    for body in ({"gpu_idx": [1]}, {"n_gpu": 2}):
        assert f"cuda:1 is {fault}" in refusal(stack, model_uid="x", **body)[2]
    assert answer(stack, "first").startswith("still")
    with pytest.raises(HeadraceError, match=r"waits for a device: no node has GPU 1"):
        answer(stack, "second")
    assert stack.pids()["worker"] == workers

    stack.stop()
    stack.start()
    assert "note: GPU 1 is left out: lost" in stack.output()
    assert f"GPU 1 is left out: {fault}" in until_waiting(stack, "both")
    stack.client.wait_ready("first")
    assert f"GPU 1 is left out: {fault}" in headrace(stack, "list").stdout
    assert f"GPU 1 is left out: {fault}" in refusal(stack, model_uid="x", gpu_idx=[1])[2]


def test_a_replica_finds_its_gpus_by_the_indices_of_today(fake_nvml: FakeNvml, start: Start, tmp_path: Path) -> None:
    fake_nvml.gpus = [rtx_4090(0), rtx_4090(1), rtx_4090(2)]
    stack = start()
    until_asked(stack, "echo", 4)
    stack.launch_echo("pair", gpu_idx=[0, 1])
    stack.stop()
    fake_nvml.gpus = [rtx_4090(1), rtx_4090(2)]  # the first is not there any more
    fake_nvml.write()
    database = Database(f"sqlite:///{stack.home / 'headrace.db'}")
    long_ago = sa.update(tables.devices).values(seen_at=tables.devices.c.seen_at - instances.ALIVE_MS)
    database.call(lambda c: c.execute(long_ago))  # the machine took some time to restart
    database.close()
    stack.start()
    stack.client.wait_ready("pair")
    assert visible(stack, "pair") == [gpu.uuid for gpu in fake_nvml.gpus]
    assert stack.client.progress("pair").reason == ""


def test_mig_instances_and_cards_without_memory_are_devices(fake_nvml: FakeNvml, start: Start) -> None:
    fake_nvml.gpus = [h100(0, mig=[FakeInstance("1g.10gb", 9728), FakeInstance("2g.20gb", 19968)]), gb10(1)]
    stack = start()
    found = until_asked(stack, "echo", 4)

    assert [*found] == ["cpu", "cuda:0.0", "cuda:0.1", "cuda:1"]
    assert found["cuda:1"]["shares_memory"]
    assert found["cuda:1"]["total_bytes"] == devices.parse("cpu").total_bytes
    stack.launch_echo("part", gpu_idx=[1])
    assert visible(stack, "part") == [fake_nvml.gpus[1].uuid]
    assert "a process can use one MIG instance alone" in refusal(stack, model_uid="x", n_gpu=2)[2]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("mismatch", "cannot be used: RM has detected an NVML/RM version mismatch"),
        ("no driver", "cannot be used: Driver Not Loaded"),
        (None, "does not answer: nothing came within 10 s"),
    ],
)
def test_a_driver_that_cannot_be_used_is_named(fake_nvml: FakeNvml, start: Start, fault: Any, words: str) -> None:
    fake_nvml.gpus, fake_nvml.init, fake_nvml.hangs = [rtx_4090(0)], fault, fault is None
    stack = start()

    [note] = [line for line in stack.output().splitlines() if "note:" in line]
    assert f"NVIDIA's driver {words}" in note
    assert [*by_name(stack)] == ["cpu"]
    assert refusal(stack, model_uid="x", n_gpu=1)[:2] == (400, "n_gpu")


def test_a_variable_that_names_no_gpu_ends_the_start(fake_nvml: FakeNvml, start: Start) -> None:
    fake_nvml.gpus = [rtx_4090(0)]
    with pytest.raises(AssertionError, match="CUDA_VISIBLE_DEVICES=3 is none of the GPUs 0"):
        start(CUDA_VISIBLE_DEVICES="3")


def test_a_model_whose_device_went_away_waits_and_says_why(fake_nvml: FakeNvml, start: Start) -> None:
    fake_nvml.gpus = [rtx_4090(0)]
    stack = start()
    until_asked(stack, "echo", 2)
    stack.launch_echo("wants-a-gpu", n_gpu=1)
    stack.stop()
    again = Stack(stack.home, demo=False, devices=("cpu",), **fake_nvml.environment)
    try:
        again.start()
        assert "no node has a GPU" in until_waiting(again, "wants-a-gpu")
        [model] = again.client.models()
        assert model["state"] == "waiting"
        with pytest.raises(HeadraceError, match="waits for a device: no node has a GPU"):
            answer(again, "wants-a-gpu")
    finally:
        again.close()
