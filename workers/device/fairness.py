"""Who is served next, and how much room there is for jobs: pure decisions over what waits and what runs."""

from dataclasses import dataclass, field

from models.rows.jobs import PRIORITY_MS

LOW = -100
"""Effective priority below which a job gives way to all others: a batch's line that has not waited long."""

RECENT_S = 3.0
"""A replica that had an interactive request this recently is kept free for the next."""

QUIET_S = 60.0
"""Without any for this long, it is given to batches: its first request then waits for their step, not for their end."""


@dataclass(frozen=True, slots=True)
class Busyness:
    """What one replica is doing: how many requests it computes at once, and what it holds now."""

    capacity: int
    interactive: int
    jobs: int
    low: int
    idle_s: float
    shared: bool = True
    """Whether it serves interactive requests at all; those that do not have all their room for jobs."""


def room(load: Busyness) -> tuple[int, int]:
    """How many more jobs may start, and how many of them may be low ones.

    A shared replica keeps a slot for the next interactive request. While it has interactive requests low jobs get an
    eighth of its slots, after a while without any a quarter, and once nobody seems to come all but the one kept.
    """
    free = load.capacity - load.interactive - load.jobs
    if not load.shared:
        return max(free, 0), max(free, 0)
    if load.capacity == 1:
        return max(free, 0), max(free, 0) if load.idle_s >= RECENT_S else 0
    busy = load.interactive > 0 or load.idle_s < RECENT_S
    part = 8 if busy else 4 if load.idle_s < QUIET_S else 1
    most_low = max(load.capacity // part, 1)
    free = max(free - 1, 0)
    return free, max(min(free, most_low - load.low), 0)


def worst_normal(now_ms: int) -> int:
    """The rank after which a job is a low one."""
    return now_ms - LOW * PRIORITY_MS


@dataclass(slots=True)
class Shares:
    """Fair turns between API keys, for one model on one device: start-time fair queueing with one unit a job.

    A key that was idle joins at the level of the least served one, so it neither catches up nor waits. Low jobs are
    counted apart: a key whose low ones gave way for hours has earned nothing against the normal ones of others.
    """

    _served: dict[bool, dict[str, int]] = field(default_factory=lambda: {False: {}, True: {}})

    def order(self, heads: dict[str, int], now_ms: int) -> list[str]:
        """The keys in the order of their turns. ``heads``: the best rank among each key's waiting jobs."""
        worst = worst_normal(now_ms)
        turns = []
        for low, served in self._served.items():
            mine = [key for key in heads if (heads[key] > worst) is low]
            floor = min((served[key] for key in mine if key in served), default=0)
            self._served[low] = {key: served.get(key, floor) for key in mine}
            turns += sorted(mine, key=lambda key: (self._served[low][key], heads[key]))
        return turns

    def served(self, key: str, jobs: int) -> None:
        """This key, as it stood in the last order, had so many jobs started."""
        for served in self._served.values():
            if key in served:
                served[key] += jobs
