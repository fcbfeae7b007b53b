"""What the runners of a model wrote can be read, also where it could not be loaded, until it is terminated."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.stack import Stack, headrace
from tests.support.servers import wait_for
from tests.support.weights import RERANKER

pytestmark = pytest.mark.e2e


def log_of(stack: Stack, uid: str, **params: Any) -> list[dict[str, Any]]:
    answer = httpx.get(f"{stack.url}/v1/models/{uid}/logs", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


@pytest.fixture
def broken(stack: Stack, tmp_path: Path) -> dict[str, Any]:
    """A launch whose tokenizer cannot be read, which shows when it is loaded."""
    for file in RERANKER.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "tokenizer.json").write_text("{")
    return {"model_uid": "broken", "model_name": "broken", "model_type": "rerank", "model_path": str(tmp_path)}


def test_a_launch_that_failed_stays_with_its_log_until_it_is_terminated(stack: Stack, broken: dict[str, Any]) -> None:
    refused = httpx.post(f"{stack.url}/v1/models", json=broken, timeout=120)
    assert refused.status_code == 400, refused.text

    [row] = [one for one in httpx.get(f"{stack.url}/v1/models").json()["data"] if one["id"] == "broken"]
    assert row["state"] == "failed"
    assert refused.json()["error"]["message"] in httpx.get(f"{stack.url}/v1/models/broken/progress").text
    assert "broken" in headrace(stack, "list").stdout
    wait_for(lambda: len(log_of(stack, "broken")) > 1, 30)
    written = log_of(stack, "broken")
    assert {one["replica_id"].startswith("broken-0") for one in written} == {True}
    assert not [one["text"] for one in written if "cannot serve again" in one["text"]], "it never served"
    assert [one["text"] for one in log_of(stack, "broken", lines=1)] == [written[-1]["text"]]
    assert written[-1]["text"] in headrace(stack, "logs", "-u", "broken").stdout

    again = httpx.post(f"{stack.url}/v1/models", json=broken, timeout=120)  # its uid is free
    assert again.json() == refused.json()
    assert httpx.delete(f"{stack.url}/v1/models/broken").status_code == 200
    gone = httpx.get(f"{stack.url}/v1/models/broken/logs")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "model_not_found")
    stack.launch_echo("broken")  # which writes nothing
    assert log_of(stack, "broken") == []
    httpx.delete(f"{stack.url}/v1/models/broken", timeout=60)


def test_a_launch_that_failed_may_be_launched_again_with_other_weights(stack: Stack, broken: dict[str, Any]) -> None:
    for _ in range(3):
        refused = httpx.post(f"{stack.url}/v1/models", json=broken, timeout=120)
        assert refused.status_code == 400, refused.text
        stack.client.launch(broken | {"model_path": str(RERANKER)})
        stack.client.wait_ready("broken")  # raises what a launch failed with
        httpx.delete(f"{stack.url}/v1/models/broken", timeout=60)


def test_a_log_is_followed_until_the_model_is_terminated(stack: Stack, broken: dict[str, Any]) -> None:
    httpx.post(f"{stack.url}/v1/models", json=broken, timeout=120)
    wait_for(lambda: len(log_of(stack, "broken")) > 1, 30)
    first, *_ = before = log_of(stack, "broken")
    seen: list[dict[str, Any]] = []
    with httpx.stream("GET", f"{stack.url}/v1/models/broken/logs?follow=true", timeout=60) as answer:
        for line in answer.iter_lines():
            if not line.startswith("data:"):
                continue
            seen.append(json.loads(line.removeprefix("data:")))
            if len(seen) == len(before):
                httpx.post(f"{stack.url}/v1/models", json=broken, timeout=120)
            if seen[-1]["replica_id"] != first["replica_id"]:  # it was launched once more
                httpx.delete(f"{stack.url}/v1/models/broken", timeout=60)

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert seen[: len(before)] == before
    assert len(seen) > len(before)


@pytest.mark.parametrize("lines", ["0", "1001", "x"])
def test_a_log_has_so_many_lines(stack: Stack, lines: str) -> None:
    answer = httpx.get(f"{stack.url}/v1/models/echo/logs", params={"lines": lines})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "lines"
