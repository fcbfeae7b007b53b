"""What ran comes back after any part, or everything, was killed; what failed stays, with its reason and its log."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import StackFactory
from tests.e2e.models.life import events_of, kinds_of, states_of
from tests.e2e.stack import Stack, headrace
from tests.e2e.talk import chat
from tests.support.servers import wait_for
from tests.support.weights import RERANKER

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def broken(folder: Path) -> dict[str, object]:
    """A launch whose tokenizer cannot be read, which shows when it is loaded."""
    for file in RERANKER.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "tokenizer.json").write_text("{")
    return {"model_uid": "broken", "model_name": "broken", "model_type": "rerank", "model_path": str(folder)}


def answers(stack: Stack, uid: str) -> bool:
    try:
        answer = httpx.post(f"{stack.url}/v1/chat/completions", json=chat(uid, max_tokens=1), timeout=10)
    except httpx.HTTPError:
        return False
    return answer.status_code == 200


def loads_of(stack: Stack, start: int) -> list[str]:
    """The models in the order in which they were ready, of events from one on."""
    found = httpx.get(f"{stack.url}/v1/events", params={"after": start, "limit": 1000}).json()["data"]
    return [one["model_uid"] for one in found if one["kind"] in ("ready", "reloaded")]


def test_all_comes_back_in_order_after_everything_was_killed(new_stack: StackFactory, tmp_path: Path) -> None:
    stack = new_stack()
    for uid, priority in (("late", 300), ("usual", 100), ("first", 1)):
        stack.launch_echo(uid, priority=priority)
    stack.launch_echo("passing", autostart=False)
    refused = httpx.post(f"{stack.url}/v1/models", json=broken(tmp_path), timeout=120)
    assert httpx.get(f"{stack.url}/v1/models/broken").status_code == 200, refused.text
    wait_for(lambda: httpx.get(f"{stack.url}/v1/models/broken/logs").json()["data"], 30)
    [before] = httpx.get(f"{stack.url}/v1/models/broken/replicas").json()
    last = events_of(stack, "broken")[-1]
    for process in [*stack.tree()][::-1]:
        process.kill()
    stack.kill("supervisor")
    (stack.home / "redis").rename(stack.home / "redis.gone")  # and all that Redis knew

    stack.start()
    wait_for(lambda: loads_of(stack, last["id"]) == ["first", "usual", "late"], 60, stack.logs)
    assert all(answers(stack, uid) for uid in ("first", "usual", "late"))
    models = {one["id"]: one["state"] for one in stack.client.models()}
    assert "passing" not in models
    assert kinds_of(stack, "passing")[-2:] == ["terminated", "unloaded"]
    assert models["broken"] == "failed"
    [after] = httpx.get(f"{stack.url}/v1/models/broken/replicas").json()
    assert after["error_message"] == before["error_message"]
    kept = httpx.get(f"{stack.url}/v1/models/broken/logs").json()["data"]
    assert len(kept) > 1
    assert kept[-1]["replica_id"] == before["replica_id"]
    assert f"broken: {before['error_message']}; not tried again" in headrace(stack, "list").stdout
    assert stack.client.terminate("broken")["memory_freed"], "dismissed"
    assert httpx.get(f"{stack.url}/v1/models/broken/logs").status_code == 404


@pytest.mark.parametrize("role", ["gateway", "steward", "worker", "runner", "redis"])
def test_what_ran_runs_again_after_a_part_was_killed(role: str, killed_stack: Stack) -> None:
    stack = killed_stack
    killed = stack.kill(role)
    wait_for(lambda: (pids := stack.pids()[role]) and killed not in pids, 60, stack.logs)
    wait_for(partial(answers, stack, "echo"), 60, stack.logs)
    wait_for(lambda: states_of(stack, "echo") == ["ready"], 30, stack.logs)
    if role == "runner":
        assert [kind for kind in kinds_of(stack, "echo") if kind != "loading"][-2:] == ["died", "reloaded"]


@pytest.fixture(scope="module")
def killed_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("killed") / "home")
    try:
        stack.start()
        stack.launch_echo()
        yield stack
    finally:
        stack.close()
