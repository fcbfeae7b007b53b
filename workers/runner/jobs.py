"""The jobs that a runner does: each an attempt under a fence, from the worker's order to its outcome."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from models.errors import Cancelled, Expired, HeadraceError, InvalidRequest
from models.modalities import KINDS
from models.modalities.base import BaseRequest
from models.storage.artifacts import Store
from workers.engines.base import AnyRequest, Engine
from workers.protocol import DoJob
from workers.runner.asking import answering, call_of, read, reading
from workers.runner.attempts import Attempt, MediaAttempt, Outlets, TextAttempt
from workers.runner.job_events import JobEvents
from workers.runner.media_intake import MediaIntake
from workers.runner.stops import NOWHERE, Stops


class RunnerJobs:
    """All jobs of one runner. Everything here runs on the event loop's thread."""

    def __init__(
        self,
        engine: Engine[Any],
        store: Store,
        job_events: JobEvents,
        send: Callable[[Any], None],
        intake: MediaIntake | None = None,
        stops: Stops = NOWHERE,
    ) -> None:
        self._engine = engine
        self._outlets = Outlets(store, job_events, send)
        self._intake = intake or MediaIntake()
        self._stops = stops
        self._live: dict[str, MediaAttempt | TextAttempt] = {}

    @property
    def inflight(self) -> int:
        """Attempts that have not ended."""
        return len(self._live)

    def begin(self, order: DoJob) -> None:
        """Begin an attempt; any error becomes its outcome."""
        attempt = Attempt(order, self._outlets, self._forget)
        try:
            with reading():
                name = KINDS[order.kind].modality
                sink, request = _sink(attempt, name)
        except InvalidRequest as error:
            attempt.fail(error)
            return
        self._live[sink.rid] = sink
        attempt.prepare(self._ask(sink, name, request))

    async def _ask(self, sink: MediaAttempt | TextAttempt, name: str, request: AnyRequest) -> None:
        """Fetch what the engine needs, then ask it. Cancelled where the attempt ends meanwhile."""
        with answering(sink):
            call = call_of(self._engine, name, request, self._stops)
            await sink.take_in(call.media, self._intake)
            call.into(sink)

    def _forget(self, rid: str) -> None:
        self._live.pop(rid, None)

    def cancel(self, job: str, fence: int, error: HeadraceError | None = None) -> None:
        """Stop an attempt. Its outcome is ``error``, or else that it was cancelled."""
        sink = self._live.get(f"{job}.{fence}")
        if sink is not None and not sink.attempt.over:
            self._engine.abort(sink.rid)
            sink.fail(error or Cancelled())

    def fail_all(self, error: HeadraceError) -> None:
        """End every attempt with this error."""
        for sink in list(self._live.values()):
            self.cancel(sink.attempt.order.id, sink.attempt.order.fence, error)

    async def watch(self) -> None:
        """End attempts that pass their deadline, for ever."""
        while True:
            await asyncio.sleep(0.5)
            now = time.time() * 1000
            for order in [sink.attempt.order for sink in self._live.values()]:
                if 0 < order.deadline <= now:
                    self.cancel(order.id, order.fence, Expired())


def _sink(attempt: Attempt, name: str) -> tuple[MediaAttempt | TextAttempt, AnyRequest]:
    """The sink for the modality of the attempt's order, and its request. Use it within ``reading``."""
    order = attempt.order
    shape, request = read(name, order.body)
    if not isinstance(request, BaseRequest):
        return MediaAttempt(attempt), request
    reply = shape.reply(order.id.removeprefix("job_"), request, int(time.time()))
    return TextAttempt(attempt, reply, request), request
