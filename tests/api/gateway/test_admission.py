"""What a refused request is told, and how long the sets that bound requests live. On a real Redis."""

from collections.abc import AsyncIterator

import pytest
import redis.asyncio as redis

from api.edge.caller import Caller, Limits, Scope
from api.gateway.admission import Admission
from models.errors import Overloaded, RateLimited
from models.redis import broker, presence, queue
from tests.support.servers import Valkey

CAP = 100
CALLER = Caller("", frozenset(Scope), Limits(concurrency=CAP, job_queue=CAP))


@pytest.fixture
async def client(valkey: Valkey) -> AsyncIterator[redis.Redis]:
    made = broker.async_command_client(valkey.url)
    await made.flushall()
    yield made
    await made.aclose()


class Door:
    """Requests to one replica, which computes one at a time and lets none wait."""

    def __init__(self, client: redis.Redis) -> None:
        self.admission = Admission(client, device_cap=CAP, room=lambda: CAP)
        self.sent = 0

    async def ask(self, uid: str = "m", seconds: float = 60) -> None:
        """Send a request with this deadline."""
        self.sent += 1
        replica = presence.Replica("r", uid, f"epoch of {uid}", "ready", ["chat"], 1, 0)
        slots = self.admission.slots("d", replica, CALLER)
        deadline = queue.deadline_ms(seconds)
        await self.admission.enqueue(b"", f"r{self.sent}", deadline, device="d", replica=replica, slots=slots)

    async def refused_for(self, uid: str = "m") -> int | None:
        """The seconds that a request is told to wait."""
        with pytest.raises(Overloaded) as caught:
            await self.ask(uid)
        return caught.value.retry_after


async def test_retry_after_is_the_average_of_what_requests_took(client: redis.Redis) -> None:
    door = Door(client)
    await door.ask()
    assert await door.refused_for() == 1, "nothing was measured yet"
    door.admission.learn("m", 10)
    assert await door.refused_for() == 10
    door.admission.learn("m", 20)
    assert await door.refused_for() == 12, "four parts what was known, one part the newest"
    await door.ask("another")
    assert await door.refused_for("another") == 1, "each model has its own"


async def test_a_set_of_requests_lives_as_long_as_its_longest(client: redis.Redis) -> None:
    door, slots = Door(client), queue.device_slots("d")
    await door.ask("a", 60)
    assert 30_000 < await client.pttl(slots) <= 60_000
    await door.ask("b", 600)
    assert 300_000 < await client.pttl(slots) <= 600_000
    await door.ask("c", 60)
    assert await client.pttl(slots) > 300_000


async def test_a_key_without_a_bound_has_the_room_of_all_replicas(client: redis.Redis) -> None:
    room = 1
    admission = Admission(client, device_cap=CAP, room=lambda: room)
    caller = Caller("", frozenset(Scope), Limits(concurrency=None, job_queue=CAP))
    replica = presence.Replica("r", "m", "epoch", "ready", ["chat"], CAP, 0)

    async def ask(rid: str) -> None:
        slots = admission.slots("d", replica, caller)
        await admission.enqueue(b"", rid, queue.deadline_ms(60), device="d", replica=replica, slots=slots)

    await ask("first")
    with pytest.raises(RateLimited):
        await ask("second")
    room = 2
    await ask("second")
