"""Desired state: every statement on instances, their replicas and the devices they are placed on.

Each function takes a connection inside a transaction. A change of a replica's state is one conditional UPDATE; its row
count shows whether the change happened.
"""

import uuid
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from models.errors import Conflict, HeadraceError, ModelNotReady, NoDevice
from models.reasons import joined, told
from models.rows.database import now_ms
from models.rows.fetching import fetch, fetch_one
from models.rows.life import events, history
from models.rows.life.events import EventKind
from models.rows.records import DeviceRow, InstanceRow, LoadedDevice, PendingReplica, PlacedReplica, ReplicaRow
from models.rows.states import JobState, ReplicaState
from models.rows.tables import devices, instances, jobs, leases, replicas
from models.rows.tables import events as happened

UNPLACED: dict[str, Any] = {
    "state": ReplicaState.PENDING,
    "device": None,
    "others": None,
    "pid": None,
    "memory_bytes": None,
    "reserved_bytes": None,
    "leaving": None,
}
"""A replica that waits for a device again."""
ACTIVE = (ReplicaState.PENDING, ReplicaState.ASSIGNED, ReplicaState.LOADING, ReplicaState.READY)
"""States of a replica that is resident, or will be."""
REST_MS = 60_000
"""For so long after a model was unloaded, jobs that rank low do not have it loaded."""
HELD = (ReplicaState.ASSIGNED, ReplicaState.LOADING, ReplicaState.READY)
"""States in which a replica is to be resident on its device."""

ALIVE_MS = 15_000
"""A device seen within this time is here: it can be given replicas."""
SETTLED_MS = 5000
"""How long a replica must wait for a device that is not here before that is final: workers start one after another."""

# ---- what people ask for -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewInstance:
    """An instance to create: a launch whose engine, model type and options are decided. Its fields are columns.

    ``source`` is as ``models.launching.hub`` reads it, empty for engines without weights; ``n_gpu`` "auto", "0" (the
    CPU) or a number of GPUs; ``request_limits`` the most requests in flight or waiting on one replica; ``about`` has
    the fields of ``models.launching.about.About``; ``need`` is memory, as ``models.ledger.placement.needs`` writes it;
    ``keep_alive_s`` to ``max_replicas`` are as in ``InstanceRow``.
    """

    uid: str
    model_name: str
    model_type: str
    engine: str
    source: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    replica: int = 1
    n_gpu: str = "auto"
    gpu_idx: list[int] | None = None
    request_limits: int | None = None
    trust_remote_code: bool = False
    load_on_request: bool = False
    keep_alive_s: float | None = None
    pinned: bool = False
    min_replicas: int | None = None
    max_replicas: int | None = None
    model_format: str | None = None
    quantization: str | None = None
    size_in_billions: str | None = None
    about: dict[str, Any] | None = None
    priority: int = 100
    max_retries: int = 5
    retry_interval_s: int = 60
    autostart: bool = True
    need: dict[str, Any] | None = None
    node: str | None = None
    envs: dict[str, str] | None = None
    replica_config: list[dict[str, Any]] | None = None


def create(
    connection: Connection, new: NewInstance, by: str = "", asked: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Record an instance and its replicas, which have no devices yet. Raises Conflict if the uid is taken.

    ``by``: the caller's key, hashed. ``asked``: what its launch asked for, which the event keeps.
    """
    try:
        connection.execute(sa.insert(instances).values(**asdict(new)))
    except IntegrityError as error:
        raise Conflict(f"the model uid '{new.uid}' is in use", param="model_uid") from error
    most = new.replica if new.max_replicas is None else new.max_replicas
    awake = 0 if new.load_on_request else max(min(new.replica, most), new.min_replicas or 0)
    connection.execute(sa.insert(replicas), [new_replica(new.uid, number, number < awake) for number in range(most)])
    text = events.launched(new.model_name, new.engine, new.replica, at_once=not new.load_on_request)
    events.tell(connection, new.uid, EventKind.LAUNCHED, text, by=by, data=history.kept(asked))


def new_replica(uid: str, number: int, awake: bool) -> dict[str, Any]:
    """The row of a replica that is to be loaded now, or when it is needed."""
    state = ReplicaState.PENDING if awake else ReplicaState.DORMANT
    return {"id": f"{uid}-{number}-{uuid.uuid4().hex[:6]}", "uid": uid, "state": state}


TERMINATED = told("terminated", "terminated")


def delete(
    connection: Connection,
    uid: str,
    by: str = "",
    kind: EventKind = EventKind.TERMINATED,
    why: str = TERMINATED,
) -> bool:
    """Remove an instance from desired state; workers then stop its resident replicas. False if there is none."""
    mine = replicas.c.uid == uid
    # First lock all in one order: the steward may take replicas off a lost device between the statements below.
    connection.execute(sa.select(replicas.c.id).where(mine).order_by(replicas.c.id).with_for_update())
    found = connection.execute(sa.delete(instances).where(instances.c.uid == uid)).rowcount
    without_runner = (ReplicaState.DORMANT, ReplicaState.PENDING, ReplicaState.FAILED)
    connection.execute(sa.delete(replicas).where(mine, replicas.c.state.in_(without_runner)))
    connection.execute(sa.update(replicas).where(mine).values(state=ReplicaState.STOPPING, stage="stopping"))
    if found:
        events.tell(connection, uid, kind, why, by=by)
    return found > 0


def awaken(connection: Connection, uids: Collection[str]) -> bool:
    """Have dormant replicas of those of these models loaded of which none is; False if there are none.

    Of a model whose number of replicas changes these are as few as it may have, but one; of others all.
    """
    asleep = (replicas.c.uid.in_(uids), replicas.c.state == ReplicaState.DORMANT)
    query = sa.select(replicas.c.id, replicas.c.uid, instances.c.min_replicas, instances.c.max_replicas)
    query = query.join(instances, instances.c.uid == replicas.c.uid).where(*asleep).order_by(replicas.c.id)
    rows = connection.execute(query).all()
    here = sa.select(replicas.c.uid).where(replicas.c.uid.in_({row.uid for row in rows}), replicas.c.state.in_(ACTIVE))
    active = set(connection.execute(here).scalars()) if rows else set()
    chosen: dict[str, list[str]] = {}
    for row in rows:
        mine = chosen.setdefault(row.uid, [])
        if row.uid not in active and (row.max_replicas is None or len(mine) < max(row.min_replicas or 0, 1)):
            mine.append(row.id)
    return wake(connection, [one for mine in chosen.values() for one in mine]) > 0


def wake(connection: Connection, ids: Collection[str]) -> int:
    """Have these replicas loaded where they are dormant; how many."""
    if not ids:
        return 0
    asleep = (replicas.c.id.in_(ids), replicas.c.state == ReplicaState.DORMANT)
    return connection.execute(sa.update(replicas).where(*asleep).values(state=ReplicaState.PENDING)).rowcount


def awaken_wanted(connection: Connection) -> None:
    """``awaken`` all models that jobs wait for; where all of these rank low, not those unloaded a moment ago.

    Such jobs get what others leave: one that left for another model would else come back for each breath of that.
    """
    its = (jobs.c.uid == replicas.c.uid, jobs.c.state == JobState.QUEUED)
    left = (happened.c.uid == replicas.c.uid, happened.c.kind == EventKind.UNLOADED)
    rests = sa.exists().where(*left, happened.c.at > now_ms() - REST_MS)
    wanted = sa.or_(sa.exists().where(*its, jobs.c.rank <= now_ms()), sa.and_(sa.exists().where(*its), ~rests))
    asleep = sa.select(replicas.c.uid).where(replicas.c.state == ReplicaState.DORMANT, wanted).distinct()
    awaken(connection, list(connection.execute(asleep).scalars()))


def listing(connection: Connection) -> list[InstanceRow]:
    """All instances, oldest first."""
    return fetch(connection, sa.select(instances).order_by(instances.c.created_at, instances.c.uid), InstanceRow)


def get(connection: Connection, uid: str) -> InstanceRow | None:
    """The instance of this uid; None if there is none."""
    return fetch_one(connection, sa.select(instances).where(instances.c.uid == uid), InstanceRow)


def replicas_of(connection: Connection, uid: str | None = None) -> list[ReplicaRow]:
    """The replicas of one instance, or of all."""
    query = sa.select(replicas).order_by(replicas.c.created_at, replicas.c.id)
    return fetch(connection, query if uid is None else query.where(replicas.c.uid == uid), ReplicaRow)


def hopeless(connection: Connection, uid: str | None = None) -> set[str]:
    """Replicas of one instance, or of all, that wait although no device that is here will ever do."""
    settled = replicas.c.updated_at < now_ms() - SETTLED_MS
    query = sa.select(replicas.c.id, replicas.c.error).where(replicas.c.state == ReplicaState.PENDING, settled)
    rows = connection.execute(query if uid is None else query.where(replicas.c.uid == uid))
    return {row.id for row in rows if isinstance(HeadraceError.from_row(row.error), NoDevice)}


# ---- what a worker does ------------------------------------------------------------------------------------


def of_device(connection: Connection, device: str) -> list[PlacedReplica]:
    """The replicas placed on this device, in the order in which they are to be loaded."""
    priority = sa.func.coalesce(instances.c.priority, 0).label("priority")
    query = sa.select(replicas, priority).outerjoin(instances, instances.c.uid == replicas.c.uid)
    mine = query.where(replicas.c.device == device).order_by(priority, replicas.c.created_at, replicas.c.id)
    return fetch(connection, mine, PlacedReplica)


def report(connection: Connection, replica: str, device: str, **values: Any) -> bool:
    """Record the state of a replica; False if this device should not have it any more."""
    mine = (replicas.c.id == replica, replicas.c.device == device, replicas.c.state.in_(HELD))
    before = fetch_one(connection, sa.select(replicas).where(*mine), ReplicaRow)
    if before is None or not connection.execute(sa.update(replicas).where(*mine).values(**values)).rowcount:
        return False
    if happened := events.of_report(before, values):
        events.tell(connection, before.uid, *happened, replica=replica, by=device)
    return True


def describe(connection: Connection, uid: str, about: dict[str, Any]) -> None:
    """Record what is known of a model, now that its files are on a worker's machine."""
    connection.execute(sa.update(instances).where(instances.c.uid == uid).values(about=about))


def died(connection: Connection, replica: str, device: str, error: HeadraceError, *, served: bool = True) -> bool:
    """Record that a runner died whose replica is to be loaded again; False if this device should not have it.

    ``served``: it was ready; else its load has failed, and another begins at once.
    """
    values = {"state": ReplicaState.LOADING, "stage": "waiting", "progress": 0.0, "error": error.to_row()}
    values["memory_bytes"] = None  # it holds nothing, and is to have again what is reserved
    if not report(connection, replica, device, **values):
        return False
    again = told("loaded again", "loaded_again")
    at_once = told("tried again at once", "tried_at_once")
    kind, follows = (EventKind.DIED, again) if served else (EventKind.FAILED, at_once)
    uid = connection.execute(sa.select(replicas.c.uid).where(replicas.c.id == replica)).scalar_one()
    events.tell(connection, uid, kind, joined("; ", (error.told, follows)), replica=replica, by=device)
    return True


def forget(connection: Connection, replica: str, device: str, *, kept: str = "") -> None:
    """Delete the row of a stopped replica, whose memory is free again; ``kept``: why it is not."""
    mine = (replicas.c.id == replica, replicas.c.device == device, replicas.c.state == ReplicaState.STOPPING)
    row = fetch_one(connection, sa.select(replicas).where(*mine), ReplicaRow)
    if row is None or not connection.execute(sa.delete(replicas).where(*mine)).rowcount:
        return
    free = told("its memory is free again", "memory_free")
    unloaded = told("unloaded", "unloaded")
    text = joined("; ", (unloaded, kept)) if kept else joined(", and ", (unloaded, free))
    data = {"memory_bytes": row.memory_bytes, "memory_is_back": not kept}
    events.tell(connection, row.uid, EventKind.UNLOADED, text, replica=replica, by=device, data=data)


def see_device(connection: Connection, **values: Any) -> None:
    """Record that a device's worker is alive. ``values``: id, node, kind, label, total_bytes, details, engines."""
    seen = values | {"seen_at": now_ms()}
    if not connection.execute(sa.update(devices).where(devices.c.id == values["id"]).values(**seen)).rowcount:
        connection.execute(sa.insert(devices).values(**seen))


# ---- what the steward does ---------------------------------------------------------------------------------


def alive_devices(connection: Connection, silence_ms: int) -> list[LoadedDevice]:
    """Devices that were seen within this time, in the order of their ids."""
    load = Counter(device for row in replicas_of(connection) for device in held_devices(row))
    query = sa.select(devices).where(devices.c.seen_at > now_ms() - silence_ms).order_by(devices.c.id)
    return [LoadedDevice(**asdict(row), load=load[row.id]) for row in fetch(connection, query, DeviceRow)]


def held_devices(replica: ReplicaRow) -> list[str]:
    """All devices that a replica holds, the one of its owner first; none while it waits."""
    return [] if replica.device is None else [replica.device, *(replica.others or ())]


def uuids_beside(connection: Connection, own: str, others: Sequence[str]) -> list[str]:
    """What ``CUDA_VISIBLE_DEVICES`` calls the GPUs of a replica: that of its owner, whose UUID is ``own``, and others.

    Raises ModelNotReady until all of them were seen lately, each as another GPU: after a restart of the machine their
    indices may mean other GPUs than before.
    """
    recent = devices.c.seen_at > now_ms() - ALIVE_MS
    rows = fetch(connection, sa.select(devices).where(devices.c.id.in_(others), recent), DeviceRow)
    known = {row.id: str(row.details["uuid"]) for row in rows}
    if missing := [name for name in others if not known.get(name)]:
        raise ModelNotReady(told(f"no worker has reported {' and '.join(missing)} lately", "unreported", names=missing))
    uuids = [own, *(known[name] for name in others)]
    if len({*uuids}) < len(uuids):
        text = "the GPUs have other indices than before, and not all of their workers have reported that"
        raise ModelNotReady(told(text, "gpus_renumbered"))
    return uuids


def pending(connection: Connection) -> list[PendingReplica]:
    """Replicas that wait for a device, by the priority of their instances, then oldest first."""
    return _to_be_placed(connection, replicas.c.state == ReplicaState.PENDING)


def asleep(connection: Connection, ids: Collection[str]) -> list[PendingReplica]:
    """Those of these replicas that are dormant, in the same order."""
    return _to_be_placed(connection, replicas.c.state == ReplicaState.DORMANT, replicas.c.id.in_(ids))


def _to_be_placed(connection: Connection, *which: sa.ColumnElement[bool]) -> list[PendingReplica]:
    wish = (instances.c.n_gpu, instances.c.gpu_idx, instances.c.engine, instances.c.need, instances.c.node)
    weights = (instances.c.source, instances.c.options, instances.c.replica_config)
    query = sa.select(replicas.c.id, replicas.c.uid, replicas.c.error, replicas.c.tried, *wish, *weights)
    query = query.join(instances, instances.c.uid == replicas.c.uid)
    order = (instances.c.priority, replicas.c.created_at, replicas.c.id)
    return fetch(connection, query.where(*which).order_by(*order), PendingReplica)


def place(
    connection: Connection, replica: str, device: str, others: Sequence[str] = (), reserved_bytes: int | None = None
) -> bool:
    """Give a waiting replica its device, and others beside it, with so many bytes of each.

    False if it does not wait any more.
    """
    waiting = (replicas.c.id == replica, replicas.c.state == ReplicaState.PENDING)
    values: dict[str, Any] = {"state": ReplicaState.ASSIGNED, "device": device, "others": list(others) or None}
    values |= {"stage": "", "progress": 0.0, "error": None, "reserved_bytes": reserved_bytes}
    if not connection.execute(sa.update(replicas).where(*waiting).values(**values)).rowcount:
        return False
    names = [device, *others]
    _tell_of(connection, replica, EventKind.PLACED, told(f"on {', '.join(names)}", "placed", names=names))
    return True


def hold_back(connection: Connection, replica: str, why: HeadraceError, *, tell: bool = True) -> None:
    """Record why a waiting replica has no device yet. ``tell``: as an event, too."""
    unplaced = (replicas.c.id == replica, replicas.c.state == ReplicaState.PENDING)
    values = {"stage": "waiting", "error": why.to_row()}
    if connection.execute(sa.update(replicas).where(*unplaced).values(**values)).rowcount and tell:
        _tell_of(connection, replica, EventKind.WAITING, why.told)


def _tell_of(connection: Connection, replica: str, kind: EventKind, text: str) -> None:
    """Record what the steward did with a replica."""
    uid = connection.execute(sa.select(replicas.c.uid).where(replicas.c.id == replica)).scalar_one()
    events.tell(connection, uid, kind, text, replica=replica, by="steward")


def lost_devices(connection: Connection, silence_ms: int) -> list[str]:
    """The devices that have replicas and that were not seen for this long. A failed replica holds nothing."""
    seen = set(connection.execute(sa.select(devices.c.id).where(devices.c.seen_at > now_ms() - silence_ms)).scalars())
    there = [row for row in replicas_of(connection) if row.state in (*HELD, ReplicaState.STOPPING)]
    return sorted({device for row in there for device in held_devices(row)} - seen)


def release(connection: Connection, lost: Collection[str]) -> int:
    """Take replicas off all their devices where one of these is lost; how many. They wait for devices again.

    Those that were being stopped by the worker of such a device are deleted.
    """
    mine = (replicas.c.device.in_(lost), replicas.c.state == ReplicaState.STOPPING)
    connection.execute(sa.delete(replicas).where(*mine))
    released = 0
    for row in replicas_of(connection):
        gone = sorted(set(lost).intersection(held_devices(row)))
        held = (replicas.c.id == row.id, replicas.c.state.in_(HELD))
        if gone and connection.execute(sa.update(replicas).where(*held).values(**UNPLACED)).rowcount:
            _tell_of(connection, row.id, EventKind.LOST, f"{', '.join(gone)} is lost; it waits for another device")
            released += 1
    return released


def unsee(connection: Connection, node: str, but: Collection[str]) -> None:
    """Record that the devices of a node are gone, except these: their replicas need not be waited for."""
    gone = (devices.c.node == node, devices.c.id.not_in(but))
    connection.execute(sa.update(devices).where(*gone).values(seen_at=0))


def hold_lease(connection: Connection, name: str, owner: str, ttl_ms: int) -> bool:
    """Take or renew the lease of this name; False while another owner holds it."""
    free = (leases.c.name == name, sa.or_(leases.c.owner == owner, leases.c.expires_at < now_ms()))
    values = {"owner": owner, "expires_at": now_ms() + ttl_ms}
    if connection.execute(sa.update(leases).where(*free).values(**values)).rowcount:
        return True
    if connection.execute(sa.select(leases.c.name).where(leases.c.name == name)).one_or_none():
        return False
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(leases).values(name=name, **values))
    except IntegrityError:
        return False
    return True


def drop_lease(connection: Connection, name: str, owner: str) -> None:
    """Give the lease back."""
    connection.execute(sa.delete(leases).where(leases.c.name == name, leases.c.owner == owner))
