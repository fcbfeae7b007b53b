"""Passes the outputs of a model, step by step, from the thread that computes to the event loop."""

import asyncio
import contextlib
import logging
import queue
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workers.engines.accelerator.faults import kind_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Output:
    """What a request has made so far; ``error`` is set where it ends with one."""

    request_id: str
    generated_tokens: list[int]
    error: str | None = None


class Router:
    """Takes the place of transformers' ``OutputRouter``.

    It calls the event loop once for each step, and keeps nothing for a request.
    """

    def __init__(self) -> None:
        self.early: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.fault: Exception | None = None
        """The last error of a step."""
        self._connected: tuple[asyncio.AbstractEventLoop, Callable[[list[Any]], None]] | None = None

    def connect(self, loop: asyncio.AbstractEventLoop, take: Callable[[list[Any]], None]) -> None:
        """From now on, pass outputs to ``take`` on this loop. Before, they are put into ``early``."""
        self._connected = (loop, take)

    def deliver(self, output: Any) -> None:
        """Deliver one output."""
        self.deliver_batch([output])

    def deliver_batch(self, outputs: list[Any]) -> None:
        """Deliver the outputs of one step."""
        if self._connected is None:
            for output in outputs:
                self.early.put(output)
            return
        loop, take = self._connected
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits for outputs any more
            loop.call_soon_threadsafe(take, outputs)

    def fail(self, request_id: str, why: str) -> None:
        """Deliver an error for a request that goes on; its later outputs mean nothing."""
        self.deliver(Output(request_id, [], why))

    def fail_and_deliver(self, state: Any, error: Exception) -> None:
        """Deliver the error of a request that failed."""
        log.error("request %s failed", state.request_id, exc_info=error)
        self.fault = error
        state.error = kind_of(error)
        self.deliver(state.to_generation_output())
