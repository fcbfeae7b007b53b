"""A launch is cancelled at every stage, and is gone within two seconds; what was fetched of it is gone on with."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from models.rows import instances
from models.rows.database import Database
from models.rows.records import ReplicaRow
from tests.e2e.models.life import events_of, kinds_of
from tests.e2e.models.test_hubs import FILES
from tests.e2e.stack import Stack, headrace
from tests.support.hubs import Hub
from tests.support.servers import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(300)]

GONE_S = 2.0
STAGES = {"starting": "smollm2", "loading": "smollm2", "warming": "hibari"}
"""Launches that are stopped (SIGSTOP) in a stage, so that they are in it for sure: a stopped process hears nothing."""


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with Hub({"org/glyph-vlm": FILES}) as serving:
        yield serving


@pytest.fixture(scope="module")
def stack(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(tmp_path_factory.mktemp("cancelling") / "home", HF_ENDPOINT=hub.url, HF_HUB_OFFLINE="0")
    try:
        yield made.start()
    finally:
        made.close()


def cancel(stack: Stack, uid: str) -> tuple[httpx.Response, float]:
    begun = time.monotonic()
    answer = httpx.post(f"{stack.url}/v1/models/{uid}/cancel", timeout=30)
    return answer, time.monotonic() - begun


def waits_for_launch(stack: Stack, body: dict[str, Any]) -> tuple[threading.Thread, list[httpx.Response]]:
    """Launch in another thread, which waits until it is ready."""
    answers: list[httpx.Response] = []
    url = f"{stack.url}/v1/models"
    thread = threading.Thread(target=lambda: answers.append(httpx.post(url, json=body, timeout=120)))
    thread.start()
    return thread, answers


@pytest.mark.parametrize("stage", STAGES)
def test_a_launch_is_gone_at_once_wherever_it_is(stack: Stack, stage: str) -> None:
    database = Database(f"sqlite:///{stack.home / 'headrace.db'}")
    thread, answers = waits_for_launch(stack, {"model_name": STAGES[stage], "model_uid": "m"})

    def reached() -> ReplicaRow | None:
        rows = database.call(instances.replicas_of, "m")
        return next((row for row in rows if row.stage == stage and row.pid), None)

    while (row := reached()) is None:  # the stage may be short; the test's own time limit bounds it
        time.sleep(0.002)
    os.kill(row.pid or 0, signal.SIGSTOP)
    answer, took = cancel(stack, "m")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["memory_freed"], answer.json()["message"]) == (True, None)
    assert took < GONE_S
    assert not psutil.pid_exists(row.pid or 0)
    assert not stack.pids()["runner"]
    thread.join(20)
    assert (answers[0].status_code, answers[0].json()["error"]["code"]) == (409, "cancelled")
    assert httpx.get(f"{stack.url}/v1/models/m").status_code == 404
    assert database.call(instances.replicas_of, "m") == []
    assert kinds_of(stack, "m")[-2:] == ["cancelled", "unloaded"]
    database.close()


def test_a_cancelled_download_is_gone_on_with(stack: Stack, hub: Hub) -> None:
    held = 2_000_000
    hub.troubles.held["model.safetensors"] = held
    hub.troubles.go.clear()
    body = {"model_name": "m", "model_uid": "d", "model_path": "hf:org/glyph-vlm", "n_gpu": None}
    thread, answers = waits_for_launch(stack, body)
    assert hub.troubles.reached.wait(60)
    wait_for(lambda: httpx.get(f"{stack.url}/v1/models/d/progress").json()["download_files"], 30, stack.logs)
    partial = list((stack.home / "models").rglob("*.incomplete"))
    answer, took = cancel(stack, "d")
    assert (answer.status_code, answer.json()["memory_freed"]) == (200, True), answer.text
    assert took < GONE_S
    assert not stack.pids()["runner"]
    assert partial
    assert all(path.exists() for path in partial), "what was fetched stays"
    thread.join(20)
    assert answers[0].json()["error"]["code"] == "cancelled"
    assert [kind for kind in kinds_of(stack, "d") if kind != "placed"] == [
        *("launched", "downloading", "cancelled", "unloaded")
    ]

    hub.troubles.go.set()
    stack.client.launch(body)
    stack.client.wait_ready("d")
    assert hub.downloads("model.safetensors")[-1] > 0, "it began where the other had stopped"
    again = kinds_of(stack, "d")[5:]
    assert [kind for kind in again if kind != "placed"][:3] == ["launched", "downloading", "loading"]
    assert again[-1] == "ready"
    stack.client.terminate("d")


def test_a_launch_that_waits_is_cancelled_from_the_command_line(stack: Stack) -> None:
    stack.client.launch({"model_name": "minilm", "model_uid": "asleep", "load_on_request": True})
    assert "cancelled asleep" in headrace(stack, "cancel-launch", "-u", "asleep").stdout
    assert [one["kind"] for one in events_of(stack, "asleep")] == ["launched", "cancelled"]
    answer, _ = cancel(stack, "asleep")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


def test_progress_and_events_are_followed(stack: Stack) -> None:
    thread, _ = waits_for_launch(stack, {"model_name": "smollm2", "model_uid": "seen"})
    wait_for(lambda: httpx.get(f"{stack.url}/v1/models/seen").status_code == 200, 20, stack.logs)
    with httpx.stream("GET", f"{stack.url}/v1/models/seen/progress?follow=true", timeout=60) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = list(answer.iter_lines())
    told = [json.loads(line.removeprefix("data:")) for line in lines if line.startswith("data:")]
    assert told[-1] == {"stage": "ready"}
    assert [one["progress"] for one in told[:-1]] == sorted(one["progress"] for one in told[:-1])
    assert len(told) > 2
    thread.join(20)
    kinds: list[str] = []
    with httpx.stream("GET", f"{stack.url}/v1/events?follow=true&after=0", timeout=60) as answer:
        for line in answer.iter_lines():
            if line.startswith("data:") and (event := json.loads(line[5:]))["model_uid"] == "seen":
                kinds.append(event["kind"])
                if event["kind"] == "ready":
                    httpx.delete(f"{stack.url}/v1/models/seen", timeout=60)
                if event["kind"] == "unloaded":
                    break
    assert (kinds[0], kinds[-3:]) == ("launched", ["ready", "terminated", "unloaded"])
    last = events_of(stack, "seen")[-1]
    on = httpx.get(f"{stack.url}/v1/models/seen/events", params={"after": last["id"] - 1}).json()
    assert on == [last]


def test_events_of_all_models_are_chosen_by_model_and_by_how_bad_they_are(stack: Stack) -> None:
    for uid in ("calm", "other"):
        stack.launch_echo(uid)
        stack.client.terminate(uid)

    def listed(**params: Any) -> dict[str, Any]:
        answer = httpx.get(f"{stack.url}/v1/events", params=params)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    page = listed(model_uid="calm", limit=2)
    assert [one["kind"] for one in page["data"]] == kinds_of(stack, "calm")[-2:]
    assert page["has_more"]
    first = listed(model_uid="calm", limit=1, after=0)
    assert ([one["kind"] for one in first["data"]], first["has_more"]) == (["launched"], True)
    assert {one["model_uid"] for one in listed(model_uid="calm")["data"]} == {"calm"}
    assert not listed(model_uid="calm")["has_more"]
    assert not listed(model_uid="calm", event_type=["WARNING", "ERROR"])["data"]
    assert listed(model_uid="calm", event_type=["INFO"])["data"] == listed(model_uid="calm")["data"]
    assert listed(model_uid="no\tuid") == {"object": "list", "data": [], "has_more": False}
    for query in ("follow=true&event_type=ERROR", "follow=true&model_uid=calm", "event_type=worse"):
        answer = httpx.get(f"{stack.url}/v1/events?{query}")
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]["param"].partition("[")[0] in query


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "after=-1", "follow=maybe"])
def test_events_are_asked_for_rightly(stack: Stack, query: str) -> None:
    for path in ("/v1/events", "/v1/models/echo/events"):
        answer = httpx.get(f"{stack.url}{path}?{query}")
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, query.partition("=")[0])
    assert httpx.get(f"{stack.url}/v1/models/nobody/events").status_code == 404
