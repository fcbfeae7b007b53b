"""The requests that a runner holds: from submission to the last frame, and a little longer for resends."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from models.errors import DeadlineExceeded, HeadraceError, InvalidRequest, WireError
from models.modalities import Reply
from models.modalities.base import BaseRequest, Usage
from models.modalities.chat.messages import Media
from models.modalities.text import Delta
from models.redis import stream
from models.redis.stream import Closing, Frame, FrameKind
from workers.engines.base import Engine
from workers.protocol import Submit
from workers.runner.asking import Call, answering, call_of, read, reading
from workers.runner.media_intake import MediaIntake
from workers.runner.publisher import Publisher
from workers.runner.stops import NOWHERE, Stops

KEEP_S = 5.0
"""How long the frames of a finished request stay for a resend."""
TOMBSTONE_S = 60.0
"""How long a cancel that came before its request is remembered."""


class Outgoing:
    """One request's answer: the sink that the engine feeds, and the log of frames that resends are read from."""

    def __init__(self, owner: "Requests", submit: Submit, reply: Any, request: BaseRequest) -> None:
        self.rid = submit.rid
        self.gateway_id = submit.gateway_id
        self.slots = submit.slots
        self.deadline = submit.deadline / 1000
        self.frames: list[Frame] = []
        self.ended_at: float | None = None
        self.expected_tokens = request.budget
        self.media: Sequence[Media] = ()
        self.taking: asyncio.Task[None] | None = None
        self.tokens = 0
        self._owner = owner
        self._reply = reply
        self._outward = request.outward

    def delta(self, delta: Delta) -> None:
        """See ``Sink``."""
        if self.ended_at is not None:
            return
        body = self._reply.delta(delta)
        if not self.tokens:  # only now: a request that is refused before has an error's status
            body = self._reply.start() + body
        self.tokens += delta.tokens or 1
        self._put(FrameKind.EVENTS, body)

    def part(self, part: Any) -> None:
        """See ``Sink``."""
        if self.ended_at is None:
            self._put(FrameKind.EVENTS, self._reply.part(part))

    def done(self, usage: Usage, result: Any = None) -> None:
        """See ``Sink``."""
        if self.ended_at is None:
            closing = Closing(self._reply.end(usage, result), usage.prompt_tokens, usage.completion_tokens)
            self._end(FrameKind.DONE, stream.encode(closing))

    def fail(self, error: HeadraceError) -> None:
        """See ``Sink``."""
        if self.ended_at is None:
            self._end(FrameKind.ERROR, stream.encode(self._outward(error).to_wire()))

    def drop(self) -> None:
        """End without a frame: nobody waits for the answer any more."""
        if self.ended_at is None:
            self.ended_at = time.monotonic()
            self.frames.clear()
            self._owner.ended(self)

    def _end(self, kind: FrameKind, body: bytes) -> None:
        self._put(kind, body)
        self.ended_at = time.monotonic()
        self._owner.ended(self)

    def _put(self, kind: FrameKind, body: bytes) -> None:
        if body or kind is not FrameKind.EVENTS:
            frame = Frame(self.rid, len(self.frames), kind, body)
            self.frames.append(frame)
            self._owner.publisher.put(self.gateway_id, frame)


class Requests:
    """All requests of one runner. Everything here runs on the event loop's thread."""

    def __init__(
        self,
        engine: Engine[Any],
        publisher: Publisher,
        on_finished: Callable[[str], None],
        intake: MediaIntake | None = None,
        stops: Stops = NOWHERE,
    ) -> None:
        self.publisher = publisher
        self._engine = engine
        self._intake = intake or MediaIntake()
        self._stops = stops
        self._on_finished = on_finished
        self._live: dict[str, Outgoing] = {}
        self._recent: dict[str, Outgoing] = {}
        self._tombstones: dict[str, float] = {}
        self.aborted = 0
        self.resent = 0

    @property
    def inflight(self) -> int:
        """Requests that the engine holds."""
        return len(self._live)

    @property
    def outstanding_tokens(self) -> int:
        """Tokens that may still come, at most, over all requests in flight."""
        return sum(max(outgoing.expected_tokens - outgoing.tokens, 0) for outgoing in self._live.values())

    def submit(self, submit: Submit) -> None:
        """Give a request to the engine; any error becomes its answer."""
        if submit.rid in self._live or submit.rid in self._recent:
            return  # the broker delivered twice
        if self._tombstones.pop(submit.rid, None) is not None:
            self._refuse(submit)
            return
        try:
            with reading():
                shape, request = read(submit.modality, submit.body)
                if not isinstance(request, BaseRequest):
                    raise KeyError(submit.modality)
                reply = shape.reply(submit.rid, request, int(time.time()))
        except InvalidRequest as error:
            self._refuse(submit, error)
        else:
            self._start(submit, reply, request)

    def _start(self, submit: Submit, reply: Reply, request: BaseRequest) -> None:
        outgoing = Outgoing(self, submit, reply, request)
        self._live[submit.rid] = outgoing
        with answering(outgoing):
            if outgoing.deadline <= time.time():
                raise DeadlineExceeded("the request waited past its deadline")
            call = call_of(self._engine, submit.modality, request, self._stops)
            if call.media:
                outgoing.taking = asyncio.create_task(self._take(outgoing, call))
            else:
                call.into(outgoing)

    async def _take(self, outgoing: Outgoing, call: Call) -> None:
        """Fetch a request's media, then ask the engine. Cancelled where the request ends meanwhile."""
        with answering(outgoing):
            outgoing.media = await self._intake.take(call.media)
            call.into(outgoing)

    def cancel(self, rid: str) -> None:
        """Stop this request: nobody waits for it any more."""
        outgoing = self._live.get(rid)
        if outgoing is not None:
            self._engine.abort(rid)
            self.aborted += 1
            outgoing.drop()
        elif self._recent.pop(rid, None) is None:
            self._tombstones[rid] = time.monotonic()

    def cancel_gateway(self, gateway_id: str) -> None:
        """Stop all requests of a gateway that is dead."""
        for outgoing in [one for one in self._live.values() if one.gateway_id == gateway_id]:
            self.cancel(outgoing.rid)

    def resend(self, rid: str, seq: int) -> None:
        """Publish a request's frames again, from this number on."""
        outgoing = self._live.get(rid) or self._recent.get(rid)
        if outgoing is not None:
            self.resent += 1
            for frame in outgoing.frames[seq:]:
                self.publisher.put(outgoing.gateway_id, frame)

    def fail_all(self, error: WireError) -> None:
        """End every request with this error."""
        for outgoing in list(self._live.values()):
            self._engine.abort(outgoing.rid)
            outgoing.fail(HeadraceError.from_wire(error))

    def ended(self, outgoing: Outgoing) -> None:
        """Called by a request that has put its last frame."""
        self._live.pop(outgoing.rid, None)
        outgoing.media = ()
        if outgoing.taking is not None and outgoing.taking is not asyncio.current_task():
            outgoing.taking.cancel()
        if outgoing.frames:
            self._recent[outgoing.rid] = outgoing
        self.publisher.leave(outgoing.slots, outgoing.rid)
        self._on_finished(outgoing.rid)

    async def beat(self) -> None:
        """Once a second: send beats, end requests past their deadline, and forget what was kept long enough."""
        while True:
            await asyncio.sleep(1)
            now, wall = time.monotonic(), time.time()
            for outgoing in [one for one in self._live.values() if one.deadline <= wall]:
                self._engine.abort(outgoing.rid)
                outgoing.fail(DeadlineExceeded("the request took longer than its deadline allows"))
            self._recent = {rid: one for rid, one in self._recent.items() if now - (one.ended_at or now) < KEEP_S}
            self._tombstones = {rid: at for rid, at in self._tombstones.items() if now - at < TOMBSTONE_S}
            beats: dict[str, dict[str, int]] = {}
            for outgoing in (*self._live.values(), *self._recent.values()):
                beats.setdefault(outgoing.gateway_id, {})[outgoing.rid] = len(outgoing.frames)
            self.publisher.beat(beats)

    def _refuse(self, submit: Submit, error: HeadraceError | None = None) -> None:
        if error is not None:
            body = msgspec.msgpack.encode(error.to_wire())
            self.publisher.put(submit.gateway_id, Frame(submit.rid, 0, FrameKind.ERROR, body))
        self.publisher.leave(submit.slots, submit.rid)
        self._on_finished(submit.rid)
