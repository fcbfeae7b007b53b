"""The steward's look at what is loaded and what is asked for, and what it does about it once a second."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, cast

import redis
from sqlalchemy.engine import Connection

from models.ledger.placement.rooms import Reported, reported
from models.redis import presence, waiting
from models.rows import instances
from models.rows.database import Database
from models.rows.records import InstanceRow, LoadedDevice, ReplicaRow
from models.rows.residency import demand, moves
from models.rows.states import Leaving, ReplicaState
from models.settings import Settings
from workers.steward.fleet import fleet_for
from workers.steward.residency import in_vain
from workers.steward.residency.evicting import Rules
from workers.steward.residency.idling import idle_replicas
from workers.steward.residency.refilling import missed
from workers.steward.residency.residents import Demand, Resident, Terms
from workers.steward.residency.room import RELOAD_S, Asked, make_room
from workers.steward.residency.scaling import Copies, more

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scene:
    """What is loaded, what is agreed of the models, what waits for them, and how long their loads take."""

    models: Mapping[str, InstanceRow]
    rows: Sequence[ReplicaRow]
    residents: Sequence[Resident]
    terms: Mapping[str, Terms]
    demands: Mapping[str, Demand]

    @property
    def loads(self) -> dict[str, float]:
        """How many seconds the load of each model takes."""
        return {uid: _load_s(row) for uid, row in self.models.items()}


class Residency:
    """Has models unloaded that nobody needs, or for others; and more replicas loaded of those that have a queue."""

    def __init__(self, settings: Settings, database: Database, client: redis.Redis) -> None:
        self.demands: Mapping[str, Demand] = {}
        """What waited for each model at the last turn."""
        self.freeing: Mapping[str, frozenset[str]] = {}
        """The devices that were being made free then, by the replica that is to have them."""
        self._efforts: in_vain.Efforts = {}
        self._room_since: Mapping[str, float] = {}
        self._keep_alive_s = settings.keep_alive_s
        self._scale_up_s = settings.scale_up_s
        self._rules = Rules(settings.min_resident_s, settings.switch_wait_s)
        self._database = database
        self._client = client

    def turn(self) -> None:
        """Once. Raises SQLAlchemyError, RedisError and DatabaseUnavailable where one of them is away."""
        devices = self._database.call(instances.alive_devices, instances.ALIVE_MS)
        keys = [presence.device_key(one.id) for one in devices]
        reports = reported(cast(list[Any], self._client.mget(keys)) if keys else ())
        waits = self._waits()
        for device in self._database.call(self._decide, devices, reports, waits):
            self._client.publish(presence.device_channel(device), b"")

    def forget(self) -> None:
        """Nothing is known of what waits, and no device is being made free, until the next turn."""
        self.demands, self.freeing = {}, {}

    def _waits(self) -> dict[str, Demand]:
        """The requests that wait at gateways, by model."""
        fields = cast(dict[str, str], self._client.hgetall(waiting.KEY))
        now = waiting.clock(self._client.time())
        if gone := waiting.stale(fields, now):
            self._client.hdel(waiting.KEY, *gone)
        return {uid: Demand(len(since), max(now - since[0], 0.0)) for uid, since in waiting.merged(fields, now).items()}

    def _decide(
        self, connection: Connection, devices: Sequence[LoadedDevice], reports: Reported, waits: Mapping[str, Demand]
    ) -> set[str]:
        """Ask those to leave that are to, and those no more that need not; the devices whose workers must know."""
        scene = self._scene(connection, reports, waits)
        self.demands = scene.demands
        self._grow(connection, scene, reports)
        asked = self._room(connection, scene, devices, reports)
        self.freeing = asked.made_for
        self._bring_back(connection, scene, devices, reports)
        wanted = {uid for uid, one in scene.demands.items() if one.count}
        idle = idle_replicas(scene.residents, scene.terms, wanted)
        for replica in {*idle, *asked.leave}:
            log.info(
                "replica %s is to leave: %s", replica, "idle" if replica in idle else "another model needs its room"
            )
        told = moves.ask_to_leave(connection, dict.fromkeys(idle, Leaving.IF_IDLE) | asked.leave)
        needed = asked.going | asked.leave.keys()
        for row in scene.rows:
            if (
                row.leaving == Leaving.DRAINED
                and row.id not in needed
                and (device := moves.let_stay(connection, row.id))
            ):
                told.add(device)
        return told

    def _room(self, connection: Connection, scene: Scene, devices: Sequence[LoadedDevice], reports: Reported) -> Asked:
        """Who is asked to leave for those that wait for memory."""
        pending = instances.pending(connection)
        now = time.monotonic()
        ready = {row.id for row in scene.rows if row.state == ReplicaState.READY}
        efforts = in_vain.seen(self._efforts, {one.id for one in pending}, ready, now)
        for replica, one in efforts.items():
            if one.pauses > self._efforts[replica].pauses:
                log.info("replica %s: others left in vain, none does for %d s", replica, one.resting_until - now)
        self._efforts = efforts
        if not pending:
            return Asked()
        there = {one.uid for one in scene.residents}  # one more replica of these is no reason to interrupt others
        demands = {uid: one for uid, one in scene.demands.items() if uid not in there}
        fleet = fleet_for(connection, pending, devices, scene.rows, reports)
        spared = in_vain.spared(efforts, ready, now)
        asked = make_room(pending, fleet, scene.residents, scene.terms, demands, scene.loads, self._rules, spared)
        self._efforts = in_vain.asking(efforts, asked.by)
        return asked

    def _grow(self, connection: Connection, scene: Scene, reports: Reported) -> None:
        """Have more replicas loaded of the models that have a queue."""
        for uid, terms in scene.terms.items():
            mine = [row for row in scene.rows if row.uid == uid]
            dormant = [row.id for row in mine if row.state == ReplicaState.DORMANT]
            queued = tuple(reports.replicas[one.id].queued_s for one in scene.residents if one.uid == uid)
            loading = sum(row.state in instances.ACTIVE for row in mine) - len(queued)
            failed = sum(row.state == ReplicaState.FAILED for row in mine)
            copies = Copies(len(dormant), loading, queued, failed)
            count = more(copies, terms, scene.demands.get(uid, Demand()), self._scale_up_s)
            if count:
                log.info("model %s: %d more replicas are loaded", uid, count)
                instances.wake(connection, dormant[:count])

    def _bring_back(
        self, connection: Connection, scene: Scene, devices: Sequence[LoadedDevice], reports: Reported
    ) -> None:
        """Have replicas loaded that have left for another model, once there was room for a while without a break.

        Not where others wait for room. The pause keeps them from coming between two turns of those that they left for.
        """
        ids = missed(scene.rows, scene.terms)
        if not ids:
            self._room_since = {}
            return
        waiting, away = instances.pending(connection), instances.asleep(connection, ids)
        fleet = fleet_for(connection, [*waiting, *away], devices, scene.rows, reports)
        claimed: set[str] = set()
        for one in waiting:
            decision = fleet.decide(one)
            fleet.take(one, decision)
            claimed.update(short.room.device for short in decision.short)
        now = time.monotonic()
        since: dict[str, float] = {}
        for one in away:
            if (decision := fleet.decide(one, claimed)).placed.devices:
                fleet.take(one, decision)
                since[one.id] = self._room_since.get(one.id, now)
        self._room_since = since
        due = [one for one, at in since.items() if now - at >= self._scale_up_s]
        if due:
            log.info("replicas %s are loaded again, as there is room", ", ".join(due))
            instances.wake(connection, due)

    def _scene(self, connection: Connection, reports: Reported, waits: Mapping[str, Demand]) -> Scene:
        models = {row.uid: row for row in instances.listing(connection)}
        rows = instances.replicas_of(connection)
        seen = reports.replicas
        found = [resident(row, models[row.uid], seen[row.id]) for row in rows if row.id in seen and row.uid in models]
        demands = dict(waits)
        for uid, (count, oldest_s) in demand.waiting_jobs(connection).items():
            requests = demands.get(uid, Demand())
            demands[uid] = Demand(requests.count + count, max(requests.oldest_s, oldest_s))
        terms = {uid: terms_of(row, rows, self._keep_alive_s) for uid, row in models.items()}
        return Scene(models, rows, [one for one in found if one is not None], terms, demands)


def _load_s(row: InstanceRow) -> float:
    return RELOAD_S if row.load_s is None else row.load_s


def resident(row: ReplicaRow, model: InstanceRow, seen: presence.Replica) -> Resident | None:
    """A replica that its row and its device both have as ready; else None."""
    if row.state != ReplicaState.READY or seen.state != ReplicaState.READY:
        return None
    return Resident(
        row.id,
        row.uid,
        tuple(instances.held_devices(row)),
        row.memory_bytes or 0,
        busy=seen.inflight > 0 or seen.idle_s <= 0,
        idle_s=seen.idle_s,
        resident_s=seen.resident_s,
        reload_s=_load_s(model),
        leaving=row.leaving is not None,
    )


def terms_of(row: InstanceRow, rows: Sequence[ReplicaRow], keep_alive_s: float) -> Terms:
    """What is agreed of a model. ``keep_alive_s``: how long one stays that does not say it; below 0: for ever."""
    stays = keep_alive_s if row.keep_alive_s is None else row.keep_alive_s
    most = row.replica if row.max_replicas is None and row.min_replicas is not None else row.max_replicas
    active = sum(one.uid == row.uid and one.state == ReplicaState.READY and one.leaving is None for one in rows)
    return Terms(inf if stays < 0 else stays, row.pinned, row.min_replicas, most, active)
