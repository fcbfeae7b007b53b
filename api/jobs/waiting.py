"""Submit a job and wait for it: how a synchronous endpoint is made of a job.

A client that hangs up cancels its job. Where the request has an ``Idempotency-Key`` the job goes on, since the client
may ask for the answer again. A client that does not want to wait asks for a 202 (``wants_async``).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from api.bodies.fields import rule_of
from api.edge import errors
from api.gateway.gateway import Gateway
from api.jobs import cancelling, results
from api.jobs.preparation import Prepared, public_url
from api.jobs.views import shown_with_place
from api.requests.answering import hung_up
from api.requests.request_metrics import CLIENT_GONE, RequestMetrics
from models.errors import DatabaseUnavailable, HeadraceError, ReplicaLost, ShuttingDown
from models.modalities import KINDS, module_of
from models.modalities.media import Answer, Streamer
from models.redis import events
from models.rows import jobs
from models.rows.jobs import NewJob, Submitted
from models.rows.states import JobState

log = logging.getLogger(__name__)

PATIENCE_S = 30.0
"""After this long a JSON answer is begun with status 200 and kept alive with blanks, so that no proxy cuts it."""
BLANK_EVERY_S = 10.0

Reword = Callable[[Answer], Answer]
"""Translates the answer of a job into another protocol. May block."""


def wants_async(request: Request, background: bool | None) -> bool:
    """Whether the client asked for a 202 (RFC 7240, or OpenAI's ``background``)."""
    preferred = [one.strip().lower() for one in request.headers.get("prefer", "").split(",")]
    return bool(background) or "respond-async" in preferred


async def respond(
    gateway: Gateway, request: Request, prepared: Prepared, *, background: bool | None, reword: Reword | None = None
) -> Response:
    """Submit a job and answer as its endpoint does; or, with 202, at once with the URL at which to ask for it."""
    if gateway.dispatcher.closed:
        await gateway.drop_files(prepared.job)
        raise ShuttingDown()
    base = public_url(gateway, str(request.base_url))
    if wants_async(request, background):
        done = await submit_job(gateway, prepared.job)
        row = await gateway.database.look(jobs.get, done.id, None)
        headers = {"Location": f"{base}/v1/jobs/{done.id}", "Preference-Applied": "respond-async"}
        return JSONResponse(await shown_with_place(gateway, row, base), 202, headers | _names(done))
    waiting = Waiting(gateway, request, prepared, base, reword)
    if prepared.request.streams:
        return await waiting.stream()
    return await waiting.whole()


async def submit_job(gateway: Gateway, job: NewJob) -> Submitted:
    """Submit a job; where no new job is made, the files that were stored for it are deleted.

    After DatabaseUnavailable they stay, because the job may exist. If it does not, the steward deletes them later.
    """
    try:
        done = await gateway.submissions.submit(job)
    except DatabaseUnavailable:
        raise
    except BaseException:
        await gateway.drop_files(job)
        raise
    if not done.created:
        await gateway.drop_files(job)
    return done


class Waiting:
    """One client, waiting for one job."""

    def __init__(
        self, gateway: Gateway, request: Request, prepared: Prepared, base: str, reword: Reword | None = None
    ) -> None:
        self._gateway = gateway
        self._request = request
        self._prepared = prepared
        self._base = base
        self._reword = reword
        self._modality = KINDS[prepared.job.kind].modality
        self._metrics = RequestMetrics(prepared.job.uid, self._modality)
        self._done = Submitted(prepared.job.id, created=True)
        self._submission: asyncio.Task[Submitted] | None = None
        self._over = False
        self._warning = ""
        """What the answer will lack, as far as it is known when the first piece has come."""

    async def whole(self) -> Response:
        """The answer in one piece."""
        work = asyncio.create_task(self._answer(), name=f"wait {self._done.id}")
        gone = asyncio.create_task(hung_up(self._request.receive))
        late = False
        try:
            patience = PATIENCE_S if self._prepared.request.answers_json else None
            await asyncio.wait((work, gone), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            if gone.done():
                return Response(status_code=CLIENT_GONE)  # nobody reads it
            late = True
            return _Watched(self, self._blanks(work), "application/json", self._headers())
        finally:
            gone.cancel()
            if not late:
                work.cancel()
                self.finish()

    async def stream(self) -> Response:
        """The pieces as they are made. Nothing is sent before the first, so that an early failure has its status.

        A stream of events is begun after ``keepalive_after_s`` in any case, and kept alive, so that no proxy cuts it.
        """
        streamer: Streamer = module_of(self._modality).Stream(self._prepared.request)
        events_sent = streamer.media_type.startswith("text/event-stream")
        pieces = self._pieces(streamer)
        first = asyncio.create_task(_next(pieces), name=f"stream {self._done.id}")
        gone = asyncio.create_task(hung_up(self._request.receive))
        begun = False
        try:
            patience = self._gateway.settings.keepalive_after_s if events_sent else None
            await asyncio.wait((first, gone), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if first.done():
                first.result()
            elif gone.done():
                return Response(status_code=CLIENT_GONE)
            begun = True
        finally:
            gone.cancel()
            if not begun:
                first.cancel()
                self.finish()
        content = self._events(first, pieces) if events_sent else self._sound(first, pieces)
        return _Watched(self, content, streamer.media_type, self._headers())

    def finish(self) -> None:
        """Called when the response is over, however it ended: a job that nobody waits for any more is cancelled."""
        self._metrics.close()
        if not self._over:
            self._over = True
            self._gateway.background.once(self._abandon(), f"abandoning {self._done.id}")

    async def _submit(self) -> None:
        # In a task of its own: when the client leaves, the present one is cancelled, but ``_abandon`` must still learn
        # whether there is a job.
        self._submission = asyncio.create_task(submit_job(self._gateway, self._prepared.job))
        self._done = await asyncio.shield(self._submission)

    async def _abandon(self) -> None:
        if self._submission is None:
            await self._gateway.drop_files(self._prepared.job)
            return
        await asyncio.wait((self._submission,))
        if self._submission.cancelled() or self._submission.exception() is not None:
            return
        if self._submission.result().created and self._prepared.job.idempotency_key is None:
            await abandon(self._gateway, self._submission.result().id)

    async def _answer(self) -> Response:
        try:
            with self._gateway.watching.of(self._done.id):
                await self._submit()
                await self._gateway.watching.until_over(self._done.id)
            self._over = True
            row = await self._gateway.database.look(jobs.get, self._done.id, None)
            answer = await results.answer(self._gateway, row, self._base)
            if self._reword is not None:
                answer = await self._gateway.blocking(self._reword, answer)
        except HeadraceError as error:
            self._metrics.code = error.code
            raise
        self._metrics.first()
        self._metrics.code = 200
        rule_of(self._request).ignore(answer.ignored)
        return Response(answer.content, media_type=answer.media_type, headers=self._headers() | answer.headers)

    async def _pieces(self, streamer: Streamer) -> AsyncIterator[bytes]:
        try:
            with self._gateway.watching.of(self._done.id):
                await self._submit()
                fence = 0
                async for _, event in self._gateway.watching.follow(self._done.id):
                    if event.type == events.WARNING:
                        self._warning = event.data["message"]
                    if event.type != events.PIECE:
                        continue
                    if fence and event.fence != fence:
                        raise ReplicaLost("the replica was lost amid the answer")
                    if not fence:
                        self._metrics.first()
                    fence = event.fence
                    yield streamer.piece(event.blob)
            row = await self._gateway.database.look(jobs.get, self._done.id, None)
            self._over = True
            if row.state != JobState.SUCCEEDED:
                await results.answer(self._gateway, row, self._base)  # raises the job's error
            stored = await self._gateway.database.look(jobs.result, self._done.id)
        except HeadraceError as error:
            self._metrics.code = error.code
            raise
        self._metrics.code = 200
        yield streamer.end(stored["body"] if stored else {})

    async def _events(
        self, upcoming: "asyncio.Task[bytes | None]", pieces: AsyncIterator[bytes]
    ) -> AsyncIterator[bytes]:
        try:
            while True:
                while not upcoming.done():
                    yield b": keep-alive\n\n"
                    await asyncio.wait((upcoming,), timeout=BLANK_EVERY_S)
                piece = upcoming.result()
                if piece is None:
                    return
                yield piece
                upcoming = asyncio.create_task(_next(pieces))
                await asyncio.wait((upcoming,), timeout=BLANK_EVERY_S)
        except HeadraceError as error:
            yield errors.event(self._request, error, path="")
        finally:
            upcoming.cancel()

    async def _sound(self, first: "asyncio.Task[bytes | None]", pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        yield first.result() or b""
        async for piece in pieces:  # an error breaks the connection: sound that is cut short must not look whole
            yield piece

    async def _blanks(self, work: "asyncio.Task[Response]") -> AsyncIterator[bytes]:
        """Blanks, which JSON allows before its value, until the answer is there."""
        try:
            while not work.done():
                yield b" "
                await asyncio.wait((work,), timeout=BLANK_EVERY_S)
            yield bytes(work.result().body)
        except HeadraceError as error:
            yield errors.late(self._request, error)
        finally:
            work.cancel()

    def _headers(self) -> dict[str, str]:
        warned = {"X-Headrace-Warning": self._warning} if self._warning else {}
        return _names(self._done) | warned | {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class _Watched(StreamingResponse):
    """A streamed response that calls ``Waiting.finish`` at its end, however it ends."""

    def __init__(self, waiting: Waiting, content: Any, media_type: str, headers: dict[str, str]) -> None:
        super().__init__(content, media_type=media_type, headers=headers)
        self._waiting = waiting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._waiting.finish()


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    return await anext(pieces, None)


def _names(done: Submitted) -> dict[str, str]:
    return {"X-Job-Id": done.id} | ({} if done.created else {"Idempotent-Replayed": "true"})


async def abandon(gateway: Gateway, job: str) -> None:
    """Cancel a job that nobody waits for, and notify the worker that runs it."""
    try:
        await cancelling.stop(gateway, job)
    except DatabaseUnavailable:
        log.info("job %s goes on, though nobody waits for it any more: it cannot be cancelled", job)
