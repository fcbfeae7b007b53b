"""Jobs on their way into the database: many at once in one transaction, then a ring at their devices' doors."""

import asyncio
import contextlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import redis.asyncio as redis
from redis.exceptions import RedisError
from sqlalchemy.engine import Connection
from sqlalchemy.exc import StatementError

from api.gateway.routing_table import RoutingTable
from models.errors import HeadraceError, ShuttingDown
from models.process.background import Background
from models.redis import queue
from models.redis.presence import STEWARD
from models.rows import instances, jobs
from models.rows.database import Database
from models.rows.jobs import NewJob, Submitted

MOST_AT_ONCE = 256
RING_EVERY_S = 0.02
"""A device's doorbell rings no more often: one ring has it claim all that there is."""


@dataclass(slots=True)
class _Waiting:
    job: NewJob
    future: "asyncio.Future[Submitted]"


class Submissions:
    """Gathers what arrives while a transaction is under way into the next one. ``most`` jobs may wait for one model."""

    def __init__(self, database: Database, most: int, doorbell: "Doorbell") -> None:
        self._database = database
        self._most = most
        self.doorbell = doorbell
        self._waiting: list[_Waiting] = []
        self._work = asyncio.Event()

    async def submit(self, job: NewJob) -> Submitted:
        """Insert a job; it is durable when this returns. Raises QueueFull, IdempotencyConflict, DatabaseUnavailable.

        After DatabaseUnavailable there may be a job all the same: the answer to its COMMIT was lost. Its client cannot
        know, and so sends the request again with the same ``Idempotency-Key``, which finds that job or makes it.
        """
        waiting = _Waiting(job, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._work.set()
        return await waiting.future

    async def run(self) -> None:
        """Insert for ever."""
        try:
            while True:
                await self._work.wait()
                batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                if not self._waiting:
                    self._work.clear()
                await self._insert(batch)
        finally:
            for one in self._waiting:
                _settle(one, ShuttingDown())

    async def _insert(self, batch: list[_Waiting]) -> None:
        try:
            outcomes, awoken = await self._database.run(_submit, [one.job for one in batch], self._most)
        except (StatementError, TypeError, ValueError) as error:
            if len(batch) == 1:
                self._refuse(batch, error)
            else:  # something is wrong with one of them, which is not the others' fault
                for one in batch:
                    await self._insert([one])
            return
        except BaseException as error:
            self._refuse(batch, error if isinstance(error, Exception) else ShuttingDown())
            if not isinstance(error, Exception):
                raise
            return
        for one, outcome in zip(batch, outcomes, strict=True):
            _settle(one, outcome)
        self.doorbell.ring({one.job.uid for one in batch}, steward=awoken)

    @staticmethod
    def _refuse(batch: list[_Waiting], error: Exception) -> None:
        for one in batch:
            _settle(one, error)


def _settle(one: _Waiting, outcome: Submitted | Exception) -> None:
    if one.future.done():  # its client has hung up
        return
    if isinstance(outcome, Exception):
        one.future.set_exception(outcome)
    else:
        one.future.set_result(outcome)


def _submit(connection: Connection, new: Sequence[NewJob], most: int) -> tuple[list[Submitted | HeadraceError], bool]:
    outcomes = jobs.submit(connection, new, most)
    return outcomes, instances.awaken(connection, {one.uid for one in new})


class Doorbell:
    """Tells devices that there are jobs. A ring that is lost costs a second: workers look by themselves."""

    def __init__(self, client: redis.Redis, routing_table: RoutingTable) -> None:
        self._client = client
        self._routing_table = routing_table
        self._due: set[str] = set()
        self._steward = False
        self._rings = False
        self._background = Background()

    def ring(self, uids: set[str], *, steward: bool = False) -> None:
        """Jobs of these models wait. ``steward``: one of them must be loaded first."""
        self._due |= {device for device, one in self._routing_table.replicas() if one.uid in uids}
        self._steward |= steward
        if (self._due or self._steward) and not self._rings:
            self._rings = True
            self._background.once(self._ring_all(), "the doorbell")

    async def _ring_all(self) -> None:
        try:
            await self._ring()
        finally:
            self._rings = False

    async def _ring(self) -> None:
        while self._due or self._steward:
            due, self._due = self._due, set()
            steward, self._steward = self._steward, False
            with contextlib.suppress(RedisError, OSError):
                pipeline = self._client.pipeline(transaction=False)
                for device in due:
                    name, rid = queue.queue_name(device), uuid.uuid4().hex
                    message = queue.message(queue.JOB, [], rid=rid, queue=name, priority=queue.DOORBELL_PRIORITY)
                    rings = queue.priority_list(name, queue.DOORBELL_PRIORITY)
                    pipeline.lpush(rings, message)
                    pipeline.ltrim(rings, 0, 7)  # nobody may be at home for long
                if steward:
                    pipeline.publish(STEWARD, b"")
                await pipeline.execute()
            await asyncio.sleep(RING_EVERY_S)
