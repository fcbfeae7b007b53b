"""Work that goes on in threads, step by step, for engines whose libraries block.

A request is a generator: each ``next`` is one step (a segment, a sentence), computed in a thread, and what it yields is
told to the request's sink on the event loop. Requests take turns, so a long one does not hold up the others.
"""

import asyncio
import logging
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from models.errors import EngineFailure, HeadraceError
from models.modalities.media import Outcome
from workers.engines.base import MediaSink

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one step: ``done`` of ``total`` (seconds, characters), and a piece of the answer or nothing."""

    done: float
    total: float
    piece: bytes = b""


Steps = Generator[Step, None, Outcome]


@dataclass(eq=False, slots=True)
class SteppedRequest:
    """One request. ``over`` is set on the loop and read in threads: a step that sees it may raise RequestStopped."""

    sink: MediaSink
    over: bool = False
    steps: Steps | None = field(default=None, repr=False)


class RequestStopped(Exception):
    """Nobody waits for this request any more."""


class StepThreads:
    """The requests of an engine, and the threads that do their steps. Made on the event loop, and used there alone."""

    def __init__(self, threads: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._tasks: dict[str, SteppedRequest] = {}
        self._loop = asyncio.get_running_loop()
        self.steps = self.aborts = 0

    def take(self, sink: MediaSink, work: Callable[[SteppedRequest], Steps]) -> None:
        """Begin a request."""
        task = SteppedRequest(sink)
        task.steps = work(task)
        self._tasks[sink.rid] = task
        self._next(task)

    def abort(self, rid: str) -> None:
        """End a request after the step that it is in; nothing more is put in its sink."""
        task = self._tasks.pop(rid, None)
        if task is not None:
            task.over = True
            self.aborts += 1

    def close(self) -> None:
        """End all requests and wait for the steps that they are in. Blocks."""
        for rid in list(self._tasks):
            self.abort(rid)
        self._pool.shutdown()

    def _next(self, task: SteppedRequest) -> None:
        future = self._pool.submit(_step, task)
        future.add_done_callback(lambda done: self._hear(task, done))

    def _hear(self, task: SteppedRequest, done: "Future[Step | Outcome | None]") -> None:
        """In the thread that did the step."""
        try:
            self._loop.call_soon_threadsafe(self._deliver, task, done)
        except RuntimeError:  # the loop is closed: nobody listens any more
            task.over = True

    def _deliver(self, task: SteppedRequest, done: "Future[Step | Outcome | None]") -> None:
        self.steps += 1
        if task.over:
            return
        error = done.exception()
        said = None if error is not None else done.result()
        if isinstance(said, Step):
            task.sink.progress(said.done, said.total)
            if said.piece:
                task.sink.piece(said.piece)
            if not task.over:  # a sink may abort
                self._next(task)
            return
        self._tasks.pop(task.sink.rid, None)
        if isinstance(said, Outcome):
            task.sink.done(said)
        else:
            task.sink.fail(_failure(error))


def _step(task: SteppedRequest) -> Step | Outcome | None:
    """One step, in a thread. None: the request is over."""
    assert task.steps is not None
    if task.over:
        task.steps.close()
        return None
    try:
        return next(task.steps)
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome
    except RequestStopped:
        return None


def _failure(error: BaseException | None) -> HeadraceError:
    if isinstance(error, HeadraceError):
        return error
    _log.error("a step failed", exc_info=error)
    return EngineFailure(f"the engine failed: {type(error).__name__}: {error}")
