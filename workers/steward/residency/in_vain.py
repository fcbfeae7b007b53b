"""For whom others have left in vain, as estimates were wrong or what they left was taken: nobody leaves for them again
before a pause that grows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

HELPS_S = 10.0
"""So long after another has left its memory may be on its way: a runner ends, and what is free is measured."""
FIRST_PAUSE_S = 60.0
"""The first pause; each that follows is twice as long."""
LONGEST_PAUSE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Effort:
    """What was done for a replica that waits. Times are monotonic seconds.

    ``asked``: those that were to leave for it at the last turn; ``left``: those that did, the last one at ``left_at``.
    ``resting_until``: nobody leaves for it before, which has been so ``pauses`` times.
    """

    asked: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    left_at: float = 0.0
    resting_until: float = 0.0
    pauses: int = 0


Efforts = Mapping[str, Effort]
"""What was done for each replica that waits, by its id."""


def seen(efforts: Efforts, waiting: Collection[str], ready: Collection[str], now: float) -> dict[str, Effort]:
    """What was done, as it is seen a turn later. ``waiting``: who still waits; of others all is forgotten. Pure.

    ``ready``: the replicas that are loaded: those that were asked and are not in it have left.
    """
    return {replica: _seen(one, ready, now) for replica, one in efforts.items() if replica in waiting}


def _seen(before: Effort, ready: Collection[str], now: float) -> Effort:
    if gone := before.asked.difference(ready):
        return Effort(before.asked & set(ready), before.left | gone, now, pauses=before.pauses)
    if before.left and not before.asked and now - before.left_at >= HELPS_S:
        pause_s = min(FIRST_PAUSE_S * 2.0 ** min(before.pauses, 30), LONGEST_PAUSE_S)
        return Effort(resting_until=now + pause_s, pauses=before.pauses + 1)
    return before


def asking(efforts: Efforts, asked: Mapping[str, frozenset[str]]) -> dict[str, Effort]:
    """What was done, with those who are asked to leave now, for each that waits. Pure."""
    found: dict[str, Effort] = {}
    for replica in {*efforts, *asked}:
        one = efforts.get(replica, Effort())
        found[replica] = Effort(asked.get(replica, frozenset()), one.left, one.left_at, one.resting_until, one.pauses)
    return found


def spared(efforts: Efforts, ready: Collection[str], now: float) -> dict[str, Collection[str]]:
    """For each that waits those of the ``ready`` ones that do not leave for it now. Pure.

    All of them during a pause; before it those that have left for it already, and were loaded again.
    """
    return {replica: ready if now < one.resting_until else one.left for replica, one in efforts.items()}
