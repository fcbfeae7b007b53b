"""One request's answer as it arrives: frames put back in order, joined for the reader, bounded."""

import asyncio
from dataclasses import dataclass, field

from models.errors import HeadraceError, SlowReader
from models.redis import stream
from models.redis.stream import Closing, Frame, FrameKind


@dataclass(eq=False)
class Inbox:
    """The answer of one request, fed by the gateway's one subscription and read by the request's handler.

    Everything runs on the event loop's thread. ``seen_at`` is the loop's time of the last sign that the runner has the
    request; ``gap_since`` the time at which frames were first noticed to be missing, None while none is; ``asked_at``
    the time at which they were last asked for. ``slots`` are the keys of the sets that admission counted the request
    in. ``budget``: tokens that the answer may cost; ``tokens``: about how many have come. ``buffer_bytes``: most that
    may wait to be read. ``expected``: the number of the next frame. ``offered``: another replica, by its epoch, that
    would begin the answer sooner; empty where none is known.
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
    offered: str = ""
    _ready: list[bytes] = field(default_factory=list)
    _size: int = 0
    _early: dict[int, Frame] = field(default_factory=dict)
    _waiter: asyncio.Future[None] | None = None

    @property
    def ended(self) -> bool:
        """Whether the last frame has come, or the request is lost."""
        return self.closing is not None or self.error is not None

    @property
    def begun(self) -> bool:
        """Whether something of the answer has come."""
        return self.expected > 0 or self.ended or bool(self._early)

    def feed(self, frame: Frame, now: float) -> bool:
        """Take a frame; False if frames before it are missing."""
        self.seen_at = now
        if self.ended:
            return True
        if frame.seq < 0:  # sent by the worker in place of a runner that has ended
            self._take(frame)
        elif frame.seq == self.expected:
            self._take(frame)
            self.expected += 1
            while (following := self._early.pop(self.expected, None)) is not None:
                self._take(following)
                self.expected += 1
        elif frame.seq > self.expected:
            self._early[frame.seq] = frame
        if not self._early:
            self.gap_since = None
        return not self._early

    def fail(self, error: HeadraceError) -> None:
        """End the request with an error; what came before the error is still read."""
        if not self.ended:
            self.error = error
            self._wake()

    def offer(self, epoch: str) -> None:
        """Tell who waits for the beginning of the answer that this replica would begin it sooner."""
        if not self.begun:
            self.offered = epoch
            self._wake()

    async def first(self) -> bytes | None:
        """As ``read``, for the beginning of the answer; None where another replica was offered meanwhile."""
        while not self.begun:
            if self.offered:
                return None
            await self._sign()
        return await self.read()

    async def read(self) -> bytes:
        """Wait for bytes; returns all that have come since the last read, or b"" once the answer has ended.

        Raises the request's error once everything before it was read.
        """
        while not self._ready:
            if self.error is not None:
                raise self.error
            if self.closing is not None:
                return b""
            await self._sign()
        data = self._ready[0] if len(self._ready) == 1 else b"".join(self._ready)
        self._ready.clear()
        self._size = 0
        self.read_any = True
        return data

    async def _sign(self) -> None:
        """Wait until something comes."""
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

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
        # With the last frame the buffer may exceed its bound: an answer that is not streamed comes as one piece.
        if self._size > self.buffer_bytes and self.closing is None:
            self.error = SlowReader(f"the reader fell more than {self.buffer_bytes} bytes behind")

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
