"""Who is asked to leave so that models fit that wait for memory, in one turn of the steward. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from models.ledger.placement.deciding import Shortfall
from models.rows.records import PendingReplica
from models.rows.states import Leaving
from workers.steward.fleet import Fleet
from workers.steward.residency.evicting import Eviction, Rules, Shelf, Wanted, plan
from workers.steward.residency.residents import Demand, Resident, Terms


@dataclass(slots=True)
class Asked:
    """Who is to leave and how, who leaves already and is needed to, and which devices are made free by that."""

    leave: dict[str, Leaving] = field(default_factory=dict)
    going: set[str] = field(default_factory=set)
    devices: set[str] = field(default_factory=set)

    def add(self, eviction: Eviction, devices: Sequence[str]) -> None:
        """What is done for one replica."""
        self.leave |= dict.fromkeys(eviction.idle, Leaving.IF_IDLE)
        self.leave |= dict.fromkeys(eviction.drained, Leaving.DRAINED)
        self.going.update(eviction.going)
        self.devices.update(devices)


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
) -> Asked:
    """Who leaves for those that wait; a device is made free for one at a time. ``loads``: seconds that theirs take."""
    asked = Asked()
    for one in by_need(waiting, demands):
        decision = fleet.decide(one)
        if decision.placed.devices:
            fleet.take(one, decision)
            continue
        short = [shelf_of(found, residents) for found in decision.short if found.room.device not in asked.devices]
        wanted = Wanted(one.uid, demands.get(one.uid, Demand()), loads[one.uid])
        count = int(one.n_gpu) if one.n_gpu.isdigit() else len(one.gpu_idx or ())
        for shelves in [[shelf] for shelf in short[:count]] if count > 1 else [short] if short else []:
            eviction = plan(wanted, shelves, terms, rules)
            if eviction.idle or eviction.drained or eviction.going:
                chosen = {*eviction.idle, *eviction.drained, *eviction.going}
                asked.add(eviction, [shelf.device for shelf in shelves if chosen & {r.id for r in shelf.residents}])
    return asked


def shelf_of(short: Shortfall, residents: Sequence[Resident]) -> Shelf:
    """A device that lacks room, and the ready replicas on it with what they hold of it."""
    held = {one.replica: one.bytes for one in short.room.holdings}
    there = [replace(one, bytes=held[one.id]) for one in residents if one.id in held]
    return Shelf(short.room.device, short.wanted - (short.room.free or 0), there)
