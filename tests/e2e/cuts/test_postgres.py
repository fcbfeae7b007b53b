"""PostgreSQL behind a wire that is cut: nobody waits for long, nothing dies, no job fails, all works again at once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa

import migrations
from tests.e2e.cuts.load import Load, far_stack, surviving
from tests.e2e.stack import Stack
from tests.support.proxy import Proxy
from tests.support.servers import Postgres

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

HELD_S = 20.0
"""No answer that needs the database takes as long: 5 s are the bound, and this machine may be busy."""
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
    with far_stack(wire, tmp_path_factory.mktemp("far"), "HEADRACE_DATABASE_URL", url) as stack:
        yield stack


@asynccontextmanager
async def working_on(far: Stack) -> AsyncIterator[Load]:
    """A load that survives what the block does, and answers that need no database, which go on as if nothing had been.

    Three jobs run when the block begins, and end in the first seconds of it.
    """
    async with surviving(far, 300, 300, 300) as load:
        yield load
    assert max(load.longest[kind] for kind in ASKING) < HELD_S
    assert load.answers["chat", 503] == load.answers["stream", 503] == 0, "replicas that are known need no database"
    assert not load.broken
    assert {one["attempt"] for one in load.ended} == {1}, "what was done meanwhile is not done again"


@pytest.mark.parametrize("seconds", [5, 30, 90])
async def test_silence(far: Stack, wire: Proxy, seconds: float) -> None:
    async with working_on(far) as load:
        await asyncio.to_thread(wire.silence)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(wire.heal)
    assert load.answers["ready", 503] > 0
    assert load.answers["job", 503] > 0


async def test_resets(far: Stack, wire: Proxy) -> None:
    async with working_on(far):
        for _ in range(8):
            assert await asyncio.to_thread(wire.reset) > 0
            await asyncio.sleep(0.8)


async def test_connections_that_are_forgotten(far: Stack, wire: Proxy) -> None:
    """As after a NAT's idle timeout: those there are stay mute for ever, new ones work."""
    async with working_on(far):
        await asyncio.to_thread(wire.forget)


async def test_a_delay(far: Stack, wire: Proxy) -> None:
    async with working_on(far) as load:
        wire.delay(50)
        await asyncio.sleep(5)
        await asyncio.to_thread(wire.heal)
    assert {status for _, status in load.answers} == {200, 202}
