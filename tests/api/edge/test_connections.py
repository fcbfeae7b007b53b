"""What a connection may send and how fast, on a gateway that runs: attacks that need no key."""

import contextlib
import math
import re
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection

import httpx
import psutil
import pytest

from api.edge.connections import HEADER_BYTES, HEADERS, due_after
from tests.support.gateways import Lone, gateway
from tests.support.servers import Valkey, wait_for

PATIENCE_S = 3
MOST = 100_000
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def lone(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    """A gateway with little patience."""
    env = {"HEADRACE_RECEIVE_TIMEOUT_S": str(PATIENCE_S), "HEADRACE_MAX_BODY_BYTES": str(MOST)}
    with gateway(valkey, tmp_path_factory.mktemp("lone"), env) as running:
        yield running


@pytest.fixture(scope="module")
def patient(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    """A gateway with the usual patience, and few descriptors."""
    with gateway(valkey, tmp_path_factory.mktemp("patient"), descriptors=128) as running:
        yield running


@contextlib.contextmanager
def connected(lone: Lone) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", lone.port), timeout=60) as connection:
        yield connection


def answer(connection: socket.socket) -> bytes:
    """All that comes until the connection ends."""
    pieces = []
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(1 << 16):
            pieces.append(piece)
    return b"".join(pieces)


def refusal(sent: bytes) -> tuple[int, str]:
    """The status and the code of an answer."""
    [(status, code)] = re.findall(rb'^HTTP/1.1 (\d+) .*"code":"(\w+)"', sent, re.S)
    assert b"connection: close" in sent
    return int(status), code.decode()


@pytest.mark.parametrize(
    ("due", "now", "size", "expected"),
    [(20, 0, 0, 20), (20, 0, 1 << 20, 20), (20, 10, 512, 21), (20, 10, 1, 20 + 1 / 512), (20, 19.9, 1 << 20, 39.9)],
)
def test_bytes_of_a_body_buy_time(due: float, now: float, size: int, expected: float) -> None:
    assert math.isclose(due_after(due, now, size, patience_s=20), expected)


@pytest.mark.parametrize("name", [b"Upgrade", b"upgrade"])
def test_an_offer_of_another_protocol_is_ignored(patient: Lone, name: bytes) -> None:
    """Java's client makes it with its first request."""
    body = b'{"model": "none", "messages": [{"role": "user", "content": "Upgrade: no"}]}'
    offer = b"Connection: Upgrade, HTTP2-Settings\r\n" + name + b": h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\n"
    chat, kind = f"{patient.url}/v1/chat/completions", {"Content-Type": "application/json"}
    wait_for(lambda: httpx.post(chat, content=body, headers=kind).status_code == 404, 60)  # it has only begun
    with connected(patient) as connection:
        for _ in range(2):
            connection.sendall(HEAD + offer + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            read = b""
            while not read.endswith(b"}"):
                piece = connection.recv(1 << 16)
                assert piece, read
                read += piece
            assert b"model_not_found" in read


def test_a_header_that_does_not_end_costs_nothing(patient: Lone) -> None:
    process = psutil.Process(patient.pid)
    before = sum(process.cpu_times()[:2])
    with connected(patient) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(HEAD + b"X: ")
        for _ in range(64):
            connection.sendall(b"a" * (1 << 20))
    assert httpx.get(f"{patient.url}/healthz").status_code == 200
    assert sum(process.cpu_times()[:2]) - before < 3  # it took 27 s of the event loop, now hundredths


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * HEADER_BYTES + b"\r\n\r\n",
        b"GET /healthz?" + b"a" * HEADER_BYTES + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * HEADERS + b"\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + (b"X: " + b"y" * 1000 + b"\r\n") * 66 + b"\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * (1 << 20),
    ],
    ids=["one header", "the URL", "many headers", "headers together", "no end"],
)
def test_headers_are_bounded(lone: Lone, request_: bytes) -> None:
    with connected(lone) as connection:
        connection.sendall(request_)
        assert refusal(answer(connection)) == (431, "headers_too_large")


def test_a_second_host_is_refused(lone: Lone) -> None:
    """RFC 9112 §3.2: what stands before this server may have read the other one."""
    with connected(lone) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHOST: example.com\r\n\r\n")
        assert refusal(answer(connection)) == (400, "invalid_value")
    with connected(lone) as connection:
        one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
        connection.sendall(one + b"\r\n" + one + b"Connection: close\r\n\r\n")
        assert answer(connection).count(b"HTTP/1.1 200 OK") == 2


def test_headers_within_the_bounds_pass(lone: Lone) -> None:
    many = {f"x-{number}": "y" for number in range(HEADERS - 2)}  # beside Host and Accept-Encoding
    large = {"x": "y" * (HEADER_BYTES - 200)}
    connection = HTTPConnection("127.0.0.1", lone.port)
    with contextlib.closing(connection):
        for headers in (many, large) * 2:  # on one connection: each request is counted by itself
            connection.request("GET", "/healthz", headers=headers)
            response = connection.getresponse()
            assert (response.status, response.read()) == (200, b'{"status":"alive"}')


def test_what_is_no_http_is_refused_in_json(lone: Lone) -> None:
    with connected(lone) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert refusal(answer(connection)) == (400, "invalid_value")


@pytest.mark.parametrize("framing", [b"1\r\na\r\n0\r\nX: ", b"1;"], ids=["trailer", "chunk"])
def test_what_frames_a_body_is_bounded(lone: Lone, framing: bytes) -> None:
    with connected(lone) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + framing + b"a" * (1 << 20))
        assert refusal(answer(connection)) == (400, "invalid_value")


def test_silence_ends_a_connection(lone: Lone) -> None:
    with connected(lone) as connection:
        assert answer(connection) == b""
    with connected(lone) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        came = b""
        while not came.endswith(b'{"status":"alive"}'):
            came += connection.recv(1 << 16)
        connection.sendall(b"\r\n")  # after which uvicorn sets no bound of its own
        assert answer(connection) == b""


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /healthz HTTP/1.1\r\nHost: ",
        HEAD + b"Content-Length: 1000\r\n\r\n{",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nfff\r\n{",
    ],
    ids=["headers", "body", "chunks"],
)
def test_what_does_not_arrive_in_time_is_refused(lone: Lone, sent: bytes) -> None:
    with connected(lone) as connection:
        connection.sendall(sent)
        dribble = threading.Thread(target=dribbled, args=(connection,))
        dribble.start()  # a byte now and then does not help
        assert refusal(answer(connection)) == (408, "request_timeout")
        dribble.join()
    assert httpx.get(f"{lone.url}/healthz").status_code == 200


def dribbled(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(b"a")
            time.sleep(PATIENCE_S / 10)


def test_a_slow_body_is_read(lone: Lone) -> None:
    """Twice as long as the patience, at three times the slowest rate."""
    body = b" " * (PATIENCE_S * 2 * 1536)
    with connected(lone) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body))
        for start in range(0, len(body), 384):
            connection.sendall(body[start : start + 384])
            time.sleep(0.25)
        assert answer(connection).startswith(b"HTTP/1.1 400 ")


def test_a_gateway_that_stood_still_reads_what_came_meanwhile(lone: Lone) -> None:
    process = psutil.Process(lone.pid)
    with connected(lone) as connection:
        connection.sendall(HEAD + b"Content-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 100 ")  # it waits for the body
        process.suspend()
        try:
            time.sleep(PATIENCE_S + 1)
            connection.sendall(b"{ }")
        finally:
            process.resume()
        assert answer(connection).startswith(b"HTTP/1.1 400 ")


def test_a_connection_that_was_answered_early_ends_with_its_silence(lone: Lone) -> None:
    with connected(lone) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % (MOST + 1))
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 413 ")
        connection.sendall(b"a" * (MOST + 1))
        answer(connection)


def test_when_descriptors_run_out_there_is_room_again(patient: Lone) -> None:
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connected(patient)) for _ in range(80)]  # over three quarters of the soft limit
        assert httpx.get(f"{patient.url}/healthz").status_code == 200
        held += [stack.enter_context(connected(patient)) for _ in range(200)]
        refused = httpx.get(f"{patient.url}/healthz")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
        assert int(refused.headers["retry-after"]) >= 1
        assert psutil.Process(patient.pid).num_fds() < 128  # Redis and the database have theirs
        for connection in held:
            connection.close()
        wait_for(lambda: httpx.get(f"{patient.url}/healthz").status_code == 200, 60)
