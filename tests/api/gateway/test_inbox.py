"""Frames in any order, doubled or lost: the reader gets each once, in order, or an error."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.gateway.inbox import Inbox
from models.errors import EngineFailure, HeadraceError, ReplicaLost, SlowReader
from models.redis import stream
from models.redis.stream import Closing, Frame, FrameKind


def _inbox(buffer_bytes: int = 1 << 20) -> Inbox:
    return Inbox("rid", "m", "epoch", "d", [], 0.0, buffer_bytes)


def _frames(count: int) -> list[Frame]:
    frames = [Frame("rid", seq, FrameKind.EVENTS, b"%d;" % seq) for seq in range(count)]
    return [*frames, Frame("rid", count, FrameKind.DONE, stream.encode(Closing(b"end", 1, count)))]


async def _read(inbox: Inbox) -> bytes:
    """What has come; an error, not a hang, where nothing does."""
    async with asyncio.timeout(5):
        return await inbox.read()


async def _read_all(inbox: Inbox) -> bytes:
    found = b""
    while data := await _read(inbox):
        found += data
    return found


@given(st.data())
async def test_any_order_with_doubles_reads_in_order(data: st.DataObject) -> None:
    frames = _frames(data.draw(st.integers(0, 12)))
    order = data.draw(st.permutations(frames))
    doubled = [one for frame in order for one in [frame] * data.draw(st.integers(1, 2))]
    inbox = _inbox()
    for number, frame in enumerate(doubled):
        complete = inbox.feed(frame, float(number))
        assert complete == (not inbox._early or inbox.ended)

    assert await _read_all(inbox) == b"".join(b"%d;" % n for n in range(len(frames) - 1)) + b"end"
    assert inbox.ended
    assert inbox.gap_since is None


async def test_a_gap_is_told_until_it_is_filled() -> None:
    inbox, frames = _inbox(), _frames(3)
    assert inbox.feed(frames[0], 1)
    assert not inbox.feed(frames[2], 2)
    assert await _read(inbox) == b"0;"
    inbox.gap_since = 2
    assert inbox.feed(frames[1], 3)
    assert inbox.gap_since is None
    assert await _read(inbox) == b"1;2;"


async def test_of_two_gaps_the_first_to_be_filled_does_not_end_the_wait() -> None:
    inbox, frames = _inbox(), _frames(5)
    for seq in (2, 4):
        assert not inbox.feed(frames[seq], 1)
    inbox.gap_since = 1
    for seq in (0, 1):
        assert not inbox.feed(frames[seq], 2)
        assert inbox.gap_since == 1, "3 is still missing"
    assert inbox.feed(frames[3], 3)
    assert inbox.gap_since is None
    assert await _read(inbox) == b"0;1;2;3;4;"


async def test_what_follows_the_end_is_not_read() -> None:
    inbox = _inbox()
    for frame in _frames(1):
        inbox.feed(frame, 1)
    assert inbox.feed(Frame("rid", 2, FrameKind.EVENTS, b"late"), 2)
    assert inbox.feed(Frame("rid", -1, FrameKind.ERROR, stream.encode(ReplicaLost().to_wire())), 3)
    assert await _read_all(inbox) == b"0;end"
    assert inbox.error is None


async def test_every_frame_is_a_sign_of_life_and_a_token_less_to_wait_for() -> None:
    inbox, frames = _inbox(), _frames(2)
    inbox.feed(frames[1], 5)
    assert (inbox.seen_at, inbox.tokens) == (5, 0)
    inbox.feed(frames[0], 6)
    assert (inbox.seen_at, inbox.tokens) == (6, 2)


async def test_an_error_comes_after_what_came_before_it() -> None:
    inbox = _inbox()
    inbox.feed(_frames(1)[0], 1)
    inbox.feed(Frame("rid", 1, FrameKind.ERROR, stream.encode(EngineFailure("out of memory").to_wire())), 2)
    assert await _read(inbox) == b"0;"
    with pytest.raises(EngineFailure, match="out of memory"):
        await _read(inbox)


async def test_a_workers_word_is_taken_whatever_is_missing() -> None:
    inbox = _inbox()
    inbox.feed(Frame("rid", -1, FrameKind.ERROR, stream.encode(ReplicaLost().to_wire())), 1)
    with pytest.raises(ReplicaLost):
        await _read(inbox)


async def test_failing_wakes_the_reader() -> None:
    inbox = _inbox()
    reading = asyncio.create_task(_read(inbox))
    await asyncio.sleep(0)
    inbox.fail(ReplicaLost())
    inbox.fail(HeadraceError("the first error counts"))
    with pytest.raises(ReplicaLost):
        await reading


async def test_a_slow_reader_is_cut_and_memory_stays_bounded() -> None:
    inbox = _inbox(buffer_bytes=1000)
    for seq in range(5000):
        inbox.feed(Frame("rid", seq, FrameKind.EVENTS, b"x" * 100), 1)
    assert len(await _read(inbox)) <= 1200
    with pytest.raises(SlowReader):
        await _read(inbox)


async def test_a_reader_may_fall_behind_by_all_that_the_buffer_holds() -> None:
    inbox = _inbox(buffer_bytes=1000)
    for seq in range(10):
        inbox.feed(Frame("rid", seq, FrameKind.EVENTS, b"x" * 100), 1)
    assert await _read(inbox) == b"x" * 1000
    inbox.feed(Frame("rid", 10, FrameKind.EVENTS, b"y"), 1)
    assert await _read(inbox) == b"y"


async def test_an_end_larger_than_the_buffer_cuts_nobody() -> None:
    inbox = _inbox(buffer_bytes=1000)
    inbox.feed(Frame("rid", 0, FrameKind.DONE, stream.encode(Closing(b"x" * 5000, 1, 1))), 1)
    assert await _read_all(inbox) == b"x" * 5000


async def test_a_reader_that_keeps_up_is_never_cut() -> None:
    inbox = _inbox(buffer_bytes=1000)
    for seq in range(5000):
        inbox.feed(Frame("rid", seq, FrameKind.EVENTS, b"x" * 100), 1)
        assert await _read(inbox) == b"x" * 100


async def test_who_waits_for_the_beginning_is_told_of_another_replica() -> None:
    inbox = _inbox()
    waits = asyncio.create_task(inbox.first())
    await asyncio.sleep(0)
    inbox.offer("other")
    assert await waits is None
    inbox.offered = ""
    inbox.feed(_frames(1)[0], 0.0)
    inbox.offer("other")
    assert (await inbox.first(), inbox.offered) == (b"0;", ""), "what has begun stays"


async def test_the_beginning_of_an_answer_may_be_an_error() -> None:
    inbox = _inbox()
    inbox.fail(ReplicaLost())
    with pytest.raises(ReplicaLost):
        await inbox.first()
