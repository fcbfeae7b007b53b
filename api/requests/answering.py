"""One call to a resident model, watched from its admission to its last byte, streamed or whole."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, Protocol

from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.edge import errors
from api.edge.caller import caller_of
from api.gateway.dispatch import Call, Dispatcher, affinity
from api.gateway.gateway import gateway_of
from api.gateway.inbox import Inbox
from api.gateway.loading import HEADER, manner_of
from api.gateway.metrics import METRICS
from api.requests.request_metrics import CLIENT_GONE, RequestMetrics
from api.requests.server_sent import ServerSent
from models.errors import HeadraceError
from models.modalities.base import BaseRequest

log = logging.getLogger(__name__)

"""Seconds between the comments in a stream of events, so that no proxy cuts one in which nothing else is sent."""


COMMENT_S = 5.0
"""Seconds between the comments that say how far the load of a model is."""
TOLD_EVERY_S = 0.25
"""Seconds between two looks at it where events tell of it."""


class AnswerRecorder(Protocol):
    """Stores what is answered. Only ``ready`` raises, and no method takes long."""

    async def ready(self) -> None:
        """Raise an error where nothing can be stored. Called before anything is sent."""

    async def whole(self, closing: bytes) -> None:
        """Store a complete answer. It ends with these bytes, which are sent to the client after this returns."""

    async def broken(self, rid: str, error: HeadraceError) -> None:
        """Store that the stream of this request ended with an error after it had begun."""


async def answer(
    request: Request, modality: str, body: BaseRequest, recorder: AnswerRecorder | None = None
) -> Response:
    """Have a resident model answer a request of this modality: as a stream where that is asked for, else whole."""
    gateway = gateway_of(request)
    sent = body.model_dump(mode="json", exclude_unset=True)
    caller = caller_of(request)
    said = request.headers.get(HEADER) or request.query_params.get("loading")
    manner = manner_of(said, gateway.settings.while_loading)
    call = Call(modality, body.model, sent, caller, body.budget, affinity(body.prefix), body.streams, manner)
    keepalive_s = gateway.settings.keepalive_after_s
    watched = WatchedCall(gateway.dispatcher, call, request, body.end_user, keepalive_s, recorder)
    return await (watched.stream() if body.streams else watched.whole())


class WatchedCall:
    """One call, watched: whether its client is still there, how long it takes, and what it adds to the metrics."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        call: Call,
        request: Request,
        user: str,
        keepalive_s: float,
        recorder: AnswerRecorder | None = None,
    ) -> None:
        self._dispatcher = dispatcher
        self._call = call
        self._request = request
        self._user = user
        self._keepalive_s = keepalive_s
        self._recorder = recorder
        self._metrics = RequestMetrics(call.uid, call.modality)
        self._inbox: Inbox | None = None

    async def whole(self) -> Response:
        """The answer as one JSON body. If the client hangs up, the call is cancelled; no server does that by itself."""
        work = asyncio.create_task(self._read_all())
        gone = asyncio.create_task(hung_up(self._request.receive))
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                return Response(status_code=CLIENT_GONE)  # nobody reads it
            body = work.result()
            self._metrics.code = 200
            return Response(body, media_type="application/json")
        except HeadraceError as error:
            self._metrics.code = error.code
            raise
        finally:
            gone.cancel()
            work.cancel()
            self._close()

    async def stream(self) -> Response:
        """The answer as events. Nothing is sent before the first, so that an early failure has its true status.

        After ``keepalive_s`` the stream is begun in any case, so that no proxy cuts it.
        """
        opening = asyncio.create_task(self._open())
        gone = asyncio.create_task(hung_up(self._request.receive))
        try:
            await self._until_begun(opening, gone)
            first = opening.result() if opening.done() else None
        except HeadraceError as error:
            self._metrics.code = error.code
            self._close()
            raise
        finally:
            gone.cancel()
        return Stream(self, self._events(opening, first), opening)

    async def _until_begun(self, *parts: "asyncio.Task[Any]") -> None:
        """Wait until one of these is over, or for ``keepalive_s``; or until the load has begun to be told of."""
        over = asyncio.get_running_loop().time() + self._keepalive_s
        done = False
        while not done and (left := over - asyncio.get_running_loop().time()) > 0:
            told = self._call.manner == "events"
            done = told and self._call.loading is not None
            if not done:
                ended, _ = await asyncio.wait(
                    parts, timeout=min(left, TOLD_EVERY_S) if told else left, return_when=asyncio.FIRST_COMPLETED
                )
                done = bool(ended)

    async def _told(self, opening: "asyncio.Task[bytes]") -> AsyncIterator[bytes]:
        """How far the load of the model is, as events or comments, until the answer begins."""
        before: bytes | None = None
        after_s = TOLD_EVERY_S if self._call.manner == "events" else COMMENT_S
        while not opening.done():
            if (loading := self._call.loading) is not None:
                told = loading.event() if self._call.manner == "events" else loading.comment()
                if told != before:
                    before = told
                    yield told
            await asyncio.wait((opening,), timeout=after_s)

    async def _events(self, opening: "asyncio.Task[bytes]", first: bytes | None) -> AsyncIterator[bytes]:
        data = b""
        try:
            async for told in self._told(opening):
                yield told
            data = await opening if first is None else first
            yield data
            while more := await self._read():
                data = more
                yield data
            self._metrics.code = 200
        except HeadraceError as error:
            self._metrics.code = error.code
            if self._recorder is not None and self._inbox is not None:
                await self._recorder.broken(self._inbox.rid, error)
            yield errors.event(self._request, error, data)

    def finish(self, opening: "asyncio.Task[bytes]") -> None:
        """Called when the response is over, however it ended."""
        opening.cancel()
        self._close()

    async def _open(self) -> bytes:
        self._inbox, first = await self._dispatcher.open(self._call)
        if self._recorder is not None:
            await self._recorder.ready()
        self._metrics.first()
        await self._keep()
        return first

    async def _read(self) -> bytes:
        if self._inbox is None:
            return b""
        data = await self._inbox.read()
        if data:
            await self._keep()
        return data

    async def _keep(self) -> None:
        """Store the answer once it is complete, before its last bytes are sent.

        A client that has read it may at once send a request that goes on from it.
        """
        if self._recorder is not None and self._inbox is not None and self._inbox.closing is not None:
            await self._recorder.whole(self._inbox.closing.body)

    async def _read_all(self) -> bytes:
        parts = [await self._open()]
        while data := await self._read():
            parts.append(data)
        return b"".join(parts)

    def _close(self) -> None:
        call, elapsed = self._call, self._metrics.elapsed_s
        self._metrics.close()
        inbox = self._inbox
        if inbox is not None:
            self._dispatcher.close(inbox, elapsed)
            if inbox.closing is not None:
                METRICS.tokens.labels(call.uid, "prompt").inc(inbox.closing.prompt_tokens)
                METRICS.tokens.labels(call.uid, "completion").inc(inbox.closing.completion_tokens)
        log.info(
            "%s %s %s %.3fs user=%r safety=%r",
            self._request.state.request_id,
            call.uid,
            self._metrics.code,
            elapsed,
            self._user,
            call.body.get("safety_identifier", "-"),
        )


class Stream(ServerSent):
    """Server-sent events that finish their call however they end, also if the generator was never entered."""

    def __init__(self, watched: WatchedCall, events: AsyncIterator[bytes], opening: "asyncio.Task[bytes]") -> None:
        super().__init__(events)
        self._watched = watched
        self._opening = opening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until they end or the client leaves."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._watched.finish(self._opening)


async def hung_up(receive: Receive) -> None:
    """Wait until the client hangs up."""
    message: Any = {}
    while message.get("type") != "http.disconnect":
        message = await receive()
