"""The runner's jobs on a real engine, one by one: what is published, stored and reported, and that each ends once."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from models.errors import HeadraceError, ReplicaLost
from models.modalities import chat, images
from models.modalities.media import Artifact, Outcome
from models.redis import broker, events
from models.storage.artifacts import open_store
from tests.support.pictures import saved
from tests.support.servers import Valkey
from tests.support.web import Handler, Server, serving
from workers.engines.base import EngineSite, MediaSink, Sink
from workers.engines.echo import Echo, LoadedEcho
from workers.protocol import DoJob as Order
from workers.protocol import JobEnded
from workers.runner.job_events import JobEvents
from workers.runner.jobs import RunnerJobs
from workers.runner.media_intake import MediaIntake

CHAT = {"model": "m", "messages": [{"role": "user", "content": "a b"}], "max_tokens": 4}


class Painter(Echo):
    """An engine that gives back the image that it is given, and does what ``paint`` says besides.

    ``asked`` are the jobs whose chats have reached it.
    """

    honours = Echo.honours | {"size"}

    def __init__(self, loaded: LoadedEcho) -> None:
        super().__init__(loaded)
        self.asked: list[str] = []
        self.paint: Callable[[MediaSink], None] = lambda sink: None

    def chat(self, request: chat.Request, sink: Sink) -> None:
        self.asked.append(sink.rid)
        super().chat(request, sink)

    def images(self, request: images.Request, sink: MediaSink) -> None:
        self.paint(sink)
        sink.done(Outcome({"size": request.size}, [Artifact("0.png", "image/png", sink.files["image"].read_bytes())]))


class Bench:
    """Works over an engine, and what they report."""

    def __init__(self, engine: Painter, works: RunnerJobs, reports: "asyncio.Queue[Any]", valkey: Valkey) -> None:
        self.engine = engine
        self.works = works
        self.store = open_store_of(works)
        self._reports = reports
        self._redis = valkey.client()
        self._numbers = iter(range(1000))

    def begin(self, kind: str, body: dict[str, Any], *, deadline: float = 0, **files: str) -> str:
        job = f"job_{id(self)}_{next(self._numbers)}"
        self.works.begin(Order(job, 7, kind, int(deadline * 1000), body, files))
        return job

    async def over(self, job: str) -> JobEnded:
        async with asyncio.timeout(60):
            while not isinstance(report := await self._reports.get(), JobEnded):
                pass
        assert (report.id, report.fence) == (job, 7)
        assert self.works.inflight == 0
        return report

    def nothing_more(self) -> bool:
        return self._reports.empty()

    def published(self, job: str) -> list[events.Event]:
        return [event for _, event in events.read(self._redis.xrange(events.stream_key(job)))]


def open_store_of(works: RunnerJobs) -> Any:
    return works._outlets.store


def code_of(report: JobEnded) -> str:
    assert report.error is not None
    return HeadraceError.from_wire(report.error).code


@asynccontextmanager
async def _bench(valkey: Valkey, folder: Path, intake: MediaIntake | None = None) -> AsyncIterator[Bench]:
    client = broker.async_command_client(valkey.url)
    engine = await Painter.resident(EngineSite("", "cpu", {"step_ms": 1}), lambda *_: None)
    teller, reports = JobEvents(client), asyncio.Queue[Any]()
    works = RunnerJobs(engine, open_store(folder.as_uri()), teller, reports.put_nowait, intake)
    chores = [asyncio.create_task(teller.run()), asyncio.create_task(works.watch())]
    try:
        yield Bench(engine, works, reports, valkey)
    finally:
        for chore in chores:
            chore.cancel()
        engine.close()
        await client.aclose()


@pytest.fixture
async def bench(valkey: Valkey, tmp_path: Path) -> AsyncIterator[Bench]:
    async with _bench(valkey, tmp_path) as made:
        yield made


async def test_a_text_job_has_the_answer_of_a_request(bench: Bench) -> None:
    job = bench.begin("chat.completions", CHAT)
    report = await bench.over(job)
    assert report.error is None
    assert report.result is not None
    assert report.result["body"]["choices"][0]["message"]["content"] == "a b a b"
    assert report.result["body"]["usage"]["completion_tokens"] == 4
    assert report.result["artifacts"] == {}


async def test_a_text_that_is_streamed_is_published_before_the_job_ends(bench: Bench) -> None:
    job = bench.begin("responses", {"model": "m", "input": "a b", "stream": True, "max_output_tokens": 4})
    report = await bench.over(job)
    text = b"".join(event.blob for event in bench.published(job) if event.type == events.TEXT).decode()
    assert "response.created" in text
    assert "response.incomplete" in text
    assert report.result is not None
    assert json.dumps(report.result["body"]["output"][0]["content"][0]["text"]) in text


async def test_a_media_job_is_given_its_files_and_its_artifacts_are_stored_before_it_ends(bench: Bench) -> None:
    picture = saved("png")
    bench.store.put("input", picture, "image/png")

    def paint(sink: MediaSink) -> None:
        sink.progress(1, 2, Artifact("preview.jpg", "image/jpeg", b"small"))
        sink.piece(b"piece")

    bench.engine.paint = paint
    job = bench.begin("images.variations", {"model": "m", "size": "64x64"}, image="input")
    report = await bench.over(job)
    assert report.error is None
    assert report.result == {
        "body": {"size": "64x64"},
        "artifacts": {"0.png": {"key": f"jobs/{job}/7/0.png", "media_type": "image/png", "bytes": len(picture)}},
    }
    assert bench.store.local(f"jobs/{job}/7/0.png", Path("/nowhere")).read_bytes() == picture
    published = {event.type: event for event in bench.published(job)}
    assert published[events.PROGRESS].data == {"step": 1, "steps": 2, "progress": 0.5}
    assert published[events.PREVIEW].blob == b"small"
    assert published[events.PIECE].blob == b"piece"


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("juggling", {}, "invalid_value"),
        ("chat", CHAT, "invalid_value"),  # a modality, and not the kind of a job
        ("chat.completions", CHAT | {"messages": []}, "invalid_value"),
        ("chat.completions", CHAT | {"top_k": 3}, "unsupported_parameter"),
        ("audio.speech", {"model": "m", "input": "Hi"}, "invalid_value"),
        ("images.variations", {"model": "m"}, "engine_failure"),  # without its file
    ],
)
async def test_what_cannot_be_done_is_the_outcome(bench: Bench, kind: str, body: dict[str, Any], code: str) -> None:
    report = await bench.over(bench.begin(kind, body))
    assert report.result is None
    assert code_of(report) == code
    assert bench.nothing_more()


async def test_what_no_database_keeps_is_an_engines_failure(bench: Bench) -> None:
    def paint(sink: MediaSink) -> None:
        sink.done(Outcome({"size": float("nan")}, []))
        sink.fail(ReplicaLost())  # what comes after the end is ignored

    bench.engine.paint = paint
    bench.store.put("input", b"x", "image/png")
    report = await bench.over(bench.begin("images.variations", {"model": "m"}, image="input"))
    assert code_of(report) == "engine_failure"
    await asyncio.sleep(0)
    assert bench.nothing_more()


@pytest.mark.parametrize("how", ["cancel", "lost", "deadline"])
async def test_a_job_that_is_ended_ends_once_and_its_engine_stops(bench: Bench, how: str) -> None:
    deadline = time.time() + 0.2 if how == "deadline" else 0
    job = bench.begin("chat.completions", CHAT | {"max_tokens": 30_000}, deadline=deadline)
    async with asyncio.timeout(60):
        while how != "deadline" and not bench.engine.counters()["tokens"]:
            await asyncio.sleep(0.005)
    if how == "lost":
        bench.works.fail_all(ReplicaLost())
    elif how == "cancel":
        bench.works.cancel(job, 6)  # another attempt's fence
        bench.works.cancel(job, 7)
    report = await bench.over(job)
    assert code_of(report) == {"cancel": "cancelled", "lost": "replica_lost", "deadline": "expired"}[how]
    bench.works.cancel(job, 7)
    assert bench.engine.counters()["aborts"] == 1
    assert bench.nothing_more()


async def test_a_job_that_ends_while_its_media_are_fetched_never_reaches_the_engine(
    valkey: Valkey, tmp_path: Path
) -> None:
    released = threading.Event()

    def show(handler: Handler) -> None:
        released.wait(60)
        handler.answer(saved("png"), content_type="image/png")

    with serving(Server()) as server:
        server.routes["/"] = show
        content = [{"type": "image_url", "image_url": {"url": server.url}}]
        async with _bench(valkey, tmp_path, MediaIntake("127.0.0.0/8")) as bench:
            job = bench.begin("chat.completions", CHAT | {"messages": [{"role": "user", "content": content}]})
            async with asyncio.timeout(60):
                while not server.seen:
                    await asyncio.sleep(0.01)
            bench.works.cancel(job, 7)
            assert code_of(await bench.over(job)) == "cancelled"
            released.set()
            async with asyncio.timeout(60):
                while any(task.get_name() == f"{job}.7" for task in asyncio.all_tasks()):
                    await asyncio.sleep(0.01)
            assert bench.nothing_more()
            assert bench.engine.asked == []
            whole = bench.begin("chat.completions", CHAT | {"messages": [{"role": "user", "content": content}]})
            assert (await bench.over(whole)).error is None
            assert bench.engine.asked == [f"{whole}.7"]
