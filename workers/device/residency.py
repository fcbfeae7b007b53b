"""Decides which runners to start and which to stop, from what should be resident and what is: pure functions."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType

from models.rows.instances import HELD
from models.rows.states import ReplicaState

RUNNING = (ReplicaState.LOADING, ReplicaState.READY)
"""States of a replica whose runner is to go on."""
TRIES = 3
"""A load that fails this often in a row is given up; after a pause the steward lets it be tried again."""
STEADY_S = 60.0
"""A runner that served this long has proved that it works: its death counts as the first."""


class Act(Enum):
    """What to do about a replica."""

    START = auto()
    STOP = auto()
    FORGET = auto()


@dataclass(slots=True)
class Deaths:
    """How often in a row a replica's runner has died, and when the next may start (monotonic seconds)."""

    deaths: int = 0
    not_before: float = 0.0


def plan(
    wanted: dict[str, ReplicaState],
    held: set[str],
    deaths: dict[str, Deaths],
    now: float,
    priorities: Mapping[str, int] = MappingProxyType({}),
    loading: Collection[str] = (),
) -> list[tuple[Act, str]]:
    """The acts that change ``held`` (the replicas with a runner) into ``wanted`` (this device's rows), stops first.

    A replica that has a runner and is assigned was placed anew, perhaps on other GPUs: its runner is of before. While
    replicas of a lower number in ``priorities`` load, or begin to, those of a higher one wait.
    """
    acts = [(Act.STOP, replica) for replica in sorted(held) if wanted.get(replica) not in RUNNING]
    absent = {replica: state for replica, state in wanted.items() if replica not in held}
    acts += [(Act.FORGET, replica) for replica, state in absent.items() if state is ReplicaState.STOPPING]
    due = [
        replica
        for replica, state in absent.items()
        if state in HELD and now >= deaths.get(replica, Deaths()).not_before
    ]
    first = min((priorities.get(replica, 0) for replica in (*due, *loading)), default=0)
    return acts + [(Act.START, replica) for replica in due if priorities.get(replica, 0) <= first]


def after_death(
    deaths: Deaths, *, served_s: float | None, permanent: bool, now: float, unreachable: bool = False
) -> bool:
    """Count a runner's death and set when the next may start. Returns False where the replica is to be given up.

    ``served_s`` is how long it was ready, None if it never was. After the first death of a runner that was ready, the
    next may start at once; after others there is a pause that doubles from half a second up to 30 s. ``unreachable``:
    a hub did not answer. That is no death, its library has tried several times, and half a second changes nothing.
    """
    if served_s is not None and served_s >= STEADY_S:
        deaths.deaths = 0
    deaths.deaths += 1
    pause = 0.0 if deaths.deaths == 1 and served_s is not None else min(0.5 * 2 ** (deaths.deaths - 1), 30.0)
    deaths.not_before = now + pause
    return not permanent and not unreachable and (served_s is not None or deaths.deaths < TRIES)
