"""However many follow a launch, its events or its rows: they are read once an interval (``api.routes.models.life``)."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pytest
from sse_starlette import ServerSentEvent

from api.gateway.following.event_tail import PAGE
from api.gateway.following.shared import Shared
from api.gateway.gateway import Gateway
from api.gateway.routing_table import RoutingTable
from api.routes.models import logs as log_routes
from api.routes.models.life import events as event_routes
from api.routes.models.life import progress as progress_routes
from models.redis import broker, logs
from models.redis.logs import Line
from models.rows import instances
from models.rows.database import Database
from models.rows.instances import NewInstance
from models.rows.life import events
from models.rows.life.events import EventKind
from models.rows.states import ReplicaState
from tests.models.rows.test_instances import CPU
from tests.support.servers import Valkey

T = TypeVar("T")

FOLLOWERS = 50


class Counting:
    """A database that counts how often it is read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.looks = 0

    async def look(self, function: Callable[..., T], *args: Any) -> T:
        self.looks += 1
        return await self._database.look(function, *args)


@pytest.fixture
def counting(database: Database) -> Counting:
    database.call(lambda c: instances.create(c, NewInstance("m", "echo", "LLM", "echo"), "me"))
    return Counting(database)


@pytest.fixture
def gateway(counting: Counting) -> Gateway:
    table = RoutingTable(60, lambda epoch: None)
    return cast(Gateway, SimpleNamespace(database=counting, routing_table=table, shared=Shared()))


class Crowd:
    """Those who follow, and what each of them was told last."""

    def __init__(self, streams: list[AsyncIterator[ServerSentEvent]]) -> None:
        self.told: list[str] = [""] * len(streams)
        self._changed = asyncio.Event()
        self._tasks = [asyncio.create_task(self._follow(at, one)) for at, one in enumerate(streams)]

    async def _follow(self, at: int, stream: AsyncIterator[ServerSentEvent]) -> None:
        async with aclosing(cast(Any, stream)):
            async for event in stream:
                self.told[at] = event.encode().decode()
                self._changed.set()

    async def all_heard(self, word: str) -> None:
        async with asyncio.timeout(20):
            while not all(word in text for text in self.told):
                await self._changed.wait()
                self._changed.clear()

    async def leave(self) -> None:
        while staying := [task for task in self._tasks if not task.done()]:
            for task in staying:
                task.cancel()  # again, since the ``wait_for`` of Python 3.11, by which Redis is asked, may lose one
            await asyncio.wait(staying, timeout=0.1)
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task


async def test_events_are_read_once_for_all(gateway: Gateway, counting: Counting, database: Database) -> None:
    streams = [event_routes._follow(gateway, "m" if at % 2 else None, None, 100) for at in range(FOLLOWERS)]
    crowd = Crowd(streams)
    await crowd.all_heard("launched")
    looks, began = counting.looks, time.monotonic()
    for number in range(3):
        await asyncio.to_thread(database.call, events.tell, "m", EventKind.CHANGED, f"news {number}")
        await crowd.all_heard(f"news {number}")
    intervals = (time.monotonic() - began) / event_routes.LOOK_S
    assert 3 <= counting.looks - looks <= 2 * (intervals + 2), "of one model, and of all"
    await crowd.leave()
    assert len(gateway.shared) == 0


async def test_who_goes_on_after_an_event_gets_those_between_and_those_that_come(
    gateway: Gateway, database: Database
) -> None:
    [first] = database.call(events.listing, "m")
    for number in range(PAGE + 5):
        database.call(events.tell, "m", EventKind.CHANGED, f"news {number}")
    seen = []
    async with aclosing(cast(Any, event_routes._follow(gateway, "m", first.id, 100))) as stream:
        async for event in stream:
            seen.append(json.loads(event.data)["text"])
            if seen[-1] == f"news {PAGE + 4}":
                await asyncio.to_thread(database.call, events.tell, "m", EventKind.CHANGED, "the last")
            if seen[-1] == "the last":
                break
    assert seen == [*(f"news {number}" for number in range(PAGE + 5)), "the last"]


async def test_progress_is_read_once_for_all(gateway: Gateway, counting: Counting, database: Database) -> None:
    now = await progress_routes._now(gateway, "m")
    crowd = Crowd([progress_routes._follow(gateway, "m", now) for _ in range(FOLLOWERS)])
    await crowd.all_heard("pending")
    looks, began = counting.looks, time.monotonic()
    database.call(lambda c: instances.see_device(c, **CPU))
    [row] = database.call(instances.pending)
    assert database.call(instances.place, row.id, "n1.cpu")
    loading = {"state": ReplicaState.LOADING, "stage": "loading"}
    assert database.call(lambda c: instances.report(c, row.id, "n1.cpu", **loading))
    await crowd.all_heard("loading")
    assert database.call(instances.delete, "m", "me")
    await crowd.all_heard("gone")
    reads_of_one = 3
    intervals = (time.monotonic() - began) / progress_routes.LOOK_S
    assert reads_of_one <= counting.looks - looks <= reads_of_one * (intervals + 2)
    await crowd.leave()
    assert len(gateway.shared) == 0


async def test_the_rows_of_a_model_whose_log_is_followed_are_read_once_for_all(
    gateway: Gateway, counting: Counting, database: Database, valkey: Valkey
) -> None:
    client = broker.async_command_client(valkey.url)
    cast(Any, gateway).stream_client = client
    key = logs.log_key("m")
    await client.delete(key)
    [row] = database.call(instances.pending)
    crowd = Crowd([log_routes._follow(gateway, "m", []) for _ in range(FOLLOWERS)])
    looks, began = counting.looks, time.monotonic()
    for number in range(3):
        pipeline = client.pipeline()
        logs.append(cast(Any, pipeline), "m", Line(row.id, 0, f"line {number}"))
        await pipeline.execute()
        await crowd.all_heard(f"line {number}")
    reads_of_one = 2
    intervals = (time.monotonic() - began) / log_routes.LOOK_S
    assert reads_of_one <= counting.looks - looks <= reads_of_one * (intervals + 2)
    await crowd.leave()
    await client.aclose()
