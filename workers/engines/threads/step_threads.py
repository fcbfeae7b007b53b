"""Computes requests in threads, step by step, for engines whose libraries block.

A request is a generator. Each ``next`` is one step (a segment, a sentence), computed in a thread; what it yields is put
into the request's sink on the event loop. Requests take turns, so a long one does not hold up the others.
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
    """The result of one step: ``done`` of ``total`` (seconds, characters), and a piece of the answer or nothing.

    ``warning``: what the answer will lack.
    """

    done: float
    total: float
    piece: bytes = b""
    warning: str = ""


Steps = Generator[Step, None, Outcome]


@dataclass(eq=False, slots=True)
class SteppedRequest:
    """One request. ``over`` is set on the loop and read in threads; a step may raise RequestStopped when it is set."""

    sink: MediaSink
    over: bool = False
    steps: Steps | None = field(default=None, repr=False)


class RequestStopped(Exception):
    """Nobody waits for this request any more."""


class StepThreads:
    """The requests of an engine, and the threads that do their steps. To be made and used on the event loop alone."""

    def __init__(self, threads: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._requests: dict[str, SteppedRequest] = {}
        self._loop = asyncio.get_running_loop()
        self.steps = self.aborts = 0

    def take(self, sink: MediaSink, work: Callable[[SteppedRequest], Steps]) -> None:
        """Begin a request. ``work`` makes its generator."""
        request = SteppedRequest(sink)
        request.steps = work(request)
        self._requests[sink.rid] = request
        self._next(request)

    def abort(self, rid: str) -> None:
        """End a request after its present step; nothing more is put in its sink."""
        request = self._requests.pop(rid, None)
        if request is not None:
            request.over = True
            self.aborts += 1

    def close(self) -> None:
        """End all requests and wait for their present steps. Blocks."""
        for rid in list(self._requests):
            self.abort(rid)
        self._pool.shutdown()

    def _next(self, request: SteppedRequest) -> None:
        future = self._pool.submit(_step, request)
        future.add_done_callback(lambda done: self._hand_over(request, done))

    def _hand_over(self, request: SteppedRequest, done: "Future[Step | Outcome | None]") -> None:
        """Pass a step's result to the event loop. Runs in the thread that did the step."""
        try:
            self._loop.call_soon_threadsafe(self._deliver, request, done)
        except RuntimeError:  # the loop is closed: nobody listens any more
            request.over = True

    def _deliver(self, request: SteppedRequest, done: "Future[Step | Outcome | None]") -> None:
        self.steps += 1
        if request.over:
            return
        error = done.exception()
        result = None if error is not None else done.result()
        if isinstance(result, Step):
            request.sink.progress(result.done, result.total)
            if result.warning:
                request.sink.warn(result.warning)
            if result.piece:
                request.sink.piece(result.piece)
            if not request.over:  # a sink may abort
                self._next(request)
            return
        self._requests.pop(request.sink.rid, None)
        if isinstance(result, Outcome):
            request.sink.done(result)
        else:
            request.sink.fail(_failure(error))


def _step(request: SteppedRequest) -> Step | Outcome | None:
    """Do one step, in a thread. Returns None where the request is over."""
    assert request.steps is not None
    if request.over:
        request.steps.close()
        return None
    try:
        return next(request.steps)
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome
    except RequestStopped:
        return None


def _failure(error: BaseException | None) -> HeadraceError:
    if isinstance(error, HeadraceError):
        return error
    _log.error("a step failed", exc_info=error)
    return EngineFailure(f"the engine failed: {type(error).__name__}")
