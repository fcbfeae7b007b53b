"""Which models exist, read from the database at most once a second, however many requests ask."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from models.errors import DatabaseUnavailable, HeadraceError
from models.launching.about import serves
from models.modalities.videos.limits import VideoGrid, VideoLimits, VideoMode, read_grid, read_limits, read_modes
from models.rows import instances
from models.rows.database import Database
from models.rows.records import ReplicaRow
from models.rows.states import ReplicaState

IDLE = {ReplicaState.DORMANT, ReplicaState.FAILED}
"""Replicas in these states are not about to be loaded: no request waits for them."""
FRESH_S = 1.0


@dataclass(frozen=True, slots=True)
class KnownModel:
    """What a request must know of an instance. ``failed``: why none of its replicas will be ready, else empty."""

    uid: str
    failed: str
    engine: str = ""
    model_type: str = ""
    abilities: tuple[str, ...] = ()
    """What it can do, in Xinference's words, as far as its files say so."""
    limits: VideoLimits | None = None
    """Of a model of videos, once it was loaded: what it can make."""
    video_modes: tuple[VideoMode, ...] = ()
    """Of a model of videos, loaded or not: what it makes them from; empty where its files do not say."""
    video_grid: VideoGrid | None = None
    """Of a model of videos, loaded or not: in which sizes and lengths; None where its files do not say."""
    asleep: bool = False
    """Whether it is not loaded, as no request has come yet, or none for long."""
    waits: str = ""
    """Why no replica has a device yet; empty where one has."""
    hopeless: bool = False
    """Whether it waits, and no device that is here will ever do: nothing is loading."""
    goes_on: bool = False
    """Whether a device loads it, or it waits for room and models leave: both end by themselves, however slow."""
    load_s: float | None = None
    """What its last load took."""
    bytes: int | None = None
    """What a replica of it held when it was last loaded; None where that is not known."""
    loads: tuple[tuple[str, float], ...] = ()
    """How far the load of each replica is: its stage, and the fraction of it that is done."""


class KnownModels:
    """All instances, by uid."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, KnownModel] = {}
        self._read_at = float("-inf")
        self._refused_until = float("-inf")
        self._lock = asyncio.Lock()

    async def find(self, uid: str) -> KnownModel | None:
        """The instance of this uid as it was at most a second ago; None: there is none. Raises DatabaseUnavailable."""
        return (await self._fresh()).get(uid)

    async def serving(self, modality: str) -> list[KnownModel]:
        """The instances that serve this modality, oldest first."""
        return [one for one in (await self._fresh()).values() if modality in serves(one.engine, one.model_type)]

    @property
    def paces(self) -> list[float]:
        """How many seconds a byte the loads of the models that are here have taken."""
        return [one.load_s / one.bytes for one in self._known.values() if one.load_s is not None and one.bytes]

    async def _fresh(self) -> dict[str, KnownModel]:
        clock = asyncio.get_running_loop().time
        async with self._lock:
            if clock() < self._refused_until:
                raise DatabaseUnavailable(retry_after=2)
            if clock() - self._read_at > FRESH_S:
                try:
                    self._known = await self._database.look(_read)
                except DatabaseUnavailable:
                    self._refused_until = clock() + FRESH_S  # those who wait for the lock need not wait as long each
                    raise
                self._read_at = clock()
        return self._known

    async def awaken(self, uid: str) -> None:
        """Have a dormant model loaded. The steward does so within a second."""
        await self._database.run(instances.awaken, [uid])
        self.forget()

    def forget(self) -> None:
        """Have the next call read the database."""
        self._read_at = float("-inf")


def _read(connection: Connection) -> dict[str, KnownModel]:
    failures: dict[str, list[str | None]] = {}
    states: dict[str, set[str]] = {}
    waits: dict[str, str] = {}
    hopeless = instances.hopeless(connection)
    ended: set[str] = set()
    loads: dict[str, list[tuple[str, float]]] = {}
    replicas = instances.replicas_of(connection)
    held = {row.uid: row.memory_bytes for row in replicas if row.memory_bytes}
    going_on = _going_on(replicas)
    for row in replicas:
        states.setdefault(row.uid, set()).add(row.state)
        loads.setdefault(row.uid, []).append((row.stage, row.progress))
        failed = row.state == ReplicaState.FAILED
        if row.state == ReplicaState.PENDING and row.error:
            waits[row.uid] = HeadraceError.from_row(row.error).message
            if row.id in hopeless:
                ended.add(row.uid)
        failures.setdefault(row.uid, []).append(HeadraceError.from_row(row.error).message if failed else None)
    known = {}
    for instance in instances.listing(connection):
        errors = failures.get(instance.uid, [])
        its = states.get(instance.uid, set())
        asleep = ReplicaState.DORMANT in its and its.isdisjoint(instances.ACTIVE)
        reasons = sorted({error for error in errors if error is not None})
        why = "" if not errors or None in errors else "; ".join(reasons)
        waiting = waits.get(instance.uid, "") if its - IDLE == {ReplicaState.PENDING} else ""
        far = tuple(loads.get(instance.uid, ()))
        known[instance.uid] = KnownModel(
            instance.uid,
            why,
            instance.engine,
            instance.model_type,
            tuple((instance.about or {}).get("abilities") or ()),
            limits=read_limits(instance.about),
            video_modes=read_modes(instance.about),
            video_grid=read_grid(instance.about),
            asleep=asleep,
            waits=waiting,
            hopeless=bool(waiting) and instance.uid in ended,
            loads=far,
            goes_on=instance.uid in going_on,
            load_s=instance.load_s,
            bytes=held.get(instance.uid),
        )
    return known


def _going_on(replicas: Sequence[ReplicaRow]) -> set[str]:
    """The models that devices load, and those that wait for one while others leave."""
    room = any(row.state == ReplicaState.READY and row.leaving is not None for row in replicas)
    its = (ReplicaState.ASSIGNED, ReplicaState.LOADING, *((ReplicaState.PENDING,) if room else ()))
    return {row.uid for row in replicas if row.state in its}
