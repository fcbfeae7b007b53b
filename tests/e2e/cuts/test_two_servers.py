"""Token traffic on a Redis of its own: answers, cancels, slots and the ends of lost runners find the right server."""

import os
import signal
from collections.abc import Iterator

import httpx
import pytest
import redis

from models.redis import queue
from tests.e2e.stack import Stack
from tests.e2e.talk import chat, client, hear, launch, metric, replicas, streaming, until
from tests.support.servers import Valkey

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SLOTS = queue.replica_slots("*")
TOKENS = 5000
"""Of an answer that nobody hears to its end: 100 s."""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Valkey, Valkey]]:
    """One for queues, slots and reports, one for tokens."""
    found = Valkey(tmp_path_factory.mktemp("queues")), Valkey(tmp_path_factory.mktemp("tokens"))
    for one in found:
        one.start()
    yield found
    for one in found:
        one.stop()


@pytest.fixture(scope="module")
def split(servers: tuple[Valkey, Valkey], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Headrace that has both."""
    queues, tokens = (one.url for one in servers)
    home = tmp_path_factory.mktemp("split") / "home"
    stack = Stack(home, HEADRACE_REDIS_URL=queues, HEADRACE_STREAM_REDIS_URL=tokens)
    try:
        yield stack.start()
    finally:
        stack.close()


async def _idle(http: httpx.AsyncClient, uid: str, queues: redis.Redis) -> bool:
    busy = sum(int(one["inflight"]) for one in await replicas(http, uid))
    return not busy and not queues.keys(SLOTS)


async def _aborted(http: httpx.AsyncClient, uid: str) -> bool:
    return await metric(http, "headrace_engine_aborts_total", model=uid) == 1


async def test_whoever_hangs_up_stops_the_engine_and_frees_the_slots(
    split: Stack, servers: tuple[Valkey, Valkey]
) -> None:
    with redis.Redis.from_url(servers[0].url) as queues, redis.Redis.from_url(servers[1].url) as tokens:
        async with client(split.url) as http:
            await launch(http, "left", step_ms=20)
            assert (await hear(http, chat("left", max_tokens=3))).done
            await until(lambda: _idle(http, "left", queues))
            async with streaming(http, chat("left", max_tokens=TOKENS)) as (heard, lines):
                async for line in lines:
                    if heard.take(line):
                        break
                assert queues.keys(SLOTS)
            await until(lambda: _idle(http, "left", queues))
            await until(lambda: _aborted(http, "left"))
            assert not tokens.keys("headrace:slots:*")
            await http.delete("/v1/models/left")


async def test_a_killed_runner_ends_its_streams(split: Stack, servers: tuple[Valkey, Valkey]) -> None:
    with redis.Redis.from_url(servers[0].url) as queues:
        async with client(split.url) as http:
            await launch(http, "mortal", step_ms=20)
            [before] = await replicas(http, "mortal")
            async with streaming(http, chat("mortal", max_tokens=TOKENS)) as (heard, lines):
                async for line in lines:
                    if heard.take(line) and len(heard.text) == 5:
                        os.kill(before["pid"], signal.SIGKILL)
            assert heard.error is not None
            assert heard.error["code"] == "replica_lost"
            assert (await hear(http, chat("mortal", max_tokens=3))).done
            await until(lambda: _idle(http, "mortal", queues))
            await http.delete("/v1/models/mortal")


async def test_a_model_without_requests_leaves_and_comes_back(split: Stack) -> None:
    async with client(split.url) as http:
        await launch(http, "idle", step_ms=1, keep_alive=0)
        assert (await hear(http, chat("idle", max_tokens=3))).done

        async def is_dormant() -> bool:
            return bool((await http.get("/v1/models/idle")).json()["state"] == "dormant")

        await until(is_dormant, 60)
        assert (await hear(http, chat("idle", max_tokens=3))).done
        await http.delete("/v1/models/idle")
