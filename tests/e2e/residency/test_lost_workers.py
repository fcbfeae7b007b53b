"""A worker of another machine is killed: what it reserved is given back, and its model waits for room, and gets it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.process.processes import kill_group, spawn
from tests.e2e.models.test_budgets import SMALL, launch, replica, says
from tests.e2e.stack import Stack, clean_environment
from tests.support.servers import wait_for
from tests.support.weights import smollm2_gguf

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def near(tmp_path: Path) -> Iterator[Stack]:
    """A machine that has room for one of the models."""
    assert smollm2_gguf() is not None
    stack = Stack(tmp_path / "home", devices=("cpu:0=300MiB",), HEADRACE_LOST_S="10")
    yield stack.start()
    stack.close()


@pytest.fixture
def far(near: Stack, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The worker of another machine, which nobody starts anew."""
    env = clean_environment() | {"HEADRACE_HOME": str(tmp_path / "far"), "HEADRACE_NODE": "far"}
    env |= {"HEADRACE_REDIS_URL": near.redis_url()}
    env |= {"HEADRACE_DATABASE_URL": f"sqlite:///{near.home / 'headrace.db'}"}
    command = [sys.executable, "-P", "-m", "workers.device", "--device", "cpu:1=300MiB"]
    with (tmp_path / "far.output").open("ab") as output:
        worker = spawn(command, env=env, stdout=output, stderr=subprocess.STDOUT)
    wait_for(lambda: "far.cpu:1" in devices(near), 60, (tmp_path / "far.output").read_text)
    yield worker
    if worker.poll() is None:
        kill_group(worker.pid)
    worker.wait(30)


def devices(stack: Stack) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in httpx.get(f"{stack.url}/v1/devices").json()["data"]}


def test_what_a_killed_worker_held_waits_for_room_and_gets_it(near: Stack, request: pytest.FixtureRequest) -> None:
    assert launch(near, "here", **SMALL, pinned=True).status_code == 200
    here = replica(near, "here")["device"]
    worker: subprocess.Popen[bytes] = request.getfixturevalue("far")
    assert launch(near, "there", **SMALL).status_code == 200
    before = replica(near, "there")
    assert before["device"] == "far.cpu:1"
    assert devices(near)["far.cpu:1"]["reserved_bytes"] > 100 << 20
    assert says(near, "there")

    os.kill(worker.pid, signal.SIGKILL)
    waits = re.compile(r"there needs 0\.\d\d GiB \(.*\); \S+\.cpu:0 has 0\.\d\d of 0\.29 GiB free")
    wait_for(lambda: waits.fullmatch(replica(near, "there")["error_message"] or ""), 60, near.logs)
    assert replica(near, "there")["device"] is None
    held = [one for device in devices(near).values() for one in device["holders"]]
    assert [one["model_uid"] for one in held] == ["here"], held
    wait_for(lambda: "far.cpu:1" not in devices(near), 30)
    assert says(near, "here")

    assert httpx.delete(f"{near.url}/v1/models/here", timeout=60).status_code == 200
    wait_for(lambda: replica(near, "there")["state"] == "ready", 60, near.logs)
    assert replica(near, "there")["device"] == here
    assert says(near, "there")
    [held] = devices(near)[here]["holders"]
    assert held["model_uid"] == "there"
