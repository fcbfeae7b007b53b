"""What one connection may send, and how fast: uvicorn's protocol on httptools, with bounds.

httptools joins the pieces of a header anew with each that comes, and bounds none: a header that does not end takes the
event loop from everybody else. Nor does uvicorn mind how long a request takes to arrive.
"""

import asyncio
import math
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, ClassVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from api.edge.cors import readable_by
from api.edge.envelopes import shape_of
from api.edge.errors import envelope
from api.edge.pages import Pages
from models.errors import HeadersTooLarge, HeadraceError, InvalidRequest, Overloaded, RequestTooSlow

HEADER_BYTES = 64 << 10
"""Most bytes of a request's first line and headers; also of what frames a body, between two pieces of it."""

HEADERS = 100
"""Most headers of a request."""

BODY_RATE = 512
"""Fewest bytes of a body in a second."""

LINGER_S = 2.0
"""How long a refused client is still read: what it has sent unread would make the kernel drop the answer."""

AGAIN_S = 0.2
"""After what time a request that was found late is looked at once more."""


_UPGRADE = re.compile(rb"\r\n(upgrade)[ \t]*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What clients may do.

    ``patience_s``: how long headers may take, and a body may pause. ``connections``: how many there may be at once.
    """

    patience_s: float
    connections: int


class Stage(Enum):
    """How much of a request has come."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()
    ALL = auto()


def due_after(due: float, now: float, size: int, patience_s: float) -> float:
    """When more of a body is due, of which ``size`` bytes have come just now and some were due at ``due``; seconds.

    Each byte buys time at ``BODY_RATE``, but no more is saved than ``patience_s``.
    """
    return min(now + patience_s, due + size / BODY_RATE)


class Connection(HttpToolsProtocol):
    """One connection. ``bounds`` and ``pages`` are set in a subclass, see ``bounded``."""

    bounds: ClassVar[Bounds]
    pages: ClassVar[Pages]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request, or refuse the connection where there are too many."""
        super().connection_made(transport)
        self.url = b""
        self._stage = Stage.NOTHING
        self._fed = 0
        """Bytes that have come since the parser last found the end of something."""
        self._size = 0
        """Bytes of the first line and the headers."""
        self._fault: HeadraceError | None = None
        self._refused = self._doubted = False
        self._due = self.loop.time() + self.bounds.patience_s
        """When more of a request must have come; infinite while none is awaited."""
        self._timer = self.loop.call_at(self._due, self._look)
        if len(self.connections) > self.bounds.connections:
            self._answer(Overloaded("the server has no room for another connection", retry_after=2))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Await nothing more."""
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what has come, unless the client was refused."""
        if self._refused:
            return
        if self._stage is Stage.BODY:
            self._due = due_after(self._due, self.loop.time(), len(data), self.bounds.patience_s)
        elif self._stage is Stage.ALL:
            self._await(Stage.NOTHING)
        if self._stage in (Stage.NOTHING, Stage.HEAD):
            data = without_upgrade(data)
        self._fed += len(data)
        super().data_received(data)
        if self._fed > HEADER_BYTES and not self._refused:
            framing = InvalidRequest(f"more than {HEADER_BYTES} bytes frame a piece of the body")
            self._refuse(framing if self._stage is Stage.BODY else too_large())

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser did not take, or what was found too large while it was parsed."""
        self._refuse(self._fault or InvalidRequest("this is no valid HTTP"))

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._fed = self._size = 0
        self._has_host = False
        if self._stage is Stage.ALL:  # after another in one piece of data: else it is awaited already
            self._await(Stage.HEAD)
        self._stage = Stage.HEAD

    def on_url(self, url: bytes) -> None:
        """A piece of the URL has come."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header has come; those after a body are dropped, since the application has begun with those before it."""
        self._count(len(name) + len(value) + len(": \r\n"))
        if self._stage is Stage.HEAD:
            if len(self.headers) == HEADERS:
                self._fault = too_large()
                raise self._fault
            if len(name) == 4 and name.lower() == b"host":
                self._named()
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The headers have come; the request is handed to the application."""
        self._fed = 0
        self._await(Stage.BODY)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body has come."""
        self._fed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All has come. Where the answer was earlier, uvicorn sets no bound on how long the next request may take."""
        self._fed = 0
        super().on_message_complete()
        if self.cycle.response_complete:
            self._await(Stage.NOTHING)
        else:
            self._stage, self._due = Stage.ALL, math.inf

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        chosen: Any = app if cycle.keep_alive else last_answer(app, cycle)
        super()._start_asgi_task(cycle, chosen)

    def _await(self, stage: Stage) -> None:
        self._stage = stage
        self._due = self.loop.time() + self.bounds.patience_s

    def _count(self, size: int) -> None:
        """Count bytes of the head. Raises HeadersTooLarge, on which the parser gives up."""
        self._size += size
        if self._size > HEADER_BYTES:
            self._fault = too_large()
            raise self._fault

    def _named(self) -> None:
        """Note a header ``Host``. Raises InvalidRequest for a second one, which a proxy may have read instead."""
        if self._has_host:
            self._fault = InvalidRequest("a request has one header 'Host'")
            raise self._fault
        self._has_host = True

    def _look(self) -> None:
        """Give up a client whose request is late. Timers are set anew here alone, so requests cost none.

        It is looked twice: a process that stood still finds its timers due before it has read what came meanwhile.
        """
        now = self.loop.time()
        if self._due <= now and self._excused():
            self._due = now + self.bounds.patience_s
        if self._due > now or not self._doubted:
            self._doubted = self._due <= now
            after = AGAIN_S if self._doubted else min(self._due - now, self.bounds.patience_s)
            self._timer = self.loop.call_later(after, self._look)
        elif self._refused or self._stage is Stage.NOTHING:
            self.transport.close()
        elif not self.transport.is_closing():
            self._refuse(RequestTooSlow())

    def _excused(self) -> bool:
        """Whether it is not the client for whom we wait: nobody reads, or an earlier request is being answered."""
        if self._refused:
            return False
        answering = self.cycle is not None and not self.cycle.response_complete
        if self._stage is Stage.BODY:
            return self.flow.read_paused or (answering and self.cycle.waiting_for_100_continue)
        return answering

    def _refuse(self, error: HeadraceError) -> None:
        """Answer with this error, and read no more; close the connection where an answer has begun."""
        self._refused = True
        if self.cycle is not None and not self.cycle.response_complete:
            if self.cycle.response_started:
                self.transport.close()
                return
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._answer(error)
        self.transport.write_eof()
        self._due = self.loop.time() + LINGER_S
        self._timer.cancel()
        self._timer = self.loop.call_at(self._due, self._look)

    def _answer(self, error: HeadraceError) -> None:
        """Write an answer that consists of this error."""
        path = self.url.partition(b"?")[0].decode("latin-1")
        body = envelope(error, path)
        origin = next((value for name, value in self.headers or () if name == b"origin"), b"")
        lines = [
            STATUS_LINE[shape_of(path).status(error)].rstrip(),
            b"content-type: application/json",
            b"content-length: %d" % len(body),
            b"connection: close",
            *readable_by(self.pages, origin.decode("latin-1")),
            *([b"retry-after: %d" % error.retry_after] if error.retry_after is not None else ()),
        ]
        self.transport.write(b"\r\n".join([*lines, b"", body]))


def bounded(bounds: Bounds, pages: Pages) -> type[Connection]:
    """The protocol with these bounds; its own answers may be read by these pages."""
    return type("BoundedConnection", (Connection,), {"bounds": bounds, "pages": pages})


def without_upgrade(data: bytes) -> bytes:
    """The data with another name for a header ``Upgrade`` in a head that ends in it.

    A server may ignore it (RFC 9110 §7.8), and Java's client offers HTTP/2 with every first request. The parser would
    take what follows the head for the other protocol, and the body would be lost.
    """
    end = data.find(b"\r\n\r\n")
    found = _UPGRADE.search(data, 0, end) if end >= 0 else None
    return data if found is None else data[: found.start(1)] + b"x-ignored-" + data[found.start(1) :]


def too_large() -> HeadersTooLarge:
    """The error of a request whose headers are too large."""
    return HeadersTooLarge(f"a request may have {HEADERS} headers, of {HEADER_BYTES} bytes together with its URL")


def last_answer(app: ASGIApp, cycle: RequestResponseCycle) -> ASGIApp:
    """The application, as it answers where the connection ends with its answer.

    Where it says that the connection stays, that is left out. For HTTP/1.0, which knows of no chunks, an answer without
    a length ends with the connection (RFC 9112 §6.3).
    """

    async def last(scope: Scope, receive: Receive, send: Send) -> None:
        unframed = False

        async def sent(message: Message) -> None:
            nonlocal unframed
            if message["type"] == "http.response.start":
                headers = [(name, value) for name, value in message["headers"] if name.lower() != b"connection"]
                message = {**message, "headers": headers}
                sized = any(name.lower() == b"content-length" for name, _ in headers)
                unframed = scope["http_version"] == "1.0" and not sized
                if unframed:
                    cycle.chunked_encoding = False
            elif unframed:
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await app(scope, receive, sent)

    return last
