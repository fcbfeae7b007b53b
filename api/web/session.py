"""The session of the web interface: the key is given once, and a cookie that no script can read stands for it."""

import time

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, SecretStr
from typing_extensions import TypedDict

from api.bodies import fields
from api.bodies.documents import json_body
from api.edge.caller import Callers, Scope, caller_of, digest
from api.edge.session import LASTS_S, Attempts, Sessions
from models.errors import Unauthorized

router = APIRouter(prefix="/v1/session", tags=["session"])


class SessionBody(BaseModel):
    """What begins a session."""

    key: SecretStr = Field(min_length=1, max_length=1000, description="An API key, or an administrator's key.")


class SessionState(TypedDict):
    """Whether a key is needed, and what the caller may do.

    ``ends_at``: of the session, in seconds since 1970. ``id``: the same in all sessions of one key, and of no other.
    """

    needs_key: bool
    scopes: list[Scope]
    ends_at: int | None
    id: str | None


@router.get("", summary="What the caller may do")
async def show_session(request: Request) -> SessionState:
    """Whether this platform needs a key, and what whoever asks may do. Needs no key itself."""
    callers: Callers = request.app.state.callers
    found = sessions_of(request).key_of("GET", request.headers)
    known = found is not None and callers.vouched(found[0]) is not None
    if found is None or not known:
        return _state(callers, caller_of(request).scopes)
    return _state(callers, caller_of(request).scopes, found[1], sessions_of(request).owner_of(found[0]))


@router.post("", summary="Begin a session", openapi_extra=json_body(SessionBody))
async def begin_session(request: Request, response: Response) -> SessionState:
    """Begin a session with a key: the answer sets a cookie, which counts for requests of this server's own pages.

    Answers 401 for a key that is not known, and 429 after ten of them within a minute from one address.
    """
    key = (await fields.read(request, SessionBody)).key.get_secret_value().strip()
    callers: Callers = request.app.state.callers
    attempts: Attempts = request.app.state.attempts
    address = request.client.host if request.client else ""
    attempts.check(address)
    try:
        caller = callers.find({"x-api-key": key})
    except Unauthorized as error:
        attempts.fail(address)
        raise Unauthorized("this API key is not known", param="key") from error
    if not callers.keyed:
        return _state(callers, caller.scopes)
    ends = int(time.time()) + LASTS_S
    sessions = sessions_of(request)
    _set(request, response, sessions.made(digest(key), ends), LASTS_S)
    return _state(callers, caller.scopes, ends, sessions.owner_of(digest(key)))


@router.delete("", summary="End a session")
async def end_session(request: Request, response: Response) -> SessionState:
    """Have the browser forget the cookie."""
    callers: Callers = request.app.state.callers
    _set(request, response, "", 0)
    return _state(callers, callers.anyone.scopes)


def sessions_of(request: Request) -> Sessions:
    """The sessions of this gateway."""
    sessions: Sessions = request.app.state.sessions
    return sessions


def _state(
    callers: Callers, scopes: frozenset[Scope], ends: int | None = None, owner: str | None = None
) -> SessionState:
    return {"needs_key": callers.keyed, "scopes": sorted(scopes), "ends_at": ends, "id": owner}


def _set(request: Request, response: Response, value: str, lasts_s: int) -> None:
    """Set the cookie, for HTTPS alone where the page came that way, which a proxy may hide from us."""
    origin = request.headers.get("origin", "").lower()
    safe = request.url.scheme == "https" or origin.startswith("https://")
    response.set_cookie(sessions_of(request).name, value, lasts_s, httponly=True, samesite="strict", secure=safe)
    response.headers["Cache-Control"] = "no-store"
