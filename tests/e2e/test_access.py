"""Who may pass; and runners under an interpreter of their own."""

import sysconfig
import venv
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.e2e.conftest import StackFactory
from tests.e2e.talk import chat

pytestmark = pytest.mark.e2e

KEYS = {"HEADRACE_API_KEY": "first-key, second-key"}


WRONG: list[dict[str, str]] = [
    {},
    {"authorization": "Bearer wrong"},
    {"authorization": "Bearer"},
    {"authorization": "Basic first-key"},
    {"x-api-key": "none"},
]


def test_without_a_known_key_nothing_but_health_answers(new_stack: StackFactory) -> None:
    stack = new_stack(**KEYS)
    paths = list(httpx.get(f"{stack.url}/openapi.json", headers=_bearer("first-key")).json()["paths"])
    assert "/metrics" in paths
    for path in [
        *paths,
        "/docs",
        "/openapi.json",
        "/nothing",
        "//healthz",
        "/healthz/",
        "/v1/models/%2e%2e/%2e%2e/healthz",
    ]:
        if path in ("/healthz", "/readyz", "/health", "/v1/health", "/ping", "/v1/cluster/auth"):
            assert httpx.get(stack.url + path).status_code == 200
            continue
        if path == "/v1/session":  # it takes a key, in its body
            assert httpx.post(stack.url + path, json={"key": "wrong"}).status_code == 401
            continue
        if path.startswith("/v1/artifacts/"):  # the signature is the permission
            assert httpx.get(stack.url + path).status_code == 403
            continue
        for headers in WRONG:
            answer = httpx.post(stack.url + path, json=chat(), headers=headers)
            assert (answer.status_code, _code(path, answer.json())) == (401, "invalid_api_key"), path
    for headers in (_bearer("first-key"), _bearer("second-key"), {"x-api-key": "first-key"}):
        assert httpx.get(f"{stack.url}/v1/models", headers=headers).status_code == 200


def test_one_key_cannot_take_all_slots(new_stack: StackFactory) -> None:
    stack = new_stack(HEADRACE_KEY_CONCURRENCY="2", **KEYS)
    slow = {"model_uid": "slow", "model_name": "echo", "step_ms": 2000}
    assert httpx.post(f"{stack.url}/v1/models", json=slow, headers=_bearer("first-key"), timeout=60).status_code == 200
    with (
        httpx.Client(base_url=stack.url, timeout=30) as http,
        http.stream("POST", "/v1/chat/completions", json=chat("slow", stream=True), headers=_bearer("first-key")),
        http.stream("POST", "/v1/chat/completions", json=chat("slow", stream=True), headers=_bearer("first-key")),
    ):
        refused = http.post("/v1/chat/completions", json=chat("slow", max_tokens=1), headers=_bearer("first-key"))
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "rate_limit_exceeded"
        assert int(refused.headers["retry-after"]) >= 1
        other = http.post("/v1/chat/completions", json=chat("slow", max_tokens=1), headers=_bearer("second-key"))
        assert other.status_code == 200


def test_one_key_cannot_take_the_whole_queue(new_stack: StackFactory) -> None:
    stack = new_stack(HEADRACE_KEY_JOB_QUEUE="2", **KEYS)
    slow = {"model_uid": "slow", "model_name": "echo", "step_ms": 2000, "max_inflight": 1}
    assert httpx.post(f"{stack.url}/v1/models", json=slow, headers=_bearer("first-key"), timeout=60).status_code == 200
    asked = {"messages": chat()["messages"], "max_tokens": 500}
    job = {"kind": "chat.completions", "model": "slow", "input": asked}
    with httpx.Client(base_url=stack.url, timeout=30) as http:
        for _ in range(50):  # one runs, which takes minutes, and two may wait
            answer = http.post("/v1/jobs", json=job, headers=_bearer("first-key"))
            if answer.status_code != 202:
                break
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "queue_full")
        assert "under this key" in answer.json()["error"]["message"]
        theirs = http.post("/v1/jobs", json=job, headers=_bearer("second-key"))
        assert theirs.status_code == 202
        request = f"/v1/jobs/{theirs.json()['id']}/request"
        assert http.get(request, headers=_bearer("second-key")).json()["input"] == {**asked, "model": "slow"}
        assert http.get(request, headers=_bearer("first-key")).status_code == 404, "it is not told what others asked"


def test_an_engine_may_have_an_interpreter_of_its_own(new_stack: StackFactory, tmp_path: Path) -> None:
    venv.create(tmp_path / "own", symlinks=True)
    [site] = (tmp_path / "own" / "lib").glob("python*/site-packages")
    ours = sysconfig.get_path("purelib")
    (site / "ours.pth").write_text(f"{ours}\n{Path(__file__).parents[2]}\n")
    python = tmp_path / "own" / "bin" / "python"

    stack = new_stack(HEADRACE_INTERPRETERS=f'{{"echo": "{python}"}}')
    stack.launch_echo("elsewhere")
    [replica] = httpx.get(f"{stack.url}/v1/models/elsewhere/replicas").json()
    assert psutil.Process(replica["pid"]).cmdline()[0] == str(python)
    assert httpx.post(f"{stack.url}/v1/chat/completions", json=chat("elsewhere", max_tokens=1)).status_code == 200


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def _code(path: str, body: Any) -> Any:
    """The code of an error, in the shape of the protocol that this path belongs to."""
    if path.startswith("/fal/"):
        return body["error_type"]
    if path.startswith("/v1/predictions") or path.endswith("/predictions"):
        return body["title"]
    error = body["error"]
    if path.startswith(("/anthropic/", "/v1/messages")):
        return error["details"]["error_code"]
    return error if path.startswith("/sdapi/") else error["code"]  # there it is a word
