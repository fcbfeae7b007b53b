"""One request's answer as it arrives: frames put back in order, joined for the reader, bounded."""

import asyncio
from dataclasses import dataclass, field

from models.errors import HeadraceError, SlowReader
from models.redis import stream
from models.redis.stream import Closing, Frame, FrameKind


@dataclass(eq=False)
class Inbox:
    """Fed by the gateway's one subscription, read by one handler. Everything runs on the event loop's thread.

    ``seen_at`` is the loop's time of the last sign that the runner holds the request; ``gap_since`` when
    frames were first seen to be missing, None while none is; ``asked_at`` when they were last asked for.
    """

    rid: str
    uid: str
    epoch: str
    device: str
    slots: list[str]
    seen_at: float
    buffer_bytes: int
    budget: int = 0
    tokens: int = 0
    expected: int = 0
    gap_since: float | None = None
    asked_at: float = 0.0
    closing: Closing | None = None
    error: HeadraceError | None = None
    read_any: bool = False
    _ready: list[bytes] = field(default_factory=list)
    _size: int = 0
    _early: dict[int, Frame] = field(default_factory=dict)
    _waiter: asyncio.Future[None] | None = None

    @property
    def ended(self) -> bool:
        """The last frame has come, or the request is lost."""
        return self.closing is not None or self.error is not None

    def feed(self, frame: Frame, now: float) -> bool:
        """Take a frame; False: frames before it are missing."""
        self.seen_at = now
        if self.ended:
            return True
        if frame.seq < 0:  # the worker speaks for a runner that is gone
            self._take(frame)
        elif frame.seq == self.expected:
            self._take(frame)
            self.expected += 1
            while (held := self._early.pop(self.expected, None)) is not None:
                self._take(held)
                self.expected += 1
        elif frame.seq > self.expected:
            self._early[frame.seq] = frame
        if not self._early:
            self.gap_since = None
        return not self._early

    def fail(self, error: HeadraceError) -> None:
        """End the request with an error; what came before it is still read."""
        if not self.ended:
            self.error = error
            self._wake()

    async def read(self) -> bytes:
        """All bytes that have come since the last read, at least one unless the answer has ended (then b"").

        Raises the request's error once everything before it was read.
        """
        while not self._ready:
            if self.error is not None:
                raise self.error
            if self.closing is not None:
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        found = self._ready[0] if len(self._ready) == 1 else b"".join(self._ready)
        self._ready.clear()
        self._size = 0
        self.read_any = True
        return found

    def _take(self, frame: Frame) -> None:
        match frame.kind:
            case FrameKind.EVENTS:
                self._put(frame.body)
            case FrameKind.DONE:
                self.closing = stream.decode_closing(frame.body)
                self._put(self.closing.body)
            case FrameKind.ERROR:
                self.error = HeadraceError.from_wire(stream.decode_error(frame.body))
        self._wake()

    def _put(self, body: bytes) -> None:
        self._ready.append(body)
        self._size += len(body)
        self.tokens += 1
        # A first read that is still to come is not slow: an answer that was not streamed comes as one piece.
        if self._size > self.buffer_bytes and self.closing is None:
            self.error = SlowReader(f"the reader fell more than {self.buffer_bytes} bytes behind")

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
