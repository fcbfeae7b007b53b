"""ASGI middleware at the edge: which requests may pass, how much they may send, the id of each, and what it ignored.

Connections that are neither HTTP nor the lifespan are refused here, since nothing behind would ask them for a key.
It is not made with Starlette's BaseHTTPMiddleware, which breaks the detection of clients that hang up.
"""

import re
import secrets
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.status import WS_1008_POLICY_VIOLATION
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from api.edge import errors
from api.edge.caller import Caller, Callers, given_key
from api.edge.envelopes import shape_of
from api.edge.pages import Pages
from api.edge.session import Sessions
from models.errors import BodyTooLarge, Forbidden, Unauthorized
from models.modalities import KINDS

OPEN_PATHS = frozenset(
    {"/healthz", "/readyz", "/health", "/v1/health", "/ping", "/v1/cluster/auth", "/token", "/", "/ui"}
)
"""Paths that need no key: orchestrators' probes have none, and Xinference's client asks first whether it needs one."""

OPEN_PREFIXES = ("/v1/artifacts/", "/ui/")
"""Beginnings of paths that need no key: the URL itself is signed, or what lies there is the same for everybody."""

SESSION_PATH = "/v1/session"
"""What tells whether a key is needed, and takes it: it needs none, and knows whoever has one."""

_VIDEOS = (
    *("/v1/video/generations/image", "/v1/video/generations/flf"),
    *("/v1/videos/edits", "/v1/videos/extensions", "/v1/videos/characters"),
)
UPLOAD_PATHS = frozenset(["/v1/files", *_VIDEOS, *(f"/v1/{kind.path}" for kind in KINDS.values() if kind.files)])
"""Paths at which forms with files are read, piece by piece, onto the disk."""

FORM_BYTES = 1 << 20
"""Most bytes of such a form beside its files."""

IGNORED_BYTES = 2000
"""Most bytes of the header that names what was ignored."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Edge:
    """The middleware: authentication, strangers' web pages, the limits on bodies, and what an answer's headers say.

    ``X-Request-Id``, and ``X-Headrace-Ignored``: what the request asked for that has no effect.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        callers: Callers,
        sessions: Sessions,
        pages: Pages,
        max_body_bytes: int,
        max_upload_bytes: int,
    ) -> None:
        self._app = app
        self._pages = pages
        self._callers = callers
        self._sessions = sessions
        self._max = max_body_bytes
        self._max_upload = max_upload_bytes + FORM_BYTES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it here. Raises NotImplementedError for an unknown type of connection."""
        match scope["type"]:
            case "http":
                await self._serve(scope, receive, send)
            case "lifespan":
                await self._app(scope, receive, send)
            case "websocket":
                await WebSocketClose(WS_1008_POLICY_VIOLATION, "there are no websockets here")(scope, receive, send)
            case unknown:
                raise NotImplementedError(f"connections of type '{unknown}' are not served")

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        asked = headers.get("x-request-id", "")
        request_id = asked if _REQUEST_ID.fullmatch(asked) else f"req_{secrets.token_hex(12)}"
        state = scope.setdefault("state", {})
        state["request_id"], state["ignored"] = request_id, []

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                answered["X-Request-Id"] = answered[shape_of(scope["path"]).id_header] = request_id
                if state["ignored"]:
                    answered["X-Headrace-Ignored"] = listed(state["ignored"])
            await send(message)

        try:
            self._pages.check(scope["method"], headers)
            scope["state"]["caller"] = self._caller(scope["path"], scope["method"], headers)
            await self._app(scope, self._counted(scope["path"], headers, receive), named)
        except (Unauthorized, Forbidden, BodyTooLarge) as error:
            await errors.answer(Request(scope), error)(scope, receive, named)

    def _caller(self, path: str, method: str, headers: Headers) -> Caller:
        """The caller of a request. Raises Unauthorized where a key is needed and missing, or not known."""
        if path in OPEN_PATHS or path.startswith(OPEN_PREFIXES):
            return self._callers.anyone
        if self._callers.keyed and not given_key(headers):
            session = self._sessions.key_of(method, headers)
            caller = self._callers.vouched(session[0]) if session else None
            if caller is not None:
                return caller
            if path == SESSION_PATH:
                return self._callers.anyone
        return self._callers.find(headers)

    def _counted(self, path: str, headers: Headers, receive: Receive) -> Receive:
        """``receive``, which raises once more came than may. Raises BodyTooLarge where the headers say so already."""
        form = path in UPLOAD_PATHS and headers.get("content-type", "").startswith("multipart/form-data")
        most = self._max_upload if form else self._max
        why = f"the request body is larger than {most} bytes"
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > most:
            raise BodyTooLarge(why)
        total = 0

        async def counted() -> Message:
            nonlocal total
            message = await receive()
            total += len(message.get("body", b""))
            if total > most:
                raise HTTPException(BodyTooLarge.status, why)  # the only exception that FastAPI passes on from here
            return message

        return counted


def listed(paths: list[str]) -> str:
    """The value of a header that names these fields, within ``IGNORED_BYTES``; what is left out is counted."""
    value = ""
    for number, path in enumerate(paths):
        name = quote(path[:200], safe="[]._-:$@ ")
        if len(value) + len(name) > IGNORED_BYTES:
            return f"{value}, and {len(paths) - number} more"
        value += f", {name}" if value else name
    return value
