"""Attempts at jobs: the sinks that the engine feeds, one kind for media and one for text, and what both share."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import EngineFailure, HeadraceError
from models.modalities import Reply
from models.modalities.base import BaseRequest, Usage
from models.modalities.chat.messages import Media, MediaPart
from models.modalities.media import Artifact, Outcome
from models.modalities.responses.writer import final
from models.modalities.text import Delta
from models.redis import events
from models.redis.events import Event
from models.storage import scratch
from models.storage.artifacts import Store
from workers.protocol import DoJob, JobEnded, JobProgress
from workers.runner.job_events import JobEvents
from workers.runner.media_intake import MediaIntake

PROGRESS_EVERY_S = 0.1
REPORT_EVERY_S = 1.0
PUBLISH_EVERY_S = 0.1
"""How long the text of a streamed answer is gathered before it is published: a job's events are bounded."""
FLUSH_S = 2.0
"""How long an attempt's end waits until what was published of it is sent."""


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where the results of attempts go: files to the store, events to those who watch, reports to the worker."""

    store: Store
    job_events: JobEvents
    send: Callable[[JobProgress | JobEnded], None]


class Attempt:
    """What attempts of both kinds have in common: their order, what is published of them, and that they end once.

    ``over``: the engine's part has ended, and anything that it still puts is ignored. The attempt ends with ``end``.
    """

    def __init__(self, order: DoJob, outlets: Outlets, on_end: Callable[[str], None]) -> None:
        self.order = order
        self.rid = f"{order.id}.{order.fence}"
        self.outlets = outlets
        self.over = False
        self.scratch = contextlib.ExitStack()
        self._on_end = on_end
        self._preparing: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._published_at = self._reported_at = time.monotonic()  # so a short job reports no progress

    def prepare(self, work: Coroutine[Any, Any, None]) -> None:
        """Start this, which asks the engine when it is done. It is cancelled where the attempt ends meanwhile."""
        self._preparing = asyncio.create_task(work, name=self.rid)

    def close(self, work: Coroutine[Any, Any, None]) -> None:
        """The engine's part is over: start this, which calls ``end`` when it is done."""
        self.over = True
        self._closing = asyncio.create_task(work, name=f"close {self.rid}")

    def publish(self, kind: str, data: dict[str, Any], blob: bytes = b"") -> None:
        """Publish an event for those who watch the job."""
        self.outlets.job_events.publish(self.order.id, Event(kind, self.order.fence, data, blob))

    def log(self, message: str) -> None:
        """Publish a line of the job's log, for those who watch it."""
        self.publish(events.LOG, {"message": message})

    def progress(self, done: float, total: float, preview: Artifact | None = None) -> None:
        """Publish how far the job is, ten times a second at most, and report it to the worker once a second at most."""
        now = time.monotonic()
        if self.over or (preview is None and now - self._published_at < PROGRESS_EVERY_S and done < total):
            return
        self._published_at = now
        fraction = min(done / total, 1.0) if total > 0 else 0.0
        self.publish(events.PROGRESS, {"step": done, "steps": total, "progress": round(fraction, 4)})
        if preview is not None:
            self.publish(events.PREVIEW, {"media_type": preview.media_type, "step": done}, preview.data)
        if now - self._reported_at >= REPORT_EVERY_S:
            self._reported_at = now
            self.outlets.send(JobProgress(self.order.id, self.order.fence, fraction))

    async def flush(self) -> None:
        """Wait until all that was published is sent: its readers stop reading at the end of the job."""
        await self.outlets.job_events.flush(FLUSH_S)

    def fail(self, error: HeadraceError) -> None:
        """End the attempt with this error, unless it is over."""
        if not self.over:
            self.over = True
            self.end(error)

    def end(self, outcome: dict[str, Any] | HeadraceError) -> None:
        """Report the outcome to the worker: a result, or why there is none. To be called once."""
        self._on_end(self.rid)
        job, fence = self.order.id, self.order.fence
        if isinstance(outcome, HeadraceError):
            self.outlets.send(JobEnded(job, fence, error=outcome.to_wire()))
        else:
            self.outlets.send(JobEnded(job, fence, outcome))
        self.scratch.close()
        if self._preparing is not None and self._preparing is not asyncio.current_task():
            self._preparing.cancel()


class MediaAttempt:
    """An attempt at an image or audio job: a ``MediaSink``."""

    def __init__(self, attempt: Attempt) -> None:
        self.rid = attempt.rid
        self.files: Mapping[str, Path] = {}
        self.attempt = attempt
        self._pieces = False

    async def take_in(self, media: Sequence[tuple[str, MediaPart]], intake: MediaIntake) -> None:
        """Put the request's files where the engine can read them."""
        attempt = self.attempt
        if not attempt.order.files:
            return
        folder = attempt.scratch.enter_context(scratch.folder())
        store = attempt.outlets.store
        self.files = {
            name: await asyncio.to_thread(store.local, key, folder) for name, key in attempt.order.files.items()
        }
        attempt.log(f"fetched {', '.join(self.files)}")

    def progress(self, done: float, total: float, preview: Artifact | None = None) -> None:
        """See ``MediaSink``."""
        self.attempt.progress(done, total, preview)

    def piece(self, data: bytes) -> None:
        """See ``MediaSink``."""
        if not self.attempt.over:
            self._pieces = True
            self.attempt.publish(events.PIECE, {}, data)

    def warn(self, message: str) -> None:
        """See ``MediaSink``."""
        if not self.attempt.over:
            self.attempt.publish(events.WARNING, {"message": message})

    def done(self, outcome: Outcome) -> None:
        """See ``MediaSink``. The artifacts are stored before the result is reported to the worker."""
        if not self.attempt.over:
            self.attempt.close(self._close(outcome))

    def fail(self, error: HeadraceError) -> None:
        """See ``MediaSink``."""
        self.attempt.fail(error)

    async def _close(self, outcome: Outcome) -> None:
        attempt = self.attempt
        try:
            _check_json(outcome.body)
            kept = await self._store(outcome.artifacts)
            if self._pieces:
                await attempt.flush()
        except HeadraceError as error:
            attempt.end(error)
        else:
            attempt.end({"body": outcome.body, "artifacts": kept})

    async def _store(self, artifacts: Sequence[Artifact]) -> dict[str, Any]:
        """Store the artifacts under the attempt's fence. Returns what the job's row has of them, by name."""
        order, store = self.attempt.order, self.attempt.outlets.store
        kept: dict[str, Any] = {}
        for artifact in artifacts:
            key = f"jobs/{order.id}/{order.fence}/{artifact.name}"
            size = await asyncio.to_thread(store.put, key, artifact.data, artifact.media_type)
            kept[artifact.name] = {"key": key, "media_type": artifact.media_type, "bytes": size}
        if kept:
            self.attempt.log(f"stored {', '.join(kept)}: {sum(entry['bytes'] for entry in kept.values())} bytes")
        return kept


class TextAttempt:
    """An attempt at a text job: a ``Sink``.

    The answer is written as for a client that does not stream. Where the request asks for a stream, it is also
    published as it is made.
    """

    def __init__(self, attempt: Attempt, reply: Reply, request: BaseRequest) -> None:
        self.rid = attempt.rid
        self.media: Sequence[Media] = ()
        self.attempt = attempt
        self._reply: Any = reply  # with ``part``, where the modality takes its result in parts
        self._limit = request.budget
        self._outward = request.outward
        self._streams = request.streams
        self._tokens = 0
        self._parts: list[bytes] = []
        self._unpublished: list[bytes] = []
        self._publishing: asyncio.TimerHandle | None = None

    async def take_in(self, media: Sequence[tuple[str, MediaPart]], intake: MediaIntake) -> None:
        """Fetch the pictures and recordings of the request's messages."""
        if media:
            self.media = await intake.take(media)
            self.attempt.log(f"took in {len(media)} pictures and recordings")

    def part(self, part: Any) -> None:
        """See ``Sink``."""
        if not self.attempt.over:
            self._parts.append(self._reply.part(part))

    def delta(self, delta: Delta) -> None:
        """See ``Sink``."""
        if self.attempt.over:
            return
        body = self._reply.delta(delta)
        start = self._reply.start() if not self._tokens else b""
        self._tokens += delta.tokens or 1
        if not self._streams:
            self.attempt.progress(min(self._tokens, self._limit - 1), self._limit)
            return
        self._unpublished.append(start + body)
        if self._publishing is None:
            self._publishing = asyncio.get_running_loop().call_later(PUBLISH_EVERY_S, self._publish)

    def done(self, usage: Usage, result: Any = None) -> None:
        """See ``Sink``."""
        if self.attempt.over:
            return
        self.attempt.over = True
        closing = self._reply.end(usage, result)
        if not self._streams:
            self._end(b"".join((*self._parts, closing)))
            return
        self._unpublished.append(closing)
        self._publish()
        self.attempt.close(self._close(final(closing)))

    def fail(self, error: HeadraceError) -> None:
        """See ``Sink``."""
        self._publish()
        self.attempt.fail(self._outward(error))

    def _publish(self) -> None:
        if self._publishing is not None:
            self._publishing.cancel()
            self._publishing = None
        if self._unpublished:
            self.attempt.publish(events.TEXT, {}, b"".join(self._unpublished))
            self._unpublished = []

    async def _close(self, answer: bytes) -> None:
        await self.attempt.flush()
        self._end(answer)

    def _end(self, answer: bytes) -> None:
        self.attempt.end({"body": json.loads(answer), "artifacts": {}})


def _check_json(body: dict[str, Any]) -> None:
    """Raises EngineFailure where the answer is not JSON, and so cannot be stored in the database.

    It would otherwise fail the transaction that also records the answers of others.
    """
    try:
        json.dumps(body, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise EngineFailure("the engine's answer is not JSON") from error
