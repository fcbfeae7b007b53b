"""What devices have and who holds them, as one turn of the steward sees it and changes it."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from models.launching.placing import Wish, candidate
from models.launching.wishes.places import wish_at
from models.ledger.fit import Holding
from models.ledger.placement.deciding import Decision, Offer, decide
from models.ledger.placement.files import nodes_with
from models.ledger.placement.measuring import keys_of, need_of
from models.ledger.placement.rooms import Reported, room, rooms
from models.rows.instances import held_devices
from models.rows.life import measured
from models.rows.life.scaling import number_of
from models.rows.records import LoadedDevice, PendingReplica, ReplicaRow
from models.rows.residency import demand


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows of models beside their rows.

    ``took``: what they took before, by ``models.ledger.placement.measuring``'s keys; ``pinned``: those that are never
    unloaded for others; ``loaded``: the nodes by the sources of weights that are loaded there.
    """

    took: Mapping[str, int] = field(default_factory=dict)
    pinned: Collection[str] = ()
    loaded: Mapping[str, Collection[str]] = field(default_factory=dict)


class Fleet:
    """The devices of one turn. What is placed in it counts at once for those that come after."""

    def __init__(
        self,
        devices: Sequence[LoadedDevice],
        replicas: Sequence[ReplicaRow],
        reported: Reported,
        known: Known,
    ) -> None:
        self._devices = devices
        self._known = known
        self._reported = reported
        self._loads = Counter({row.id: row.load for row in devices})
        self._siblings: dict[str, Counter[str]] = {}
        for row in replicas:
            self._siblings.setdefault(row.uid, Counter()).update(held_devices(row))
        self._rooms = rooms(devices, replicas, reported, known.pinned)

    def decide(self, replica: PendingReplica, without: Collection[str] = ()) -> Decision:
        """Where a waiting replica goes: to devices that have not failed it, while there are any that would do.

        ``without``: devices that it is not to have.
        """
        wish = wish_of(replica)
        there = nodes_with(replica.source, self._devices, self._known.loaded)
        offers = [
            Offer(
                candidate(one, self._loads[one.id], there),
                self._rooms[one.id],
                need_of(replica, one, wish.count, self._known.took),
            )
            for one in self._devices
            if one.id not in without
        ]
        taken = self._siblings.get(replica.uid, Counter())
        untried = [one for one in offers if one.candidate.id not in (replica.tried or {})]
        found = decide(replica.uid, wish, untried, taken)
        return decide(replica.uid, wish, offers, taken) if found.placed.hopeless or not untried else found

    def take(self, replica: PendingReplica, decision: Decision) -> None:
        """Count a replica on the devices that it was given."""
        chosen = decision.placed.devices
        self._loads.update(chosen)
        self._siblings.setdefault(replica.uid, Counter()).update(chosen)
        for one in self._devices:
            if one.id in chosen:
                held = (*self._rooms[one.id].holdings, Holding(replica.id, replica.uid, decision.reserved))
                self._rooms[one.id] = room(one, held, self._reported.free.get(one.id))


def fleet_for(
    connection: Connection,
    waiting: Sequence[PendingReplica],
    devices: Sequence[LoadedDevice],
    replicas: Sequence[ReplicaRow],
    reported: Reported,
) -> Fleet:
    """The fleet for these, with what is known of them."""
    keys = keys_of([(one, wish_of(one).count) for one in waiting], devices)
    took = measured.recall(connection, keys)
    return Fleet(devices, replicas, reported, Known(took, demand.pinned(connection), demand.loaded_at(connection)))


def wish_of(replica: PendingReplica) -> Wish:
    """What the launch of a waiting replica says of devices."""
    return wish_at(replica, number_of(replica.id) if replica.replica_config else 0)
