"""Jobs on their way into the database: many at once in one transaction; then the devices that may do them are woken."""

import asyncio
import contextlib
import uuid
from collections.abc import Sequence

import redis.asyncio as redis
from redis.exceptions import RedisError
from sqlalchemy.engine import Connection

from api.gateway.group_commit import GroupCommit
from api.gateway.routing_table import RoutingTable
from models.errors import HeadraceError
from models.process.background import Background
from models.redis import queue
from models.redis.presence import STEWARD
from models.rows import instances, jobs
from models.rows.database import Database
from models.rows.jobs import NewJob, Submitted

MOST_AT_ONCE = 256
RING_EVERY_S = 0.02
"""Least time between two rings of a device's doorbell. After one ring the device claims all the jobs that there are."""


class Submissions:
    """Inserts jobs, many in one transaction. ``most`` jobs may wait for one model."""

    def __init__(self, database: Database, most: int, doorbell: "Doorbell") -> None:
        self._database = database
        self._most = most
        self.doorbell = doorbell
        self._writes: GroupCommit[NewJob, Submitted] = GroupCommit("jobs", self._insert, most=MOST_AT_ONCE)

    async def submit(self, job: NewJob) -> Submitted:
        """Insert a job; it is durable when this returns. Raises QueueFull, IdempotencyConflict, DatabaseUnavailable.

        After DatabaseUnavailable the job may exist all the same, if only the answer to its COMMIT was lost. A client
        that sends the request again with the same ``Idempotency-Key`` gets that job, or a new one if there is none.
        """
        return await self._writes.add(job)

    async def run(self) -> None:
        """Insert until cancelled."""
        await self._writes.run()

    async def _insert(self, batch: list[NewJob]) -> Sequence[Submitted | HeadraceError]:
        outcomes, awoken = await self._database.run(_submit, batch, self._most)
        self.doorbell.ring({one.uid for one in batch}, steward=awoken)
        return outcomes


def _submit(connection: Connection, new: Sequence[NewJob], most: int) -> tuple[list[Submitted | HeadraceError], bool]:
    outcomes = jobs.submit(connection, new, most)
    return outcomes, instances.awaken(connection, {one.uid for one in new})


class Doorbell:
    """Wakes the workers of devices when there are jobs. A ring that is lost costs a second: workers also poll."""

    def __init__(self, client: redis.Redis, routing_table: RoutingTable) -> None:
        self._client = client
        self._routing_table = routing_table
        self._due: set[str] = set()
        self._steward = False
        self._rings = False
        self._background = Background()

    def ring(self, uids: set[str], *, steward: bool = False) -> None:
        """Wake the devices that have these models, as jobs wait for them. ``steward``: wake the steward, too.

        The steward is needed where one of the models must be loaded first.
        """
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
                    pipeline.ltrim(rings, 0, 7)  # rings must not pile up while a worker is away
                if steward:
                    pipeline.publish(STEWARD, b"")
                await pipeline.execute()
            await asyncio.sleep(RING_EVERY_S)
