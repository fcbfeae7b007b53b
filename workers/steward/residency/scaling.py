"""How many replicas of a model are loaded while requests or jobs queue for it: a pure function."""

from dataclasses import dataclass

from workers.steward.residency.residents import Demand, Terms


@dataclass(frozen=True, slots=True)
class Copies:
    """The replicas of one model. ``queued_s``: for how long each ready one has had more to do than it does at once.

    ``failed``: those whose load has failed, and is tried again by itself where that may help.
    """

    dormant: int
    loading: int
    queued_s: tuple[float, ...]
    failed: int = 0

    @property
    def active(self) -> int:
        """Those that are loaded, or will be."""
        return self.loading + len(self.queued_s)


def more(copies: Copies, terms: Terms, demand: Demand, after_s: float) -> int:
    """How many more replicas are to be loaded now.

    One at a time, and only once there has been a queue at each for ``after_s`` without a break: so a burst loads none,
    and one that was just loaded has its effect first. They leave again by ``idling.idle_replicas``, which waits longer.
    """
    full = bool(copies.queued_s) and min(copies.queued_s) >= after_s
    late = bool(copies.queued_s) and demand.count > 0 and demand.oldest_s >= after_s
    if terms.most is None:  # of a number that does not change some may have left for other models
        return copies.dormant if full or late else 0
    missing = min((terms.least or 0) - copies.active - copies.failed, copies.dormant)  # others would fail as well
    if missing > 0:
        return missing
    room = copies.dormant > 0 and copies.active < terms.most and not copies.loading
    return 1 if room and (full or late) else 0
