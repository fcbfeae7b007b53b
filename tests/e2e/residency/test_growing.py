"""Replicas that are loaded while requests queue answer those that made them come."""

import threading

import httpx
import pytest

from tests.e2e.conftest import StackFactory
from tests.support.servers import wait_for

pytestmark = pytest.mark.e2e

REQUESTS = 24


def test_requests_that_wait_are_answered_by_the_replicas_that_come(new_stack: StackFactory) -> None:
    stack = new_stack(HEADRACE_SCALE_UP_S="1")
    echo = {"model_uid": "grows", "model_name": "echo", "model_engine": "echo", "max_inflight": 1, "step_ms": 200}
    launch = echo | {"min_replicas": 1, "max_replicas": 3}
    assert httpx.post(f"{stack.url}/v1/models", json=launch, timeout=60).status_code == 200
    body = {"model": "grows", "messages": [{"role": "user", "content": "one two three"}], "max_tokens": 8}
    answers: list[httpx.Response] = []

    def ask(stream: bool) -> None:
        with httpx.Client(timeout=100) as client:
            answers.append(client.post(f"{stack.url}/v1/chat/completions", json=body | {"stream": stream}))

    clients = [threading.Thread(target=ask, args=(bool(n % 2),)) for n in range(REQUESTS)]
    for one in clients:
        one.start()
    seen: set[str] = set()

    def all_work() -> bool:
        seen.update(one["replica_id"] for one in stack.client.replicas("grows") if one["inflight"])
        return len(seen) == 3

    wait_for(all_work, 60, lambda: f"{seen}\n{stack.logs()}")
    for one in clients:
        one.join()
    assert [one.status_code for one in answers] == [200] * REQUESTS
    assert all(one.text.endswith("data: [DONE]\n\n") for one in answers if one.text.startswith("data:"))
    metrics = httpx.get(f"{stack.url}/metrics").text
    (moved,) = [line for line in metrics.splitlines() if line.startswith('headrace_moved_total{model="grows"}')]
    assert float(moved.split()[-1]) >= 6, "nobody else came after the replicas"
