"""Replicas are added to a model that runs, and taken from it without disturbing what they do."""

import threading
from typing import Any

import httpx
import psutil
import pytest

from tests.e2e.models.life import events_of, kinds_of, replicas_of, states_of
from tests.e2e.stack import Stack, headrace
from tests.e2e.talk import chat
from tests.support.servers import wait_for

pytestmark = pytest.mark.e2e


@pytest.fixture
def scaled(stack: Stack) -> Any:
    """A model of one replica, gone at the end."""
    stack.launch_echo("scaled", step_ms=40)
    yield "scaled"
    httpx.delete(f"{stack.url}/v1/models/scaled", timeout=60)


def add(stack: Stack, **body: Any) -> httpx.Response:
    return httpx.post(f"{stack.url}/v1/models/scaled/replicas", json=body)


@pytest.mark.usefixtures("scaled")
def test_replicas_come_and_the_idle_ones_go_first(stack: Stack) -> None:
    one = add(stack).json()
    assert (one["replica_index"], one["status"], one["total_replicas"]) == (1, "CREATING", 2)
    two = add(stack, replica=2).json()
    assert (two["replica"], [other["replica_index"] for other in two["replicas"]]) == (2, [2, 3])
    wait_for(lambda: states_of(stack, "scaled") == ["ready"] * 4, 60, stack.logs)
    body = chat("scaled", stream=True, max_tokens=40)
    with httpx.stream("POST", f"{stack.url}/v1/chat/completions", json=body, timeout=60) as answer:
        lines = answer.iter_lines()
        next(lines)
        wait_for(lambda: any(row["inflight"] for row in replicas_of(stack, "scaled")), 10)
        [busy] = [row["replica_id"] for row in replicas_of(stack, "scaled") if row["inflight"]]
        gone = httpx.delete(f"{stack.url}/v1/models/scaled/replicas", params={"replica": 3}, timeout=90).json()
        assert (gone["remaining_replicas"], gone["leaving"]) == (1, [])
        assert busy not in gone["removed"]
        assert "data: [DONE]" in list(lines)
    assert [row["replica_id"] for row in replicas_of(stack, "scaled")] == [busy]
    assert [row["replica"] for row in stack.client.models() if row["id"] == "scaled"] == [1]
    told = kinds_of(stack, "scaled")
    assert (told.count("replica_added"), told.count("replica_removed"), told.count("unloaded")) == (3, 3, 3)


def test_a_replica_whose_id_has_a_slash_is_removed_by_its_id(stack: Stack) -> None:
    uid = stack.launch_echo("org/scaled", replica=2)
    try:
        named = sorted(row["replica_id"] for row in replicas_of(stack, uid))
        done = httpx.delete(f"{stack.url}/v1/models/{uid}/replicas/{named[1]}", timeout=90)
        assert (done.status_code, done.json()["removed"]) == (200, named[1:]), done.text
        assert [row["replica_id"] for row in replicas_of(stack, uid)] == named[:1]
    finally:
        httpx.delete(f"{stack.url}/v1/models/{uid}", timeout=60)


@pytest.mark.usefixtures("scaled")
def test_a_replica_that_leaves_ends_its_requests_whole_and_gets_no_more(stack: Stack) -> None:
    [first] = replicas_of(stack, "scaled")
    body, whole = chat("scaled", stream=True, max_tokens=60), list[str]()

    def ask() -> None:
        with httpx.stream("POST", f"{stack.url}/v1/chat/completions", json=body, timeout=60) as answer:
            whole.extend(answer.iter_lines())

    asking = threading.Thread(target=ask)
    asking.start()
    wait_for(lambda: replicas_of(stack, "scaled")[0]["inflight"], 20)
    add(stack)
    wait_for(lambda: states_of(stack, "scaled") == ["ready"] * 2, 60, stack.logs)
    done = httpx.delete(f"{stack.url}/v1/models/scaled/replicas/0", timeout=90)
    assert done.json()["removed"] == [first["replica_id"]], done.text
    asking.join(60)
    assert [line for line in whole if line.startswith("data:")][-1] == "data: [DONE]"
    assert not psutil.pid_exists(first["pid"])
    said = httpx.post(f"{stack.url}/v1/chat/completions", json=chat("scaled", max_tokens=2), timeout=30)
    assert said.status_code == 200, said.text


@pytest.mark.usefixtures("scaled")
@pytest.mark.parametrize(
    ("method", "path", "body", "status", "param"),
    [
        ("POST", "replicas", {"replica": 0}, 400, "replica"),
        ("POST", "replicas", {"replica": 64}, 400, "replica"),
        ("POST", "replicas", {"replica": True}, 400, "replica"),
        ("POST", "replicas", {"model_engine": "vllm"}, 400, "model_engine"),
        ("POST", "replicas", {"n_gpu": 2}, 400, "n_gpu"),
        ("POST", "replicas", {"replica_config": {"devices": [{"gpu_idx": [0]}]}}, 400, "replica_config"),
        ("DELETE", "replicas", None, 409, "replica_id"),
        ("DELETE", "replicas/0", None, 409, "replica_id"),
        ("DELETE", "replicas/7", None, 404, "replica_id"),
        ("DELETE", "replicas?replica=x", None, 400, "replica"),
        ("POST", "cancel", None, 409, "uid"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    stack: Stack, method: str, path: str, body: dict[str, Any] | None, status: int, param: str
) -> None:
    answer = httpx.request(method, f"{stack.url}/v1/models/scaled/{path}", json=body, timeout=30)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param), answer.text
    assert states_of(stack, "scaled") == ["ready"]
    other = httpx.request(method, f"{stack.url}/v1/models/nobody/{path}", json=body, timeout=30)
    assert other.status_code in (400, 404)


@pytest.mark.usefixtures("scaled")
def test_the_command_line_adds_and_removes(stack: Stack) -> None:
    assert "2 replicas" in headrace(stack, "replicas", "-u", "scaled", "--add", "1").stdout
    wait_for(lambda: states_of(stack, "scaled") == ["ready"] * 2, 60, stack.logs)
    assert headrace(stack, "replicas", "-u", "scaled").stdout.count("ready") == 2
    assert "1 replica left" in headrace(stack, "replicas", "-u", "scaled", "--remove", "1").stdout
    shown = headrace(stack, "events", "-u", "scaled").stdout
    assert [line for line in shown.splitlines() if "replica removed" in line]
    assert "launched: echo on echo, 1 replica" in shown
    assert events_of(stack, "scaled")[0]["event_type"] == "INFO"
    refused = headrace(stack, "cancel-launch", "-u", "scaled")
    assert (refused.returncode, "terminate it instead" in refused.stderr) == (1, True)


def test_a_launch_that_may_grow_is_whole_once_enough_is_ready(stack: Stack) -> None:
    asked = ("-n", "echo", "-en", "echo", "-u", "grows", "--min-replicas", "1", "--max-replicas", "3")
    done = headrace(stack, "launch", *asked)
    assert (done.returncode, done.stdout) == (0, "grows\n"), done.stderr
    assert (now := stack.client.progress("grows")).stage == "ready"
    assert now.fraction == 1
    path = f"{stack.url}/v1/models/grows"
    assert 'data: {"stage": "ready"}' in httpx.get(f"{path}/progress?follow=true", timeout=30).text
    again = headrace(stack, "launch", *asked)
    assert (again.returncode, again.stdout) == (1, "")
    assert "in use, by a model that is ready: choose another" in again.stderr
    assert httpx.delete(path, timeout=60).status_code == 200


def test_one_that_is_loaded_on_request_is_not_waited_for(stack: Stack) -> None:
    done = headrace(stack, "launch", "-n", "echo", "-en", "echo", "-u", "sleeps", "--load-on-request")
    assert (done.returncode, done.stdout) == (0, "sleeps\n"), done.stderr
    assert stack.client.progress("sleeps").stage == "dormant"
    assert httpx.delete(f"{stack.url}/v1/models/sleeps", timeout=60).status_code == 200
