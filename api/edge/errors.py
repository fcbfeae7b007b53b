"""The one map from errors to HTTP: every error, wherever it comes from, is answered in the shape of the protocol."""

import logging
from collections.abc import Mapping

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.edge.caller import Caller
from api.edge.envelopes import shape_of
from api.edge.told import told_to
from models.errors import (
    BodyTooLarge,
    BrokerUnavailable,
    Conflict,
    HeadraceError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    Unauthorized,
    UnsupportedMediaType,
)
from models.reasons import ReasonTold
from models.validation import from_validation

log = logging.getLogger(__name__)

_BY_STATUS: dict[int, type[HeadraceError]] = {
    cls.status: cls
    for cls in (InvalidRequest, Unauthorized, NotFound, MethodNotAllowed, Conflict, BodyTooLarge, UnsupportedMediaType)
}


class Details(BaseModel):
    """What went wrong, as OpenAI's clients read it; ``reasons``: what the message says, where that is known."""

    message: str
    type: str
    param: str | None
    code: str
    reasons: list[ReasonTold] | None = None


class Envelope(BaseModel):
    """The body of every answer that is an error. ``detail`` is the message again, for Xinference's clients."""

    error: Details
    detail: str


def envelope(error: HeadraceError, path: str = "", request_id: str = "") -> bytes:
    """The error as JSON, in the shape that the clients of this path expect."""
    return msgspec.json.encode(shape_of(path).body(error, request_id))


def event(request: Request, error: HeadraceError, sent: bytes = b"", path: str | None = None) -> bytes:
    """The error as the last event of a stream that has begun; ``sent`` is what was sent last. No ``[DONE]`` follows.

    In the shape of the request's path, or of another one.
    """
    shape = shape_of(request.url.path if path is None else path)
    return shape.event(told_to(_caller(request), error), _id(request), sent)


def late(request: Request, error: HeadraceError) -> bytes:
    """The error as the body of an answer that has begun with another status."""
    return envelope(told_to(_caller(request), error), request.url.path)


def answer(request: Request, error: HeadraceError, headers: Mapping[str, str] | None = None) -> Response:
    """The error as the whole answer to this request."""
    path, error = request.url.path, told_to(_caller(request), error)
    sent = dict(headers or {})
    if error.retry_after is not None:
        sent["Retry-After"] = str(error.retry_after)
    elif error.status == 503:
        sent["Retry-After"] = "2"
    body = envelope(error, path, _id(request))
    return Response(body, shape_of(path).status(error), sent, "application/json")


def install(app: FastAPI) -> None:
    """Make every failure of the application an answer in the envelope."""

    @app.exception_handler(HeadraceError)
    async def ours(request: Request, error: HeadraceError) -> Response:
        if error.status >= 500:
            log.warning("%s: %s", error.code, error.message)
        return answer(request, error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return answer(request, from_validation(list(error.errors())))

    @app.exception_handler(RedisError)
    async def broker(request: Request, error: RedisError) -> Response:
        log.warning("the broker: %s", error)
        return answer(request, BrokerUnavailable(retry_after=2))

    @app.exception_handler(HTTPException)
    async def framework(request: Request, error: HTTPException) -> Response:
        headers = error.headers
        if error.status_code == MethodNotAllowed.status:
            headers = {"Allow": ", ".join(sorted(_allowed(request)))}
        cls = _BY_STATUS.get(error.status_code, HeadraceError if error.status_code >= 500 else InvalidRequest)
        generic = error.detail in ("Not Found", "Method Not Allowed", "Unauthorized")
        return answer(request, cls("" if generic else str(error.detail)), headers)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, _error: Exception) -> Response:
        failed = HeadraceError("the server failed; its log says why")  # Starlette logs the traceback
        return answer(request, failed)


def _caller(request: Request) -> Caller | None:
    """Who sent the request; None before that is known."""
    return getattr(request.state, "caller", None)


def _id(request: Request) -> str:
    return getattr(request.state, "request_id", "")


def _allowed(request: Request) -> set[str]:
    """The methods of this path. Starlette knows those of one route alone, but a path may have several."""
    routes = iter_route_contexts(request.app.routes)
    found = [route.methods or () for route in routes if route.path_regex.match(request.url.path)]
    methods = {method for some in found for method in some}
    return methods | ({"HEAD"} if "GET" in methods else set())
