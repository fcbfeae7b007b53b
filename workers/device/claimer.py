"""The worker's hand on the durable path: it claims jobs for replicas with room, and finishes them under their fence.

One thread does it all, turn by turn, each turn one transaction: end what came to its end, renew leases, claim what
there is room for. It is woken by doorbells, by runners and by cancels, and looks once a second without any.
"""

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

import redis
from redis.exceptions import RedisError
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from models.errors import HeadraceError, InvalidRequest, ReplicaLost, Unavailable
from models.redis import job_states
from models.rows import claims, responses
from models.rows.database import Database
from models.rows.outbox import notify
from models.rows.records import JobRow, LeasedJob
from models.rows.states import JobState
from models.storage.artifacts import Store
from workers.device.fairness import Busyness, Shares, room, worst_normal
from workers.device.runner_process import Phase, RunnerProcess
from workers.protocol import DoJob, JobEnded, JobProgress

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
NO_RANK = 1 << 62
STOPPED_CLAIMING = 72
"""Exit code of a worker whose claimer has failed: it would look alive to everybody else."""
MOST_A_TURN = 64
"""Jobs claimed in one transaction: its locks stay short."""


@dataclass(slots=True)
class Claim:
    """A job that this worker holds."""

    runner: RunnerProcess
    fence: int
    low: bool
    cancelled: bool = False


@dataclass(slots=True)
class Transaction:
    """What one transaction did, to be acted on once it is committed."""

    ended: list[claims.Done]
    moved: list[JobRow] = field(default_factory=list)
    landed: set[tuple[str, int]] = field(default_factory=set)
    claimed: list[tuple[RunnerProcess, JobRow]] = field(default_factory=list)
    held: dict[str, LeasedJob] | None = None
    recorded: bool = False
    renewed: bool = False


class Claimer:
    """All jobs of one device. ``lease``: whose they are, where they run, and for how long unless it is renewed."""

    def __init__(
        self,
        lease: claims.Lease,
        database: Database,
        store: Store,
        client: redis.Redis,
        runners: Callable[[], Iterable[RunnerProcess]],
        response_retention_s: float,
    ) -> None:
        self.draining = False
        self._lease = lease
        self._database = database
        self._store = store
        self._client = client
        self._runners = runners
        self._retention_ms = int(response_retention_s * 1000)
        self._news: queue.SimpleQueue[JobEnded | JobProgress | RunnerProcess] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._over = threading.Event()
        self._turn = threading.Lock()
        self._claims: dict[str, Claim] = {}
        self._ended: list[claims.Done] = []
        self._fractions: dict[tuple[str, int], float] = {}
        self._shares: dict[str, Shares] = {}
        self._renewed_at = self._recorded_at = float("-inf")
        self._look = True
        self._thread = threading.Thread(target=self._run, name="claimer")

    def start(self) -> None:
        """Begin to claim."""
        self._thread.start()

    def ring(self) -> None:
        """There may be something to claim, or to cancel."""
        self._look = True  # only the claimer's thread takes it back, before it looks
        self._wake.set()

    def hear(self, news: JobEnded | JobProgress | RunnerProcess) -> None:
        """What a runner says of its jobs; or a runner that is gone. From any thread."""
        self._news.put(news)
        if not isinstance(news, JobProgress):
            self._wake.set()

    @property
    def held(self) -> int:
        """Jobs that this worker holds."""
        return len(self._claims)

    def busy(self, runner: RunnerProcess) -> bool:
        """Whether a runner has jobs of ours."""
        return any(one.runner is runner for one in list(self._claims.values()))

    def settled(self, runner: RunnerProcess) -> bool:
        """Whether a runner has no jobs. Waits for a turn that goes on: later ones see what was changed before."""
        with self._turn:
            return not self.busy(runner)

    def close(self) -> None:
        """End; whatever is still held is given back, and the attempt is not counted."""
        self._over.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    # ---- turns ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._serve()
        finally:
            if not self._over.is_set():
                log.critical("jobs are not claimed any more: ending, to be started anew", exc_info=True)
                logging.shutdown()
                os._exit(STOPPED_CLAIMING)
        try:
            self._hear_all()
            self._publish_moved(self._database.call(self._give_back))
        except (SQLAlchemyError, HeadraceError) as error:
            log.warning("cannot give jobs back, their leases will lapse: %s", error)

    def _serve(self) -> None:
        while not self._over.is_set():
            self._wake.wait(LOOK_EVERY_S)
            self._wake.clear()
            try:
                while self._transact_once() and not self._over.is_set():
                    pass
            except (SQLAlchemyError, HeadraceError) as error:
                log.warning("cannot move jobs, trying again: %s", error)
                self._renewed_at = float("-inf")  # leases may be about to lapse, and claims made that we do not know of
                self._over.wait(0.5)
                self._wake.set()

    def _give_back(self, connection: Connection) -> list[JobRow]:
        return self._finish(connection, self._ended) + self._release(connection, ())

    def _release(self, connection: Connection, keep: Collection[str]) -> list[JobRow]:
        """Give back what we hold, but for these. Of a claim we do not know if the answer to its commit was lost."""
        back = claims.release(connection, self._lease.owner, keep)
        notify(connection, back)
        return back

    def _finish(self, connection: Connection, ended: list[claims.Done]) -> list[JobRow]:
        """End attempts, and write what follows from it; the rows moved."""
        moved = claims.finish(connection, ended)
        notify(connection, moved)
        responses.keep_done(connection, moved, {one.id: one.body for one in ended}, self._retention_ms)
        return moved

    def _transact_once(self) -> bool:
        """One transaction and what follows from it; True if another may find more."""
        self._hear_all()
        if look := self._look:
            self._look = False
        now = time.monotonic()
        look = look or now - self._renewed_at > LOOK_EVERY_S
        if not look and not self._ended:
            return False
        with self._turn:
            transaction = self._database.call(self._transact, list(self._ended), now)
            self._after(transaction, now)
        if transaction.claimed:
            self._look = True
        return self._look

    def _transact(self, connection: Connection, ended: list[claims.Done], now: float) -> Transaction:
        transaction = Transaction(ended)
        if transaction.ended:
            transaction.moved = self._finish(connection, transaction.ended)
            if len(transaction.moved) < len(transaction.ended):
                transaction.landed = claims.with_result(connection, transaction.ended)
        if self._fractions and now - self._recorded_at > LOOK_EVERY_S:
            claims.progress(connection, self._fractions)
            transaction.recorded = True
        if now - self._renewed_at > min(self._lease.ms / 4000, 5.0):
            transaction.held = claims.renew(connection, self._lease.owner, self._lease.ms)
            transaction.renewed = True
        elif self._claims:
            transaction.held = claims.leased(connection, self._lease.owner)
        if transaction.held and not transaction.held.keys() <= self._claims.keys():
            transaction.moved += self._release(connection, self._claims)
        if not self.draining:
            self._claim(connection, transaction)
        return transaction

    def _claim(self, connection: Connection, transaction: Transaction) -> None:
        over = {one.id for one in transaction.ended}
        left = MOST_A_TURN
        for runner in self._runners():
            if runner.phase is not Phase.READY or runner.ready is None or runner.leaving or left <= 0:
                continue
            mine = [one for job, one in self._claims.items() if one.runner is runner and job not in over]
            free, low = room(self._load(runner, mine))
            free = min(free, left)
            if free > 0:
                left -= self._claim_for(connection, transaction, runner, free, low)

    def _load(self, runner: RunnerProcess, mine: list[Claim]) -> Busyness:
        ready = runner.ready
        assert ready is not None
        low = sum(one.low for one in mine)
        capacity = min(ready.max_inflight, runner.limit or ready.max_inflight)
        return Busyness(capacity, runner.inflight, len(mine), low, runner.idle_s, shared=runner.shared)

    def _claim_for(
        self, connection: Connection, transaction: Transaction, runner: RunnerProcess, free: int, low: int
    ) -> int:
        """Claim for one replica, the keys taking turns; how many."""
        uid, now = runner.load.uid, int(time.time() * 1000)
        heads = claims.heads(connection, uid)
        shares = self._shares.setdefault(uid, Shares())
        begun = 0
        while heads and begun < free:
            key = shares.order(heads, now)[0]
            normal = heads[key] <= worst_normal(now)
            most = free - begun if len(heads) == 1 else 1
            if not normal:
                most = min(most, low)
            if most <= 0:
                break  # those that come after it are low ones too
            worst = worst_normal(now) if normal else NO_RANK
            rows = claims.claim(connection, uid, key, most, worst, self._lease)
            transaction.claimed += [(runner, row) for row in rows]
            shares.served(key, len(rows))
            begun += len(rows)
            if not normal:
                low -= len(rows)
            if len(rows) < most and normal:
                heads[key] = NO_RANK  # what it has left are low ones, if any
            elif len(rows) < most:
                del heads[key]
        return begun

    # ---- after the commit ----------------------------------------------------------------------------------

    def _after(self, transaction: Transaction, now: float) -> None:
        self._ended = self._ended[len(transaction.ended) :]
        if transaction.recorded:
            self._fractions, self._recorded_at = {}, now
        if transaction.renewed:
            self._renewed_at = now
        moved = {row.id for row in transaction.moved}
        for done in transaction.ended:
            claim = self._claims.get(done.id)
            if claim is not None and claim.fence == done.fence:
                del self._claims[done.id]
            if done.id not in moved:
                log.info("job %s: attempt %d had lost its lease", done.id, done.fence)
        self._discard(transaction)
        self._obey(transaction)
        for runner, row in transaction.claimed:
            low = row.rank > worst_normal(int(time.time() * 1000))
            self._claims[row.id] = Claim(runner, row.fence, low)
            order = DoJob(row.id, row.fence, row.kind, row.deadline or 0, row.request, row.files)
            error: HeadraceError | None
            try:
                error = None if runner.start_job(order) else ReplicaLost()
            except (OverflowError, TypeError) as fault:
                error = InvalidRequest(f"the request cannot be handed over: {fault}")
            if error is not None:
                self.hear(JobEnded(row.id, row.fence, error=error.to_wire()))
        self._publish_moved([*transaction.moved, *(row for _, row in transaction.claimed)])

    def _discard(self, transaction: Transaction) -> None:
        """Delete what attempts made whose end did not count."""
        kept = {
            (row.id, row.fence) for row in transaction.moved if row.state == JobState.SUCCEEDED
        } | transaction.landed
        for done in transaction.ended:
            if done.body and done.body["artifacts"] and (done.id, done.fence) not in kept:
                try:
                    self._store.delete_prefix(f"jobs/{done.id}/{done.fence}/")
                except HeadraceError as error:
                    log.info("job %s: its artifacts are left to the sweep: %s", done.id, error)

    def _obey(self, transaction: Transaction) -> None:
        """Stop what was cancelled, and what is not ours any more."""
        if transaction.held is None:
            return
        over = {one.id for one in transaction.ended}
        for job, claim in list(self._claims.items()):
            row = transaction.held.get(job)
            ours = row is not None and row.fence == claim.fence and not row.cancel_requested
            if job not in over and not ours and not claim.cancelled:
                claim.cancelled = True
                claim.runner.cancel_job(job, claim.fence)

    def _publish_moved(self, rows: Iterable[JobRow]) -> None:
        """Tell those who watch. The rows have it all: a failure costs them a second."""
        try:
            pipeline = self._client.pipeline(transaction=False)
            for row in rows:
                job_states.publish_moved(pipeline, row)
            pipeline.execute()
        except RedisError as error:
            log.info("cannot tell of jobs: %s", error)

    # ---- hearing -------------------------------------------------------------------------------------------

    def _hear_all(self) -> None:
        while not self._news.empty():
            news = self._news.get()
            match news:
                case JobProgress(id, fence, fraction):
                    self._fractions[id, fence] = fraction
                case JobEnded():
                    self._ended.append(_done(news))
                    self._fractions.pop((news.id, news.fence), None)
                case RunnerProcess():
                    self._bury(news)

    def _bury(self, runner: RunnerProcess) -> None:
        """A runner is gone: its jobs are to be tried again elsewhere."""
        ended = {(one.id, one.fence) for one in self._ended}
        error = ReplicaLost(runner.exit_reason.message)
        for job, claim in self._claims.items():
            if claim.runner is runner and (job, claim.fence) not in ended:
                self._ended.append(claims.Done(job, claim.fence, error=error, again=True))


def _done(news: JobEnded) -> claims.Done:
    if news.error is None:
        return claims.Done(news.id, news.fence, news.result)
    error = HeadraceError.from_wire(news.error)
    return claims.Done(news.id, news.fence, error=error, again=isinstance(error, Unavailable))
