"""The owner of one device: it keeps the runners that the database asks for, and hands requests to them.

One thread, alive as long as the process, reconciles rows with runners and starts every runner (the kernel's
death signal follows the thread that started a process). Celery's threads only call ``serve``.
"""

import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import ExitStack, suppress
from functools import partial

import redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from models.errors import (
    DatabaseUnavailable,
    HubUnreachable,
    ModelNotReady,
    ReplicaLost,
    ShuttingDown,
    Unavailable,
)
from models.launching import hub
from models.launching.devices import Device
from models.redis import presence
from models.rows import instances
from models.rows.database import Database
from models.rows.records import ReplicaRow
from models.rows.residency import moves
from models.rows.states import ReplicaState
from models.settings import Settings
from workers.device.claimer import Claimer
from workers.device.memory import DeviceMemory
from workers.device.probing import Probing
from workers.device.replicas.leaving import Leaving
from workers.device.replicas.lost_requests import LostRequests
from workers.device.replicas.reports import Reports
from workers.device.residency import Act, Deaths, after_death, plan
from workers.device.runner_process import Phase, RunnerProcess
from workers.device.sighting import Sighting
from workers.device.staying.departures import Departures
from workers.device.staying.presences import Presences
from workers.device.turns import Turns
from workers.protocol import Load, Submit
from workers.runner_logs import RunnerLogs
from workers.wakeups import in_background

log = logging.getLogger(__name__)

LEAVING_LOOK_S = 0.1
"""How often it is looked whether a replica that leaves has still something to do."""

ClaimerOf = Callable[[str, str, Callable[[], Iterable[RunnerProcess]]], Claimer]
"""Makes the claimer of a device: its id, its worker's, and what lists its runners."""


class DeviceHost:
    """All replicas of one device."""

    def __init__(
        self,
        settings: Settings,
        device: Device,
        database: Database,
        client: redis.Redis,
        stream_client: redis.Redis,
        *,
        claimer: ClaimerOf,
        probing: Probing,
    ) -> None:
        self.id = f"{settings.node}.{device.name}"
        self.worker = uuid.uuid4().hex
        self.changed = threading.Event()
        self._settings = settings
        self._device = device
        self._database = database
        self._client = client
        self._lost_requests = LostRequests(self.worker, client, stream_client)
        self._probing = probing
        self.logs = RunnerLogs(stream_client)
        self._sighting = Sighting(settings.node, device, database, settings.home, probing)
        self._memory = DeviceMemory(device)
        self._turns = Turns(settings.home / "turns")
        self._turn_of_probes = self._hold([] if device.kind == "cpu" else [device.uuid])
        self._runners: dict[str, RunnerProcess] = {}
        self._deaths: dict[str, Deaths] = {}
        self._news: queue.SimpleQueue[RunnerProcess] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self.draining = False
        self._serial = 0
        self._thread: threading.Thread | None = None
        self.claimer = claimer(self.id, self.worker, lambda: list(self._runners.values()))
        self._reports = Reports(database, self.id)
        self._leaving = Leaving(self._memory, self._is_busy, settings.request_timeout_s)
        self._departures = Departures(self.id, database, client, self.claimer.settled)
        self._presences = Presences(self._memory_bytes, self._is_busy)

    def start(self) -> None:
        """Begin to reconcile."""
        self._thread = in_background(self._run)
        self.claimer.start()

    def wake(self) -> None:
        """The rows may have changed."""
        self._wake.set()
        self.claimer.ring()

    # ---- requests ------------------------------------------------------------------------------------------

    def serve(self, epoch: str, submit: Submit) -> None:
        """Hand a request to the runner of this epoch and wait until it is over."""
        runner = next((one for one in self._runners.values() if one.epoch == epoch), None)
        try:
            if runner is None:
                raise ReplicaLost("the replica is not on this device any more")
            future = runner.submit(submit)
        except ReplicaLost as error:
            self._lost_requests.publish([submit], error)
            return
        try:
            future.result(timeout=max(submit.deadline / 1000 - time.time(), 0) + 10)
        except FutureTimeout:
            log.warning("request %s outlived its deadline in the runner", submit.rid)
        except ReplicaLost:
            log.info("request %s was lost with its runner", submit.rid)

    # ---- presence ------------------------------------------------------------------------------------------

    def snapshot(self) -> presence.Snapshot:
        """The device as it is now."""
        self._serial += 1
        found = self._presences.of(list(self._runners.values()))
        memory = self._memory.read(sum(one.memory_bytes for one in found))
        sizes, busy = (memory.total_bytes, memory.free_bytes), self._memory.utilization
        return presence.Snapshot(self.id, self.worker, self._serial, found, self.draining, *sizes, busy)

    def _memory_bytes(self, runner: RunnerProcess) -> int:
        """What a runner holds of the device's memory; 0 where that is not known."""
        if self._device.kind == "cpu":
            return runner.stats.memory_bytes
        return self._memory.of(runner.pid, runner.visible) or 0

    @property
    def inflight(self) -> int:
        """Requests that the runners hold."""
        return sum(runner.inflight for runner in list(self._runners.values()))

    # ---- reconciling ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._hear_news()
                self._reconcile()
                self._rest()
            except (SQLAlchemyError, DatabaseUnavailable, OSError) as error:
                log.warning("cannot reconcile, trying again: %s", error)
                self._wake.wait(1)
            self._wake.clear()
        for runner in list(self._runners.values()):
            runner.stop()

    def _rest(self) -> None:
        """Wait for a second, or for news; meanwhile it is looked whether those that leave are still busy."""
        over = time.monotonic() + 1
        while (left_s := over - time.monotonic()) > 0:
            leaving = bool(self._departures.epochs)
            if self._wake.wait(min(left_s, LEAVING_LOOK_S) if leaving else left_s):
                return
            if leaving:
                self._let_go(self._departures.gone_meanwhile(dict(self._runners)))

    def _let_go(self, gone: Iterable[str]) -> None:
        """Stop the runners of replicas that are dormant now."""
        before = set(self._departures.epochs)
        for replica in gone:
            self._stop(replica)
            self._tell_steward()
        if before != self._departures.epochs:
            self.changed.set()

    def _reconcile(self) -> None:
        now = time.monotonic()
        self._sighting.renew(self._memory.fault, now)
        rows = {row.id: row for row in self._database.read(instances.of_device, self.id)}
        gone = list(self._departures.gone(rows.values(), dict(self._runners)))
        self._let_go(gone)
        rows = {name: row for name, row in rows.items() if name not in gone}
        wanted = self._leaving.wanted(rows, self._runners, now)
        order = {name: row.priority for name, row in rows.items()}
        for act, replica in plan(wanted, set(self._runners), self._deaths, now, order, self._loading()):
            match act:
                case Act.START if not self.draining:
                    self._start(rows[replica])
                case Act.STOP:
                    self._stop(replica)
                case Act.FORGET if (kept := self._leaving.kept(replica)) is not None:
                    self._reports.gone(replica, kept)
        for replica, runner in self._runners.items():
            if runner.phase is Phase.LOADING:
                self._reports.loading(replica, runner)
                self._limit_load(runner)
            elif runner.phase is Phase.READY and rows.get(replica) and rows[replica].state == ReplicaState.READY:
                self._reports.takes(replica, runner, self._memory_bytes(runner))
        self._give_a_turn()

    def _loading(self) -> set[str]:
        """The replicas that load now; a download keeps nobody waiting."""
        return {
            name
            for name, one in self._runners.items()
            if one.phase is Phase.LOADING and one.stage not in ("downloading", "waiting")
        }

    def _is_busy(self, runner: RunnerProcess) -> bool:
        return bool(runner.inflight) or self.claimer.busy(runner)

    def _hold(self, uuids: Sequence[str]) -> ExitStack:
        """Take the turn at these GPUs, where it is free: what measures their free memory is to wait.

        Other workers wait too: for a probe that has opened a GPU, and for a runner that ends.
        """
        with suppress(OSError):  # a load will say so
            return self._turns.take(uuids) or ExitStack()
        return ExitStack()

    def _give_a_turn(self) -> None:
        """Let one runner load at a time, so that each finds the memory that it measures; the oldest goes first."""
        if not self._probing.over.is_set():
            return
        self._turn_of_probes.close()
        loading = [runner for runner in self._runners.values() if runner.phase is Phase.LOADING]
        for runner in loading:
            if runner.fetched and not runner.begun and self._memory.is_back(runner.visible):
                self._begin(runner)

    def _begin(self, runner: RunnerProcess) -> None:
        try:
            turn = self._turns.take(runner.visible)
        except OSError as error:
            runner.give_up(Unavailable(f"loads cannot take turns: {error}"), permanent=True)
            return
        if turn is not None:
            runner.begin(turn)

    def _start(self, row: ReplicaRow) -> None:
        instance = self._database.call(instances.get, row.uid)
        if instance is None:
            return  # it was terminated in this moment
        try:
            uuids = self._uuids(row)
        except ModelNotReady as why:
            self._reports.postponed(row, why)
            return
        interpreter = self._settings.interpreter(instance.engine)
        load = Load(
            replica=row.id,
            epoch=uuid.uuid4().hex,
            uid=row.uid,
            engine=instance.engine,
            device="cuda:0" if self._device.kind == "cuda" else self._device.kind,  # the only one it sees
            slots_redis_url="" if self._settings.shares_redis else self._settings.redis_url,
            stream_redis_url=self._settings.stream_redis,
            source=hub.outside(instance.source) if interpreter else instance.source,
            cache=str(self._settings.home / "models"),
            options=instance.options,
            trust_remote_code=instance.trust_remote_code,
            store=self._settings.artifacts,
            gpus=len(uuids),
            takes_turns=bool(uuids),
            outbound_allow=self._settings.outbound_allow,
            model_type=instance.model_type,
            reserved_bytes=row.reserved_bytes or 0,
        )
        runner = RunnerProcess(
            load,
            interpreter=interpreter,
            visible=uuids,
            compiled=self._settings.home / "compiled",
            envs=instance.envs or {},
            on_change=self._on_change,
            on_job=self.claimer.hear,
            on_line=partial(self.logs.take, row.uid, row.id),
        )
        runner.limit = instance.request_limits
        self._runners[row.id] = runner
        log.info("replica %s: runner %s started", row.id, runner.pid)
        self._reports.started(row, runner.pid)
        self.changed.set()

    def _uuids(self, row: ReplicaRow) -> list[str]:
        """The GPUs of a replica, this device's first; none on a CPU. Raises ModelNotReady where others are unknown."""
        if self._device.kind == "cpu":
            return []
        return self._database.call(instances.uuids_beside, self._device.uuid, row.others or ())

    def _stop(self, replica: str) -> None:
        runner = self._runners[replica]
        self.changed.set()
        with self._hold(runner.visible):
            runner.stop()
        self._lost_requests.publish(runner.abandoned(), ReplicaLost("the model was unloaded"))
        self._runners.pop(replica, None)
        self._deaths.pop(replica, None)
        self._reports.ended(replica)
        self._leaving.ended(replica, runner)
        log.info("replica %s: unloaded", replica)
        self._wake.set()  # its row can be forgotten now

    def _tell_steward(self) -> None:
        with suppress(RedisError):  # it looks once a second all the same
            self._client.publish(presence.STEWARD, b"")

    def _limit_load(self, runner: RunnerProcess) -> None:
        if why := runner.clock.overdue(self._settings.load_timeout_s, time.monotonic()):
            runner.give_up(ReplicaLost(why), permanent=False)

    def _on_change(self, runner: RunnerProcess) -> None:
        """Called from a runner's reader thread: clients first, the database from the device's own thread."""
        if runner.phase is Phase.GONE:
            self._lost_requests.publish(runner.abandoned(), runner.exit_reason)
            self.claimer.hear(runner)
        elif runner.phase is Phase.READY:
            self.claimer.ring()
        self._news.put(runner)
        self.changed.set()
        self._wake.set()

    def _hear_news(self) -> None:
        while not self._news.empty():
            runner = self._news.get()
            try:
                self._record(runner)
            except (SQLAlchemyError, DatabaseUnavailable):
                self._news.put(runner)  # its row must learn of it, when the database is back
                raise

    def _record(self, runner: RunnerProcess) -> None:
        replica = runner.load.replica
        if self._runners.get(replica) is not runner:
            return
        if runner.phase is Phase.READY and runner.ready is not None:
            held = runner.memory_bytes if self._device.kind == "cpu" else self._memory_bytes(runner)
            self._database.call(moves.took, runner.load.uid, (runner.ready_at or 0.0) - runner.clock.since)
            self._reports.ready(replica, runner, held or None)
            log.info("replica %s: ready after %.1f s", replica, time.monotonic() - runner.started_at)
        elif runner.phase is Phase.GONE:
            self._bury(replica, runner)

    def _bury(self, replica: str, runner: RunnerProcess) -> None:
        if self.draining:
            del self._runners[replica]
            return
        now = time.monotonic()
        deaths = self._deaths.setdefault(replica, Deaths())
        served = None if runner.ready_at is None else now - runner.ready_at
        permanent = runner.failed is not None and runner.failed.permanent
        unreachable = isinstance(runner.exit_reason, HubUnreachable)
        again = after_death(deaths, served_s=served, permanent=permanent, now=now, unreachable=unreachable)
        if again:
            self._reports.died(replica, runner.exit_reason, served=served is not None)
        else:
            self._reports.failed(replica, runner)
            del self._deaths[replica]  # when the steward has it tried again, it is a new load
        self._reports.ended(replica)
        del self._runners[replica]

    # ---- the end -------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Take nothing new; give what runs ``drain_s`` to finish, then end it: jobs go back to their queue.

        Returns when nothing is in flight.
        """
        self.draining = self.claimer.draining = True
        self.changed.set()
        over = time.monotonic() + self._settings.drain_s
        while (self.inflight or self.claimer.held) and time.monotonic() < over:
            time.sleep(0.05)
        self.claimer.close()
        for runner in list(self._runners.values()):
            runner.drain(ShuttingDown().to_wire())

    def close(self) -> None:
        """Stop all runners; waits until they are gone."""
        self.claimer.close()
        self._closing.set()
        self._wake.set()
        if self._thread:
            self._thread.join()
        self._memory.close()
