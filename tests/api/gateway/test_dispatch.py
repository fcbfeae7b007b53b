"""Where a request goes, and what it is told where it can go nowhere. A real Redis, and devices that only report."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import migrations
from api.edge.caller import Caller, Limits, Scope
from api.gateway.admission import Admission
from api.gateway.dispatch import Call, Dispatcher, Patience
from api.gateway.known_models import KnownModels
from api.gateway.replies import Replies
from api.gateway.routing_table import RoutingTable
from api.gateway.waiting_room import WaitingRoom
from models.errors import InvalidRequest, ModelFailed, ModelNotFound, ModelNotReady, NoDevice, Overloaded, ShuttingDown
from models.redis import broker, queue
from models.redis.presence import Replica, Snapshot
from models.redis.stream import Frame, FrameKind
from models.rows import instances, tables
from models.rows.database import Database, now_ms
from models.rows.instances import NewInstance
from models.rows.states import ReplicaState
from models.rows.tables import replicas
from models.settings import Settings
from tests.support.servers import Valkey

CALLER = Caller("", frozenset(Scope), Limits(concurrency=100, job_queue=100))
ECHO = NewInstance("m", "echo", "LLM", "echo")


class Gateway:
    """The part of a gateway that sends requests, and two devices with a replica each."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.client = broker.async_command_client(settings.redis_url)
        self.routing_table = RoutingTable(settings.silence_s, lambda epoch: self.replies.lose(epoch))
        self.replies = Replies(settings, self.client, self.client, self.routing_table)
        self.replies.connected = True
        admission = Admission(self.client, device_cap=100, room=lambda: 100)
        known = KnownModels(database)
        self.room = WaitingRoom("here", self.client)
        self.dispatcher = Dispatcher(settings, self.routing_table, self.replies, admission, known, self.room)
        self.database = database
        self.serial = 0

    def report(self, *, a: int = 0, b: int = 0, room: int = 50) -> None:
        """Both replicas are ready, with so many tokens still to write and room for so many requests."""
        self.serial += 1
        for name, tokens in (("a", a), ("b", b)):
            replica = Replica(name, "m", f"epoch-{name}", "ready", ["chat"], room, 0, outstanding_tokens=tokens)
            self.routing_table.update(Snapshot(name, "worker", self.serial, [replica]), 0)

    async def send(self, tokens: int = 0, *, modality: str = "chat", affinity: str = "", **fields: Any) -> str:
        """Send a request that may cost so many tokens; the device that it went to."""
        call = Call(
            modality, fields.pop("uid", "m"), {}, CALLER, tokens, affinity, deadline=queue.deadline_ms(60), **fields
        )
        return (await self.dispatcher.send(call)).device

    async def queued(self, device: str) -> int:
        """Messages that wait for a device."""
        return await self.client.llen(queue.queue_name(device))


@pytest.fixture
async def gateway(valkey: Valkey, tmp_path: Path) -> AsyncIterator[Gateway]:
    settings = Settings(home=tmp_path, redis_url=valkey.url, ready_wait_s=0)
    migrations.upgrade(settings.database)
    database = Database(settings.database)
    made = Gateway(settings, database)
    await made.client.flushall()
    yield made
    await made.client.aclose()
    database.close()


async def test_a_request_goes_where_the_fewest_tokens_are_outstanding(gateway: Gateway) -> None:
    gateway.report(a=100, b=99)
    assert await gateway.send() == "b"
    gateway.report(a=99, b=100)
    assert await gateway.send() == "a"
    assert (await gateway.queued("a"), await gateway.queued("b")) == (1, 1)


async def test_what_was_just_sent_counts_before_it_is_reported(gateway: Gateway) -> None:
    gateway.report()
    first = await gateway.send(100)
    assert {first, await gateway.send(100)} == {"a", "b"}
    third = await gateway.send(50)
    assert await gateway.send(10) != third, "150 tokens here, 100 there"


async def test_what_is_written_is_no_more_to_wait_for(gateway: Gateway) -> None:
    gateway.report()
    devices = [await gateway.send(100), await gateway.send(80)]
    inboxes = {one.device: one for one in gateway.replies.inboxes.values()}
    inboxes[devices[0]].tokens = 90
    assert await gateway.send() == devices[0], "10 tokens are left there, 80 on the other"


async def test_an_answer_that_is_longer_than_was_thought_makes_no_room(gateway: Gateway) -> None:
    gateway.report()
    first, other = await gateway.send(100), await gateway.send(80)
    assert await gateway.send(60) == other
    of_first, *of_other = sorted(gateway.replies.inboxes.values(), key=lambda one: one.device != first)
    of_first.tokens, of_other[0].tokens = 50, 1000
    assert await gateway.send() == first, "50 tokens are left there, 60 on the other"


async def test_a_conversation_finds_its_replica_again(gateway: Gateway) -> None:
    gateway.report()
    devices = {affinity: {await gateway.send(affinity=affinity) for _ in range(3)} for affinity in map(str, range(12))}
    assert all(len(one) == 1 for one in devices.values())
    assert {device for one in devices.values() for device in one} == {"a", "b"}


async def test_where_the_best_is_full_the_next_is_tried(gateway: Gateway) -> None:
    gateway.report(a=1, room=1)
    assert [await gateway.send(), await gateway.send()] == ["b", "a"]
    with pytest.raises(Overloaded):
        await gateway.send()
    assert len(gateway.replies.inboxes) == 2, "nothing is awaited that was not sent"


async def test_the_second_try_goes_elsewhere(gateway: Gateway) -> None:
    gateway.report(b=10)
    assert await gateway.send(tried={"epoch-a"}) == "b"
    gateway.report(room=0)
    with pytest.raises(Overloaded):
        await gateway.send(tried={"epoch-a"})


async def test_who_closes_sends_nothing(gateway: Gateway) -> None:
    gateway.report()
    gateway.dispatcher.closed = True
    with pytest.raises(ShuttingDown):
        await gateway.send()


async def test_what_a_model_does_not_serve_is_refused(gateway: Gateway) -> None:
    gateway.report()
    with pytest.raises(InvalidRequest, match="does not serve embeddings"):
        await gateway.send(modality="embeddings")


async def test_a_model_that_is_not_ready_says_why(gateway: Gateway) -> None:
    with pytest.raises(ModelNotFound):
        await gateway.send()
    gateway.database.call(lambda connection: instances.create(connection, ECHO))
    gateway.dispatcher._known_models.forget()
    with pytest.raises(ModelNotReady):
        await gateway.send()
    failed = {"state": ReplicaState.FAILED, "device": "a", "error": InvalidRequest("no such option").to_row()}
    gateway.database.call(lambda connection: connection.execute(replicas.update().values(**failed)))
    gateway.dispatcher._known_models.forget()
    with pytest.raises(ModelFailed, match="no such option"):
        await gateway.send()


async def test_a_model_without_a_device_is_refused_at_once_where_nothing_is_loading(gateway: Gateway) -> None:
    patient = {"ready_wait_s": 600}
    gateway.dispatcher._settings = gateway.dispatcher._settings.model_copy(update=patient)
    gateway.database.call(lambda connection: instances.create(connection, ECHO))
    waiting = replicas.update().values(error=NoDevice("there is no GPU").to_row(), stage="waiting")
    gateway.database.call(lambda connection: connection.execute(waiting.values(updated_at=now_ms())))
    known = gateway.dispatcher._known_models
    found = await known.find("m")
    assert found is not None
    assert not found.hopeless, "at a start, workers come one after the other"
    long_ago = now_ms() - instances.SETTLED_MS - 1000
    gateway.database.call(lambda connection: connection.execute(waiting.values(updated_at=long_ago)))
    known.forget()
    async with asyncio.timeout(60):
        with pytest.raises(ModelNotReady, match="waits for a device: there is no GPU"):
            await gateway.send()


async def test_who_waits_for_a_model_is_served_once_it_is_ready(gateway: Gateway) -> None:
    patient = {"ready_wait_s": 60}
    gateway.dispatcher._settings = gateway.dispatcher._settings.model_copy(update=patient)
    gateway.database.call(lambda connection: instances.create(connection, ECHO))
    waiting = asyncio.create_task(gateway.send())
    while not gateway.dispatcher._waiting:
        await asyncio.sleep(0)
    gateway.report(b=1)
    async with asyncio.timeout(20):
        assert await waiting == "a"


def test_a_load_that_goes_on_is_waited_for() -> None:
    patience = Patience(60, latest=1000)
    assert not patience.ends((("loading", 0.1),), 0)
    assert not patience.ends((("loading", 0.1),), 59)
    assert not patience.ends((("loading", 0.2),), 59)
    assert not patience.ends((("loading", 0.2),), 118)
    assert patience.ends((("loading", 0.2),), 119)
    assert patience.ends((("warming", 0.0),), 1000), "nobody waits for longer than the request may take"


def test_a_load_that_is_under_way_is_waited_for_although_it_shows_nothing() -> None:
    patience = Patience(60, latest=1000)
    for now in range(0, 301, 60):
        assert not patience.ends((("loading", 0.0),), now, goes_on=True)
    assert not patience.ends((("loading", 0.0),), 359)
    assert patience.ends((("loading", 0.0),), 360)
    assert patience.ends((("loading", 0.0),), 1000, goes_on=True)


async def test_who_waits_is_not_sent_away_while_a_device_loads_the_model(gateway: Gateway) -> None:
    gateway.dispatcher._settings = gateway.dispatcher._settings.model_copy(update={"ready_wait_s": 1})
    gateway.database.call(lambda connection: instances.create(connection, ECHO))
    loading = replicas.update().values(state=ReplicaState.LOADING, device="a", stage="loading")
    gateway.database.call(lambda connection: connection.execute(loading))
    waiting = asyncio.create_task(gateway.send())
    await asyncio.wait([waiting], timeout=3)
    assert not waiting.done()
    gateway.report(b=1)
    async with asyncio.timeout(20):
        assert await waiting == "a"


async def test_a_replica_that_leaves_gets_nothing(gateway: Gateway) -> None:
    """Also where its device has not told of it yet: what asks Redis learns it there."""
    gateway.report(b=10)
    await gateway.client.set(queue.leaving_mark("epoch-a"), 1)
    assert await gateway.send() == "b"
    assert await gateway.queued("a") == 0
    await gateway.client.set(queue.leaving_mark("epoch-b"), 1)
    patient = {"ready_wait_s": 600}
    gateway.dispatcher._settings = gateway.dispatcher._settings.model_copy(update=patient)
    gateway.database.call(lambda connection: instances.create(connection, ECHO))
    sending = asyncio.create_task(gateway.send())
    while not gateway.dispatcher._waiting:
        await asyncio.sleep(0.01)
    await gateway.client.delete(queue.leaving_mark("epoch-a"))
    gateway.report()
    assert await asyncio.wait_for(sending, 10) == "a"
    assert len(gateway.replies.inboxes) == 2, "nothing is awaited that was not sent"


async def test_a_dormant_model_is_awakened_also_by_who_does_not_wait(gateway: Gateway) -> None:
    gateway.database.call(lambda connection: instances.create(connection, replace(ECHO, load_on_request=True)))
    gateway.database.call(lambda c: c.execute(tables.instances.update().values(load_s=12.0)))
    with pytest.raises(ModelNotReady, match=r"pending 0%, place 1, ready in about 12 s") as caught:
        await gateway.send(manner="refuse")
    assert caught.value.retry_after == 12
    [row] = gateway.database.call(instances.replicas_of, "m")
    assert row.state == ReplicaState.PENDING
    assert "m" in gateway.room.report(0).since


@pytest.mark.timeout(30)
async def test_a_request_that_waits_goes_to_the_replica_that_is_offered(gateway: Gateway) -> None:
    """It takes its place under its key with it, and leaves the other replica."""
    gateway.report(b=10)
    call = Call("chat", "m", {}, replace(CALLER, limits=Limits(concurrency=1, job_queue=1)), 5, "")
    answer = asyncio.create_task(gateway.dispatcher.open(call))
    while not await gateway.queued("a"):
        await asyncio.sleep(0.01)
    (first,) = gateway.replies.inboxes.values()
    first.offer("epoch-nobody")  # it has gone meanwhile
    first.offer("epoch-b")
    while not await gateway.queued("b"):
        await asyncio.sleep(0.01)
    while first.rid in gateway.replies.inboxes:
        await asyncio.sleep(0.01)
    (second,) = gateway.replies.inboxes.values()
    assert second.device == "b"
    while await gateway.client.zcard(queue.replica_slots("epoch-a")):
        await asyncio.sleep(0.01)
    assert await gateway.client.zcard(queue.key_slots("anonymous")) == 1
    second.feed(Frame(second.rid, 0, FrameKind.EVENTS, b"one"), 0.0)
    assert await answer == (second, b"one")


@pytest.mark.timeout(30)
async def test_a_request_stays_where_the_other_replica_is_full_or_gone(gateway: Gateway) -> None:
    gateway.report(b=10, room=1)
    assert await gateway.send(tried={"epoch-a"}) == "b"
    answer = asyncio.create_task(gateway.dispatcher.open(Call("chat", "m", {}, CALLER, 5, "")))
    while not await gateway.queued("a"):
        await asyncio.sleep(0.01)
    waits = next(one for one in gateway.replies.inboxes.values() if one.device == "a")
    for epoch in ("epoch-b", "epoch-nobody"):
        waits.offer(epoch)
        while waits.offered:
            await asyncio.sleep(0.01)
    assert await gateway.client.zcard(queue.replica_slots("epoch-a")) == 1
    waits.feed(Frame(waits.rid, 0, FrameKind.EVENTS, b"one"), 0.0)
    assert await answer == (waits, b"one")
