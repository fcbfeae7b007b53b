"""Tasks on an event loop that nobody awaits. Their errors are logged or reported, never lost."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)

PART_DEAD = 73
"""Exit code of a process that ends because one of its parts has ended. Without that part it would only look alive."""


class Background:
    """The background tasks of one owner.

    ``on_end`` is called when a task ends that should run as long as its owner: with its name and its error, or None
    where there was no error.
    """

    def __init__(self, on_end: Callable[[str, BaseException | None], None] | None = None) -> None:
        self._on_end = on_end or _log_end
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False

    def once(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Run this in a task of its own, as the present task may be about to be cancelled; log its error."""
        self._start(work, name).add_done_callback(self._log_error)

    def for_ever(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Run this as long as the owner, which cannot work without it; its end is reported to ``on_end``."""
        self._start(work, name).add_done_callback(self._report_end)

    def close(self) -> None:
        """Cancel what still runs."""
        self._closing = True
        for task in self._tasks:
            task.cancel()

    def _start(self, work: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[Any]":
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)  # the event loop has weak references alone
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
