"""The jobs that a runner does: each an attempt under a fence, from the worker's order to its outcome."""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from models.errors import Cancelled, EngineFailure, Expired, HeadraceError, InvalidRequest
from models.modalities import KINDS, Modality, modality, served_by
from models.modalities.base import BaseRequest, Usage
from models.modalities.chat.messages import Media
from models.modalities.media import Artifact, Outcome
from models.modalities.responses.writer import final
from models.modalities.text import Delta
from models.redis import events
from models.redis.events import Event
from models.storage import scratch
from models.storage.artifacts import Store
from workers.engines.base import AnyRequest, Engine
from workers.protocol import DoJob as Order
from workers.protocol import JobEnded, JobProgress
from workers.runner.job_events import JobEvents
from workers.runner.media_intake import MediaIntake

log = logging.getLogger(__name__)

PROGRESS_EVERY_S = 0.1
REPORT_EVERY_S = 1.0
PUBLISH_EVERY_S = 0.1
"""How long a text that is told as it is made is gathered: a job's events are bounded."""
FLUSH_S = 2.0
"""How long an attempt's end waits for its pieces to be told."""


class Attempt:
    """One attempt: the sink that the engine feeds, of whichever kind."""

    def __init__(self, owner: "RunnerJobs", order: Order) -> None:
        self.order = order
        self.rid = f"{order.id}.{order.fence}"
        self.files: Mapping[str, Path] = {}
        self.over = False
        self._pieces = False
        self.task: asyncio.Task[None] | None = None
        self.scratch = contextlib.ExitStack()
        self._owner = owner
        self._published_at = self._reported_at = time.monotonic()  # of a short job there is nothing to tell

    def progress(self, done: float, total: float, preview: Artifact | None = None) -> None:
        """See ``MediaSink``."""
        now = time.monotonic()
        if self.over or (preview is None and now - self._published_at < PROGRESS_EVERY_S and done < total):
            return
        self._published_at = now
        fraction = min(done / total, 1.0) if total > 0 else 0.0
        data: dict[str, Any] = {"step": done, "steps": total, "progress": round(fraction, 4)}
        self.publish(events.PROGRESS, data)
        if preview is not None:
            self.publish(events.PREVIEW, {"media_type": preview.media_type, "step": done}, preview.data)
        if now - self._reported_at >= REPORT_EVERY_S:
            self._reported_at = now
            self._owner.send(JobProgress(self.order.id, self.order.fence, fraction))

    def piece(self, data: bytes) -> None:
        """See ``MediaSink``."""
        if not self.over:
            self._pieces = True
            self.publish(events.PIECE, {}, data)

    def done(self, outcome: Outcome) -> None:
        """See ``MediaSink``. The artifacts are stored before the worker hears of them."""
        if not self.over:
            self.over = True
            self.task = asyncio.create_task(self._store(outcome), name=f"store {self.rid}")

    def fail(self, error: HeadraceError) -> None:
        """See ``Sink``."""
        if not self.over:
            self.over = True
            self._owner.ended(self, error=error)

    def publish(self, kind: str, data: dict[str, Any], blob: bytes = b"") -> None:
        """Tell those who watch the job."""
        self._owner.job_events.publish(self.order.id, Event(kind, self.order.fence, data, blob))

    def log(self, message: str) -> None:
        """Tell those who watch what goes on."""
        self.publish(events.LOG, {"message": message})

    async def _store(self, outcome: Outcome) -> None:
        kept: dict[str, Any] = {}
        try:
            _check_json(outcome.body)
            for one in outcome.artifacts:
                key = f"jobs/{self.order.id}/{self.order.fence}/{one.name}"
                size = await asyncio.to_thread(self._owner.store.put, key, one.data, one.media_type)
                kept[one.name] = {"key": key, "media_type": one.media_type, "bytes": size}
            if kept:
                size = sum(one["bytes"] for one in kept.values())
                self.log(f"stored {', '.join(kept)}: {size} bytes")
            if self._pieces:  # who reads them stops at the end of the job, so they must be there before it
                await self._owner.job_events.flush(FLUSH_S)
        except HeadraceError as error:
            self._owner.ended(self, error=error)
        else:
            self._owner.ended(self, result={"body": outcome.body, "artifacts": kept})


def _check_json(body: dict[str, Any]) -> None:
    """Raises EngineFailure for what no database keeps: such an answer must not hold up those of others."""
    try:
        json.dumps(body, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise EngineFailure(f"the engine's answer is not JSON: {error}") from error


class TextAttempt(Attempt):
    """An attempt at a text job: the answer is written as for a client that does not stream, unless it is to be told

    as it is made.
    """

    def __init__(self, owner: "RunnerJobs", order: Order, shape: Modality, request: BaseRequest) -> None:
        super().__init__(owner, order)
        self._reply = shape.reply(order.id.removeprefix("job_"), request, int(time.time()))
        self._limit = request.budget
        self._outward = request.outward
        self._streams = request.streams
        self._said: list[bytes] = []
        self._publishing: asyncio.TimerHandle | None = None
        self.media: Sequence[Media] = ()
        self.taking: asyncio.Task[tuple[Media, ...]] | None = None
        self._tokens = 0
        self._parts: list[bytes] = []

    def part(self, part: Any) -> None:
        """See ``Sink``."""
        if not self.over:
            self._parts.append(self._reply.part(part))

    def delta(self, delta: Delta) -> None:
        """See ``Sink``."""
        if self.over:
            return
        said = self._reply.delta(delta)
        begins = self._reply.start() if not self._tokens else b""
        self._tokens += delta.tokens or 1
        if not self._streams:
            self.progress(min(self._tokens, self._limit - 1), self._limit)
            return
        self._said.append(begins + said)
        if self._publishing is None:
            self._publishing = asyncio.get_running_loop().call_later(PUBLISH_EVERY_S, self._publish_text)

    def done(self, usage: Usage, result: Any = None) -> None:  # type: ignore[override]
        """See ``Sink``."""
        if self.over:
            return
        self.over = True
        closing = self._reply.end(usage, result)
        if not self._streams:
            answer = b"".join((*self._parts, closing))
            self._owner.ended(self, result={"body": json.loads(answer), "artifacts": {}})
            return
        self._said.append(closing)
        self._publish_text()
        self.task = asyncio.create_task(self._close(final(closing)), name=f"close {self.rid}")

    def fail(self, error: HeadraceError) -> None:
        """See ``Sink``."""
        self._publish_text()
        super().fail(self._outward(error))

    def _publish_text(self) -> None:
        if self._publishing is not None:
            self._publishing.cancel()
            self._publishing = None
        if self._said:
            self.publish(events.TEXT, {}, b"".join(self._said))
            self._said = []

    async def _close(self, body: bytes) -> None:
        await self._owner.job_events.flush(FLUSH_S)  # who reads it stops at the end of the job
        self._owner.ended(self, result={"body": json.loads(body), "artifacts": {}})


class RunnerJobs:
    """All jobs of one runner. Everything here runs on the event loop's thread."""

    def __init__(
        self,
        engine: Engine[Any],
        store: Store,
        job_events: JobEvents,
        send: Callable[[Any], None],
        intake: MediaIntake | None = None,
    ) -> None:
        self.store = store
        self.job_events = job_events
        self.send = send
        self._engine = engine
        self._intake = intake or MediaIntake()
        self._live: dict[str, Attempt] = {}

    @property
    def inflight(self) -> int:
        """Attempts that are not over."""
        return len(self._live)

    def begin(self, order: Order) -> None:
        """Begin an attempt; whatever is wrong with it becomes its outcome."""
        try:
            shape = modality(KINDS[order.kind].modality)
            request = shape.request.model_validate(order.body)
        except (KeyError, ValidationError) as error:  # the gateway checked: the two are of different versions
            refused = InvalidRequest(f"the runner cannot read the request: {error}")
            self.send(JobEnded(order.id, order.fence, error=refused.to_wire()))
            return
        if isinstance(request, BaseRequest):
            attempt: Attempt = TextAttempt(self, order, shape, request)
        else:
            attempt = Attempt(self, order)
        self._live[attempt.rid] = attempt
        attempt.task = asyncio.create_task(self._start(attempt, shape.name, request), name=attempt.rid)

    async def _start(self, attempt: Attempt, name: str, request: AnyRequest) -> None:
        try:
            asked = request.inner() if isinstance(request, BaseRequest) else request
            self._engine.check(asked)
            serve = getattr(self._engine, served_by(name), None)
            if serve is None:
                raise InvalidRequest(f"this model does not serve {attempt.order.kind}", param="model")
            await self._fetch(attempt)
            if isinstance(attempt, TextAttempt) and isinstance(asked, BaseRequest):
                await self._take(attempt, asked)
            if attempt.rid in self._live:  # else it was cancelled meanwhile
                serve(asked, attempt)
        except HeadraceError as error:
            attempt.fail(error)
        except Exception as error:  # the job's life ends here, the runner's does not
            log.exception("the engine failed on job %s", attempt.order.id)
            attempt.fail(EngineFailure(f"the engine failed: {type(error).__name__}"))

    async def _fetch(self, attempt: Attempt) -> None:
        """Put the request's files where the engine can read them."""
        if attempt.over or not attempt.order.files:
            return
        folder = attempt.scratch.enter_context(scratch.folder())
        found = {}
        for name, key in attempt.order.files.items():
            found[name] = await asyncio.to_thread(self.store.local, key, folder)
        attempt.files = found
        attempt.log(f"fetched {', '.join(found)}")

    async def _take(self, attempt: "TextAttempt", asked: BaseRequest) -> None:
        """Fetch what its messages show. Cancelled where the attempt ends meanwhile."""
        if (parts := list(asked.media)) and not attempt.over:
            attempt.taking = asyncio.create_task(self._intake.take(parts), name=f"media {attempt.rid}")
            attempt.media = await attempt.taking
            attempt.log(f"took in {len(parts)} pictures and recordings")

    def cancel(self, job: str, fence: int, error: HeadraceError | None = None) -> None:
        """Stop an attempt; its outcome is the error, by default that it was cancelled."""
        attempt = self._live.get(f"{job}.{fence}")
        if attempt is not None and not attempt.over:
            self._engine.abort(attempt.rid)
            attempt.fail(error or Cancelled())

    def fail_all(self, error: HeadraceError) -> None:
        """End every attempt with this error."""
        for attempt in list(self._live.values()):
            self.cancel(attempt.order.id, attempt.order.fence, error)

    def ended(
        self, attempt: Attempt, *, result: dict[str, Any] | None = None, error: HeadraceError | None = None
    ) -> None:
        """An attempt has its outcome."""
        self._live.pop(attempt.rid, None)
        wire = error.to_wire() if error else None
        self.send(JobEnded(attempt.order.id, attempt.order.fence, result, wire))
        attempt.scratch.close()
        if isinstance(attempt, TextAttempt) and attempt.taking is not None:
            attempt.taking.cancel()

    async def watch(self) -> None:
        """End what passes its deadline."""
        while True:
            await asyncio.sleep(0.5)
            now = time.time() * 1000
            for attempt in list(self._live.values()):
                if 0 < attempt.order.deadline <= now:
                    self.cancel(attempt.order.id, attempt.order.fence, Expired())
