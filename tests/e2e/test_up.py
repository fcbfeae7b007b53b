"""``headrace up`` on real processes: it comes up, survives the death of its parts, refuses, and leaves nothing."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest

from api.local.embedded import free_port
from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack, clean_environment
from tests.support.servers import wait_for

pytestmark = pytest.mark.e2e

QUESTION = [{"role": "user", "content": "three little words"}]


def headrace(*arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """The command, run to its end."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "api.cli", *arguments],
        env={**clean_environment(), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_serves_and_stopping_leaves_nothing(new_stack: StackFactory) -> None:
    stack = new_stack()
    stack.launch_echo()
    assert "three little words" in "".join(stack.client.chat("echo", QUESTION))
    assert {role: len(pids) for role, pids in stack.pids().items()} == {
        "gateway": 1,
        "worker": 1,
        "steward": 1,
        "redis": 1,
        "runner": 1,
    }
    assert oct(stack.home.stat().st_mode & 0o777) == "0o700"
    stack.stop()
    assert "was ended by" not in stack.output(), "a clean stop is no crash"


@pytest.mark.weights
@pytest.mark.timeout(300)
def test_the_demo_loads_one_model_and_the_others_when_asked(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "home", demo=True)
    try:
        for time_of_start in ("first", "second"):  # the demo's models are rows: they are not launched twice
            stack.start()
            wait_for(lambda: stack.output().endswith("may finish for 20 s.\n"), 10, stack.output)
            states = {one["id"]: one["state"] for one in stack.client.models()}
            dormant = dict.fromkeys(("minilm", "whisper", "hibari", "glyphs"), "dormant")
            assert states == {"smollm2": "ready"} | dormant, time_of_start
            assert len(stack.pids()["runner"]) == 1
            sample = re.findall(r"^curl .+$", stack.output(), re.M)[-1]
            said = subprocess.run(sample, shell=True, capture_output=True, text=True, timeout=120, check=True).stdout
            assert said.rstrip().endswith("data: [DONE]")
            if time_of_start == "second":  # it sleeps at the third start, which does not wait for it
                httpx.patch(f"{stack.url}/v1/models/smollm2", json={"keep_alive": 0}).raise_for_status()
                wait_for(lambda: stack.client.progress("smollm2").stage == "dormant", 60, stack.logs)
            stack.stop()
        stack.start()
        wait_for(lambda: stack.output().count("Ctrl-C stops it") == 3, 10, stack.output)
        assert stack.client.progress("smollm2").stage == "dormant"
        stack.stop()
    finally:
        stack.close()


@pytest.mark.weights
def test_what_the_demo_offers_is_there_as_soon_as_it_is_ready(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "home", demo=True)
    try:
        stack.spawn()
        while not stack.is_ready():
            time.sleep(0.01)
        offered = {one["id"]: one["state"] for one in stack.client.models()}
        assert set(offered) == {"smollm2", "minilm", "whisper", "hibari", "glyphs"}
        assert {offered[uid] for uid in ("minilm", "whisper", "hibari", "glyphs")} == {"dormant"}
        about = httpx.get(f"{stack.url}/v1/models/minilm").json()
        assert about["dimensions"] == 384, "its files were looked at"
    finally:
        stack.close()


def test_a_killed_supervisor_takes_everything_along(new_stack: StackFactory) -> None:
    """Also in the middle of a stream, which nobody waits for then."""
    stack = new_stack()
    stack.launch_echo(step_ms=200)
    children = stack.tree()
    assert len(children) >= 5
    body = {"model": "echo", "stream": True, "max_tokens": 400, "messages": QUESTION}
    with httpx.stream("POST", f"{stack.url}/v1/chat/completions", json=body, timeout=10) as response:
        assert response.status_code == httpx.codes.OK
        stack.kill("supervisor")
        _gone, alive = psutil.wait_procs(children, timeout=5)
    # Their new parent may be slow to collect them: a zombie is dead.
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]
    assert not stack.survivors()
    stack.start()  # the lock went with its holder, and what it left in run/ is no obstacle
    stack.stop()


def test_each_killed_part_is_started_again(new_stack: StackFactory) -> None:
    stack = new_stack()
    stack.launch_echo()
    for role in ("gateway", "worker", "steward", "redis"):
        killed = stack.kill(role)
        wait_for(partial(replaced, stack, role, killed), 30, lambda: f"one did not come back:\n{stack.output()}")
        answered(stack, 30)
    assert stack.output().count("was ended by signal 9") == 4
    stack.stop(signal.SIGTERM)


def test_a_hung_gateway_is_killed_and_started_again(new_stack: StackFactory) -> None:
    stack = new_stack()
    [hung] = stack.pids()["gateway"]
    os.kill(hung, signal.SIGSTOP)
    wait_for(partial(replaced, stack, "gateway", hung), 60, stack.output)
    assert "gateway has not answered for 15 s" in stack.output()
    stack.stop()


def test_a_second_interrupt_ends_it_at_once(new_stack: StackFactory) -> None:
    stack = new_stack()
    stack.launch_echo(step_ms=200)
    with httpx.stream(
        "POST",
        f"{stack.url}/v1/chat/completions",
        json={"model": "echo", "stream": True, "max_tokens": 400, "messages": QUESTION},
        timeout=10,
    ) as response:
        assert response.status_code == httpx.codes.OK
        begun = time.monotonic()
        os.kill(stack.pid, signal.SIGINT)
        time.sleep(1)
        assert stack.alive(), "it drains"
        os.kill(stack.pid, signal.SIGINT)
        wait_for(lambda: not stack.alive(), 5, stack.output)
        assert time.monotonic() - begun < 6
    assert not stack.survivors()


def test_a_second_up_on_the_same_home_is_refused(stack: Stack) -> None:
    second = headrace("up", "--no-demo", "--home", str(stack.home), "--port", str(free_port()))
    assert second.returncode == 1
    assert f"another headrace is running on {stack.home} (process {stack.pid})" in second.stderr
    assert stack.is_ready(), "the first one is not disturbed"
    assert (stack.home / "run" / "redis.conf").exists()


def test_a_port_in_use_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = headrace("up", "--no-demo", "--home", str(tmp_path / "home"), "--port", str(port))
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert f"port {port} on 127.0.0.1 is already in use" in refused.stderr
    assert not (tmp_path / "home" / "headrace.db").exists()
    assert not (tmp_path / "home" / "run").exists()


@pytest.mark.parametrize("command", ["up", "gateway"])
def test_serving_the_world_without_a_key_is_refused(command: str, tmp_path: Path) -> None:
    refused = headrace(command, "--host", "0.0.0.0", HEADRACE_HOME=str(tmp_path / "home"))
    assert refused.returncode == 1
    assert "set HEADRACE_API_KEY" in refused.stderr
    assert not (tmp_path / "home").exists()


def test_an_unreachable_redis_is_said(tmp_path: Path) -> None:
    url = f"redis://:secret@127.0.0.1:{free_port()}/0"
    refused = headrace("up", "--no-demo", "--home", str(tmp_path), "--port", str(free_port()), HEADRACE_REDIS_URL=url)
    assert refused.returncode == 1
    assert "the Redis of HEADRACE_REDIS_URL has not answered" in refused.stderr
    assert "secret" not in refused.stdout + refused.stderr


def replaced(stack: Stack, role: str, before: int) -> bool:
    """Whether another process has taken over, and requests can be served."""
    return stack.pids()[role] not in ([], [before]) and stack.is_ready()


def answered(stack: Stack, timeout_s: float) -> None:
    """Wait until the echo model answers a request."""

    def once() -> bool:
        body = {"model": "echo", "max_tokens": 5, "messages": QUESTION}
        try:
            return httpx.post(f"{stack.url}/v1/chat/completions", json=body, timeout=20).is_success
        except httpx.HTTPError:
            return False

    wait_for(once, timeout_s, lambda: f"the model does not answer:\n{stack.output()}\n{stack.logs()}")


def imported_at_start(folder: Path, code: str) -> str:
    """A PYTHONPATH with which every Python process begins by running this."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code)
    return os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", os.curdir)])


def test_a_node_keeps_its_name_on_another_network(tmp_path: Path) -> None:
    path = imported_at_start(tmp_path / "network", "import os, socket\nsocket.gethostname = lambda: os.environ['HERE']")
    networks: list[tuple[dict[str, str], str]] = [
        ({"HERE": "desk"}, "desk"),
        ({"HERE": "cafe"}, "desk"),
        ({"HERE": "cafe", "HEADRACE_NODE": "mine"}, "mine"),
    ]
    for number, (here, name) in enumerate(networks):
        stack = Stack(tmp_path / "home", PYTHONPATH=path, **here)  # type: ignore[arg-type]  # none is called demo
        try:
            stack.start()
            stack.launch_echo(f"echo{number}")
            assert [one["device"] for one in stack.client.replicas(f"echo{number}")] == [f"{name}.cpu"]
            if name == "desk":
                stack.client.wait_ready("echo0")  # at once: its device is not lost
            stack.stop()
        finally:
            stack.close()


def test_people_with_amds_gpus_are_told(tmp_path: Path) -> None:
    nodes = tmp_path / "nodes"
    (nodes / "1").mkdir(parents=True)
    (nodes / "1" / "properties").write_text("simd_count 192\ngfx_target_version 110000\nvendor_id 4098\n")
    imports = "from pathlib import Path\nfrom models.launching import rocm\n"
    path = imported_at_start(tmp_path / "amd", f"{imports}rocm.TOPOLOGY = Path({str(nodes)!r})")
    url = f"redis://127.0.0.1:{free_port()}/0"  # it gives up soon
    arguments = ("up", "--no-demo", "--home", str(tmp_path / "home"), "--port", str(free_port()))
    said = headrace(*arguments, HEADRACE_REDIS_URL=url, PYTHONPATH=path)

    assert said.stdout.count("AMD's GPUs are seen (gfx1100 with 0 GiB) and not used, so models run on the CPU") == 1
