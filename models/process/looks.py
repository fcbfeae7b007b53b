"""Threads for looks at places that may never answer: a folder on a network that hangs holds a thread, and no more."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

MOST = 32
"""Looks at once. Those that hang count until they end, whether or not anybody still waits for them."""


class Looks:
    """Looks, each in a thread of its own, which keeps no process from ending."""

    def __init__(self, most: int = MOST) -> None:
        self._slots = asyncio.Semaphore(most)

    async def look(self, within_s: float, function: Callable[..., T], *args: object) -> T:
        """What ``function(*args)`` returns or raises. Raises TimeoutError after ``within_s``, its wait included."""
        async with asyncio.timeout(within_s):
            await self._slots.acquire()
            loop = asyncio.get_running_loop()
            answer: Future[T] = Future()
            answer.set_running_or_notify_cancel()  # who leaves cannot take it back
            answer.add_done_callback(lambda _: self._release(loop))
            threading.Thread(target=_run, args=(answer, function, args), name="look", daemon=True).start()
            return await asyncio.wrap_future(answer)

    def _release(self, loop: asyncio.AbstractEventLoop) -> None:
        with suppress(RuntimeError):  # the event loop has ended
            loop.call_soon_threadsafe(self._slots.release)


def _run(answer: "Future[T]", function: Callable[..., T], args: tuple[object, ...]) -> None:
    try:
        found = function(*args)
    except Exception as error:  # noqa: BLE001 - who waits must hear of it
        answer.set_exception(error)
    else:
        answer.set_result(found)
