"""``Gateway``: the parts of one gateway process, and what several of its routes do with them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import redis.asyncio as redis
from fastapi import Request
from redis.exceptions import RedisError

from api.gateway.dispatch import Dispatcher
from api.gateway.following.shared import Shared
from api.gateway.known_models import KnownModels
from api.gateway.replies import Replies
from api.gateway.response_writer import ResponseWriter
from api.gateway.routing_table import RoutingTable
from api.gateway.submission import Submissions
from api.gateway.throughput import Throughput
from api.gateway.watching import Watching
from models.errors import HeadraceError, Unavailable
from models.process.background import Background
from models.process.looks import Looks
from models.redis import job_states
from models.redis.presence import device_channel
from models.rows.database import Database
from models.rows.jobs import NewJob
from models.rows.records import JobRow
from models.rows.states import JobState
from models.settings import Settings
from models.storage.artifacts import Store
from models.storage.outbound import Outbound

T = TypeVar("T")

LOOK_S = 30.0
"""Longest that a request waits for a look at weights, which has bounds of its own where a hub is asked."""
NOTIFY_S = 2.0
"""Longest that a request waits for its notification of other processes to be sent. They poll as well."""


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """The parts of a running gateway."""

    settings: Settings
    database: Database
    client: redis.Redis
    routing_table: RoutingTable
    replies: Replies
    dispatcher: Dispatcher
    known_models: KnownModels
    store: Store
    outbound: Outbound
    submissions: Submissions
    watching: Watching
    stream_client: redis.Redis
    throughput: Throughput
    response_writer: ResponseWriter
    background: Background
    shared: Shared = field(default_factory=Shared)
    looks: Looks = field(default_factory=Looks)
    """At weights on this machine's file systems."""
    hub_looks: Looks = field(default_factory=Looks)
    """At those on hubs, which may hang while folders answer."""

    async def blocking(self, function: Callable[..., T], *args: object) -> T:
        """Call ``function(*args)``, which waits for a disk or a network, in a thread."""
        return await asyncio.to_thread(function, *args)

    async def looking(
        self, function: Callable[..., T], *args: object, on_hub: bool = False, within_s: float = LOOK_S
    ) -> T:
        """Call ``function(*args)``, which looks at weights: their folder, or the hub they are on, may never answer.

        Raises Unavailable after ``within_s``; the look goes on in its thread, which nobody else needs.
        """
        try:
            return await (self.hub_looks if on_hub else self.looks).look(within_s, function, *args)
        except TimeoutError:
            raise Unavailable(f"the place of the weights does not answer within {within_s:g} s") from None

    async def publish(self, channel: str) -> None:
        """Wake the processes that listen to this channel. They poll as well, so a lost message only costs time."""
        await _notify(self.client.publish(channel, b""))

    async def publish_cancelled(self, row: JobRow) -> None:
        """Notify others that a job was cancelled: the worker that runs it, or, where none does, those who watch it."""
        if row.state == JobState.RUNNING and row.device:
            await self.publish(device_channel(row.device))
        else:
            await self._publish_moved(row)

    async def publish_queued(self, row: JobRow) -> None:
        """Notify others that a job was queued again: those who watch it, and the workers that may take it."""
        await self._publish_moved(row)
        self.submissions.doorbell.ring({row.uid})

    async def drop_files(self, job: NewJob) -> None:
        """Delete the files of a job that was not created after all."""
        if job.files:
            with suppress(HeadraceError):
                await self.blocking(self.store.delete_prefix, f"jobs/{job.id}/")

    async def _publish_moved(self, row: JobRow) -> None:
        pipeline = self.stream_client.pipeline(transaction=False)
        job_states.publish_moved(pipeline, row)
        await _notify(pipeline.execute())

    async def wake_devices(self) -> None:
        """Wake the workers of all devices."""
        for device in self.routing_table.devices():
            await self.publish(device_channel(device))


async def _notify(notice: Awaitable[object]) -> None:
    with suppress(RedisError, OSError):  # TimeoutError is an OSError
        async with asyncio.timeout(NOTIFY_S):
            await notice


def gateway_of(request: Request) -> Gateway:
    """The gateway that serves this request."""
    gateway: Gateway = request.app.state.gateway
    return gateway
