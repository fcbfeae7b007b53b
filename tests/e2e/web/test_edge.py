"""Streams to old clients, HEAD of a stream, and the descriptors of processes."""

import json
import resource
import socket
from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.e2e.stack import Stack
from tests.e2e.talk import chat

pytestmark = pytest.mark.e2e


def raw(stack: Stack, version: str, *headers: str) -> tuple[list[str], bytes]:
    """A stream of three tokens over a connection of its own: the headers, and the body as it came."""
    body = json.dumps(chat(stream=True, max_tokens=3)).encode()
    lines = [f"POST /v1/chat/completions HTTP/{version}", "Host: localhost", "Content-Type: application/json"]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", *headers, "", ""])
    with socket.create_connection(("127.0.0.1", stack.port), timeout=60) as connection:
        connection.sendall(head.encode() + body)
        pieces = []
        while piece := connection.recv(1 << 16):
            pieces.append(piece)
    answered, _, rest = b"".join(pieces).partition(b"\r\n\r\n")
    return answered.decode().lower().split("\r\n"), rest


@pytest.mark.parametrize("headers", [(), ("Connection: keep-alive",)])
def test_a_stream_to_http_1_0_is_not_framed(stack: Stack, headers: tuple[str, ...]) -> None:
    head, body = raw(stack, "1.0", *headers)
    assert head[0].endswith(" 200 ok")
    assert [line for line in head if line.startswith("connection:")] == ["connection: close"]
    assert not [line for line in head if line.startswith(("transfer-encoding:", "content-length:"))]
    assert body.startswith(b"data: {")
    assert body.endswith(b"data: [DONE]\n\n")


def test_a_stream_that_ends_its_connection_says_so_once(stack: Stack) -> None:
    head, body = raw(stack, "1.1", "Connection: close")
    assert [line for line in head if line.startswith("connection:")] == ["connection: close"]
    assert "transfer-encoding: chunked" in head
    assert body.endswith(b"0\r\n\r\n")


async def test_head_of_a_stream_ends_with_its_headers(stack: Stack) -> None:
    long = {"messages": chat()["messages"], "max_tokens": 600}
    async with httpx.AsyncClient(base_url=stack.url, timeout=60) as http:
        slow = {"model_uid": "headed", "model_name": "echo", "step_ms": 2000}
        assert (await http.post("/v1/models", json=slow)).status_code == 200
        job = (await http.post("/v1/jobs", json={"kind": "chat.completions", "model": "headed", "input": long})).json()
        try:
            for _ in range(3):
                head = await http.head(f"/v1/jobs/{job['id']}/events")
                assert (head.status_code, head.content) == (200, b"")
                assert head.headers["content-type"].startswith("text/event-stream")
            assert (await http.get(f"/v1/jobs/{job['id']}")).json()["state"] in ("queued", "running")
        finally:
            await http.post(f"/v1/jobs/{job['id']}/cancel")
            await http.delete("/v1/models/headed")


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Headrace with a second's patience, started where the soft limit is 1024 descriptors; it has ``echo``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    stack = Stack(tmp_path_factory.mktemp("hasty") / "home", HEADRACE_RECEIVE_TIMEOUT_S="1")
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        stack.start()
        stack.launch_echo(step_ms=300)
        yield stack
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        stack.close()


def test_gateway_and_worker_take_as_many_descriptors_as_they_may(hasty: Stack) -> None:
    if not hasattr(psutil.Process, "rlimit"):
        pytest.skip("the limits of another process can be read on Linux alone")
    pids = hasty.pids()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for role in ("gateway", "worker"):
        [pid] = pids[role]
        assert psutil.Process(pid).rlimit(psutil.RLIMIT_NOFILE) == (most, most)


def test_a_stream_goes_on_whatever_else_its_connection_brings(hasty: Stack) -> None:
    """The beginning of another request, which is late, ends the connection only after the stream."""
    body = json.dumps(chat(stream=True, max_tokens=12)).encode()
    lines = ["POST /v1/chat/completions HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
    with socket.create_connection(("127.0.0.1", hasty.port), timeout=60) as connection:
        connection.sendall(head.encode() + body + b"GET /healthz HT")
        heard = b""
        while piece := connection.recv(1 << 16):
            heard += piece
    assert b"data: [DONE]" in heard
    assert b'"request_timeout"' in heard.partition(b"[DONE]")[2]
