"""What a request that waits is told (api.gateway.loading), and its place among others (api.gateway.waiting_room)."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
import redis.asyncio as redis

from api.gateway import waiting_room
from api.gateway.loading import Loading, eta, manner_of
from api.gateway.waiting_room import NOTED_S, WaitingRoom
from models.errors import InvalidRequest
from models.hubs.progress import DownloadProgress
from models.redis import broker, waiting
from models.redis.presence import Replica
from tests.support.servers import Valkey


def loads(loading_s: float = 0.0, left_s: int | None = None) -> Replica:
    download = None if left_s is None else DownloadProgress(1, 2, 1, left_s)
    return Replica("r", "m", "e", "loading", loading_s=loading_s, download=download)


def test_a_load_takes_what_the_last_one_took() -> None:
    assert eta(20, None, [], []) == 20
    assert eta(20, None, [], [loads(5)]) == 15
    assert eta(20, None, [], [loads(5), loads(8)]) == 12, "the first that is ready counts"
    assert eta(20, None, [], [loads(30)]) == 1, "it takes longer than the last"
    assert eta(20, None, [], [loads(3, left_s=100)]) == 120, "its files are fetched first"


def test_a_load_that_was_never_measured_is_taken_for_one_of_others() -> None:
    assert eta(None, 100, [0.5, 0.1, 0.2], []) == 20
    assert eta(None, 100, [], []) is None
    assert eta(None, None, [1.0], [loads(5)]) is None


@pytest.mark.parametrize(("said", "meant"), [(None, "wait"), ("", "wait"), ("Events", "events"), (" refuse", "refuse")])
def test_a_request_says_what_it_wants_meanwhile(said: str | None, meant: str) -> None:
    assert manner_of(said, "wait") == meant


def test_what_it_cannot_want_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        manner_of("soon", "wait")
    assert caught.value.param == "x-headrace-loading"


def test_an_event_and_a_comment_say_the_same() -> None:
    loading = Loading("m", "downloading", 0.25, 3, 12.4)
    assert loading.event() == (
        b'event: loading\ndata: {"model":"m","stage":"downloading","progress":0.25,"position":3,"eta_s":12.4}\n\n'
    )
    assert loading.comment() == b": downloading 25%, place 3, ready in about 12 s\n\n"
    assert Loading("m", "loading", 0.5, 1, None).in_words() == "loading 50%, place 1"


@pytest.fixture
async def client(valkey: Valkey) -> AsyncIterator[redis.Redis]:
    made = broker.async_command_client(valkey.url)
    await made.flushall()
    yield made
    await made.aclose()


async def test_places_are_among_the_requests_of_all_gateways(client: redis.Redis) -> None:
    here, there = WaitingRoom("here", client), WaitingRoom("there", client)
    runs = [asyncio.create_task(one.run()) for one in (here, there)]

    async def until(known: Callable[[], bool]) -> None:
        while not known():
            await asyncio.sleep(0.05)

    with here.waits("m") as first, here.waits("other") as alone:
        await asyncio.wait_for(until(lambda: bool(here._all)), 10)
        with there.waits("m") as second:
            await asyncio.wait_for(until(lambda: there.position("m", second) == 2), 10)
            await asyncio.wait_for(until(lambda: len(here._all["m"]) == 2), 10)
            assert (here.position("m", first), here.position("other", alone)) == (1, 1)

    async def left() -> None:
        while await client.hgetall(waiting.KEY):
            await asyncio.sleep(0.05)

    await asyncio.wait_for(left(), 10)
    for one in runs:
        one.cancel()


async def test_who_leaves_amid_a_report_is_not_kept_in_it(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    room = WaitingRoom("here", client)
    written = room.report
    with ExitStack() as waits:
        waits.enter_context(room.waits("m"))

        def report(now: float, ahead_s: float = 0.0) -> waiting.Report:
            found = written(now, ahead_s)
            waits.close()
            return found

        monkeypatch.setattr(room, "report", report)
        run = asyncio.create_task(room.run())

        async def told() -> None:
            while not room._all:
                await asyncio.sleep(0.02)
            while await client.hgetall(waiting.KEY):
                await asyncio.sleep(0.05)

        await asyncio.wait_for(told(), 10)
    run.cancel()


async def test_the_clocks_of_machines_do_not_matter(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of one gateway is an hour behind: its requests wait like those of others, and come in their order."""
    behind = SimpleNamespace(monotonic=lambda: time.monotonic() - 3600, time=lambda: time.time() - 3600)
    here, there = WaitingRoom("here", client), WaitingRoom("there", client)
    with here.waits("m") as first:
        await here._report()
        monkeypatch.setattr(waiting_room, "time", behind)
        with there.waits("m") as second:
            await there._report()
            now = waiting.clock(await client.time())
            found = waiting.merged(await client.hgetall(waiting.KEY), now)
            assert [now - since < 60 for since in found["m"]] == [True, True]
            assert there.position("m", second) == 2
        monkeypatch.undo()
        await here._report()
        assert here.position("m", first) == 1


def test_who_was_refused_counts_for_a_while(client: redis.Redis) -> None:
    room = WaitingRoom("here", client)
    room.note("m")
    room.note("m")
    [since] = room.report(0).since["m"]
    assert room.report(since + NOTED_S - 1).since == {"m": [since]}
    assert room.report(since + NOTED_S + 1).since == {}


def test_a_gateway_that_is_gone_is_not_counted() -> None:
    fields = {"a": waiting.encode(waiting.Report(100, {"m": [90.0, 80.0]}))}
    fields["b"] = waiting.encode(waiting.Report(50, {"m": [40.0]}))
    assert waiting.merged(fields, 101) == {"m": [80.0, 90.0]}
    assert waiting.stale(fields, 101) == []
    assert waiting.stale(fields, 111) == ["b"]
