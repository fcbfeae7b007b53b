"""What a gateway believes of its replicas, from what it hears and what it does not hear; and what it sends to them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import redis.asyncio

from api.gateway.inbox import Inbox
from api.gateway.replies import ASK_EVERY_S, GAP_S, RECONNECT_S, WATCH_EVERY_S, Replies
from api.gateway.routing_table import RoutingTable
from models.errors import BrokerUnavailable, EngineFailure, HeadraceError, ReplicaLost
from models.redis import broker, presence, stream
from models.redis.presence import Replica, Snapshot
from models.redis.stream import Cancel, Closing, Control, Frame, FrameKind, Packet, Resend
from models.settings import Settings
from tests.support.servers import Valkey

SILENCE_S = 5.0


@pytest.fixture
async def replies() -> Any:
    """A gateway's ear that knows of the model ``m``, ready under the epoch ``E``."""
    client = redis.asyncio.Redis(port=1)  # nobody is there
    table = RoutingTable(SILENCE_S, lambda epoch: found.lose(epoch))
    found = Replies(Settings(silence_s=SILENCE_S), client, client, table)
    report(found, 1, 0.0)
    yield found
    await client.aclose()


def report(replies: Replies, serial: int, now: float, state: str = "ready") -> None:
    replies._routing_table.update(Snapshot("host.cpu", "w", serial, [Replica("m-0", "m", "E", state)]), now)


def opened(replies: Replies, seen_at: float = 0.0, *, rid: str = "r", epoch: str = "E", slots: Any = ()) -> Inbox:
    inbox = Inbox(rid, "m", epoch, "host.cpu", [*slots], seen_at, 1 << 20)
    replies.open(inbox)
    return inbox


def said(seq: int, body: bytes = b"x") -> Packet:
    return Packet(stream.VERSION, "E", [Frame("r", seq, FrameKind.EVENTS, body)])


def said_error(error: HeadraceError, seq: int = -1) -> Packet:
    return Packet(stream.VERSION, "E", [Frame("r", seq, FrameKind.ERROR, stream.encode(error.to_wire()))])


def beating(**following: int) -> Packet:
    return Packet(stream.VERSION, "E", [], following)


def is_ready(replies: Replies) -> bool:
    return bool(replies._routing_table.ready("m"))


async def test_what_a_gateway_suspects_is_no_word_of_the_runner(replies: Replies) -> None:
    inbox = opened(replies)
    inbox.fail(ReplicaLost())
    replies._sort(said(0), 7.0)
    assert is_ready(replies)


@pytest.mark.parametrize("ended", [False, True])
async def test_a_runner_that_says_it_is_lost_is_doubted_until_a_snapshot_says_otherwise(
    replies: Replies, ended: bool
) -> None:
    inbox = opened(replies)
    if ended:
        inbox.fail(ReplicaLost())
    replies._sort(said_error(ReplicaLost()), 1.0)
    assert not is_ready(replies)
    report(replies, 1, 1.1)  # one that was sent before
    assert not is_ready(replies)
    report(replies, 2, 1.2)
    assert is_ready(replies)


async def test_an_error_of_one_request_is_no_reason_to_doubt_its_runner(replies: Replies) -> None:
    opened(replies)
    replies._sort(said_error(EngineFailure(), 0), 1.0)
    assert is_ready(replies)


async def test_only_the_requests_of_a_lost_runner_are_lost(replies: Replies) -> None:
    mine, another = opened(replies), opened(replies, rid="s", epoch="F")
    replies.lose("E")
    assert isinstance(mine.error, ReplicaLost)
    assert another.error is None


@pytest.mark.parametrize("beats", [True, False])
async def test_a_request_that_its_runner_says_nothing_of_is_lost(replies: Replies, beats: bool) -> None:
    """Its device may be well, and its runner not."""
    inbox = opened(replies)
    if beats:
        replies._sort(beating(r=0), 1.0)
    report(replies, 2, SILENCE_S)
    replies._judge(SILENCE_S)
    assert inbox.error is None
    replies._judge(SILENCE_S + 0.1)
    assert (inbox.error is None) == beats
    assert is_ready(replies)


async def test_a_runner_that_stops_serves_no_more(replies: Replies) -> None:
    opened(replies)
    replies._sort(said_error(ReplicaLost()), 1.0)
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
    while "stood still" not in caplog.text and inbox.error is None:
        await asyncio.sleep(0.01)
    assert inbox.error is None
    assert is_ready(replies)
    if speaks:
        replies._sort(beating(r=0), loop.time())
        report(replies, 3, loop.time())
    await asyncio.sleep(2.5 * WATCH_EVERY_S)
    assert (inbox.error is None) == is_ready(replies) == speaks
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching


# ---- what is lost on its way -------------------------------------------------------------------------------


class Runner:
    """The runner of the epoch ``E``, as far as it listens, over a real Redis."""

    def __init__(self, replies: Replies, client: redis.asyncio.Redis) -> None:
        self.client = client
        self._replies = replies
        self._channel = client.pubsub(ignore_subscribe_messages=True)

    async def listen(self) -> None:
        """Begin to."""
        await self._channel.subscribe(stream.control_channel("E"))
        await self._channel.get_message(timeout=30)

    async def sent(self) -> list[Control]:
        """What was sent to it since it was last asked."""
        await asyncio.gather(*self._replies._background._tasks)
        await self.client.publish(stream.control_channel("E"), b"end")
        messages: list[Control] = []
        async for message in self._channel.listen():
            if message["data"] == b"end":
                break
            messages.append(stream.decode_control(message["data"]))
        return messages

    async def close(self) -> None:
        """Hear nothing more."""
        await self._channel.aclose()  # type: ignore[no-untyped-call]


@pytest.fixture
async def runner(replies: Replies, valkey: Valkey) -> AsyncIterator[Runner]:
    """One that the gateway of ``replies`` reaches."""
    client = broker.async_command_client(valkey.url)
    replies._client = replies._stream_client = client
    replies._settings = Settings(silence_s=SILENCE_S, redis_url=valkey.url)
    listener = Runner(replies, client)
    await listener.listen()
    yield listener
    await listener.close()
    await client.aclose()


async def test_missing_frames_are_asked_for_again_and_not_at_every_frame(replies: Replies, runner: Runner) -> None:
    inbox = opened(replies, 1.0)
    replies._sort(said(0), 1.0)
    assert await runner.sent() == []
    replies._sort(said(2), 1.0)
    assert await runner.sent() == [Resend("r", 1)]
    replies._sort(said(3), 1.0 + ASK_EVERY_S / 2)
    replies._judge(1.0 + ASK_EVERY_S / 2)
    assert await runner.sent() == []
    replies._judge(1.0 + ASK_EVERY_S)
    assert await runner.sent() == [Resend("r", 1)], "a question may be lost"
    assert replies.gaps == 1
    replies._sort(said(1), 2.0)
    replies._judge(2.0 + ASK_EVERY_S)
    assert await runner.sent() == []
    assert inbox.expected == 4


async def test_a_stream_fails_where_what_is_missing_does_not_come(replies: Replies, runner: Runner) -> None:
    inbox = opened(replies, 1.0)
    replies._sort(said(1), 1.0)
    for late in (0.5, 1.5, 2.5):
        replies._sort(beating(r=2), 1.0 + late)
    report(replies, 2, 1.0 + GAP_S)
    replies._judge(1.0 + GAP_S)
    assert inbox.error is None
    replies._judge(1.1 + GAP_S)
    assert "part of the answer was lost" in str(inbox.error)
    await runner.sent()
    replies._sort(beating(r=2), 9.0)
    assert await runner.sent() == [], "nobody waits for it any more"


async def test_a_beat_shows_that_the_last_frame_was_lost(replies: Replies, runner: Runner) -> None:
    opened(replies, 1.0)
    replies._sort(said(0), 1.0)
    replies._sort(beating(r=1), 2.0)
    assert await runner.sent() == []
    replies._sort(beating(r=2), 3.0)
    assert await runner.sent() == [Resend("r", 1)]


async def test_a_request_that_is_over_here_is_cancelled_at_its_runner(replies: Replies, runner: Runner) -> None:
    opened(replies, 1.0)
    replies._sort(beating(r=0, gone=5), 1.0)
    assert await runner.sent() == [Cancel(["gone"])]


@pytest.mark.parametrize("complete", [True, False])
async def test_who_leaves_before_the_end_frees_the_slots(replies: Replies, runner: Runner, complete: bool) -> None:
    """After the end the runner has freed them."""
    slots = ["headrace:slots:a", "headrace:slots:b"]
    for key in slots:
        await runner.client.zadd(key, {"r": 1.0, "other": 1.0})
    inbox = opened(replies, slots=slots)
    if complete:
        done = Frame("r", 0, FrameKind.DONE, stream.encode(Closing(b"", 1, 1)))
        replies._sort(Packet(stream.VERSION, "E", [done]), 1.0)
    replies.close(inbox)
    replies.close(inbox)
    assert await runner.sent() == ([] if complete else [Cancel(["r"])])
    held = [await runner.client.zrange(key, 0, -1) for key in slots]
    assert held == [[b"other", b"r"] if complete else [b"other"]] * 2
    await runner.client.delete(*slots)


# ---- the connection ----------------------------------------------------------------------------------------


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


async def test_streams_end_where_the_connection_is_not_back_in_time(
    replies: Replies, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = opened(replies)
    replies.connected = True
    with monkeypatch.context() as clock:
        for now in (1.0, 2.0):  # the second is an attempt to connect again that fails
            clock.setattr(asyncio.get_running_loop(), "time", lambda now=now: now)
            replies._disconnect()
    replies._judge(1.0 + RECONNECT_S)
    assert inbox.error is None
    replies._judge(1.1 + RECONNECT_S)
    assert isinstance(inbox.error, BrokerUnavailable)


async def test_streams_go_on_once_the_connection_is_back(replies: Replies, runner: Runner, valkey: Valkey) -> None:
    """What was published before is read first, and what cannot be read is passed over."""
    loop = asyncio.get_running_loop()
    inbox = opened(replies)
    before = Snapshot("other.cpu", "w", 1, [Replica("n-0", "n", "F", "ready")])
    await runner.client.set(presence.device_key("other.cpu"), presence.encode(before))
    listening = asyncio.create_task(replies.run())
    try:
        await until(lambda: replies.connected)
        assert replies._routing_table.ready("n")
        with valkey.client() as other:
            other.client_kill_filter(_type="pubsub")
            await until(lambda: not replies.connected)
            await until(lambda: replies.connected)
            inbox.seen_at = loop.time()
            report(replies, 2, loop.time())
            replies._judge(loop.time() + RECONNECT_S + 1)
            assert inbox.error is None
            other.publish(stream.gateway_channel(replies.gateway_id), b"\xc1")
            other.publish(presence.DEVICES, b"{}")
            other.publish(presence.DEVICES, presence.encode(Snapshot("other.cpu", "w", 2, [])))
            other.publish(stream.gateway_channel(replies.gateway_id), stream.encode(said(0, b"heard")))
        reading = asyncio.create_task(inbox.read())
        await asyncio.wait((reading, listening), return_when=asyncio.FIRST_COMPLETED)
        assert not listening.done()
        assert await reading == b"heard"
        assert not replies._routing_table.ready("n")
    finally:
        listening.cancel()
        await asyncio.wait((listening,))
        await runner.client.delete(presence.device_key("other.cpu"))
