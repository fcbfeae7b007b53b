"""Answers that an engine gives beside its batches: computed in a thread, put into the request's sink on the event loop.

Tokenizing is an example.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Any

from models.errors import EngineFailure, HeadraceError
from models.modalities.base import Usage
from workers.engines.base import Sink

_log = logging.getLogger(__name__)


class SideAnswers:
    """Results that cost no tokens. All methods must be called on the event loop."""

    def __init__(self, threads: Executor) -> None:
        self._threads = threads
        self._open: dict[str, asyncio.Future[Any]] = {}

    def ask(self, sink: Sink, find: Callable[[], Any]) -> None:
        """Answer with the result of ``find``, which runs in a thread, or with the HeadraceError that it raises."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, find)
        self._open[sink.rid] = future
        future.add_done_callback(partial(self._answer, sink))

    def abort(self, rid: str) -> None:
        """Cancel this answer: nobody waits for it any more. Unknown ids are ignored."""
        future = self._open.pop(rid, None)
        if future is not None:
            future.cancel()

    def _answer(self, sink: Sink, future: "asyncio.Future[Any]") -> None:
        if future.cancelled() or self._open.pop(sink.rid, None) is None:
            return
        error = future.exception()
        if error is None:
            sink.done(Usage(0, 0), future.result())
        elif isinstance(error, HeadraceError):
            sink.fail(error)
        else:
            _log.error("an engine failed on request %s", sink.rid, exc_info=error)
            sink.fail(EngineFailure(f"the engine failed: {type(error).__name__}"))
