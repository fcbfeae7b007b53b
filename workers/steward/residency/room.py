"""Who is asked to leave so that models fit that wait for memory, in one turn of the steward. Pure."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from types import MappingProxyType

from models.ledger.placement.deciding import Shortfall
from models.rows.records import PendingReplica
from models.rows.states import Leaving
from workers.steward.fleet import Fleet, wish_of
from workers.steward.residency.evicting import Eviction, Rules, Shelf, Wanted, plan
from workers.steward.residency.residents import Demand, Resident, Terms

RELOAD_S = 10.0
"""What a load is taken to last that was never measured."""


@dataclass(slots=True)
class Asked:
    """Who is to leave and how, who leaves already and is needed to, and which devices are made free by that.

    ``made_for``: for each that waits these devices; ``by``: those that leave for it.
    """

    leave: dict[str, Leaving] = field(default_factory=dict)
    going: set[str] = field(default_factory=set)
    made_for: dict[str, frozenset[str]] = field(default_factory=dict)
    by: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def devices(self) -> frozenset[str]:
        """Those that are made free."""
        return frozenset(chain.from_iterable(self.made_for.values()))

    def add(self, replica: str, evictions: Sequence[Eviction], shelves: Sequence[Shelf]) -> None:
        """What is done for one replica that waits."""
        chosen: set[str] = set()
        for one in evictions:
            self.leave |= dict.fromkeys(one.idle, Leaving.IF_IDLE)
            self.leave |= dict.fromkeys(one.drained, Leaving.DRAINED)
            self.going.update(one.going)
            chosen.update((*one.idle, *one.drained, *one.going))
        devices = (shelf.device for shelf in shelves if chosen & {resident.id for resident in shelf.residents})
        self.made_for[replica] = frozenset(devices)
        self.by[replica] = frozenset(chosen)


def by_need(waiting: Sequence[PendingReplica], demands: Mapping[str, Demand]) -> list[PendingReplica]:
    """Those for whose models requests wait first, the longest first; then the others in their order."""
    return sorted(waiting, key=lambda one: -demands[one.uid].oldest_s - 1 if one.uid in demands else 0)


def make_room(
    waiting: Sequence[PendingReplica],
    fleet: Fleet,
    residents: Sequence[Resident],
    terms: Mapping[str, Terms],
    demands: Mapping[str, Demand],
    loads: Mapping[str, float],
    rules: Rules,
    spared: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> Asked:
    """Who leaves for those that wait; a device is made free for one at a time. ``loads``: seconds that theirs take.

    ``spared``: for those that wait the residents that do not leave for them. Where several devices of a node are
    wanted, nobody leaves unless room can be made on each of them.
    """
    asked = Asked()
    for one in by_need(waiting, demands):
        decision = fleet.decide(one)
        if decision.placed.devices:
            fleet.take(one, decision)
            continue
        short = [found for found in decision.short if found.room.device not in asked.devices]
        wanted = Wanted(one.uid, demands.get(one.uid, Demand()), loads.get(one.uid, RELOAD_S))
        may = [each for each in residents if each.id not in spared.get(one.id, ())]
        for choices in _choices(short, wish_of(one).count, may):
            evictions = [plan(wanted, shelves, terms, rules) for shelves in choices]
            if all(found.idle or found.drained or found.going for found in evictions):
                asked.add(one.id, evictions, [shelf for shelves in choices for shelf in shelves])
                terms = _without(terms, evictions, residents)
                break
    return asked


def _choices(short: Sequence[Shortfall], count: int, residents: Sequence[Resident]) -> list[list[list[Shelf]]]:
    """What could be made free, the preferred first: of each of several devices of a node, or of one of all."""
    if not short:
        return []
    if count == 1:
        return [[[shelf_of(one, residents) for one in short]]]
    nodes: dict[str, list[list[Shelf]]] = {}
    for one in short:
        nodes.setdefault(one.room.node, []).append([shelf_of(one, residents)])
    return [shelves[:count] for shelves in nodes.values()]


def _without(
    terms: Mapping[str, Terms], evictions: Sequence[Eviction], residents: Sequence[Resident]
) -> dict[str, Terms]:
    """What is agreed, with those no more counted that were just asked to leave."""
    asked = {name for one in evictions for name in (*one.idle, *one.drained)}
    gone = Counter(one.uid for one in residents if one.id in asked)
    return {uid: replace(agreed, active=agreed.active - gone[uid]) for uid, agreed in terms.items()}


def shelf_of(short: Shortfall, residents: Sequence[Resident]) -> Shelf:
    """A device that lacks room, and the ready replicas on it with what they hold of it."""
    held = {one.replica: one.bytes for one in short.room.holdings}
    there = [replace(one, bytes=held[one.id]) for one in residents if one.id in held]
    return Shelf(short.room.device, short.wanted - (short.room.free or 0), there)
