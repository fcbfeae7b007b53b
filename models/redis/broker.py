"""Connections to Redis, made in the same way everywhere.

Every wait on a connection has a bound, because a network may drop packets for ever without an error. Nothing is retried
silently: redis-py's default retries could push or publish twice, and would hide a lost subscription.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, NoReturn, TypeVar

import redis
import redis.asyncio
from redis._parsers import _AsyncHiredisParser
from redis.asyncio.client import PubSub
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import RedisError
from redis.retry import Retry

log = logging.getLogger(__name__)

Message = dict[str, Any]
"""A message of a subscription in redis-py's shape: ``type``, ``channel`` and ``data``."""

CONNECTIONS = 32
ASK_S = 5.0
"""Longest that a command may take, connecting included; waiting for other commands on the connection is not counted."""
CONNECT_S = 2.0
SILENT_READ_S = 2.5
"""After a read that brings nothing for this long a ping is sent; after a second one the connection is replaced.

Two reads are counted rather than seconds: a process that was stopped for a while must first read what came meanwhile.
"""
AGAIN_S = 0.1


def _tcp_options() -> dict[int, int]:
    """The socket options with which the kernel notices a dead connection within 10 s, where this platform has them."""
    wanted = {
        "TCP_KEEPIDLE": 5,  # s
        "TCP_KEEPALIVE": 5,  # s; macOS's name for the same
        "TCP_KEEPINTVL": 2,  # s
        "TCP_KEEPCNT": 2,
        "TCP_USER_TIMEOUT": 5000,  # ms that what was sent may stay unacknowledged
    }
    return {getattr(socket, name): value for name, value in wanted.items() if hasattr(socket, name)}


TCP: dict[str, Any] = {"socket_keepalive": True, "socket_keepalive_options": _tcp_options()}
TIMEOUTS: dict[str, Any] = {"socket_timeout": ASK_S, "socket_connect_timeout": CONNECT_S}


# ---- connections whose transport is dead -------------------------------------------------------------------


@contextlib.contextmanager
def _dead_transport() -> Iterator[None]:
    """Raise redis-py's own error where uvloop raises a RuntimeError. On asyncio's loop it would be an OSError."""
    try:
        yield
    except RuntimeError as error:
        raise Disconnected(f"the connection is closed: {error}") from error


class _Parser(_AsyncHiredisParser):
    """redis-py's parser, which also counts its reads.

    So a connection that brings a long message slowly, in many reads, is not taken for a mute one.
    """

    reads = 0

    async def read_from_socket(self) -> bool:
        """As redis-py's, and count it."""
        done: bool = await super().read_from_socket()  # type: ignore[no-untyped-call]
        self.reads += 1
        return done


class _Guarded(AbstractConnection):
    """A connection that raises only redis-py's errors and OSError, on any event loop."""

    @property
    def reads(self) -> int:
        """How many reads have brought something so far."""
        parser = self._get_parser()
        assert isinstance(parser, _Parser)
        return parser.reads

    async def send_packed_command(self, *args: Any, **options: Any) -> None:
        """As redis-py's."""
        with _dead_transport():
            await super().send_packed_command(*args, **options)

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """As redis-py's."""
        with _dead_transport():
            return await super().read_response(*args, **options)

    async def can_read(self) -> bool:
        """As redis-py's."""
        with _dead_transport():
            return await super().can_read()


class _Tcp(_Guarded, Connection):
    pass


class _Tls(_Guarded, SSLConnection):
    pass


class _Unix(_Guarded, UnixDomainSocketConnection):
    pass


Client = TypeVar("Client", bound=redis.asyncio.Redis)

_CLASSES: dict[str, type[AbstractConnection]] = {"redis": _Tcp, "rediss": _Tls, "unix": _Unix}


def _options(url: str) -> dict[str, Any]:
    return TIMEOUTS if url.startswith("unix:") else TIMEOUTS | TCP


def _guarded(client: Client, url: str) -> Client:
    """The client, made to use such connections. redis-py has no parameter for that with every kind of URL."""
    client.connection_pool.connection_kwargs["parser_class"] = _Parser
    client.connection_pool.connection_class = _CLASSES[url.partition(":")[0]]
    return client


# ---- clients -----------------------------------------------------------------------------------------------


class _CommandClient(redis.asyncio.Redis):
    """A client whose commands take turns on one connection.

    When the server does not answer one of them, those that waited for it fail at once. Otherwise each would wait its
    own ``ASK_S``, one after the other.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._lock = asyncio.Lock()
        self._mute_at = float("-inf")

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """As redis-py's. Raises TimeoutError if the server does not answer within ``ASK_S``."""
        clock = asyncio.get_running_loop().time
        asked_at = clock()
        async with self._lock:
            if self._mute_at > asked_at:
                raise TimeoutError("the server has not answered the command before")
            try:
                async with asyncio.timeout(ASK_S):
                    return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
            except (TimeoutError, redis.exceptions.TimeoutError):
                self._mute_at = clock()
                raise


def command_client(url: str) -> redis.Redis:
    """A client for commands that any thread may use."""
    return redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), **_options(url))


def async_command_client(url: str) -> redis.asyncio.Redis:
    """A client for commands from asyncio, on one connection.

    A command then takes half the time of one on a pool's connection (75 against 145 µs), and the commands of a burst
    take turns instead of opening hundreds of connections. Pipelines have connections of their own.
    """
    options: dict[str, Any] = {
        "single_connection_client": True,
        "max_connections": CONNECTIONS,
        "retry": AsyncRetry(NoBackoff(), 0),
    }
    return _guarded(_CommandClient.from_url(url, **options, **_options(url)), url)


# ---- subscriptions -----------------------------------------------------------------------------------------


async def listen(
    url: str,
    name: str,
    *,
    subscribe: Callable[[PubSub, redis.asyncio.Redis], Awaitable[None]],
    on_message: Callable[[Message], None],
    on_disconnect: Callable[[], None] = lambda: None,
) -> NoReturn:
    """Listen to channels for ever, over any number of connections.

    ``subscribe`` is called on each new connection; its second argument is a client on which it may ask what was
    missed. ``on_message`` takes what is published, and what confirms a subscription. ``on_disconnect`` is called
    whenever a connection is over, also where ``subscribe`` failed. ``name`` is for the log. The function ends only
    with an error that is not Redis's.
    """
    lost = False
    while True:
        client = _guarded(redis.asyncio.Redis.from_url(url, retry=AsyncRetry(NoBackoff(), 0), **_options(url)), url)
        try:
            channel = client.pubsub(ignore_subscribe_messages=False)
            await subscribe(channel, client)
            if lost:
                log.info("%s is connected again", name)
            lost = False
            await _read_messages(channel, on_message)
        except (RedisError, OSError) as error:
            if not lost:
                log.warning("%s is lost: %s", name, error)
            lost = True
        finally:
            on_disconnect()
            with contextlib.suppress(RedisError, OSError):
                await asyncio.shield(client.aclose())  # cancelled at its first step it would leave all of them open
        await asyncio.sleep(AGAIN_S)


async def _read_messages(channel: PubSub, on_message: Callable[[Message], None]) -> NoReturn:
    """Read one connection until it fails, or until two reads in a row, with a ping between them, brought nothing."""
    connection, pinged = channel.connection, False
    assert isinstance(connection, _Guarded)
    while True:
        before = connection.reads
        message = await channel.get_message(timeout=SILENT_READ_S)
        mute = message is None and connection.reads == before
        if mute and pinged:
            raise Disconnected(f"nothing has come for {2 * SILENT_READ_S:g} s, not even the answer to a ping")
        if mute:
            await channel.ping()
        elif message is not None and message["type"] in ("message", "subscribe"):
            on_message(message)
        pinged = mute
