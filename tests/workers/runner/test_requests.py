"""The runner's requests on a real engine, one by one: whatever arrives, each ends once."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from models.errors import HeadraceError, ShuttingDown
from models.modalities import chat
from models.modalities.chat.messages import Message
from models.redis import stream
from models.redis.stream import Frame, FrameKind
from tests.support.pictures import data_url, saved
from tests.support.web import Server, serving
from workers.engines.base import MEDIA_PARTS, EngineSite, Sink
from workers.engines.echo import Echo
from workers.protocol import Submit
from workers.runner.media_intake import MediaIntake
from workers.runner.publisher import Publisher
from workers.runner.requests import Requests


class Recorder(Publisher):
    """A publisher that keeps what it is given."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.left: list[tuple[str, str]] = []

    def put(self, gateway_id: str, frame: Frame) -> None:
        assert gateway_id == "g"
        self.frames.append(frame)

    def beat(self, beats: dict[str, dict[str, int]]) -> None:
        pass

    def leave(self, slots: list[str], rid: str) -> None:
        self.left.extend((slot, rid) for slot in slots)


class Desk:
    """Requests over an echo engine, and what came of them."""

    def __init__(self, engine: Echo) -> None:
        self.engine = engine
        self.recorder = Recorder()
        self.finished: list[str] = []
        self.requests = Requests(engine, self.recorder, self.finished.append)

    def submit(self, rid: str = "r", *, modality: str = "chat", seconds: float = 60, **fields: Any) -> None:
        body = {"model": "m", "messages": [{"role": "user", "content": "a b"}], "max_tokens": 3} | fields
        self.requests.submit(Submit(rid, "g", modality, int((time.time() + seconds) * 1000), body, ["slot"]))

    async def over(self, rid: str = "r") -> Frame | None:
        async with asyncio.timeout(20):
            while rid not in self.finished:
                await asyncio.sleep(0.005)
        assert self.finished.count(rid) == 1
        assert self.recorder.left.count(("slot", rid)) == 1
        mine = [frame for frame in self.recorder.frames if frame.rid == rid]
        assert [frame.seq for frame in mine] == list(range(len(mine)))
        return mine[-1] if mine else None

    def error(self, frame: Frame | None) -> HeadraceError:
        assert frame is not None
        assert frame.kind == FrameKind.ERROR
        return HeadraceError.from_wire(stream.decode_error(frame.body))


class Clumsy(Echo):
    """An engine with a bug."""

    def chat(self, request: chat.Request, sink: Sink) -> None:
        raise RuntimeError("secret")


async def _desk(engine: type[Echo] = Echo, **options: Any) -> Desk:
    return Desk(await engine.resident(EngineSite("", "cpu", options), lambda *_: None))


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = await _desk(step_ms=5)
    yield desk
    desk.engine.close()


async def test_a_request_ends_with_its_closing_frame(desk: Desk) -> None:
    desk.submit(stream=True)
    last = await desk.over()
    assert last is not None
    assert last.kind == FrameKind.DONE
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
    desk = await _desk(Clumsy)
    desk.submit()
    error = desk.error(await desk.over())
    assert error.code == "engine_failure"
    assert "secret" not in error.message
    desk.engine.close()


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


# ---- media -------------------------------------------------------------------------------------------------


class Seeing(Echo):
    """An engine that says how many pictures it was shown."""

    def chat(self, request: chat.Request, sink: Sink) -> None:
        text = " ".join(one.media_type for one in sink.media)
        super().chat(request.model_copy(update={"messages": [Message(role="user", content=text)]}), sink)


def _shown(*urls: str) -> dict[str, Any]:
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return {"messages": [{"role": "user", "content": parts}]}


@pytest.fixture
async def seeing() -> AsyncIterator[Desk]:
    desk = await _desk(Seeing, step_ms=5)
    yield desk
    desk.engine.close()


async def test_media_reach_the_engine_in_their_order(seeing: Desk) -> None:
    seeing.submit(**_shown(*(data_url(saved(form), "image/x") for form in ("png", "gif", "jpeg"))))
    last = await seeing.over()
    assert last is not None
    assert b"image/png image/gif image/jpeg" in stream.decode_closing(last.body).body


async def test_an_engine_that_takes_no_pictures_says_so_and_nothing_is_fetched() -> None:
    desk = await _desk()
    desk.engine.honours = Echo.honours - MEDIA_PARTS
    with serving(Server()) as server:
        desk.submit(**_shown(server.url))
        error = desk.error(await desk.over())
        assert server.seen == []
    desk.engine.close()
    assert (error.code, error.param) == ("unsupported_parameter", "messages[0].content[0].image_url")
    assert error.message == "this model does not take pictures"


async def test_bad_media_are_the_clients_fault(seeing: Desk) -> None:
    seeing.submit(**_shown(data_url(saved("png")), "file:///etc/passwd"))
    error = seeing.error(await seeing.over())
    assert (error.code, error.param) == ("invalid_value", "messages[0].content[1].image_url")


def _fetching() -> list[asyncio.Task[Any]]:
    """The tasks that fetch media."""
    return [task for task in asyncio.all_tasks() if "_take" in str(task) or "MediaIntake" in str(task)]


@pytest.mark.parametrize("how", ["cancel", "gateway", "drain", "deadline"])
async def test_a_request_that_ends_while_its_media_are_fetched_leaves_nothing(seeing: Desk, how: str) -> None:
    released = threading.Event()
    beating = asyncio.create_task(seeing.requests.beat())
    with serving(Server()) as server:
        server.routes["/"] = lambda _: released.wait(30)
        seeing.requests._intake = MediaIntake("127.0.0.0/8")
        seeing.submit(seconds=4 if how == "deadline" else 60, **_shown(server.url))
        async with asyncio.timeout(20):
            while not server.seen:
                await asyncio.sleep(0.01)
        if how == "cancel":
            seeing.requests.cancel("r")
        elif how == "gateway":
            seeing.requests.cancel_gateway("g")
        elif how == "drain":
            seeing.requests.fail_all(ShuttingDown().to_wire())
        last = await seeing.over()
        async with asyncio.timeout(20):
            while _fetching():
                await asyncio.sleep(0.01)
        released.set()
    beating.cancel()
    if how in ("drain", "deadline"):
        assert seeing.error(last).code == {"drain": "shutting_down", "deadline": "deadline_exceeded"}[how]
    else:
        assert last is None
    assert seeing.requests.inflight == 0
