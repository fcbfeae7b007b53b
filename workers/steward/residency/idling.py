"""Which replicas nobody has needed for so long that they are unloaded: a pure function."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from workers.steward.residency.residents import Resident, Terms

UNUSED_S = 5.0
"""A replica that has answered nothing since it was loaded stays so long at least: who waits for it comes first."""
SURPLUS_S = 120.0
"""A replica beyond the least leaves after this long without requests where its model is to stay for ever."""


def idle_replicas(residents: Sequence[Resident], terms: Mapping[str, Terms], wanted: Collection[str]) -> list[str]:
    """The replicas that are to leave if they are still idle. ``wanted``: models that requests or jobs wait for.

    The replicas of a model whose number does not change go together. Of another, those go that are idle for longest, as
    long as the least number stays.
    """
    by_uid: dict[str, list[Resident]] = defaultdict(list)
    for one in residents:
        by_uid[one.uid].append(one)
    leave: list[str] = []
    for uid, mine in by_uid.items():
        agreed = terms.get(uid)
        if agreed is None or agreed.pinned or uid in wanted:
            continue
        if agreed.most is None:
            idle = [one.id for one in mine if _is_over(one, agreed.keep_alive_s)]
            leave += idle if len(idle) == len(mine) else []
        else:
            leave += _surplus(mine, agreed)
    return leave


def _surplus(mine: Sequence[Resident], agreed: Terms) -> list[str]:
    """The replicas, idle for longest first, that go of a model whose number changes."""
    staying = [one for one in mine if not one.leaving]
    least = 1 if agreed.least is None else agreed.least
    chosen: list[str] = []
    for one in sorted(staying, key=lambda one: -one.idle_s):
        left = len(staying) - len(chosen)
        after_s = agreed.keep_alive_s if left == 1 else min(agreed.keep_alive_s, SURPLUS_S)
        if left > least and _is_over(one, after_s):
            chosen.append(one.id)
    return chosen


def _is_over(one: Resident, after_s: float) -> bool:
    """Whether nobody has used it for long enough."""
    if one.busy or one.leaving:
        return False
    return one.idle_s >= (after_s if one.was_used else max(after_s, UNUSED_S))
