"""The proxy with which tests cut wires."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.proxy import Proxy


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy in front of a server that sends back what it gets."""
    server = socket.create_server(("127.0.0.1", 0))

    def echo(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(1 << 16):
                    connection.sendall(data)
            except ConnectionError:
                return

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:  # closed: the test is over
                return
            threading.Thread(target=echo, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    with server, Proxy(server.getsockname()[1]) as found:
        yield found
        server.shutdown(socket.SHUT_RDWR)


def _connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10)


def _ask(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    return connection.recv(100)


def _is_mute(connection: socket.socket) -> bool:
    connection.settimeout(0.3)
    try:
        return not connection.recv(100)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(10)


def test_what_it_forwards_comes_back_and_an_end_is_forwarded_too(proxy: Proxy) -> None:
    with _connect(proxy) as connection:
        assert _ask(connection, b"hello") == b"hello"
        assert proxy.connections == 1
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""


def test_a_reset_ends_all_connections_and_new_ones_work(proxy: Proxy) -> None:
    with _connect(proxy) as connection, _connect(proxy) as another:
        assert _ask(connection, b"hello") == _ask(another, b"hello") == b"hello"
        assert proxy.reset() == 2
        for each in (connection, another):
            with pytest.raises(ConnectionResetError):
                each.recv(100)
    with _connect(proxy) as connection:
        assert _ask(connection, b"again") == b"again"


def test_silence_holds_old_and_new_connections_until_it_is_healed(proxy: Proxy) -> None:
    with _connect(proxy) as connection:
        assert _ask(connection, b"hello") == b"hello"
        proxy.silence()
        with _connect(proxy) as another:
            connection.sendall(b"old")
            another.sendall(b"new")
            assert _is_mute(connection)
            assert _is_mute(another)
            proxy.heal()
            assert connection.recv(100) == b"old"
            assert another.recv(100) == b"new"


def test_a_forgotten_connection_stays_mute_while_new_ones_work(proxy: Proxy) -> None:
    with _connect(proxy) as connection:
        assert _ask(connection, b"hello") == b"hello"
        proxy.forget()
        connection.sendall(b"lost")
        with _connect(proxy) as another:
            assert _ask(another, b"new") == b"new"
        proxy.heal()
        assert _is_mute(connection)


def test_a_delay_holds_each_way(proxy: Proxy) -> None:
    with _connect(proxy) as connection:
        assert _ask(connection, b"hello") == b"hello"
        proxy.delay(200)
        began = time.monotonic()
        assert _ask(connection, b"slow") == b"slow"
        assert time.monotonic() - began >= 0.4
