"""What a request that waits for its model is told: its place, how far the load is, and when it will be over."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Literal

import msgspec

from models.errors import InvalidRequest
from models.redis.presence import Replica

Manner = Literal["wait", "refuse", "events"]
"""What a request wants while its model loads: to wait, to be refused, or to wait and be told by events."""

HEADER = "x-headrace-loading"


@dataclass(frozen=True, slots=True)
class Loading:
    """How far a load is. ``position``: the request's place, from 1. ``eta_s``: None where nobody can say."""

    model: str
    stage: str
    progress: float
    position: int
    eta_s: float | None

    def event(self) -> bytes:
        """As an event of a stream."""
        return b"event: loading\ndata: " + msgspec.json.encode(asdict(self)) + b"\n\n"

    def comment(self) -> bytes:
        """As a comment in a stream, which clients skip."""
        return f": {self.in_words()}\n\n".encode()

    def in_words(self) -> str:
        """For people."""
        about = "" if self.eta_s is None else f", ready in about {self.eta_s:.0f} s"
        return f"{self.stage} {self.progress:.0%}, place {self.position}{about}"


def manner_of(said: str | None, default: Manner) -> Manner:
    """What a request asks for by its header or query. Raises InvalidRequest."""
    match (said or "").strip().lower():
        case "":
            return default
        case "wait" | "refuse" | "events" as manner:
            return manner
    raise InvalidRequest(f"'{HEADER}' is wait, refuse or events", param=HEADER)


def eta(load_s: float | None, bytes_: int | None, paces: Iterable[float], replicas: Sequence[Replica]) -> float | None:
    """In how many seconds a model is ready, as far as anything tells it.

    ``load_s``: what its last load took. Without that, ``bytes_`` of its weights at the pace (seconds a byte) of other
    models' loads. ``replicas``: its own that load now, of which the first counts.
    """
    known = list(paces)
    whole = load_s if load_s is not None else bytes_ * median(known) if bytes_ and known else None
    fetching = [one.download.eta_s for one in replicas if one.download and one.download.eta_s is not None]
    if whole is None:
        return None
    if fetching:
        return min(fetching) + whole
    return max(whole - max((one.loading_s for one in replicas), default=0.0), 1.0)
