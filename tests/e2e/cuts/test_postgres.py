"""PostgreSQL behind a wire that is cut: nobody waits for long, nothing dies, no job fails, all works again at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
import sqlalchemy as sa

import migrations
from tests.e2e.cuts.load import Load
from tests.e2e.jobs.orders import FINAL, order, reaches
from tests.e2e.stack import Stack
from tests.e2e.talk import client, until
from tests.support.proxy import Proxy
from tests.support.servers import Postgres

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

HELD_S = 20.0
"""No answer that needs the database takes as long: 5 s are the bound, and this machine may be busy."""
HEALED_S = 10.0
"""All works again within 5 s of the heal, and this machine may be busy."""
ASKING = ("job", "models", "ready")


@pytest.fixture(scope="module")
def wire(postgres_server: Postgres) -> Iterator[Proxy]:
    """The wire to PostgreSQL."""
    url = sa.make_url(postgres_server.url())
    assert url.port is not None
    migrations.downgrade(postgres_server.url(), "base")
    with Proxy(url.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def far(wire: Proxy, postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Headrace whose gateway, worker and steward reach PostgreSQL by that wire."""
    url = sa.make_url(postgres_server.url()).set(port=wire.port).render_as_string(hide_password=False)
    stack = Stack(tmp_path_factory.mktemp("far") / "home", HEADRACE_DATABASE_URL=url)
    try:
        stack.start()
        stack.launch_echo("echo", step_ms=20, max_inflight=64)
        yield stack
    finally:
        wire.heal()
        stack.close()


@asynccontextmanager
async def surviving(far: Stack) -> AsyncIterator[Load]:
    """A load before, during and after what the block does to the wire; in the end everything must work.

    Three jobs run when the block begins, and end in the first seconds of it.
    """
    before = far.pids()
    async with client(far.url) as http:
        load = Load(http)
        async with load.running():
            await until(load.works)
            running = [await _running(http) for _ in range(3)]
            yield load
            healed = time.monotonic()
            await until(load.served, HEALED_S)
            print("served after", round(time.monotonic() - healed, 2))
        done = [await reaches(http, job, *FINAL, seconds=60) for job in [*load.jobs, *running]]
    print(dict(load.answers), load.longest)
    assert {status for _, status in load.answers} <= {200, 202, 503}
    assert max(load.longest[kind] for kind in ASKING) < HELD_S
    assert load.answers["chat", 503] == load.answers["stream", 503] == 0, "replicas that are known need no database"
    assert not load.broken
    assert {one["state"] for one in done} == {"succeeded"}
    assert {one["attempt"] for one in done[-len(running) :]} == {1}, "what was done meanwhile is not done again"
    assert far.pids() == before, far.logs()


async def _running(http: httpx.AsyncClient) -> str:
    """A job of some seconds, once it runs."""
    job = str((await http.post("/v1/jobs", json=order("echo", max_tokens=300))).json()["id"])
    await reaches(http, job, "running")
    return job


@pytest.mark.parametrize("seconds", [5, 30, 90])
async def test_silence(far: Stack, wire: Proxy, seconds: float) -> None:
    async with surviving(far) as load:
        await asyncio.to_thread(wire.silence)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(wire.heal)
    assert load.answers["ready", 503] > 0
    assert load.answers["job", 503] > 0


async def test_resets(far: Stack, wire: Proxy) -> None:
    async with surviving(far):
        for _ in range(8):
            assert await asyncio.to_thread(wire.reset) > 0
            await asyncio.sleep(0.8)


async def test_connections_that_are_forgotten(far: Stack, wire: Proxy) -> None:
    """As after a NAT's idle timeout: those there are stay mute for ever, new ones work."""
    async with surviving(far):
        await asyncio.to_thread(wire.forget)


async def test_a_delay(far: Stack, wire: Proxy) -> None:
    async with surviving(far) as load:
        wire.delay(50)
        await asyncio.sleep(5)
        await asyncio.to_thread(wire.heal)
    assert {status for _, status in load.answers} == {200, 202}
