"""How a ready replica becomes dormant: it takes nothing more, and once nothing runs its row is changed."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

import redis
from redis.exceptions import RedisError

from models.reasons import told
from models.redis import queue
from models.rows.database import Database
from models.rows.records import ReplicaRow
from models.rows.residency import moves
from models.rows.states import Leaving, ReplicaState
from workers.device.runner_process import Phase, RunnerProcess

log = logging.getLogger(__name__)

MARK_MS = 10_000
"""A mark lapses after this long, should the worker die that made it."""

UNUSED = told("nobody asked for it", "unused")
NEEDED = told("its memory is needed for another model", "memory_needed")


class Departures:
    """The replicas of a device that are asked to leave.

    First no gateway admits a request to it any more, and no job is claimed for it. Only then is it seen whether it
    still has any: so none can come between that look and its end.
    """

    def __init__(
        self, device: str, database: Database, client: redis.Redis, settled: Callable[[RunnerProcess], bool]
    ) -> None:
        """``settled(runner)``: whether it has no jobs, once no turn of the claimer goes on that has begun before."""
        self.epochs: set[str] = set()
        """Runners that take nothing more."""
        self._asked: Mapping[str, Leaving] = {}
        self._device = device
        self._database = database
        self._client = client
        self._settled = settled

    def gone(self, rows: Iterable[ReplicaRow], runners: Mapping[str, RunnerProcess]) -> Iterator[str]:
        """The replicas that have just become dormant, whose runners are to be stopped."""
        ready = (row for row in rows if row.state == ReplicaState.READY)
        self._asked = {row.id: row.leaving for row in ready if row.leaving is not None}
        for replica, runner in runners.items():
            how = self._asked.get(replica)
            if how is None or runner.phase is not Phase.READY:
                self._reopen(runner)
            elif self._goes(replica, runner, how):
                yield replica
        self.epochs &= {one.epoch for one in runners.values()}

    def gone_meanwhile(self, runners: Mapping[str, RunnerProcess]) -> Iterator[str]:
        """``gone`` between two looks at the rows, of those that were closed at the last one.

        While they are busy the database is not asked.
        """
        closed = [name for name, one in runners.items() if one.epoch in self.epochs and one.phase is Phase.READY]
        for replica in closed:
            if (how := self._asked.get(replica)) is not None and self._goes(replica, runners[replica], how):
                yield replica

    def _goes(self, replica: str, runner: RunnerProcess, how: Leaving) -> bool:
        """Whether its row is dormant now."""
        try:
            self.epochs.add(runner.epoch)
            runner.leaving = True
            self._client.set(queue.leaving_mark(runner.epoch), 1, px=MARK_MS)
            admitted = self._client.zcount(queue.replica_slots(runner.epoch), int(time.time() * 1000), "+inf")
        except RedisError as error:
            log.warning("replica %s cannot leave: %s", replica, error)
            return False
        busy = bool(admitted) or runner.inflight > 0 or not self._settled(runner)
        why = UNUSED if how is Leaving.IF_IDLE else NEEDED
        if not busy and self._database.call(moves.sleep, replica, self._device, why):
            log.info("replica %s: dormant after %.1f s", replica, time.monotonic() - (runner.ready_at or 0.0))
            return True
        if not busy or how is Leaving.IF_IDLE:
            self._database.call(moves.let_stay, replica)
            self._reopen(runner)
        return False

    def _reopen(self, runner: RunnerProcess) -> None:
        """Let it take requests and jobs again."""
        if runner.epoch not in self.epochs:
            return
        try:
            self._client.delete(queue.leaving_mark(runner.epoch))
        except RedisError as error:
            log.info("the mark of %s must lapse: %s", runner.load.replica, error)
        self.epochs.discard(runner.epoch)
        runner.leaving = False
