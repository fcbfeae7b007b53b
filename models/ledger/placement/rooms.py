"""What each device has and who holds it: from rows, and from what workers report. Pure; sizes in bytes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import msgspec

from models.ledger.fit import Holding, Room, Rule
from models.redis.presence import Replica, Snapshot, decode
from models.rows.instances import held_devices
from models.rows.records import DeviceRow, ReplicaRow
from models.rows.states import ReplicaState

RESIDENT = (ReplicaState.ASSIGNED, ReplicaState.LOADING, ReplicaState.READY, ReplicaState.STOPPING)
"""States in which a replica holds memory, or will."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What workers report now: the free memory of each device, and each replica by its id."""

    free: Mapping[str, int]
    replicas: Mapping[str, Replica]


NOTHING = Reported({}, {})


def reported(snapshots: Iterable[bytes | str | None]) -> Reported:
    """What the newest snapshots of devices say, as ``models.redis.presence`` has them; None: there is none.

    Of a replica that ends on one device and is on another already, the other's word counts. What cannot be read, as of
    another version amid an upgrade, counts as not there.
    """
    found: list[Snapshot] = []
    for one in snapshots:
        with suppress(msgspec.DecodeError):
            found += [decode(one)] if one else []
    rows = sorted((row for one in found for row in one.replicas), key=lambda row: row.state != ReplicaState.STOPPING)
    return Reported({one.device: one.free_bytes for one in found}, {row.id: row for row in rows})


def rooms(
    devices: Iterable[DeviceRow], replicas: Sequence[ReplicaRow], reported: Reported, pinned: Collection[str] = ()
) -> dict[str, Room]:
    """The room of each device, by its id. ``pinned``: the uids of models that are never unloaded for others."""
    devices = list(devices)
    soft = {one.id for one in devices if _rule(one.kind, budget=bool(one.details.get("budget"))) == "soft"}
    held: dict[str, list[Holding]] = {}
    for row in replicas:
        if row.state in RESIDENT:
            for device in held_devices(row):
                one = _holding(row, reported, pinned=row.uid in pinned)
                held.setdefault(device, []).append(one if device in soft else replace(one, mapped=0))
    return {one.id: room(one, held.get(one.id, ()), reported.free.get(one.id)) for one in devices}


def room(device: DeviceRow, holdings: Sequence[Holding], measured_free: int | None) -> Room:
    """The room of one device: what is neither reserved nor in use, whichever is less.

    What is reserved and not taken yet, as by a model that is being loaded, is not free although it is measured so.
    """
    total = device.total_bytes
    budget = bool(device.details.get("budget"))
    shared = device.kind != "cpu" and bool(device.details.get("shares_memory"))
    if shared or device.details.get("fault") or not total:
        return Room(device.id, device.node, total, None, holdings=tuple(holdings))
    free, ceiling = total - sum(one.bytes for one in holdings), None
    if measured_free is not None:
        free = min(free, measured_free - sum(one.owed for one in holdings))
        ceiling = measured_free + sum(one.regained for one in holdings)
    rule = _rule(device.kind, budget=budget)
    idle: dict[str, int] = {}
    for one in holdings:
        if one.idle and not one.pinned:
            idle[one.uid] = idle.get(one.uid, 0) + one.bytes
    return Room(device.id, device.node, total, max(0, free), idle, tuple(holdings), rule, ceiling)


def _rule(kind: str, *, budget: bool) -> Rule:
    if budget:
        return "budget"
    return "soft" if kind == "cpu" else "card"


def _holding(row: ReplicaRow, reported: Reported, *, pinned: bool) -> Holding:
    live = reported.replicas.get(row.id)
    count = 1 + len(row.others or ())
    measured = live.memory_bytes if live and live.memory_bytes else row.memory_bytes
    idle = row.state == ReplicaState.READY and live is not None and live.state == ReplicaState.READY
    return Holding(
        row.id,
        row.uid,
        row.reserved_bytes,
        None if measured is None else measured // count,
        idle=idle and live is not None and not live.inflight,
        pinned=pinned,
        mapped=live.mapped_bytes if live else 0,
    )
