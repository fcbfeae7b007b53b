"""The runner's requests on a real engine, one by one: whatever arrives, each ends once."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from models import stream
from models.errors import HeadraceError, ShuttingDown
from models.modalities import chat
from models.stream import Frame, Kind
from workers.engines.base import Placement, Sink
from workers.engines.echo import Echo
from workers.protocol import Submit
from workers.publisher import Publisher
from workers.requests import Requests


class Recorder(Publisher):
    """A publisher that keeps what it is given."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.left: list[tuple[str, str]] = []

    def put(self, gateway: str, frame: Frame) -> None:
        assert gateway == "g"
        self.frames.append(frame)

    def beat(self, beats: dict[str, dict[str, int]]) -> None:
        pass

    def leave(self, slots: list[str], rid: str) -> None:
        self.left.extend((slot, rid) for slot in slots)


class Desk:
    """Requests over an echo engine, and what came of them."""

    def __init__(self, engine: Echo) -> None:
        self.recorder = Recorder()
        self.finished: list[str] = []
        self.requests = Requests(engine, self.recorder, self.finished.append)

    def submit(self, rid: str = "r", *, modality: str = "chat", seconds: float = 60, **fields: Any) -> None:
        body = {"model": "m", "messages": [{"role": "user", "content": "a b"}], "max_tokens": 3} | fields
        self.requests.submit(Submit(rid, "g", modality, int((time.time() + seconds) * 1000), body, ["slot"]))

    async def over(self, rid: str = "r") -> Frame | None:
        async with asyncio.timeout(5):
            while rid not in self.finished:
                await asyncio.sleep(0.005)
        assert self.finished.count(rid) == 1
        assert self.recorder.left.count(("slot", rid)) == 1
        mine = [frame for frame in self.recorder.frames if frame.rid == rid]
        assert [frame.seq for frame in mine] == list(range(len(mine)))
        return mine[-1] if mine else None

    def error(self, frame: Frame | None) -> HeadraceError:
        assert frame is not None
        assert frame.kind == Kind.ERROR
        return HeadraceError.from_wire(stream.decode_error(frame.body))


class Clumsy(Echo):
    """An engine with a bug."""

    def chat(self, request: chat.Request, sink: Sink) -> None:
        raise RuntimeError("secret")


async def _desk(engine: Echo, **options: Any) -> Desk:
    engine.load(Placement("", "cpu", options), lambda *_: None)
    engine.start()
    return Desk(engine)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    engine = Echo()
    yield await _desk(engine, step_ms=5)
    engine.close()


async def test_a_request_ends_with_its_closing_frame(desk: Desk) -> None:
    desk.submit(stream=True)
    last = await desk.over()
    assert last is not None
    assert last.kind == Kind.DONE
    assert stream.decode_closing(last.body).completion_tokens == 3


async def test_a_message_delivered_twice_runs_once(desk: Desk) -> None:
    desk.submit()
    desk.submit()
    await desk.over()
    desk.submit()
    assert desk.finished == ["r"]


async def test_a_cancel_ends_a_request_without_a_frame(desk: Desk) -> None:
    desk.submit(max_tokens=1000)
    desk.requests.cancel("r")
    assert await desk.over() is None
    assert desk.requests.inflight == 0
    assert desk.requests.aborted == 1


async def test_a_cancel_that_overtakes_its_request_is_remembered(desk: Desk) -> None:
    desk.requests.cancel("r")
    desk.submit()
    assert await desk.over() is None


async def test_a_dead_gateways_requests_end(desk: Desk) -> None:
    desk.submit("one", max_tokens=1000)
    desk.submit("two", max_tokens=1000)
    desk.requests.cancel_gateway("other")
    assert desk.requests.inflight == 2
    desk.requests.cancel_gateway("g")
    assert await desk.over("one") is None
    assert await desk.over("two") is None


async def test_frames_are_sent_again_also_after_the_end(desk: Desk) -> None:
    desk.submit(stream=True)
    await desk.over()
    first = list(desk.recorder.frames)
    desk.requests.resend("r", 1)
    desk.requests.resend("unknown", 0)
    assert desk.recorder.frames == first + first[1:]


@pytest.mark.parametrize(
    ("asked", "code", "param"),
    [
        ({"top_k": 3}, "unsupported_parameter", "top_k"),
        ({"response_format": {"type": "json_object"}}, "unsupported_parameter", "response_format"),
        ({"modality": "juggling"}, "invalid_value", None),
        ({"messages": []}, "invalid_value", None),
        ({"seconds": -1}, "deadline_exceeded", None),
        ({"messages": [{"role": "user", "content": "a " * 40_000}]}, "context_length_exceeded", "messages"),
    ],
)
async def test_what_cannot_be_served_is_answered(desk: Desk, asked: dict[str, Any], code: str, param: str) -> None:
    desk.submit(**asked)
    error = desk.error(await desk.over())
    assert (error.code, error.param) == (code, param)


async def test_an_engines_bug_is_its_requests_end_and_no_more() -> None:
    engine = Clumsy()
    desk = await _desk(engine)
    desk.submit()
    error = desk.error(await desk.over())
    assert error.code == "engine_failure"
    assert "secret" not in error.message
    engine.close()


async def test_a_deadline_stops_the_engine(desk: Desk) -> None:
    beating = asyncio.create_task(desk.requests.beat())
    desk.submit(seconds=0.5, max_tokens=10_000)
    assert desk.error(await desk.over()).code == "deadline_exceeded"
    beating.cancel()


async def test_draining_tells_everybody(desk: Desk) -> None:
    desk.submit("one", max_tokens=1000)
    desk.submit("two", max_tokens=1000)
    desk.requests.fail_all(ShuttingDown().to_wire())
    assert desk.error(await desk.over("one")).code == "shutting_down"
    assert desk.error(await desk.over("two")).code == "shutting_down"
