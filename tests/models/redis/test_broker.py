"""Connections to Redis that are cut: what is raised, and who comes back."""

import asyncio
import contextlib
import gc
import socket
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis
import redis.asyncio
import uvloop
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as Disconnected

from models.redis import broker, queue
from tests.support.proxy import Proxy
from tests.support.servers import Valkey
from tests.support.web import self_signed


@contextlib.asynccontextmanager
async def front(kind: str, port: int, folder: Path) -> AsyncIterator[str]:
    """The URL of the server on this port, as it is reached over this kind of connection."""

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(data)
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(forward(reader, far_writer), forward(far_reader, writer))

    if kind == "redis":
        yield f"redis://127.0.0.1:{port}/0"
    elif kind == "unix":
        path = folder / "socket"
        async with await asyncio.start_unix_server(accept, path):
            yield f"unix://{path}?db=0"
    else:
        certificate, both = self_signed(folder, "localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both)
        async with await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context) as server:
            at = server.sockets[0].getsockname()[1]
            yield f"rediss://localhost:{at}/0?ssl_ca_certs={certificate}"


@pytest.mark.parametrize("kind", ["redis", "rediss", "unix"])
def test_a_command_on_a_dead_transport_raises_what_redis_raises(kind: str, valkey: Valkey, tmp_path: Path) -> None:
    """uvloop raises a RuntimeError there, which nobody expects."""

    async def ask() -> None:
        async with front(kind, valkey.port, tmp_path) as url:
            client = broker.async_command_client(url)
            await client.publish("c", b"")
            connection = client.connection
            assert isinstance(connection, broker._Guarded)
            assert connection._writer is not None
            connection._writer.transport.abort()
            await asyncio.sleep(0.1)  # the loop closes it
            with pytest.raises(Disconnected):
                await client.publish("c", b"")
            assert await client.ping()
            await client.aclose()

    uvloop.run(ask())


async def test_a_mute_server_holds_up_no_queue_of_commands(valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits for its own time alone, and not for those before it as well."""
    monkeypatch.setattr(broker, "ASK_S", 0.5)
    with Proxy(valkey.port) as proxy:
        client = broker.async_command_client(f"redis://127.0.0.1:{proxy.port}/0")
        assert await client.ping()
        proxy.silence()
        began = time.monotonic()
        asked = await asyncio.gather(*(client.publish("c", b"") for _ in range(40)), return_exceptions=True)
        assert all(isinstance(one, TimeoutError | redis.RedisError) for one in asked)
        assert time.monotonic() - began < 10  # one after the other it would be 20 at least
        proxy.heal()
        assert await client.ping()
        await client.aclose()


class Ear:
    """One who listens to the channel ``c`` through a proxy."""

    def __init__(self, proxy: Proxy) -> None:
        self.begun = self.ended = 0
        self.heard: list[bytes] = []
        self._news = asyncio.Event()
        self._url = f"redis://127.0.0.1:{proxy.port}/0"

    async def run(self) -> None:
        await broker.listen(
            self._url, "a test's channel", subscribe=self._begin, on_message=self._hear, on_disconnect=self._end
        )

    async def until_it_hears(self, valkey: Valkey, word: bytes) -> None:
        """Say a word until it is heard: nobody keeps what is said while nobody listens."""
        with valkey.client() as speaker:
            while word not in self.heard:
                speaker.publish("c", word)
                await asyncio.sleep(0.05)

    async def _begin(self, channel: PubSub, client: redis.asyncio.Redis) -> None:
        await client.ping()
        await channel.subscribe("c")
        self.begun += 1

    def _hear(self, message: broker.Message) -> None:
        if message["type"] == "message":
            self.heard.append(message["data"])

    def _end(self) -> None:
        self.ended += 1


@pytest.mark.parametrize("cut", ["reset", "forget", "silence"])
def test_who_listens_hears_again_after_a_cut(cut: str, valkey: Valkey) -> None:
    async def listen() -> None:
        with Proxy(valkey.port) as proxy:
            ear = Ear(proxy)
            listening = asyncio.create_task(ear.run())
            await ear.until_it_hears(valkey, b"before")
            getattr(proxy, cut)()
            while not ear.ended:
                await asyncio.sleep(0.05)
            proxy.heal()
            await ear.until_it_hears(valkey, b"after")
            assert ear.begun >= 2
            listening.cancel()
            await asyncio.wait((listening,))

    uvloop.run(listen())


async def test_a_mute_server_is_left_after_a_ping_that_it_does_not_answer(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "SILENT_READ_S", 0.1)
    with Proxy(valkey.port) as proxy:
        ear = Ear(proxy)
        listening = asyncio.create_task(ear.run())
        async with asyncio.timeout(20):
            await ear.until_it_hears(valkey, b"before")
            proxy.silence()
            while not ear.ended:
                await asyncio.sleep(0.01)
        listening.cancel()
        await asyncio.wait((listening,))


async def test_whose_listening_is_cancelled_amid_a_close_closes_it_all(valkey: Valkey) -> None:
    """In the very moment in which the close has begun."""

    class Abrupt(Ear):
        def _end(self) -> None:
            asyncio.get_running_loop().call_soon(listening.cancel)

    with Proxy(valkey.port) as proxy:
        ear = Abrupt(proxy)
        listening = asyncio.create_task(ear.run())
        await ear.until_it_hears(valkey, b"before")
        assert proxy.connections
        proxy.reset()
        await asyncio.wait((listening,))
        while proxy.connections:
            await asyncio.sleep(0.01)
    gc.collect()  # a connection that is still open says so, and fails the test


async def test_silence_alone_ends_no_connection(valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server answers pings; and who stood still himself reads what has come meanwhile before he judges."""
    monkeypatch.setattr(broker, "SILENT_READ_S", 0.2)
    with Proxy(valkey.port) as proxy:
        ear = Ear(proxy)
        listening = asyncio.create_task(ear.run())
        await ear.until_it_hears(valkey, b"before")
        await asyncio.sleep(1)
        with valkey.client() as speaker:
            speaker.publish("c", b"meanwhile")
        time.sleep(1)  # noqa: ASYNC251 - the process stands still
        await ear.until_it_hears(valkey, b"after")
        assert b"meanwhile" in ear.heard
        assert (ear.begun, ear.ended) == (1, 0)
        listening.cancel()
        await asyncio.wait((listening,))


async def test_a_long_message_on_a_slow_wire_is_no_silence(valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "SILENT_READ_S", 0.2)
    with Proxy(valkey.port) as proxy:
        ear = Ear(proxy)
        listening = asyncio.create_task(ear.run())
        await ear.until_it_hears(valkey, b"before")
        proxy.throttle(400_000)
        long = b"x" * 800_000
        with valkey.client() as speaker:
            speaker.publish("c", long)
        while long not in ear.heard:
            assert ear.ended == 0
            await asyncio.sleep(0.05)
        listening.cancel()
        await asyncio.wait((listening,))


async def test_an_error_that_is_not_redis_ends_the_listening(valkey: Valkey) -> None:
    """It is its owner's to end then; a part that goes on deaf would not be noticed."""

    async def begin(channel: PubSub, _client: redis.asyncio.Redis) -> None:
        await channel.subscribe("c")

    def hear(message: broker.Message) -> None:
        raise KeyError(message["type"])

    with pytest.raises(KeyError):
        await broker.listen(valkey.url, "a test's channel", subscribe=begin, on_message=hear)


async def test_the_kernel_finds_a_dead_connection_by_itself(valkey: Valkey) -> None:
    expected = {(option, value) for option, value in broker.TCP["socket_keepalive_options"].items()}
    assert expected
    with valkey.client() as client:
        client.ping()
        connection = client.connection_pool.get_connection()
        assert expected == _options(connection._sock)
        client.connection_pool.release(connection)
    asking = broker.async_command_client(valkey.url)
    await asking.ping()
    assert asking.connection is not None
    assert asking.connection._writer is not None
    assert expected == _options(asking.connection._writer.get_extra_info("socket"))
    await asking.aclose()
    celery = queue.celery_config(valkey.url, "host.cpu")["broker_transport_options"]
    assert expected == set(celery["socket_keepalive_options"].items())


def _options(found: socket.socket) -> set[tuple[int, int]]:
    assert found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    names = broker.TCP["socket_keepalive_options"]
    return {(option, found.getsockopt(socket.IPPROTO_TCP, option)) for option in names}
