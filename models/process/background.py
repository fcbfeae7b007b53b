"""Work that nobody awaits, on an event loop: its errors are never lost in silence."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)

PART_DEAD = 73
"""Exit code of a process that has lost a part of itself: it would look alive to everybody else."""


class Background:
    """The background tasks of one owner.

    ``on_end`` is called when one ends that should go on for ever: with its name and its error, which is None where
    it has merely ended.
    """

    def __init__(self, on_end: Callable[[str, BaseException | None], None] | None = None) -> None:
        self._on_end = on_end or _log_end
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False

    def once(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Run it apart from the task that asks for it, which may be about to be cancelled; log its error."""
        self._start(work, name).add_done_callback(self._log_error)

    def for_ever(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Run what goes on as long as its owner, who cannot do without it."""
        self._start(work, name).add_done_callback(self._report_end)

    def close(self) -> None:
        """Cancel what still runs."""
        self._closing = True
        for task in self._tasks:
            task.cancel()

    def _start(self, work: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[Any]":
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)  # the event loop itself keeps none alive
        task.add_done_callback(self._tasks.discard)
        return task

    @staticmethod
    def _log_error(task: "asyncio.Task[Any]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=error)

    def _report_end(self, task: "asyncio.Task[Any]") -> None:
        error = None if task.cancelled() else task.exception()
        if not self._closing:
            self._on_end(task.get_name(), error)


def _log_end(name: str, error: BaseException | None) -> None:
    log.critical("%s has ended, which should go on for ever", name, exc_info=error)
