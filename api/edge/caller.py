"""The caller of a request: who it is, what it may do, and how much of the platform it may use.

The edge makes a ``Caller`` from the API key of a request, and hands that object on to everything behind it.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from fastapi import Request

from models.errors import AdminKeyRequired, Unauthorized
from models.settings import Settings

SCHEMES = frozenset({"bearer", "key", "token"})
"""Schemes of authorization: fal's clients write ``Key``, old ones of Replicate's ``Token``."""


class Scope(StrEnum):
    """What a key allows its caller to do."""

    INFER = "infer"
    """Use models, jobs, files and batches, and list models."""
    ADMIN = "admin"
    """Launch and terminate models."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the platform one caller may use.

    ``concurrency``: requests in flight or waiting; None: as many as all ready replicas hold. ``job_queue``: jobs that
    may wait for one model.
    """

    concurrency: int | None
    job_queue: int


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request.

    ``key`` is the digest of its API key in hex, by which rows name their owner; it is empty where no key was needed.
    """

    key: str
    scopes: frozenset[Scope]
    limits: Limits


class Callers:
    """All callers that the settings know, by the digests of their keys."""

    def __init__(self, settings: Settings) -> None:
        limits = Limits(settings.key_concurrency, settings.key_job_queue)
        self._known = {
            digest(key): Caller(digest(key).hex(), scopes, limits) for key, scopes in scopes_of(settings).items()
        }
        self.keyed = bool(self._known)
        """Whether a key is needed."""
        self.anyone = Caller("", frozenset() if self._known else frozenset(Scope), limits)
        """The caller without a key: where the platform has no keys it may do all, else only what needs no key."""

    def find(self, headers: Mapping[str, str]) -> Caller:
        """The caller who sent these headers. Raises Unauthorized where a key is needed and missing, or not known."""
        if not self._known:
            return self.anyone
        given = given_key(headers)
        if not given:
            raise Unauthorized("no API key: send 'Authorization: Bearer KEY'")
        caller = self.vouched(digest(given))
        if caller is None:
            raise Unauthorized("this API key is not known")
        return caller

    def vouched(self, presented: bytes) -> Caller | None:
        """The caller whose key has this digest."""
        # All keys are compared, each in constant time, so that the time it takes does not help to guess one.
        matching = [caller for known, caller in self._known.items() if hmac.compare_digest(presented, known)]
        return matching[0] if matching else None


def given_key(headers: Mapping[str, str]) -> str:
    """The key that these headers give; empty where there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() in SCHEMES else headers.get("x-api-key", "")


def scopes_of(settings: Settings) -> dict[str, frozenset[Scope]]:
    """The scopes of each key. Where no administrator's key is set, every key has all scopes."""
    users = frozenset({Scope.INFER}) if settings.admin_keys else frozenset(Scope)
    return dict.fromkeys(settings.api_keys, users) | dict.fromkeys(settings.admin_keys, frozenset(Scope))


def digest(key: str) -> bytes:
    """The SHA-256 of a key, the only form in which it is stored. Keys are long and random, so one round is enough."""
    return hashlib.sha256(key.encode()).digest()


def caller_of(request: Request) -> Caller:
    """The caller of this request."""
    caller: Caller = request.state.caller
    return caller


def admin_only(request: Request) -> None:
    """A route's dependency that refuses callers without the scope ``admin``. Raises AdminKeyRequired."""
    if Scope.ADMIN not in caller_of(request).scopes:
        raise AdminKeyRequired()
