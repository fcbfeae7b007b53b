"""Watching jobs: their states and events, for clients that wait for them.

One pub/sub connection brings a message whenever something happened to a watched job. The events themselves are then
read from the job's Redis stream, its state from its row in the database.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import redis.asyncio as redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from models.errors import DatabaseUnavailable, NotFound
from models.process.background import Background
from models.redis import broker, events
from models.redis.events import Event
from models.rows import jobs
from models.rows.database import Database
from models.rows.records import JobStatus
from models.rows.states import FINAL, JobState
from models.settings import Settings

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
"""How often a job's row is read where no message has come."""
SILENCE = "silence"


@dataclass(eq=False)
class Watch:
    """One client's interest in one job. ``news`` is set when something happened to it."""

    job: str
    news: asyncio.Event = field(default_factory=asyncio.Event)
    moved: bool = True
    """Whether the job's state may have changed since the row was last read."""

    async def wait(self, limit_s: float) -> bool:
        """Wait for news; False if there was none for this long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self.news.wait()
        has_news = self.news.is_set()
        self.news.clear()
        return has_news


class Watching:
    """All jobs that are watched through this gateway, and by whom."""

    def __init__(self, settings: Settings, database: Database, client: redis.Redis) -> None:
        self._url = settings.stream_redis
        self._database = database
        self._client = client
        self._watches: dict[str, set[Watch]] = {}
        self._channel: PubSub | None = None
        self._background = Background()

    @contextmanager
    def of(self, job: str) -> Iterator[Watch]:
        """Watch a job while the block runs."""
        watch = Watch(job)
        watches = self._watches.setdefault(job, set())
        watches.add(watch)
        if len(watches) == 1:
            self._later(job, "subscribe")
        try:
            yield watch
        finally:
            watches.discard(watch)
            if not watches and self._watches.get(job) is watches:
                del self._watches[job]
                self._later(job, "unsubscribe")

    async def until_over(self, job: str) -> JobStatus:
        """Wait for a job's end; returns its final state. Raises NotFound if it is deleted meanwhile."""
        with self.of(job) as watch:
            while True:
                row = await self._state(watch)
                if row is not None and row.state in FINAL:
                    return row
                watch.moved = not await watch.wait(LOOK_EVERY_S) or watch.moved

    async def follow(self, job: str, after: str = "0") -> AsyncGenerator[tuple[str, Event], None]:
        """A job's events after the one of this id, and its states from now on, until it is over.

        Each comes with the id of the last event read so far. The final state is not among them. Where nothing happens
        for ``LOOK_EVERY_S``, there is an event ``SILENCE``. Raises NotFound if the job is deleted.
        """
        with self.of(job) as watch:
            last, shown = after, (JobState.QUEUED.value, 0)
            while True:
                row = await self._state(watch)
                over = row is not None and row.state in FINAL
                if row is not None and not over and shown != (row.state, row.fence):
                    shown = (row.state, row.fence)
                    yield last, Event(events.STATE, row.fence, {"state": row.state})
                async for last, event in self._read(job, last):  # noqa: B020 - where the next reading goes on
                    yield last, event
                if over:
                    return
                has_news = await watch.wait(LOOK_EVERY_S)
                watch.moved = not has_news or watch.moved
                if not has_news:
                    yield last, Event(SILENCE)

    async def _state(self, watch: Watch) -> JobStatus | None:
        """The job's state; None where it cannot have changed, or where the database does not answer.

        The watch goes on without the database, because the job does so, too.
        """
        if not watch.moved:
            return None
        watch.moved = False
        try:
            row = (await self._database.look(jobs.states, [watch.job])).get(watch.job)
        except DatabaseUnavailable:
            watch.moved = True
            return None
        if row is None:
            raise NotFound("the job was deleted", param="id")
        return row

    async def _read(self, job: str, after: str) -> AsyncIterator[tuple[str, Event]]:
        try:
            entries = await self._client.xrange(events.stream_key(job), min=f"({after}")
        except (RedisError, OSError) as error:
            log.info("the events of a job cannot be read: %s", error)
            return
        for one in events.read(entries):
            yield one

    # ---- the connection ------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Listen for ever, over any number of connections."""
        await broker.listen(
            self._url,
            "the channel of jobs",
            subscribe=self._subscribe,
            on_message=self._take,
            on_disconnect=self._disconnect,
        )

    async def _subscribe(self, channel: PubSub, _client: redis.Redis) -> None:
        known = set(self._watches)
        await channel.subscribe(events.channel("-"), *map(events.channel, known))
        self._channel = channel
        for job in self._watches.keys() - known:  # they came while we subscribed
            self._later(job, "subscribe")
        for job in list(self._watches):
            self._wake(job, moved=True)

    def _take(self, message: broker.Message) -> None:
        job = message["channel"].decode().removeprefix(events.channel(""))
        # When a subscription begins, something may have happened before it: the row must be read.
        self._wake(job, moved=message["type"] == "subscribe" or message["data"] == events.STATE.encode())

    def _disconnect(self) -> None:
        self._channel = None

    def _wake(self, job: str, *, moved: bool) -> None:
        for watch in self._watches.get(job, ()):
            watch.moved |= moved
            watch.news.set()

    def _later(self, job: str, act: str) -> None:
        """Subscribe or unsubscribe in a task of its own, since the present one may be about to be cancelled."""
        if self._channel is None:
            return  # the next connection subscribes to all that are watched then

        async def change(channel: PubSub) -> None:
            with suppress(RedisError, OSError):
                if channel is self._channel and (act == "subscribe") == (job in self._watches):
                    await getattr(channel, act)(events.channel(job))

        self._background.once(change(self._channel), f"{act} {job}")
