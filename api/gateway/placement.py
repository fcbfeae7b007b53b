"""Which ready replica a request goes to, whether it goes on to another, and when one may come again. Pure."""

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


@dataclass(frozen=True, slots=True)
class InLine:
    """A request whose answer has not begun, and the tokens that this may cost."""

    rid: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Line:
    """The requests of this gateway at one ready replica, which ``epoch`` names.

    ``busy``: tokens that those which it computes have still to write; ``waiting``: the others, first come first.
    ``reported``: tokens that it has to write for all gateways, as its worker last said.
    """

    epoch: str
    busy: int
    waiting: Sequence[InLine]
    reported: int = 0

    @property
    def tokens(self) -> int:
        """All that this gateway expects of it."""
        return self.busy + sum(one.tokens for one in self.waiting)


def moves(lines: Sequence[Line]) -> dict[str, str]:
    """Which requests go to another replica, by their ids: the epoch of that. Pure.

    Each, in the order of the line, stays unless another replica would begin it sooner by more than it costs itself: so
    none goes forth and back. Each gateway divides what is its own, and gives nothing to a replica that then has more to
    do for all gateways than the one that it comes from.
    """
    seen = {one.epoch: max(one.tokens, one.reported) for one in lines}
    before = {one.epoch: one.busy for one in lines}
    found: dict[str, str] = {}
    for place in range(max((len(one.waiting) for one in lines), default=0)):
        for line in lines:
            if place >= len(line.waiting):
                continue
            one, here = line.waiting[place], line.epoch
            less = [epoch for epoch in before if seen[epoch] + one.tokens < seen[here]]
            best = min(less, key=before.__getitem__, default=here)
            if before[here] > before[best] + one.tokens:
                found[one.rid] = best
                seen[here] -= one.tokens
                seen[best] += one.tokens
                here = best
            before[here] += one.tokens
    return found
