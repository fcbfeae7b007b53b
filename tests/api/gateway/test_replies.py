"""What a gateway believes of its replicas, from what it hears and what it does not hear. No Redis is asked here."""

import asyncio
import contextlib
from typing import Any

import pytest
import redis.asyncio

from api.gateway.inbox import Inbox
from api.gateway.replies import WATCH_EVERY_S, Replies
from api.gateway.routing_table import RoutingTable
from models.errors import ReplicaLost
from models.redis import stream
from models.redis.presence import Replica, Snapshot
from models.redis.stream import Frame, FrameKind, Packet
from models.settings import Settings

SILENCE_S = 5.0


@pytest.fixture
async def replies() -> Any:
    """A gateway's ear that knows of the model ``m``, ready under the epoch ``E``."""
    client = redis.asyncio.Redis(port=1)  # nobody is there
    found = Replies(Settings(silence_s=SILENCE_S), client, RoutingTable(SILENCE_S, lambda epoch: found.lose(epoch)))
    report(found, 1, 0.0)
    yield found
    await client.aclose()


def report(replies: Replies, serial: int, now: float, state: str = "ready") -> None:
    replies._routing_table.update(Snapshot("host.cpu", "w", serial, [Replica("m-0", "m", "E", state)]), now)


def opened(replies: Replies, seen_at: float = 0.0) -> Inbox:
    inbox = Inbox("r", "m", "E", "host.cpu", [], seen_at, 1 << 20)
    replies.open(inbox)
    return inbox


def said_lost(seq: int = -1) -> Packet:
    return Packet(stream.VERSION, "E", [Frame("r", seq, FrameKind.ERROR, stream.encode(ReplicaLost().to_wire()))])


def is_ready(replies: Replies) -> bool:
    return bool(replies._routing_table.ready("m"))


async def test_what_a_gateway_suspects_is_no_word_of_the_runner(replies: Replies) -> None:
    inbox = opened(replies)
    inbox.fail(ReplicaLost())
    replies._sort(Packet(stream.VERSION, "E", [Frame("r", 0, FrameKind.EVENTS, b"x")]), 7.0)
    assert is_ready(replies)


@pytest.mark.parametrize("ended", [False, True])
async def test_a_runner_that_says_it_is_lost_is_doubted_until_a_snapshot_says_otherwise(
    replies: Replies, ended: bool
) -> None:
    inbox = opened(replies)
    if ended:
        inbox.fail(ReplicaLost())
    replies._sort(said_lost(), 1.0)
    assert not is_ready(replies)
    report(replies, 1, 1.1)  # one that was sent before
    assert not is_ready(replies)
    report(replies, 2, 1.2)
    assert is_ready(replies)


async def test_a_runner_that_stops_serves_no_more(replies: Replies) -> None:
    opened(replies)
    replies._sort(said_lost(), 1.0)
    report(replies, 2, 1.1, state="stopping")
    assert not is_ready(replies)


@pytest.mark.parametrize("speaks", [True, False])
async def test_a_turn_that_comes_late_judges_nobody(
    replies: Replies, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, speaks: bool
) -> None:
    """The process stood still for longer than a replica may be silent: what was said meanwhile is read first."""
    loop = asyncio.get_running_loop()
    clock, stood_still = loop.time, 0.0
    monkeypatch.setattr(loop, "time", lambda: clock() + stood_still)
    report(replies, 2, loop.time())
    inbox = opened(replies, loop.time())
    watching = asyncio.create_task(replies._watch())
    await asyncio.sleep(0)
    stood_still = SILENCE_S + 2
    while "stood still" not in caplog.text:
        await asyncio.sleep(0.01)
    assert inbox.error is None
    assert is_ready(replies)
    if speaks:
        replies._sort(Packet(stream.VERSION, "E", [], {"r": 0}), loop.time())
        report(replies, 3, loop.time())
    await asyncio.sleep(2.5 * WATCH_EVERY_S)
    assert (inbox.error is None) == is_ready(replies) == speaks
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
