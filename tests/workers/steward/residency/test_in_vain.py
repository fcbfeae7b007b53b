"""Nobody leaves again and again for somebody whom it does not help (workers.steward.residency.in_vain)."""

from itertools import pairwise
from typing import Any

from tests.workers.steward.residency.test_room import RULES, Full, idle, lacks, waits
from workers.steward.residency.in_vain import (
    FIRST_PAUSE_S,
    HELPS_S,
    LONGEST_PAUSE_S,
    Effort,
    Efforts,
    asking,
    seen,
    spared,
)
from workers.steward.residency.residents import Terms
from workers.steward.residency.room import make_room

LOAD_S = 5
BETWEEN_S = 15
"""Between two requests for the model that leaves."""


def test_a_loop_of_leaving_and_being_loaded_again_ends() -> None:
    """``a`` leaves, ``b`` does not fit all the same, the next request loads ``a``, which is idle ten seconds later."""
    fleet: Any = Full(lacks("n.cuda:0", "a"))
    waiting = [waits("b")]
    efforts: Efforts = {}
    loaded_at: float | None = 0.0
    left: list[float] = []
    for now in range(3 * 3600):
        if loaded_at is None and now % BETWEEN_S == 0:
            loaded_at = now + LOAD_S
        there = [idle("a")] if loaded_at is not None and now - loaded_at >= RULES.turn_s else []
        ready = {"a-0"} if loaded_at is not None and now >= loaded_at else set()
        efforts = seen(efforts, {"b-0"}, ready, now)
        found = make_room(waiting, fleet, there, {"a": Terms(active=1)}, {}, {}, RULES, spared(efforts, ready, now))
        efforts = asking(efforts, found.by)
        if found.leave:
            left.append(now)
            loaded_at = None
    pauses = [later - before for before, later in pairwise(left)]
    assert 5 <= len(left) <= 8, "without a pause it would be some 400 times"
    assert all(pause >= min(FIRST_PAUSE_S * 2**number, LONGEST_PAUSE_S) for number, pause in enumerate(pauses))


def test_a_pause_has_a_bound() -> None:
    efforts = {"b": Effort(left=frozenset("a"), pauses=40)}
    [effort] = seen(efforts, {"b"}, {"a"}, HELPS_S).values()
    assert effort.resting_until == HELPS_S + LONGEST_PAUSE_S


def test_all_is_forgotten_of_who_was_placed_or_is_gone() -> None:
    efforts = {"b": Effort(asked=frozenset("a")), "c": Effort(resting_until=99.0, pauses=1)}
    assert seen(efforts, {"b"}, {"a"}, 1.0) == {"b": efforts["b"]}
    assert seen(efforts, {"c"}, {"a"}, 100.0) == {"c": efforts["c"]}, "a pause that is over counts for the next"
    assert seen(efforts, set(), {"a"}, 1.0) == {}


def test_several_may_leave_for_one_but_each_once() -> None:
    """One at once, another that is busy later; the first is loaded again meanwhile."""
    efforts = asking({}, {"b": frozenset(("x", "y"))})
    assert spared(efforts, {"x", "y"}, 0.0) == {"b": frozenset()}
    efforts = seen(efforts, {"b"}, {"y"}, 1.0)
    efforts = asking(efforts, {"b": frozenset("y")})
    efforts = seen(efforts, {"b"}, {"x", "y"}, 1000.0)
    assert spared(efforts, {"x", "y"}, 1000.0) == {"b": {"x"}}
    efforts = seen(efforts, {"b"}, {"x"}, 1001.0)
    efforts = asking(efforts, {})
    assert spared(seen(efforts, {"b"}, {"x"}, 1001.0 + HELPS_S - 1), {"x"}, 1001.0 + HELPS_S - 1) == {"b": {"x", "y"}}
    efforts = seen(efforts, {"b"}, {"x", "z"}, 1001.0 + HELPS_S)
    assert spared(efforts, {"x", "z"}, 1002.0 + HELPS_S) == {"b": {"x", "z"}}
    over = 1001.0 + HELPS_S + FIRST_PAUSE_S
    assert spared(seen(efforts, {"b"}, {"x", "z"}, over), {"x", "z"}, over) == {"b": frozenset()}
