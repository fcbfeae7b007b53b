"""Environment variables of a launch: in the processes of each replica, after a restart too; secrets are not told."""

import httpx
import psutil
import pytest

from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack, headrace

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SECRET = "hf_neverseen"


def environments(stack: Stack, uid: str) -> list[dict[str, str]]:
    """Of the runner of each replica, as the kernel has it."""
    replicas = httpx.get(f"{stack.url}/v1/models/{uid}/replicas").json()
    return [psutil.Process(one["pid"]).environ() for one in replicas]


@pytest.mark.weights
def test_the_processes_of_a_model_have_them_and_so_after_a_restart(new_stack: StackFactory) -> None:
    stack = new_stack()
    flags = ("--replica", "2", "--n-ctx", "512", "--env", "GREETING", "a b=c", "-ev", "HF_TOKEN", SECRET)
    done = headrace(stack, "launch", "-n", "smollm2", "-u", "given", *flags)
    assert done.returncode == 0, done.stderr
    stack.client.wait_ready("given")
    stack.launch_echo("bare")

    def check() -> None:
        found = environments(stack, "given")
        assert [(one["GREETING"], one["HF_TOKEN"]) for one in found] == [("a b=c", SECRET)] * 2
        assert all("GREETING" not in one for one in environments(stack, "bare"))

    check()
    stack.kill_all()
    stack.start()
    for uid in ("given", "bare"):
        stack.client.wait_ready(uid)
    check()
    kept = httpx.get(f"{stack.url}/v1/autostart/models").json()["models"]
    [launch] = [one["launch"] for one in kept if one["launch"]["model_uid"] == "given"]
    assert launch["envs"] == {"GREETING": "a b=c", "HF_TOKEN": "******"}
    before = httpx.get(f"{stack.url}/v1/launch_history").json()
    [past] = [one for one in before if one["model_uid"] == "given"]
    assert past["data"]["envs"] == launch["envs"]
    assert past["left_out"] == ["envs"]
    told = "".join(
        httpx.get(f"{stack.url}{path}").text for path in ("/v1/models", "/v1/events", "/v1/models/given/logs")
    )
    assert SECRET not in told + stack.logs()
    assert "GREETING" not in httpx.get(f"{stack.url}/v1/models/given").text


def test_one_that_may_not_be_set_is_refused_by_name(stack: Stack) -> None:
    body = {"model_name": "echo", "model_uid": "not", "envs": {"A": "1", "LD_PRELOAD": "/tmp/x.so"}}
    answer = httpx.post(f"{stack.url}/v1/models", json=body, timeout=30)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "envs.LD_PRELOAD"
    assert "which code runs" in answer.json()["error"]["message"]
    body["envs"] = {"A": 1}
    answer = httpx.post(f"{stack.url}/v1/models", json=body, timeout=30)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "envs.A")
