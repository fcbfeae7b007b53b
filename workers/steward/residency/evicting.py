"""Which models leave a device so that another fits: a pure function."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from models.reasons import joined, told
from workers.steward.residency.residents import Demand, Resident, Terms


@dataclass(frozen=True, slots=True)
class Rules:
    """For how long a model that was loaded stays although others wait, and for how long those are let wait (seconds).

    ``turn_s``: it is not unloaded sooner after it was ready. ``wait_s``: a busy model takes no more requests once one
    of another has waited so long, less what that one's load takes: the wait is this, and what still runs then.
    """

    turn_s: float = 10.0
    wait_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model that is to be loaded, and how it is waited for. ``load_s``: what its load will take."""

    uid: str
    demand: Demand
    load_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Shelf:
    """A device on which it would fit if others left: so many bytes are ``missing``, and ``residents`` are there."""

    device: str
    missing: int
    residents: Sequence[Resident]


BUSY_S = 1000.0
"""To interrupt a busy model costs as much as so many seconds of loads."""


PINNED = told("the models that would have to leave are pinned, or must stay", "all_pinned")


class Eviction(NamedTuple):
    """Who is to leave: ``idle`` ones if they are still idle, ``drained`` ones once what runs on them is over.

    ``going``: those that leave already and are needed to. ``reason``: where nobody is to leave, what is waited for;
    ``hopeless``, that no one here may ever leave.
    """

    idle: tuple[str, ...] = ()
    drained: tuple[str, ...] = ()
    going: tuple[str, ...] = ()
    reason: str = ""
    hopeless: bool = False


def plan(wanted: Wanted, shelves: Sequence[Shelf], terms: Mapping[str, Terms], rules: Rules) -> Eviction:
    """Who leaves so that the wanted model fits: on that of the devices on which the least is to be loaded again.

    Idle ones go first, those that have been idle for longest, measured in the time that their own load takes. Who is
    busy goes only when the demand has waited for long enough, and then once it has ended what it does. Pinned ones
    never go, nor those that a least number holds.
    """
    waits: list[str] = []
    found: list[tuple[float, Eviction]] = []
    for shelf in shelves:
        may = [one for one in shelf.residents if one.uid != wanted.uid]
        if sum(one.bytes for one in _spared(may, terms)) < shelf.missing:
            continue
        chosen = _fewest(_spared(_order(may, wanted, rules), terms), shelf.missing)
        if chosen is None:
            waits.append(_in_use(shelf.device))
        else:
            found.append((sum(one.reload_s + BUSY_S * one.busy for one in chosen), _eviction(shelf.device, chosen)))
    if found:
        return min(found, key=lambda pair: pair[0])[1]
    if waits:
        return Eviction(reason=joined("; ", waits))
    return Eviction(reason=PINNED, hopeless=True)


def _in_use(device: str) -> str:
    return told(f"the models on {device} are in use, or were loaded a moment ago", "in_use", device=device)


def _eviction(device: str, chosen: Sequence[Resident]) -> Eviction:
    """Idle ones serve until those that are busy have left: that may take long, and all leave for nothing else."""
    waits = any(one.busy for one in chosen)
    idle = tuple(one.id for one in chosen if not one.leaving and not one.busy and not waits)
    drained = tuple(one.id for one in chosen if not one.leaving and one.busy)
    going = tuple(one.id for one in chosen if one.leaving)
    freed = told(f"{device} is being made free", "being_freed", device=device)
    return Eviction(idle, drained, going, "" if idle or drained else freed)


def _spared(residents: Sequence[Resident], terms: Mapping[str, Terms]) -> list[Resident]:
    """Those of them, the first ones first, that their models can spare: not pinned, and the least number stays."""
    left = {uid: agreed.active - agreed.least if agreed.least else len(residents) for uid, agreed in terms.items()}
    found = []
    for one in residents:
        if one.leaving:  # it is not counted as active any more
            found.append(one)
        elif not terms.get(one.uid, Terms()).pinned and left.get(one.uid, 1) > 0:
            left[one.uid] = left.get(one.uid, len(residents)) - 1
            found.append(one)
    return found


def _order(may: Sequence[Resident], wanted: Wanted, rules: Rules) -> list[Resident]:
    """Those that may go now: who goes already, then the idle, then the busy where the demand has waited long enough.

    Where only jobs wait whose turn among others has not come, as a batch's, nobody goes who was idle for a breath. What
    takes long to load serves for as long before it is interrupted: else it would be loaded for most of the time.
    """
    demand = wanted.demand
    late = demand.count > 0 and demand.oldest_s >= max(rules.wait_s - wanted.load_s, rules.wait_s / 3)
    least_idle_s = rules.wait_s if demand.count > 0 and demand.oldest_s <= 0 else 0.0

    def may_go(one: Resident) -> bool:
        if one.busy:
            return late and one.resident_s >= max(rules.turn_s, one.reload_s)
        return one.resident_s >= rules.turn_s and one.idle_s >= least_idle_s

    now = [one for one in may if one.leaving or may_go(one)]
    return sorted(now, key=lambda one: (not one.leaving, one.busy, -one.idle_s / max(one.reload_s, 1.0), one.id))


def _fewest(ordered: Sequence[Resident], missing: int) -> list[Resident] | None:
    """The first of them that make so many bytes free, without those that are not needed for it; None: all do not."""
    chosen: list[Resident] = []
    for one in ordered:
        if sum(other.bytes for other in chosen) >= missing:
            break
        chosen.append(one)
    if sum(one.bytes for one in chosen) < missing:
        return None
    for one in [one for one in chosen if not one.leaving]:
        if sum(other.bytes for other in chosen) - one.bytes >= missing:
            chosen.remove(one)
    return chosen
