"""Who asks: the caller of a request, what it may do, and how much of the platform it may take.

The edge makes a ``Caller`` of the key that a request presents; everything behind it is handed that object.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from fastapi import Request

from models.errors import AdminKeyRequired, Unauthorized
from models.settings import Settings


class Scope(StrEnum):
    """What a key is good for."""

    INFER = "infer"
    """Ask models, have jobs, files and batches, and see which models there are."""
    ADMIN = "admin"
    """Launch and terminate models."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the platform one caller may take.

    ``concurrency``: requests in flight or waiting. ``job_queue``: jobs that may wait for one model.
    """

    concurrency: int
    job_queue: int


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. ``key`` is the digest of its API key in hex, by which rows name their owner; empty: it needed none."""

    key: str
    scopes: frozenset[Scope]
    limits: Limits


class Callers:
    """All who may call, by the digests of their keys."""

    def __init__(self, settings: Settings) -> None:
        limits = Limits(settings.key_concurrency, settings.key_job_queue)
        self._known = {
            digest(key): Caller(digest(key).hex(), scopes, limits) for key, scopes in scopes_of(settings).items()
        }
        self.anyone = Caller("", frozenset() if self._known else frozenset(Scope), limits)
        """Who presents no key: it may do all where the platform has no keys, else what needs none."""

    def find(self, headers: Mapping[str, str]) -> Caller:
        """The caller who sent these headers. Raises Unauthorized without a known key where keys are asked for."""
        if not self._known:
            return self.anyone
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        if not given:
            raise Unauthorized("no API key: send 'Authorization: Bearer KEY'")
        presented = digest(given)
        matching = [one for known, one in self._known.items() if hmac.compare_digest(presented, known)]  # constant time
        if not matching:
            raise Unauthorized("this API key is not known")
        return matching[0]


def scopes_of(settings: Settings) -> dict[str, frozenset[Scope]]:
    """What each key may do. Without an administrator's key every key may do all."""
    users = frozenset({Scope.INFER}) if settings.admin_keys else frozenset(Scope)
    return dict.fromkeys(settings.api_keys, users) | dict.fromkeys(settings.admin_keys, frozenset(Scope))


def digest(key: str) -> bytes:
    """The SHA-256 of a key, which is all that is kept of it. Keys are long and random, so one round is enough."""
    return hashlib.sha256(key.encode()).digest()


def caller_of(request: Request) -> Caller:
    """Who sent this request."""
    found: Caller = request.state.caller
    return found


def admin_only(request: Request) -> None:
    """A route's dependency that refuses callers without the scope ``admin``. Raises AdminKeyRequired."""
    if Scope.ADMIN not in caller_of(request).scopes:
        raise AdminKeyRequired()
