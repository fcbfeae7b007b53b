"""Two CPU devices with budgets: real models share them, wait for room, and are refused, with the numbers."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.stack import Stack
from tests.support.servers import wait_for
from tests.support.weights import smollm2_gguf

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SMALL: dict[str, Any] = {"n_ctx": 1024, "n_parallel": 2}
"""Of smollm2: some 0.2 GiB."""
LARGE: dict[str, Any] = {"n_ctx": 4096, "n_parallel": 4}
"""Some 0.5 GiB: it fits the larger device alone."""


@pytest.fixture
def budgets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    assert smollm2_gguf() is not None
    stack = Stack(
        tmp_path_factory.mktemp("budgets") / "home",
        devices=("cpu:0=700MiB", "cpu:1=400MiB"),
        HEADRACE_MIN_RESIDENT_S="600",
    )
    yield stack.start()
    stack.close()


def launch(stack: Stack, uid: str, *, wait: bool = True, **options: Any) -> httpx.Response:
    body = {"model_name": "smollm2", "model_uid": uid, **options}
    return httpx.post(f"{stack.url}/v1/models?wait_ready={str(wait).lower()}", json=body, timeout=120)


def replica(stack: Stack, uid: str) -> dict[str, Any]:
    [row] = httpx.get(f"{stack.url}/v1/models/{uid}/replicas").json()
    return dict(row)


def would(stack: Stack, **options: int) -> dict[str, Any]:
    """What a dry run says of where a launch would go."""
    said = httpx.post(f"{stack.url}/v1/models/estimate", json={"model_name": "smollm2", **options}, timeout=60).json()
    return dict(said["placement"])


def needs_of(stack: Stack, **options: int) -> dict[str, Any]:
    """What a dry run says that a launch needs of the first device."""
    said = httpx.post(f"{stack.url}/v1/models/estimate", json={"model_name": "smollm2", **options}, timeout=60).json()
    return dict(said["devices"][0]["needs"])


def says(stack: Stack, uid: str) -> bool:
    """Whether it answers."""
    body = {"model": uid, "messages": [{"role": "user", "content": "Name a colour."}], "max_tokens": 3}
    return httpx.post(f"{stack.url}/v1/chat/completions", json=body, timeout=60).status_code == 200


def test_models_share_devices_and_wait_for_room(budgets: Stack) -> None:
    for uid in "abc":
        assert launch(budgets, uid, **SMALL).status_code == 200
    places = {uid: replica(budgets, uid)["device"].rpartition(".")[2] for uid in "abc"}
    assert places == {"a": "cpu:0", "b": "cpu:1", "c": "cpu:0"}
    assert all(says(budgets, uid) for uid in "abc")
    held = [one["memory_bytes"] for uid in "abc" for one in [replica(budgets, uid)]]
    needs = needs_of(budgets, **SMALL)
    assert max(held) * 0.9 <= needs["measured_bytes"] <= max(held) * 1.1
    assert needs["total_bytes"] >= needs["measured_bytes"]
    assert needs_of(budgets, **LARGE)["measured_bytes"] is None

    assert launch(budgets, "large", wait=False, **LARGE).status_code == 200
    both = re.compile(r"cpu:0 has 0\.\d\d of 0\.68 GiB free, 0\.\d\d idle could be unloaded \([ac], [ac]\)")
    why = wait_for(lambda: both.search(said := replica(budgets, "large")["error_message"] or "") and said, 20)
    assert re.match(r"large needs 0\.\d\d GiB \(0\.09 weights, 0\.3\d KV cache for 4,096 × 4, ", why), why  # noqa: RUF001
    for uid in "ac":
        assert httpx.delete(f"{budgets.url}/v1/models/{uid}", timeout=60).status_code == 200
    wait_for(lambda: replica(budgets, "large")["state"] == "ready", 60)
    assert replica(budgets, "large")["device"].endswith("cpu:0")
    assert says(budgets, "large")
    assert says(budgets, "b")

    devices = {one["id"].rpartition(".")[2]: one for one in httpx.get(f"{budgets.url}/v1/devices").json()["data"]}
    [held] = devices["cpu:0"]["holders"]
    assert held["model_uid"] == "large"
    assert held["reserved_bytes"] == devices["cpu:0"]["reserved_bytes"] > 300 << 20
    assert held["measured_bytes"] == devices["cpu:0"]["measured_bytes"] > 300 << 20
    assert devices["cpu:0"]["available_bytes"] <= (700 << 20) - held["reserved_bytes"]
    assert devices["cpu:0"]["total_bytes"] == 700 << 20
    assert devices["cpu:0"]["budget"] is True

    assert would(budgets, **SMALL)["state"] == "waits"
    [short] = would(budgets, **LARGE)["to_leave"]
    assert short["device"].endswith("cpu:0")
    assert [one["model_uid"] for one in short["holders"]] == ["large"]
    assert would(budgets, n_ctx=8192, n_parallel=8)["state"] == "refused"
    nowhere = launch(budgets, "far", node="mars")
    assert (nowhere.status_code, nowhere.json()["error"]["param"]) == (400, "node")
    assert "there is no node 'mars'; there is " in nowhere.json()["error"]["message"]

    refused = launch(budgets, "vast", n_ctx=8192, n_parallel=8)
    assert refused.status_code == 503
    error = refused.json()["error"]
    assert (error["code"], error["param"]) == ("no_device", "model_path")
    assert "vast needs 1." in error["message"]
    assert "cpu:0 has 0." in error["message"]
    assert "of 0.39 GiB free" in error["message"]
    assert httpx.get(f"{budgets.url}/v1/models/vast").status_code == 404
