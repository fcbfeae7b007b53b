"""The steward's look at what is loaded and what is asked for, and what it does about it once a second."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import cast

import redis
from sqlalchemy.engine import Connection

from models.redis import presence, waiting
from models.rows import instances
from models.rows.database import Database
from models.rows.records import InstanceRow, ReplicaRow
from models.rows.residency import demand, moves
from models.rows.states import Leaving, ReplicaState
from models.settings import Settings
from workers.steward.residency.idling import idle_replicas
from workers.steward.residency.residents import Demand, Resident, Terms

log = logging.getLogger(__name__)

RELOAD_S = 10.0
"""What a load is taken to last that was never measured."""

Seen = Mapping[str, presence.Replica]
"""The replicas that devices report, by id."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is loaded, what is agreed of the models, and what waits for them."""

    residents: Sequence[Resident]
    terms: Mapping[str, Terms]
    demands: Mapping[str, Demand]


class Residency:
    """Has models unloaded that nobody needs."""

    def __init__(self, settings: Settings, database: Database, client: redis.Redis) -> None:
        self._keep_alive_s = settings.keep_alive_s
        self._database = database
        self._client = client

    def turn(self) -> None:
        """Once. Raises SQLAlchemyError, RedisError and DatabaseUnavailable where one of them is away."""
        devices = self._database.call(instances.alive_devices, instances.ALIVE_MS)
        seen = self._seen([one.id for one in devices])
        waits = self._waits()
        for device in self._database.call(self._decide, seen, waits):
            self._client.publish(presence.device_channel(device), b"")

    def _seen(self, devices: Sequence[str]) -> Seen:
        """What the workers of these devices last reported."""
        if not devices:
            return {}
        bodies = self._client.mget([presence.device_key(one) for one in devices])
        snapshots = [presence.decode(body) for body in bodies if body]
        return {one.id: one for snapshot in snapshots for one in snapshot.replicas}

    def _waits(self) -> dict[str, Demand]:
        """The requests that wait at gateways, by model."""
        fields = cast(dict[str, str], self._client.hgetall(waiting.KEY))
        now = time.time()
        if gone := waiting.stale(fields, now):
            self._client.hdel(waiting.KEY, *gone)
        return {uid: Demand(len(since), max(now - since[0], 0.0)) for uid, since in waiting.merged(fields, now).items()}

    def _decide(self, connection: Connection, seen: Seen, waits: Mapping[str, Demand]) -> set[str]:
        """Ask those to leave that are to; the devices whose workers must know."""
        scene = self._scene(connection, seen, waits)
        wanted = {uid for uid, one in scene.demands.items() if one.count}
        idle = idle_replicas(scene.residents, scene.terms, wanted)
        for replica in idle:
            log.info("replica %s has been idle for long enough", replica)
        return moves.ask_to_leave(connection, dict.fromkeys(idle, Leaving.IF_IDLE))

    def _scene(self, connection: Connection, seen: Seen, waits: Mapping[str, Demand]) -> Scene:
        models = {row.uid: row for row in instances.listing(connection)}
        rows = instances.replicas_of(connection)
        found = [resident(row, models[row.uid], seen[row.id]) for row in rows if row.id in seen and row.uid in models]
        residents = [one for one in found if one is not None]
        demands = dict(waits)
        for uid, (count, oldest_s) in demand.waiting_jobs(connection).items():
            requests = demands.get(uid, Demand())
            demands[uid] = Demand(requests.count + count, max(requests.oldest_s, oldest_s))
        return Scene(residents, {uid: terms_of(row, self._keep_alive_s) for uid, row in models.items()}, demands)


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
        reload_s=RELOAD_S if model.load_s is None else model.load_s,
        leaving=row.leaving is not None,
    )


def terms_of(row: InstanceRow, keep_alive_s: float) -> Terms:
    """What is agreed of a model. ``keep_alive_s``: how long one stays that does not say it; below 0: for ever."""
    stays = keep_alive_s if row.keep_alive_s is None else row.keep_alive_s
    most = row.replica if row.max_replicas is None and row.min_replicas is not None else row.max_replicas
    return Terms(inf if stays < 0 else stays, row.pinned, row.min_replicas, most)
