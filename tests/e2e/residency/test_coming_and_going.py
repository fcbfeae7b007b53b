"""Models that are unloaded while nobody needs them, and loaded again for the next request, which is never refused."""

import json
import random
import re
import threading
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack
from tests.support.servers import wait_for

pytestmark = pytest.mark.e2e


def state(stack: Stack, uid: str) -> str:
    return str(httpx.get(f"{stack.url}/v1/models/{uid}").json()["state"])


def until(stack: Stack, uid: str, wanted: str) -> None:
    wait_for(lambda: state(stack, uid) == wanted, 60, lambda: f"{state(stack, uid)}\n{stack.logs()}")


def ask(stack: Stack, uid: str, **headers: str) -> httpx.Response:
    body = {"model": uid, "messages": [{"role": "user", "content": "one two"}], "max_tokens": 2}
    return httpx.post(f"{stack.url}/v1/chat/completions", json=body, headers=headers, timeout=60)


def change(stack: Stack, uid: str, **body: Any) -> httpx.Response:
    return httpx.patch(f"{stack.url}/v1/models/{uid}", json=body)


def test_a_real_model_leaves_when_nobody_asks_and_comes_back(stack: Stack) -> None:
    stack.client.launch({"model_uid": "vectors", "model_name": "minilm", "model_type": "embedding", "keep_alive": "1s"})
    until(stack, "vectors", "ready")
    until(stack, "vectors", "dormant")
    wait_for(lambda: stack.client.replicas("vectors")[0]["pid"] is None, 30)
    answer = httpx.post(f"{stack.url}/v1/embeddings", json={"model": "vectors", "input": "one"}, timeout=120)
    assert (answer.status_code, len(answer.json()["data"])) == (200, 1), answer.text
    assert httpx.get(f"{stack.url}/v1/models/vectors").json()["load_s"] > 0
    until(stack, "vectors", "dormant")
    httpx.delete(f"{stack.url}/v1/models/vectors", timeout=60)


def test_a_pinned_model_stays_until_it_is_let_go(stack: Stack) -> None:
    stack.launch_echo("pinned", keep_alive=0, pinned=True)
    assert ask(stack, "pinned").status_code == 200
    threading.Event().wait(3)  # several turns of the steward
    assert state(stack, "pinned") == "ready"
    changed = change(stack, "pinned", pinned=False)
    assert (changed.status_code, changed.json()["pinned"], changed.json()["keep_alive"]) == (200, False, 0)
    until(stack, "pinned", "dormant")
    httpx.delete(f"{stack.url}/v1/models/pinned", timeout=60)


def test_a_change_that_makes_no_sense_is_refused(stack: Stack) -> None:
    for body, param in (({"keep_alive": "soon"}, "keep_alive"), ({"replicas": 2}, "replicas")):
        answer = change(stack, "echo", **body)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    answer = change(stack, "echo", min_replicas=2)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "min_replicas")
    assert change(stack, "nobody", pinned=True).status_code == 404


def test_no_request_is_lost_while_a_model_comes_and_goes(stack: Stack) -> None:
    """Requests at random moments, also at that in which it leaves."""
    stack.launch_echo("restless", keep_alive=0)
    answers: list[httpx.Response] = []

    def client(seed: int) -> None:
        moments = random.Random(seed)
        for _ in range(8):
            threading.Event().wait(moments.uniform(0, 2.5))
            answers.append(ask(stack, "restless"))

    clients = [threading.Thread(target=client, args=(seed,)) for seed in range(4)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    assert [one.status_code for one in answers] == [200] * 32, [one.text for one in answers if one.status_code != 200]
    until(stack, "restless", "dormant")
    assert stack.log("worker-cpu").count("restless-0") > 4
    httpx.delete(f"{stack.url}/v1/models/restless", timeout=60)


def lines_of(stack: Stack, uid: str, **headers: str) -> list[str]:
    """The lines of a streamed answer."""
    body = {"model": uid, "messages": [{"role": "user", "content": "one two"}], "max_tokens": 2, "stream": True}
    with httpx.stream("POST", f"{stack.url}/v1/chat/completions", json=body, headers=headers, timeout=60) as answer:
        assert answer.status_code == 200
        return [line for line in answer.iter_lines() if line]


def test_a_request_may_ask_what_happens_while_its_model_loads(stack: Stack) -> None:
    sleeper = {"model_uid": "sleeper", "model_name": "echo", "model_engine": "echo", "load_s": 1.5, "keep_alive": 0}
    stack.client.launch(sleeper | {"load_on_request": True})
    refused = ask(stack, "sleeper", **{"x-headrace-loading": "refuse"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "model_not_ready")
    assert int(refused.headers["retry-after"]) >= 1
    assert "place 1" in refused.json()["error"]["message"]
    until(stack, "sleeper", "ready")  # it was awakened all the same
    assert ask(stack, "sleeper", **{"x-headrace-loading": "soon"}).status_code == 400
    assert ask(stack, "sleeper", **{"x-headrace-loading": "refuse"}).status_code == 200
    until(stack, "sleeper", "dormant")

    lines = lines_of(stack, "sleeper", **{"x-headrace-loading": "events"})
    told = [json.loads(lines[n + 1].removeprefix("data: ")) for n, one in enumerate(lines) if one == "event: loading"]
    assert {one["stage"] for one in told} > {"loading"}
    assert (told[0]["model"], told[0]["position"]) == ("sleeper", 1)
    assert 1 <= told[-1]["eta_s"] < 5, "it was measured before"
    assert lines[-1] == "data: [DONE]"
    httpx.delete(f"{stack.url}/v1/models/sleeper", timeout=60)


def test_a_stream_is_kept_alive_by_what_is_to_be_known(new_stack: StackFactory) -> None:
    stack = new_stack(HEADRACE_KEEPALIVE_AFTER_S="0.3", HEADRACE_KEEP_ALIVE="0")
    sleeper = {"model_uid": "sleeper", "model_name": "echo", "model_engine": "echo", "load_s": 1}
    stack.client.launch(sleeper | {"load_on_request": True})
    lines = lines_of(stack, "sleeper")
    assert re.fullmatch(r": \w+ \d+%, place 1", lines[0]), lines[0]
    assert lines[-1] == "data: [DONE]"
    until(stack, "sleeper", "dormant")  # by the setting
