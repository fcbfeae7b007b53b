"""The machines, and which models come back, by Xinference's names."""

import socket
from importlib.metadata import version
from typing import Any

import httpx
import pytest

from tests.e2e.models.life import kinds_of
from tests.e2e.stack import Stack

pytestmark = pytest.mark.e2e


def body_of(stack: Stack, path: str, **params: Any) -> Any:
    answer = httpx.get(f"{stack.url}{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_machines_are_told_of_as_xinference_does(stack: Stack) -> None:
    [worker] = body_of(stack, "/v1/workers")
    [device] = stack.client.devices()
    assert (worker["work-ip"], worker["devices"]) == (device["node"], [device["id"]])
    [echo] = [one for one in worker["models"].values() if one["model_uid"] == "echo"]
    assert (echo["model_engine"], echo["devices"]) == ("echo", [device["id"]])
    head, node = body_of(stack, "/v1/cluster/info")
    assert (head["node_type"], node["node_type"], node["ip_address"]) == ("Supervisor", "Worker", device["node"])
    assert (node["gpu_count"], node["gpu_vram_total"]) == (0, 0)
    assert "mem_total" not in node
    _, detailed = body_of(stack, "/v1/cluster/info", detailed=True)
    assert detailed["mem_total"] > detailed["mem_used"] > 0
    assert detailed["cpu_count"] >= detailed["cpu_available"] >= 0
    assert body_of(stack, "/v1/supervisor") == {"supervisor_ip": f"127.0.0.1:{stack.port}"}
    assert body_of(stack, "/v1/cluster/version")["version"] == body_of(stack, "/version")["version"]
    assert body_of(stack, "/v1/cluster/devices") == 0


def test_a_machine_tells_its_release_its_resources_and_the_engines_that_work(stack: Stack) -> None:
    told = body_of(stack, "/v1/cluster/nodes")
    [device] = stack.client.devices()
    [node] = told["data"]
    release = body_of(stack, "/version")["version"]
    assert told["releases"] == node["releases"] == [release]
    assert node["release"] == told["gateway"]["release"] == release
    assert (node["id"], node["state"], node["gateway"]) == (device["node"], "here", True)
    assert node["host"] == socket.gethostname()
    assert node["memory_bytes"] > node["memory_free_bytes"] > 0
    assert node["disk_bytes"] > node["disk_free_bytes"] > 0
    assert node["load"] >= 0
    [own] = node["devices"]
    assert (own["id"], own["worker"], own["release"]) == (device["id"], "reports", release)
    engines = {one["id"]: one for one in node["engines"]}
    llama = engines["llama_cpp"]
    assert (llama["works"], llama["devices"], llama["version"]) == (True, [device["id"]], version("xllamacpp"))
    assert all(one["faults"] for one in engines.values() if one["works"] is False)


def test_what_comes_back_is_said_and_changed(stack: Stack) -> None:
    launch = {"model_uid": "back", "model_name": "echo", "model_engine": "echo", "replica": 1}
    url = f"{stack.url}/v1/autostart/models"
    made = httpx.post(url, json={"launch": launch, "priority": 7, "max_retries": 2}, timeout=30)
    assert made.status_code == 200, made.text
    stack.client.wait_ready("back")
    first = body_of(stack, "/v1/autostart/models")["models"][0]
    assert (first["launch"]["model_uid"], first["priority"], first["max_retries"]) == ("back", 7, 2)
    assert (first["retry_interval_seconds"], first["enabled"], first["state"]["status"]) == (30, True, "active")
    changed = httpx.post(url, json={"launch": launch, "priority": 500}, timeout=30).json()
    assert (changed["priority"], changed["max_retries"]) == (500, 3)
    assert body_of(stack, "/v1/autostart/models")["models"][-1]["launch"]["model_uid"] == "back"
    assert body_of(stack, "/v1/autostart/models/summary")["active"] >= 2
    assert httpx.delete(f"{url}/back").json() == {"model_uid": "back", "removed": True}
    assert "back" not in str(body_of(stack, "/v1/autostart/models"))
    assert "changed" in kinds_of(stack, "back")
    assert [one["id"] for one in stack.client.models() if one["id"] == "back"], "it runs on"
    stack.client.terminate("back")
    assert httpx.delete(f"{url}/back").status_code == 404


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "launch"),
        ({"launch": []}, "launch"),
        ({"launch": {}}, "launch.model_name"),
        ({"launch": {"model_name": "echo"}, "priority": -1}, "priority"),
        ({"launch": {"model_name": "echo"}, "max_retries": "x"}, "max_retries"),
        ({"launch": {"model_name": "echo"}, "retry_interval_seconds": 0}, "retry_interval_seconds"),
    ],
)
def test_an_entry_must_make_sense(stack: Stack, body: dict[str, Any], param: str) -> None:
    answer = httpx.post(f"{stack.url}/v1/autostart/models", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] in (param, param.removeprefix("launch."))


def test_how_models_were_launched_is_told(stack: Stack) -> None:
    said = {"model_uid": "past", "model_name": "echo", "model_engine": "echo", "max_tokens": 7}
    for _ in range(2):
        stack.client.launch(dict(said))
        stack.client.terminate("past")
    told = [one for one in body_of(stack, "/v1/launch_history", model_name="echo") if one["model_uid"] == "past"]
    assert [(one["data"], one["left_out"], one["is_owner"], one["created_by"]) for one in told] == [
        (said, [], True, "")
    ]
    assert told[0] in body_of(stack, "/v1/launch_history", scope="mine")
    assert body_of(stack, "/v1/launch_history", model_name="nothing") == []
    again = httpx.post(f"{stack.url}/v1/models", json=told[0]["data"], timeout=30)
    assert again.status_code == 200, again.text
    stack.client.terminate("past")
    [event] = [one for one in body_of(stack, "/v1/models/past/events") if one["kind"] == "launched"][-1:]
    assert "launch" not in event["data"]


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("POST", "/v1/launch_history", "GET /v1/launch_history lists them"),
        ("DELETE", "/v1/launch_history/echo/echo", "GET /v1/launch_history lists them"),
        ("POST", "/v1/models/org/name/requests/1/abort", "POST /v1/jobs/{id}/cancel"),
        ("POST", "/v1/models/echo/reload", "terminating a model"),
        ("DELETE", "/v1/clusters", "where they run"),
        ("POST", "/token", "no users and passwords"),
    ],
)
def test_what_xinference_has_besides_is_refused_with_what_there_is(
    stack: Stack, method: str, path: str, words: str
) -> None:
    answer = httpx.request(method, f"{stack.url}{path}")
    assert (answer.status_code, words in answer.json()["error"]["message"]) == (404, True), answer.text


def test_a_body_is_read_before_it_is_refused(stack: Stack) -> None:
    with socket.create_connection(("127.0.0.1", stack.port), timeout=10) as client:
        head = "POST /v1/audio/embeddings HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4000000\r\n\r\n"
        client.sendall(head.encode())
        for _ in range(40):
            client.sendall(bytes(100_000))
        assert client.recv(12) == b"HTTP/1.1 404"


def test_a_model_cannot_have_the_uid_of_another_path(stack: Stack) -> None:
    for uid in ("vllm-supported", "a/reload", "a/reload/config"):
        answer = httpx.post(f"{stack.url}/v1/models", json={"model_name": "echo", "model_uid": uid})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "model_uid"), answer.text
