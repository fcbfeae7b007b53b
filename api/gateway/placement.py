"""Which ready replica a request goes to, and when a refused client may try again. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32


@dataclass(frozen=True, slots=True)
class Candidate:
    """A ready replica, and the tokens it still has to write for all gateways, as far as this one knows."""

    id: str
    outstanding_tokens: int


def order(candidates: Sequence[Candidate], prefix: str) -> list[str]:
    """The replicas to try, best first: those with the fewest outstanding tokens.

    Among equals, a hash of the replica's id and the prompt's beginning decides (rendezvous hashing). So the same
    beginning always prefers the same replica, and a conversation finds its KV cache.
    """
    return [
        one.id
        for one in sorted(candidates, key=lambda one: (one.outstanding_tokens, crc32(f"{one.id} {prefix}".encode())))
    ]


def retry_after(waiting: int, service_s: float, max_inflight: int) -> int:
    """Seconds until a slot may be free: the queue's length times the measured service time, from 1 to 30."""
    return int(min(max(-(-waiting * service_s // max(max_inflight, 1)), 1), 30))
