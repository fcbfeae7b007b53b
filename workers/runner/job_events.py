"""Publishes the events of a runner's jobs, to those who watch them.

All events of one iteration of the event loop are sent in one Redis pipeline.
"""

import asyncio
import logging

import redis.asyncio as redis
from redis.exceptions import RedisError

from models.redis import events
from models.redis.events import Event

log = logging.getLogger(__name__)

RETRY_S = 0.25
MOST_WAITING = 2000
"""Events kept while Redis is away. Beyond it the oldest are dropped: the job itself does not depend on them."""


class JobEvents:
    """Queues events and sends them in order."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._waiting: list[tuple[str, Event]] = []
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def publish(self, job: str, event: Event) -> None:
        """Queue an event of a job."""
        self._waiting.append((job, event))
        self._work.set()
        self._idle.clear()

    async def flush(self, limit_s: float) -> None:
        """Wait until all that was queued is sent, no longer than this."""
        try:
            async with asyncio.timeout(limit_s):
                await self._idle.wait()
        except TimeoutError:
            log.warning("%d events of jobs could not be published", len(self._waiting))

    async def run(self) -> None:
        """Send for ever."""
        while True:
            await self._work.wait()
            self._work.clear()
            batch, self._waiting = self._waiting, []
            try:
                pipeline = self._client.pipeline(transaction=False)
                for job, event in batch:
                    events.publish_event(pipeline, job, event)
                await pipeline.execute()
            except (RedisError, OSError) as error:
                log.warning("cannot publish events of jobs: %s", error)
                self._waiting = (batch + self._waiting)[-MOST_WAITING:]
                self._work.set()
                await asyncio.sleep(RETRY_S)
            if not self._waiting:
                self._idle.set()
