"""What ran comes back after any part, or everything, was killed; what failed stays, with its reason and its log."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from models.rows.database import Database
from models.rows.tables import devices, leases
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
    failures = len(kinds_of(stack, "broken"))
    stack.kill_all()
    (stack.home / "redis").rename(stack.home / "redis.gone")  # and all that Redis knew

    stack.start()
    wait_for(lambda: loads_of(stack, last["id"]) == ["first", "usual", "late"], 60, stack.logs)
    assert all(answers(stack, uid) for uid in ("first", "usual", "late"))
    models = {one["id"]: one["state"] for one in stack.client.models()}
    assert "passing" not in models
    assert kinds_of(stack, "passing")[-2:] == ["terminated", "unloaded"]
    wait_for(lambda: "failed" in kinds_of(stack, "broken")[failures:], 60, stack.logs)  # it may have been mended
    wait_for(lambda: states_of(stack, "broken") == ["failed"], 30, stack.logs)
    [after] = httpx.get(f"{stack.url}/v1/models/broken/replicas").json()
    assert after["error_message"] == before["error_message"]
    kept = httpx.get(f"{stack.url}/v1/models/broken/logs").json()["data"]
    assert len(kept) > 1
    assert kept[-1]["replica_id"] == before["replica_id"]
    assert f"broken: {before['error_message']}; not tried again" in headrace(stack, "list").stdout
    assert stack.client.terminate("broken")["memory_freed"], "dismissed"
    assert httpx.get(f"{stack.url}/v1/models/broken/logs").status_code == 404


def test_weights_that_come_late_at_a_start_are_loaded_when_they_are_there(
    new_stack: StackFactory, tmp_path: Path
) -> None:
    """As on a disk of the network that is mounted after Headrace has begun."""
    stack = new_stack()
    mounted, away = tmp_path / "weights", tmp_path / "away"
    shutil.copytree(RERANKER, mounted)
    body = {"model_uid": "late", "model_name": "late", "model_type": "rerank", "model_path": str(mounted)}
    launched = httpx.post(f"{stack.url}/v1/models", json=body | {"retry_interval_s": 1}, timeout=120)
    assert launched.status_code == 200, launched.text
    stack.kill_all()
    mounted.rename(away)

    stack.start()
    wait_for(lambda: "failed" in kinds_of(stack, "late"), 60, stack.logs)
    [failed] = [one["text"] for one in events_of(stack, "late") if one["kind"] == "failed"][:1]
    assert "there is nothing at" in failed
    assert failed.endswith("tried again in 1 s (try 1 of 5)")
    away.rename(mounted)
    wait_for(lambda: states_of(stack, "late") == ["ready"], 60, stack.logs)
    asked = {"model": "late", "query": "x", "documents": ["y"]}
    assert httpx.post(f"{stack.url}/v1/rerank", json=asked, timeout=60).status_code == 200


def test_all_stays_where_it_was_after_a_machine_was_off_for_long(new_stack: StackFactory) -> None:
    stack = new_stack()
    stack.launch_echo("stays")
    stack.kill_all()
    database = Database(f"sqlite:///{stack.home / 'headrace.db'}")
    database.call(lambda c: c.execute(sa.update(devices).values(seen_at=devices.c.seen_at - 3_600_000)))
    database.call(lambda c: c.execute(sa.delete(leases)))
    database.close()

    stack.start()
    wait_for(lambda: answers(stack, "stays"), 60, stack.logs)
    assert "lost" not in kinds_of(stack, "stays")


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
