"""The state directory, the embedded server, and which addresses may be served."""

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import kombu
import psutil
import pytest
import redis
from pydantic import SecretStr

from api.edge import exposure
from api.local import embedded, home
from models.errors import Conflict, InvalidRequest, Unavailable
from models.process import processes
from models.settings import Settings
from tests.support.servers import wait_for


def test_home_is_private_and_held_by_one(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "home"
    with home.locked(place):
        assert place.stat().st_mode & 0o777 == 0o700
        assert (place / "run").stat().st_mode & 0o777 == 0o700
        with (
            pytest.raises(Conflict, match=rf"another headrace is running on .* \(process {os.getpid()}\)"),
            home.locked(place),
        ):
            pass
        assert (place / "run").exists(), "who was refused has touched nothing"
    assert not (place / "run").exists()
    with home.locked(place):
        pass


def test_run_goes_also_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), home.locked(tmp_path):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_supervisor_left_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "LEFTOVER_GRACE_S", 0.2)
    left, innocent = processes.spawn(["sleep", "60"]), processes.spawn(["sleep", "60"])
    (tmp_path / "run").mkdir()
    entries = {
        "gateway": (left.pid, psutil.Process(left.pid).create_time()),
        "worker": (innocent.pid, 1.0),  # its number was given to somebody else since
        "gone": (2**22 - 1, 1.0),
    }
    (tmp_path / "run" / "processes.json").write_text(json.dumps(entries))
    with home.locked(tmp_path):
        assert not psutil.pid_exists(left.pid)
        assert innocent.poll() is None
    innocent.kill()
    innocent.wait(5)
    left.wait(5)


def test_a_torn_record_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "processes.json").write_text('{"gateway": [12')
    with home.locked(tmp_path):
        pass


@contextlib.contextmanager
def served(server: embedded.Embedded, place: Path) -> Iterator["redis.Redis"]:
    with open(place / "log", "ab") as log:
        process = processes.spawn(server.argv, stdout=log, stderr=subprocess.STDOUT)
    client = redis.Redis.from_url(server.url, socket_timeout=2)

    def answers() -> bool:
        with contextlib.suppress(redis.RedisError):
            return bool(client.ping())
        return False

    try:
        wait_for(answers, 10, lambda: (place / "log").read_text())
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait(10)


def test_one_url_reaches_the_embedded_server_from_both_clients(tmp_path: Path) -> None:
    place = tmp_path / 'with "quotes" and spaces'
    server = embedded.prepare(place)
    config = place / "run" / "redis.conf"
    assert config.stat().st_mode & 0o777 == 0o600
    with served(server, place) as client:
        with kombu.Connection(server.url) as connection:  # type: ignore[no-untyped-call,attr-defined]
            connection.ensure_connection(max_retries=1)
        wanted = {
            "appendonly": "no",
            "save": "",
            "maxmemory": str(512 << 20),
            "maxmemory-policy": "noeviction",
            "dir": str(place / "redis"),
        }
        assert {key: client.config_get(key)[key] for key in wanted} == wanted
        assert "pubsub 67108864 16777216 30" in str(client.config_get("client-output-buffer-limit"))
        stranger = redis.Redis(port=server.port)
        with pytest.raises(redis.AuthenticationError):
            stranger.ping()
        stranger.close()
        client.set("kept", 1)
    with served(server, place) as client:
        assert client.get("kept") is None, "a restarted server is empty, at the same address"
    assert not [*(place / "redis").iterdir()], "it writes nothing that may be damaged, or finds no room"
    assert embedded.prepare(place).url != server.url, "the password is new every time"


def test_the_embedded_port_is_never_an_outgoing_one() -> None:
    low = embedded._first_ephemeral_port()
    for port in {embedded.free_port() for _ in range(20)}:
        assert embedded.LOWEST_PORT <= port < low
        socket.create_server(("127.0.0.1", port)).close()


def test_the_server_comes_from_path_where_the_wheel_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Plan9")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="set HEADRACE_REDIS_URL"):
        embedded.prepare(tmp_path)
    fake = tmp_path / "redis-server"
    fake.write_text("#!/bin/sh\n")
    fake.chmod(0o755)
    assert embedded.binary() == fake


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_no_key(host: str) -> None:
    exposure.check_exposure(Settings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "192.168.1.5", "8.8.8.8", "no.such.host.invalid"])
def test_beyond_loopback_needs_a_key(host: str) -> None:
    for empty in ("", " ", ","):
        with pytest.raises(InvalidRequest, match="HEADRACE_API_KEY"):
            exposure.check_exposure(Settings(host=host, api_key=SecretStr(empty), admin_key=SecretStr(empty)))
    exposure.check_exposure(Settings(host=host, admin_key=SecretStr("secret")))
    exposure.check_exposure(Settings(host=host, api_key=SecretStr("secret")))


def test_a_port_is_tried_before_it_is_used() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for host in ("127.0.0.1", "localhost", "0.0.0.0"):
            with pytest.raises(Conflict, match=f"port {port} on {host} is already in use"):
                exposure.check_port(host, port)
    exposure.check_port("127.0.0.1", port)
    with pytest.raises(InvalidRequest, match=r"cannot bind 192\.0\.2\.1"):
        exposure.check_port("192.0.2.1", port)
    with pytest.raises(InvalidRequest, match="is not an address"):
        exposure.check_port("no.such.host.invalid", port)


def test_a_port_whose_connections_linger_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = listening.accept()
            accepted.close()  # closes first: this end is left in TIME_WAIT
            client.recv(1)
            time.sleep(0.05)
    exposure.check_port("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:1"),
        ("0.0.0.0", "http://127.0.0.1:1"),
        ("", "http://127.0.0.1:1"),
        ("::", "http://[::1]:1"),
        ("::1", "http://[::1]:1"),
        ("box.lan", "http://box.lan:1"),
    ],
)
def test_where_this_machine_reaches_what_it_serves(host: str, url: str) -> None:
    assert exposure.local_url(host, 1) == url


def test_a_node_keeps_its_first_name(tmp_path: Path) -> None:
    assert home.node(tmp_path, "desk") == "desk"
    assert home.node(tmp_path, "cafe") == "desk"
    (tmp_path / "node").write_text("")  # the disk was full
    assert home.node(tmp_path, "train") == "train"
