"""Pure ASGI middleware at the edge: who may pass, how much they may send, and the name of each request.

Not Starlette's BaseHTTPMiddleware, which breaks the detection of clients that hang up.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge import errors
from api.edge.envelopes import shape_of
from models.errors import BodyTooLarge, Unauthorized
from models.modalities import KINDS

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/v1/cluster/auth"})
"""What needs no key: probes of orchestrators cannot hold one; Xinference's client asks first whether it needs one."""

OPEN_PREFIXES = ("/v1/artifacts/",)
"""What needs no key either, because the URL itself is signed."""

UPLOAD_PATHS = frozenset(["/v1/files", *(f"/v1/{kind.path}" for kind in KINDS.values() if kind.files)])
"""Where forms with files are read, piece by piece onto the disk."""

FORM_BYTES = 1 << 20
"""What the rest of such a form may take."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def digest(key: str) -> bytes:
    """What is kept of a key. Keys are long and random, so one round is enough."""
    return hashlib.sha256(key.encode()).digest()


class Edge:
    """Authentication, the limit on bodies, and ``X-Request-Id``."""

    def __init__(self, app: ASGIApp, *, keys: Iterable[str], max_body_bytes: int, max_upload_bytes: int) -> None:
        self._app = app
        self._digests = [digest(key) for key in keys]
        self._max = max_body_bytes
        self._max_upload = max_upload_bytes + FORM_BYTES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        asked = headers.get("x-request-id", "")
        request_id = asked if _REQUEST_ID.fullmatch(asked) else f"req_{secrets.token_hex(12)}"
        scope.setdefault("state", {})["request_id"] = request_id

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = MutableHeaders(scope=message)
                found["X-Request-Id"] = found[shape_of(scope["path"]).id_header] = request_id
            await send(message)

        try:
            scope["state"]["key"] = self._authenticate(scope["path"], headers)
            await self._app(scope, self._counted(scope["path"], headers, receive), named)
        except (Unauthorized, BodyTooLarge) as error:
            await errors.answer(Request(scope), error)(scope, receive, named)

    def _authenticate(self, path: str, headers: Headers) -> str:
        """The caller's key, hashed and in hex; empty where no key is asked for. Raises Unauthorized."""
        if not self._digests or path in OPEN_PATHS or path.startswith(OPEN_PREFIXES):
            return ""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        if not given:
            raise Unauthorized("no API key: send 'Authorization: Bearer KEY'")
        found = digest(given)
        if not sum(hmac.compare_digest(found, known) for known in self._digests):  # all of them, in constant time
            raise Unauthorized("this API key is not known")
        return found.hex()

    def _counted(self, path: str, headers: Headers, receive: Receive) -> Receive:
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
                raise HTTPException(BodyTooLarge.status, why)  # the one kind that FastAPI lets through
            return message

        return counted
