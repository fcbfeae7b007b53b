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


async def _read_all(inbox: Inbox) -> bytes:
    found = b""
    async with asyncio.timeout(10):
        while data := await inbox.read():
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
    assert await inbox.read() == b"0;"
    inbox.gap_since = 2
    assert inbox.feed(frames[1], 3)
    assert inbox.gap_since is None
    assert await inbox.read() == b"1;2;"


async def test_an_error_comes_after_what_came_before_it() -> None:
    inbox = _inbox()
    inbox.feed(_frames(1)[0], 1)
    inbox.feed(Frame("rid", 1, FrameKind.ERROR, stream.encode(EngineFailure("out of memory").to_wire())), 2)
    assert await inbox.read() == b"0;"
    with pytest.raises(EngineFailure, match="out of memory"):
        await inbox.read()


async def test_a_workers_word_is_taken_whatever_is_missing() -> None:
    inbox = _inbox()
    inbox.feed(Frame("rid", -1, FrameKind.ERROR, stream.encode(ReplicaLost().to_wire())), 1)
    with pytest.raises(ReplicaLost):
        await inbox.read()


async def test_failing_wakes_the_reader() -> None:
    inbox = _inbox()
    reading = asyncio.create_task(inbox.read())
    await asyncio.sleep(0)
    inbox.fail(ReplicaLost())
    inbox.fail(HeadraceError("the first error counts"))
    with pytest.raises(ReplicaLost):
        await reading


async def test_a_slow_reader_is_cut_and_memory_stays_bounded() -> None:
    inbox = _inbox(buffer_bytes=1000)
    for seq in range(5000):
        inbox.feed(Frame("rid", seq, FrameKind.EVENTS, b"x" * 100), 1)
    assert len(await inbox.read()) <= 1200
    with pytest.raises(SlowReader):
        await inbox.read()


async def test_a_reader_that_keeps_up_is_never_cut() -> None:
    inbox = _inbox(buffer_bytes=1000)
    for seq in range(5000):
        inbox.feed(Frame("rid", seq, FrameKind.EVENTS, b"x" * 100), 1)
        assert await inbox.read() == b"x" * 100
