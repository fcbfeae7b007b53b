"""The one map from errors to the wire: OpenAI's envelope, whatever went wrong and wherever."""

import logging
from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from models.errors import (
    BodyTooLarge,
    Conflict,
    DatabaseUnavailable,
    HeadraceError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    Unauthorized,
    UnknownParameter,
    UnsupportedMediaType,
    UnsupportedParameter,
)

log = logging.getLogger(__name__)

_BY_STATUS: dict[int, type[HeadraceError]] = {
    cls.status: cls
    for cls in (InvalidRequest, Unauthorized, NotFound, MethodNotAllowed, Conflict, BodyTooLarge, UnsupportedMediaType)
}


class Details(BaseModel):
    """What went wrong, as OpenAI's clients read it."""

    message: str
    type: str
    param: str | None
    code: str


class Envelope(BaseModel):
    """The body of every answer that is an error."""

    error: Details


def envelope(error: HeadraceError) -> bytes:
    """The error as OpenAI's clients read it."""
    body = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return msgspec.json.encode({"error": body})


def event(error: HeadraceError) -> bytes:
    """The error as the last event of a stream that has begun. No ``[DONE]`` follows."""
    return b"data: " + envelope(error) + b"\n\n"


def response(error: HeadraceError, headers: Mapping[str, str] | None = None) -> Response:
    """The error as a whole answer."""
    found = dict(headers or {})
    if error.retry_after is not None:
        found["Retry-After"] = str(error.retry_after)
    elif error.status == 503:
        found["Retry-After"] = "2"
    return Response(envelope(error), error.status, found, "application/json")


def from_validation(problems: list[Any]) -> HeadraceError:
    """The first of pydantic's findings, as an error that names its parameter."""
    # Of a union's branches, the one that came furthest is what the client meant.
    same_field = [one for one in problems if _steps(one)[:1] == _steps(problems[0])[:1]]
    problem = max(same_field, key=lambda one: len(one["loc"]))
    where = _steps(problem)
    kind = problem["type"]
    if kind in ("json_invalid", "value_error.jsondecode"):
        return InvalidRequest("the request body is not valid JSON", param=None)
    param = _path(where)
    if kind == "extra_forbidden":
        return UnknownParameter(f"unknown parameter: '{param}'", param=param)
    if kind == "unsupported_parameter":
        return UnsupportedParameter(f"'{param}': {problem['msg']}", param=param)
    if param is None and kind in ("missing", "model_attributes_type", "dict_type"):
        return InvalidRequest("the request body must be a JSON object", param=None)
    return InvalidRequest(f"'{param}': {problem['msg']}" if param else problem["msg"], param=param)


def _steps(problem: Any) -> list[str]:
    return [str(step) for step in problem["loc"] if step not in ("body", "query", "path")]


def _path(steps: list[str]) -> str | None:
    """``messages[0].role`` from its steps. A union's branch names are pydantic's, not the client's: left out."""
    path = ""
    for step in steps:
        if step.isdigit():
            path += f"[{step}]"
        elif (
            step.replace("_", "a").isalnum() and step.islower() and step not in ("str", "int", "float", "list", "dict")
        ):
            path += f".{step}" if path else step
    return path or None


def install(app: FastAPI) -> None:
    """Make every failure of the application leave in the envelope."""

    @app.exception_handler(HeadraceError)
    async def ours(_request: Request, error: HeadraceError) -> Response:
        if error.status >= 500:
            log.warning("%s: %s", error.code, error.message)
        return response(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> Response:
        return response(from_validation(list(error.errors())))

    @app.exception_handler(OperationalError)
    @app.exception_handler(PoolTimeout)
    async def database(_request: Request, error: Exception) -> Response:
        log.warning("the database: %s", error)
        return response(DatabaseUnavailable(retry_after=2))

    @app.exception_handler(HTTPException)
    async def framework(_request: Request, error: HTTPException) -> Response:
        cls = _BY_STATUS.get(error.status_code, HeadraceError if error.status_code >= 500 else InvalidRequest)
        generic = error.detail in ("Not Found", "Method Not Allowed", "Unauthorized")
        return response(cls("" if generic else str(error.detail)), error.headers)

    @app.exception_handler(Exception)
    async def unexpected(_request: Request, _error: Exception) -> Response:
        return response(HeadraceError("the server failed; its log says why"))  # Starlette logs the traceback
