"""The shapes in which an error reaches a client: OpenAI's, except on the paths of other protocols."""

from typing import Any

import msgspec

from models.errors import (
    BodyTooLarge,
    Conflict,
    DeadlineExceeded,
    Forbidden,
    HeadraceError,
    NotFound,
    Overloaded,
    RateLimited,
    Unauthorized,
)
from models.modalities.responses.writer import error_event, next_number
from models.reasons import as_told


class ErrorShape:
    """OpenAI's shape, ``{"error": {"message", "type", "param", "code"}}``; subclasses override what differs.

    Beside it ``reasons`` has what the message says, where that is known (``models.reasons``).

    ``detail`` has the message again, for Xinference's clients.
    """

    id_header = "X-Request-Id"
    """The header in which this protocol's clients look for the id of a request."""

    def status(self, error: HeadraceError) -> int:
        """The HTTP status of an answer that consists of this error."""
        return error.status

    def body(self, error: HeadraceError, request_id: str) -> dict[str, Any]:
        """The error as JSON."""
        details = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
        reasons = {"reasons": as_told(error.told)} if error.reasons else {}
        return {"error": details | reasons, "detail": error.message}

    def event(self, error: HeadraceError, request_id: str, sent: bytes) -> bytes:
        """The error as the last event of a stream that has begun; ``sent`` is what came last before it."""
        return b"data: " + msgspec.json.encode(self.body(error, request_id)) + b"\n\n"


class WebUi(ErrorShape):
    """AUTOMATIC1111's shape."""

    def body(self, error: HeadraceError, request_id: str) -> dict[str, Any]:
        return {"error": error.code, "detail": error.message, "body": "", "errors": error.message}


class Replicate(ErrorShape):
    """Replicate's shape, a problem of RFC 9457."""

    def body(self, error: HeadraceError, request_id: str) -> dict[str, Any]:
        about = {"title": error.code, "detail": error.message, "status": error.status}
        return about | {"type": error.type, "param": error.param}


class Fal(ErrorShape):
    """fal's shape."""

    id_header = "x-fal-request-id"

    def body(self, error: HeadraceError, request_id: str) -> dict[str, Any]:
        return {"detail": error.message, "error_type": error.code, "param": error.param}


class Anthropic(ErrorShape):
    """Anthropic's shape, with our code and parameter in ``details``. A full model is 529, which its clients know."""

    id_header = "request-id"

    def status(self, error: HeadraceError) -> int:
        return 529 if isinstance(error, Overloaded) else error.status

    def body(self, error: HeadraceError, request_id: str) -> dict[str, Any]:
        kind = next((kind for cls, kind in _ANTHROPIC.items() if isinstance(error, cls)), "")
        kind = kind or ("api_error" if error.status >= 500 else "invalid_request_error")
        details = {"error_code": error.code, "param": error.param}
        inner = {"type": kind, "message": error.message, "details": details}
        return {"type": "error", "error": inner, "request_id": request_id or None}

    def event(self, error: HeadraceError, request_id: str, sent: bytes) -> bytes:
        return b"event: error\n" + super().event(error, request_id, sent)


class Responses(ErrorShape):
    """OpenAI's shape, but with a number in the event, as all events of a response have one."""

    def event(self, error: HeadraceError, request_id: str, sent: bytes) -> bytes:
        return error_event(error, next_number(sent))


_ANTHROPIC: dict[type[HeadraceError], str] = {
    Unauthorized: "authentication_error",
    Forbidden: "permission_error",
    NotFound: "not_found_error",
    Conflict: "conflict_error",
    BodyTooLarge: "request_too_large",
    RateLimited: "rate_limit_error",
    Overloaded: "overloaded_error",
    DeadlineExceeded: "timeout_error",
}

OPENAI = ErrorShape()
REPLICATE = Replicate()
SHAPES: dict[str, ErrorShape] = {
    "/sdapi/": WebUi(),
    "/fal/": Fal(),
    "/v1/predictions": REPLICATE,
    "/anthropic/": Anthropic(),
    "/v1/messages": Anthropic(),
    "/v1/responses": Responses(),
}
"""The shapes of other protocols, by how their paths begin."""


def shape_of(path: str) -> ErrorShape:
    """The shape of errors at this path."""
    if path.endswith("/predictions"):
        return REPLICATE
    return next((shape for prefix, shape in SHAPES.items() if path.startswith(prefix)), OPENAI)
