"""Processes in the foreground of a terminal or a container: supervised until a signal asks to stop them."""

import asyncio
import signal
import time
from collections.abc import Coroutine
from typing import Any

from api.local.console import Console
from api.local.supervisor import Supervisor

DOUBLE_SIGNAL_S = 0.5
"""One Ctrl-C can arrive twice, from the terminal and from a wrapper that passes it on.

A second signal counts as such only if it comes this long after the first.
"""


class Foreground:
    """Runs a supervisor until SIGINT, SIGTERM or SIGHUP; a second one ends everything at once."""

    def __init__(self, supervisor: Supervisor, console: Console) -> None:
        self._supervisor = supervisor
        self._console = console
        self._stop = asyncio.Event()
        self._kill = asyncio.Event()
        self._signalled_at = 0.0

    async def run(self, *work: Coroutine[Any, Any, None]) -> None:
        """Supervise, and do this work beside it; at the end stop all that was started, also after an error."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal, number)
        tasks = [asyncio.create_task(one) for one in (self._supervisor.run(), *work)]
        try:
            await self._until_stopped(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await self._end()

    async def _until_stopped(self, tasks: list["asyncio.Task[None]"]) -> None:
        stopped = asyncio.create_task(self._stop.wait())
        pending: set[asyncio.Task[Any]] = {stopped, *tasks}
        try:
            while stopped in pending:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            stopped.cancel()

    def _on_signal(self, number: int) -> None:
        now = time.monotonic()
        if not self._stop.is_set():
            self._signalled_at = now
            self._stop.set()
        elif number != signal.SIGHUP and now - self._signalled_at > DOUBLE_SIGNAL_S:
            self._kill.set()

    async def _end(self) -> None:
        """Stop in order, or at once on the second signal."""
        self._console.idle()
        self._console.say("stopping; again to stop at once")
        ending = asyncio.create_task(self._supervisor.stop())
        killed = asyncio.create_task(self._kill.wait())
        await asyncio.wait({ending, killed}, return_when=asyncio.FIRST_COMPLETED)
        killed.cancel()
        if not ending.done():
            ending.cancel()
            self._supervisor.kill()
        else:
            ending.result()
        self._console.say("stopped")
