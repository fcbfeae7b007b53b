"""A TCP proxy between a client and a server, that can cut the wire in the ways that a network does."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")

CHUNK = 1 << 16
THROTTLE_S = 0.05
"""A throttled connection carries a piece this often."""
IN_FLIGHT = 64
"""How many chunks one direction of a connection holds back while it delays."""
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
CALL_TIMEOUT_S = 10


class Proxy:
    """A proxy on a free port of 127.0.0.1 in front of ``host:port``. Its verbs may be called from any thread.

    What is on its way while the wire is silent is neither lost nor refused: it arrives, in order, after ``heal``,
    as it does over TCP when a network drops packets for a while.
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._target = (host, port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._links: set[_Link] = set()
        self._delay_s = 0.0
        self._rate = 0.0
        self._open: asyncio.Event
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._start())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_TIMEOUT_S)
        self._loop.close()

    @property
    def connections(self) -> int:
        """How many connections are open through it."""
        return len(self._links)

    def reset(self) -> int:
        """Reset every connection, at both of its ends. New ones are accepted. Returns how many there were."""
        return self._call(self._reset())

    def silence(self) -> None:
        """Forward nothing any more, in either direction. Connections stay, and new ones are accepted."""
        self._call(self._set_open(False))

    def forget(self) -> None:
        """The connections of now stay mute for ever, as after a NAT's idle timeout. New ones are served."""
        self._call(self._forget())

    def heal(self) -> None:
        """Forward again, without delay, at full speed. Connections that were forgotten stay so."""
        self._delay_s = self._rate = 0.0
        self._call(self._set_open(True))

    def delay(self, milliseconds: float) -> None:
        """Each chunk takes this long, in each direction, from now on."""
        self._delay_s = milliseconds / 1000

    def throttle(self, bytes_per_s: float) -> None:
        """Each direction of a connection carries no more than this from now on."""
        self._rate = bytes_per_s

    # ---- on the proxy's own thread -------------------------------------------------------------------------

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_TIMEOUT_S)

    async def _start(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        await self._reset()

    async def _set_open(self, is_open: bool) -> None:
        if is_open:
            self._open.set()
        else:
            self._open.clear()

    async def _forget(self) -> None:
        for link in self._links:
            link.open = asyncio.Event()

    async def _reset(self) -> int:
        links = list(self._links)
        for link in links:
            link.reset()
        await asyncio.gather(*(link.task for link in links), return_exceptions=True)
        return len(links)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        link = _Link(task, self._open, writer)
        self._links.add(link)
        try:
            await link.open.wait()
            far_reader, link.far = await asyncio.open_connection(*self._target)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(link, reader, link.far))
                group.create_task(self._pump(link, far_reader, writer))
        except* OSError:  # an end is gone: so is the other
            link.reset()
        finally:
            self._links.discard(link)
            for end in link.ends():
                end.close()

    async def _pump(self, link: "_Link", source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Forward one direction until its end."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT)

        async def pull() -> None:
            data = b"-"
            while data:
                await link.open.wait()
                rate = self._rate
                data = await source.read(CHUNK if not rate else max(1, int(rate * THROTTLE_S)))
                if rate:
                    await asyncio.sleep(len(data) / rate)
                await waiting.put((self._loop.time() + self._delay_s, data))

        async with asyncio.TaskGroup() as group:
            group.create_task(pull())
            while True:
                due, data = await waiting.get()
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                await link.open.wait()
                if not data:
                    target.write_eof()
                    return
                target.write(data)
                await target.drain()


class _Link:
    """One connection through the proxy: its two sockets, and the event without which nothing passes."""

    def __init__(self, task: "asyncio.Task[None]", is_open: asyncio.Event, near: asyncio.StreamWriter) -> None:
        self.task = task
        self.open = is_open
        self.near = near
        self.far: asyncio.StreamWriter | None = None

    def ends(self) -> list[asyncio.StreamWriter]:
        """Its sockets' writers."""
        return [self.near] if self.far is None else [self.near, self.far]

    def reset(self) -> None:
        """Send RST to both ends."""
        for end in self.ends():
            with contextlib.suppress(OSError):
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            end.transport.abort()
        self.task.cancel()
