"""Models that do not fit on a device together: one leaves for another, in turns, and no request is refused."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.stack import Stack
from tests.support.servers import wait_for
from tests.support.weights import smollm2_gguf

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

TURN_S, WAIT_S = 3.0, 10.0


@pytest.fixture
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A device that has room for one of the two."""
    assert smollm2_gguf() is not None
    stack = Stack(
        tmp_path_factory.mktemp("narrow") / "home",
        devices=("cpu:0=300MiB",),
        HEADRACE_MIN_RESIDENT_S=str(TURN_S),
        HEADRACE_SWITCH_WAIT_S=str(WAIT_S),
    )
    yield stack.start()
    stack.close()


def launch(stack: Stack, uid: str, **fields: Any) -> httpx.Response:
    body = {"model_name": "smollm2", "model_uid": uid, "n_ctx": 1024, "n_parallel": 2, "n_threads": 1, **fields}
    return httpx.post(f"{stack.url}/v1/models", json=body, timeout=120)


def state(stack: Stack, uid: str) -> str:
    return str(httpx.get(f"{stack.url}/v1/models/{uid}").json()["state"])


def ask(stack: Stack, uid: str, max_tokens: int = 4) -> httpx.Response:
    body = {"model": uid, "messages": [{"role": "user", "content": "Name a colour."}], "max_tokens": max_tokens}
    return httpx.post(f"{stack.url}/v1/chat/completions", json=body, timeout=200)


def loads(stack: Stack) -> int:
    """How many loads have ended."""
    return sum(file.read_text().count("ready after") for file in (stack.home / "logs").glob("worker*"))


def test_models_that_do_not_fit_together_take_turns(narrow: Stack) -> None:
    for uid in "ab":  # the launch of the second has the first leave, which is idle
        assert launch(narrow, uid).status_code == 200
    wait_for(lambda: state(narrow, "a") == "dormant", 30)

    answers: list[tuple[float, int]] = []
    over = time.monotonic() + 40

    def client(uid: str) -> None:
        while time.monotonic() < over:
            began = time.monotonic()
            status = ask(narrow, uid).status_code
            answers.append((time.monotonic() - began, status))

    before = loads(narrow)
    clients = [threading.Thread(target=client, args=(uid,)) for uid in "abab"]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    count = loads(narrow) - before
    assert {status for _, status in answers} == {200}, answers
    assert 2 <= count <= 40 / TURN_S, "they take turns, and each has its own"
    assert len(answers) > 2 * count, "requests are served in runs"
    measured = [httpx.get(f"{narrow.url}/v1/models/{uid}").json()["load_s"] for uid in "ab"]
    assert max(took for took, _ in answers) < WAIT_S + 2 * max(measured) + 15, "a bound, on a machine that is busy"


def test_a_pinned_model_does_not_leave_for_another(narrow: Stack) -> None:
    assert launch(narrow, "a", pinned=True).status_code == 200
    launch(narrow, "b", load_on_request=True)
    asking = threading.Thread(target=ask, args=(narrow, "b"))
    asking.start()
    said = wait_for(lambda: narrow.client.replicas("b")[0]["error_message"], 30)
    assert "b needs 0." in said
    threading.Event().wait(2 * TURN_S)
    assert (state(narrow, "a"), ask(narrow, "a").status_code) == ("ready", 200)
    httpx.patch(f"{narrow.url}/v1/models/a", json={"pinned": False})
    asking.join()
    assert ask(narrow, "b").status_code == 200


@pytest.fixture
def uneven(tmp_path: Path) -> Iterator[Stack]:
    """Two devices, of which one has room for the larger model."""
    assert smollm2_gguf() is not None
    stack = Stack(
        tmp_path / "home",
        devices=("cpu:0=300MiB", "cpu:1=100MiB"),
        HEADRACE_MIN_RESIDENT_S="1",
        HEADRACE_SCALE_UP_S="1",
    )
    yield stack.start()
    stack.close()


def test_a_copy_that_left_for_another_model_comes_back(uneven: Stack) -> None:
    def states() -> list[str]:
        return sorted(one["state"] for one in uneven.client.replicas("two"))

    uneven.launch_echo("two", replica=2)
    wait_for(lambda: states() == ["ready", "ready"], 60, uneven.logs)
    assert launch(uneven, "large", n_ctx=2048).status_code == 200
    assert states() == ["dormant", "ready"]
    assert ask(uneven, "large").status_code == 200
    assert httpx.delete(f"{uneven.url}/v1/models/large", timeout=60).status_code == 200
    wait_for(lambda: states() == ["ready", "ready"], 60, uneven.logs)
