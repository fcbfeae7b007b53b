"""Redis behind a wire that is cut: nothing dies, nobody gets a 500, no job fails, and all is served soon after."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.e2e.cuts.load import Load
from tests.e2e.jobs.orders import FINAL, order, reaches
from tests.e2e.stack import Stack
from tests.e2e.talk import client, until
from tests.support.proxy import Proxy
from tests.support.servers import Valkey

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

HEALED_S = 10.0
"""All is served again 5 s after the heal, and this machine may be busy."""


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The wire to a Redis."""
    server = Valkey(tmp_path_factory.mktemp("far-redis"))
    server.start()
    with Proxy(server.port) as proxy:
        yield proxy
    server.stop()


@pytest.fixture(scope="module")
def far(wire: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Headrace all of whose processes reach Redis by that wire."""
    stack = Stack(tmp_path_factory.mktemp("far") / "home", HEADRACE_REDIS_URL=f"redis://127.0.0.1:{wire.port}/0")
    try:
        stack.start()
        stack.launch_echo("echo", step_ms=20, max_inflight=64)
        yield stack
    finally:
        wire.heal()
        stack.close()


@asynccontextmanager
async def surviving(far: Stack) -> AsyncIterator[Load]:
    """A load before, during and after what the block does to the wire; in the end everything must work."""
    before = far.pids()
    async with client(far.url) as http:
        load = Load(http)
        async with load.running():
            await until(load.works)
            long = (await http.post("/v1/jobs", json=order("echo", max_tokens=1000))).json()["id"]
            await reaches(http, long, "running")
            yield load
            healed = time.monotonic()
            await until(load.served, HEALED_S)
            print("served after", round(time.monotonic() - healed, 2))
            await until(load.works)
        done = [await reaches(http, job, *FINAL, seconds=60) for job in [*load.jobs, long]]
    print(dict(load.answers), load.longest, load.broken)
    assert {status for _, status in load.answers} <= {200, 202, 503}
    assert {one["state"] for one in done} == {"succeeded"}
    assert far.pids() == before, far.logs()


@pytest.mark.parametrize("seconds", [5, 30, 90])
async def test_silence(far: Stack, wire: Proxy, seconds: float) -> None:
    async with surviving(far) as load:
        await asyncio.to_thread(wire.silence)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(wire.heal)
    assert load.answers["job", 503] == 0, "jobs need no Redis"
    assert load.answers["ready", 503] > 0 or seconds < 8


async def test_resets(far: Stack, wire: Proxy) -> None:
    async with surviving(far) as load:
        for _ in range(8):
            assert await asyncio.to_thread(wire.reset) > 0
            await asyncio.sleep(0.8)
    assert load.answers["job", 503] == 0
    assert not load.broken, "what was lost is sent again"


async def test_connections_that_are_forgotten(far: Stack, wire: Proxy) -> None:
    """As after a NAT's idle timeout: those there are stay mute for ever, new ones work."""
    async with surviving(far):
        await asyncio.to_thread(wire.forget)
        await asyncio.sleep(6)


async def test_a_delay(far: Stack, wire: Proxy) -> None:
    async with surviving(far) as load:
        wire.delay(150)
        await asyncio.sleep(5)
        await asyncio.to_thread(wire.heal)
    assert {status for _, status in load.answers} == {200, 202}
    assert not load.broken
