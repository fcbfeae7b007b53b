"""Redis behind a wire that is cut: nothing dies, nobody gets a 500, no job fails, and all is served soon after."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.e2e.cuts.load import far_stack, surviving
from tests.e2e.stack import Stack
from tests.support.proxy import Proxy
from tests.support.servers import Valkey

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

LENGTH = 1000
"""Tokens of the job that runs all the while, 20 s long."""


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
    url = f"redis://127.0.0.1:{wire.port}/0"
    with far_stack(wire, tmp_path_factory.mktemp("far"), "HEADRACE_REDIS_URL", url) as stack:
        yield stack


@pytest.mark.parametrize("seconds", [5, 30, 90])
async def test_silence(far: Stack, wire: Proxy, seconds: float) -> None:
    async with surviving(far, LENGTH) as load:
        await asyncio.to_thread(wire.silence)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(wire.heal)
    assert load.answers["job", 503] == 0, "jobs need no Redis"
    assert load.answers["ready", 503] > 0 or seconds < 8


async def test_resets(far: Stack, wire: Proxy) -> None:
    async with surviving(far, LENGTH) as load:
        for _ in range(8):
            assert await asyncio.to_thread(wire.reset) > 0
            await asyncio.sleep(0.8)
    assert load.answers["job", 503] == 0
    assert not load.broken, "what was lost is sent again"


async def test_connections_that_are_forgotten(far: Stack, wire: Proxy) -> None:
    """As after a NAT's idle timeout: those there are stay mute for ever, new ones work."""
    async with surviving(far, LENGTH):
        await asyncio.to_thread(wire.forget)
        await asyncio.sleep(6)


async def test_a_delay(far: Stack, wire: Proxy) -> None:
    async with surviving(far, LENGTH) as load:
        wire.delay(150)
        await asyncio.sleep(5)
        await asyncio.to_thread(wire.heal)
    assert {status for _, status in load.answers} == {200, 202}
    assert not load.broken
