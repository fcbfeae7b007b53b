"""What a real gateway answers is what its OpenAPI document says, field by field."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

from tests.e2e.jobs.orders import FINAL, order
from tests.e2e.stack import Stack
from tests.support.servers import wait_for

pytestmark = pytest.mark.e2e

Ask = Callable[..., Any]
ENDED = (*FINAL, "completed")


@pytest.fixture(scope="module")
def ask(stack: Stack) -> Ask:
    """Sends a request, and returns its answer, once that is as the document of the server says.

    The route's path is as in the document; ``at`` are the values of its parts, and ``kind`` is the method.
    """
    document = httpx.get(f"{stack.url}/openapi.json", timeout=30).json()
    components = {name: _strict(one) for name, one in document["components"]["schemas"].items()}

    def send(kind: str, path: str, *, status: int = 200, at: tuple[str, ...] = (), **more: Any) -> Any:
        url = path
        for value in at:
            url = url.replace(url[url.index("{") : url.index("}") + 1], value, 1)
        answer = httpx.request(kind, stack.url + url, timeout=60, **more)
        assert answer.status_code == status, answer.text
        told = document["paths"][path][kind.lower()]["responses"][str(status)]["content"]["application/json"]["schema"]
        validator = jsonschema_rs.validator_for({**told, "components": {"schemas": components}})
        wrong = [f"{one.instance_path}: {one.message}" for one in validator.iter_errors(answer.json())]
        assert wrong == [], f"{kind} {path}: {json.dumps(answer.json())[:2000]}"
        return answer.json()

    return send


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """A type that has no other fields than those that it says."""
    return {"additionalProperties": False, **schema} if "properties" in schema else schema


def test_models_are_as_documented(stack: Stack, ask: Ask) -> None:
    body = {"model_uid": "shaped", "model_name": "echo", "keep_alive": 60}
    assert ask("POST", "/v1/models/estimate", json=body)["placement"]["state"] == "fits"
    assert ask("POST", "/v1/models", json=body)["reason"]
    assert "shaped" in [one["id"] for one in ask("GET", "/v1/models")["data"]]
    assert ask("GET", "/v1/models/{uid}", at=("shaped",))["state"] == "ready"
    assert ask("PATCH", "/v1/models/{uid}", at=("shaped",), json={"pinned": True})["pinned"]
    assert ask("GET", "/v1/models/instances", params={"model_uid": "shaped"})[0]["status"] == "READY"
    assert ask("GET", "/v1/models/{uid}/progress", at=("shaped",))["progress"] == 1
    assert ask("GET", "/v1/models/{uid}/events", at=("shaped",))
    assert ask("GET", "/v1/events")["data"]
    ask("GET", "/v1/models/{uid}/logs", at=("shaped",))
    assert "replica_id" in ask("POST", "/v1/models/{uid}/replicas", at=("shaped",), json={})
    assert len(ask("POST", "/v1/models/{uid}/replicas", at=("shaped",), json={"replica": 2})["replicas"]) == 2
    assert len(ask("GET", "/v1/models/{uid}/replicas", at=("shaped",))) == 4
    assert ask("DELETE", "/v1/models/{uid}/replicas", at=("shaped",), params={"replica": 3})["remaining_replicas"] == 1
    assert ask("DELETE", "/v1/models/{uid}", at=("shaped",))["model_uid"] == "shaped"
    stack.client.launch({"model_uid": "cut", "model_name": "echo", "load_s": 60})
    assert ask("GET", "/v1/models/{uid}/progress", at=("cut",))["progress"] < 1
    assert ask("POST", "/v1/models/{uid}/cancel", at=("cut",))["model_uid"] == "cut"


def test_the_machines_are_as_documented(ask: Ask) -> None:
    assert ask("GET", "/v1/devices")["data"]
    assert ask("GET", "/v1/workers")[0]["models"]
    assert "mem_total" not in ask("GET", "/v1/cluster/info")[1]
    assert "mem_total" in ask("GET", "/v1/cluster/info", params={"detailed": True})[1]
    assert ask("GET", "/version")["version"]
    assert all(ask("GET", "/readyz")["checks"].values())
    assert ask("GET", "/healthz") == {"status": "alive"}
    assert ask("GET", "/v1/cluster/auth") == {"auth": False}
    launch = {"model_uid": "echo", "model_name": "echo"}
    assert ask("POST", "/v1/autostart/models", json={"launch": launch})["state"]["status"] == "active"
    assert ask("GET", "/v1/autostart/models")["models"]
    assert ask("GET", "/v1/autostart/models/summary")["models"]
    assert ask("DELETE", "/v1/autostart/models/{uid}", at=("echo",))["removed"]
    ask("POST", "/v1/autostart/models", json={"launch": launch})
    assert ask("GET", "/v1/launch_history")


def test_engines_and_names_are_as_documented(ask: Ask, tmp_path: Path) -> None:
    assert ask("GET", "/v1/engines")["data"]
    assert ask("GET", "/v1/engines/{name}", at=("qwen3",))
    assert ask("GET", "/v1/engines/{name}", at=("qwen3",), params={"detailed": True})["data"]
    assert ask("GET", "/v1/engines/{model_type}/{name}", at=("LLM", "qwen3"))
    for kind in ("LLM", "embedding", "rerank", "image", "audio", "video"):
        path = "/v1/model_registrations/{model_type}"
        names = ask("GET", path, at=(kind,))
        assert len(ask("GET", path, at=(kind,), params={"detailed": True})) == len(names)
    weights = {"model_format": "pytorch", "model_uri": f"file://{tmp_path}", "quantizations": ["none"]}
    given = {"model_name": "own", "stop": ["x"], "model_specs": [weights], "model_size_in_billions": 1}
    body = {"model": given}
    assert ask("POST", "/v1/model_registrations/{model_type}", at=("LLM",), json=body, params={"dry_run": True})
    assert ask("POST", "/v1/model_registrations/{model_type}", at=("LLM",), json=body) is None
    assert not ask("GET", "/v1/model_registrations/{model_type}/{name}", at=("LLM", "own"))["is_builtin"]
    assert ask("DELETE", "/v1/model_registrations/{model_type}/{name}", at=("LLM", "own")) is None
    assert ask("GET", "/v1/cache/models")["list"] == []
    assert ask("GET", "/v1/audio/voices") == {"voices": []}


def test_jobs_files_and_batches_are_as_documented(ask: Ask) -> None:
    made = ask("POST", "/v1/jobs", status=202, json=order("echo", max_tokens=2, metadata={"whose": "mine"}))
    lost = ask("POST", "/v1/jobs", status=202, json=order("echo", max_tokens=30_000))
    ask("POST", "/v1/jobs/{id}/cancel", at=(lost["id"],))
    for one in (made, lost):
        _ends(ask, "/v1/jobs/{id}", one["id"])
    assert len(ask("GET", "/v1/jobs", params={"limit": 2})["data"]) == 2
    assert ask("POST", "/v1/jobs/{id}/retry", status=202, at=(lost["id"],))["position"]
    ask("POST", "/v1/jobs/{id}/cancel", at=(lost["id"],))
    assert ask("GET", "/v1/jobs/{id}/deliveries", at=(made["id"],))["data"] == []
    assert ask("DELETE", "/v1/jobs/{id}", at=(made["id"],))["deleted"]
    lines = b'{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "echo"}}\n'
    for content in (lines, b"{}\n" * 2):
        file = ask("POST", "/v1/files", data={"purpose": "batch"}, files={"file": ("a.jsonl", content)})["id"]
        assert ask("GET", "/v1/files/{id}", at=(file,))["purpose"] == "batch"
        body = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        batch = ask("POST", "/v1/batches", json=body)["id"]
        _ends(ask, "/v1/batches/{id}", batch)
        assert ask("GET", "/v1/batches/{id}/deliveries", at=(batch,))["data"] == []
        assert ask("DELETE", "/v1/files/{id}", at=(file,))["deleted"]
    assert ask("GET", "/v1/batches")["data"]
    ask("GET", "/v1/files")


def _ends(ask: Ask, path: str, id: str) -> None:
    """Wait until a job or a batch is over."""

    def over() -> bool:
        now = ask("GET", path, at=(id,))
        return (now.get("state") or now["status"]) in ENDED

    wait_for(over, 60, "its end")
