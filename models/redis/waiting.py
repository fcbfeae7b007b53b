"""Requests that wait for models which are not loaded, as all gateways report them.

Each gateway writes one field of a hash, twice a second while any of its requests wait. So all of them, and the steward,
know how many there are, and since when.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import msgspec

KEY = "headrace:waiting"
"""A hash: the gateway's id → ``Report``."""

STALE_S = 3.0
"""A report that was not renewed for this long is of a gateway that is gone."""


class Report(msgspec.Struct, frozen=True):
    """What waits at one gateway. ``at``: when it was written; ``since``: for each model when each request came.

    All are seconds of Redis' own clock: those of the machines may be far from each other.
    """

    at: float
    since: dict[str, list[float]]


encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Report).decode


def clock(told: tuple[int, int]) -> float:
    """What Redis answers to TIME, in seconds."""
    return told[0] + told[1] / 1e6


def merged(fields: Mapping[Any, bytes | str], now: float) -> dict[str, list[float]]:
    """When each request came that waits, at whichever gateway, oldest first: by the models that they wait for."""
    found: dict[str, list[float]] = {}
    for one in _fresh(fields.values(), now):
        for uid, times in one.since.items():
            found.setdefault(uid, []).extend(times)
    return {uid: sorted(times) for uid, times in found.items()}


def stale(fields: Mapping[Any, bytes | str], now: float, after_s: float = 60.0) -> list[Any]:
    """The gateways that have not reported for so long that they can be forgotten."""
    return [gateway for gateway, body in fields.items() for one in _read([body]) if now - one.at > after_s]


def _fresh(bodies: Iterable[bytes | str], now: float) -> list[Report]:
    return [one for one in _read(bodies) if now - one.at <= STALE_S]


def _read(bodies: Iterable[bytes | str]) -> list[Report]:
    """These reports, without those that cannot be read, as of another version amid an upgrade."""
    found: list[Report] = []
    for body in bodies:
        with suppress(msgspec.DecodeError):
            found.append(_decode(body))
    return found
