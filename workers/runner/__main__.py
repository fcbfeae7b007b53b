"""The child process that holds one replica's engine: ``python -m workers.runner FD``.

It gets commands from its worker over the socket FD, and from gateways over a Redis channel. It publishes tokens itself,
so the worker is not on the token path. When the worker dies, it fails its requests and jobs and ends.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import psutil
import redis.asyncio as redis
import uvloop
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from models.engines import FACTS
from models.errors import HeadraceError, ReplicaLost, WireError
from models.hubs.download import silent
from models.hubs.progress import DownloadProgress, Tell
from models.launching import hub
from models.launching.about import about
from models.launching.engine_choice import pickles, refuse_misfit
from models.launching.peek import peek_at
from models.launching.peek_source import peek
from models.launching.variants import VARIANTS
from models.process.background import Background
from models.process.garbage import freeze_gc
from models.process.logs import configure
from models.redis import broker, stream
from models.storage.artifacts import open_store
from workers import protocol
from workers.engines import engine_class
from workers.engines.base import Engine, EngineSite, Report
from workers.protocol import (
    Begin,
    CancelJob,
    Command,
    DoJob,
    Drain,
    Ending,
    Event,
    Failed,
    Fetched,
    Finished,
    Load,
    LoadProgress,
    Ready,
    Stats,
    Stop,
    Submit,
)
from workers.runner.job_events import JobEvents
from workers.runner.jobs import RunnerJobs
from workers.runner.load_failures import meaning_of
from workers.runner.media_intake import MediaIntake
from workers.runner.memory import family, held
from workers.runner.publisher import Publisher
from workers.runner.requests import Requests
from workers.runner.stops import NOWHERE, taken

log = logging.getLogger("workers.runner")

LISTING_S = 10.0
"""How long a hub may take to list a repository's files. Beyond it, weights are fetched in their usual precision."""
LOAD_FAILED = 1
ENGINE_DEAD = 71


class Runner:
    """One engine, its requests and jobs, and the two ways by which commands come in."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._unpacker = protocol.Unpacker()
        self._over = asyncio.Event()
        self._subscribed = asyncio.Event()
        self._begin = asyncio.Event()
        self._code = 0
        self._about: dict[str, Any] = {}
        self._stops = NOWHERE
        self._background = Background(on_end=self._give_up)
        self._writer: asyncio.StreamWriter
        self._requests: Requests | None = None
        self._jobs: RunnerJobs | None = None

    async def run(self) -> int:
        """Load, serve until the worker sends ``Stop`` or is gone, then close. Returns the exit code."""
        reader, self._writer = await asyncio.open_connection(sock=self._connection)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._over.set)
        load = await self._read_load(reader)
        self._background.for_ever(self._listen(reader), "listening to the worker")
        loading = asyncio.create_task(self._load(load))
        over = asyncio.create_task(self._over.wait())
        await asyncio.wait((loading, over), return_when=asyncio.FIRST_COMPLETED)
        if not loading.done():  # stopped while it loads: a load cannot be interrupted, the process can
            os._exit(0)
        engine = loading.result()
        if engine is None:
            self._background.close()  # nothing failed but the load: what listens to the worker ends with it
            await self._writer.drain()
            return LOAD_FAILED
        await self._serve(load, engine)
        over.cancel()
        return self._code

    async def _read_load(self, reader: asyncio.StreamReader) -> Load:
        while True:
            data = await reader.read(1 << 16)
            if not data:
                sys.exit(0)
            for body in self._unpacker.feed(data):
                command = protocol.decode_command(body)
                if not isinstance(command, Load):
                    raise TypeError(f"{type(command).__name__} before Load")
                return command

    async def _load(self, load: Load) -> Engine[Any] | None:
        loop = asyncio.get_running_loop()

        def report(stage: str, fraction: float) -> None:
            loop.call_soon_threadsafe(self._send, LoadProgress(stage, fraction))

        def tell(progress: DownloadProgress) -> None:
            loop.call_soon_threadsafe(self._send, LoadProgress("downloading", progress.fraction, progress))

        try:
            self._stops, options = taken(load.options, load.model_type)
            source, self._about = await asyncio.to_thread(_fetch, load, report, tell)
            for told in self._about.get("warnings", ()):
                log.warning("%s", told)
            cls = await asyncio.to_thread(engine_class, load.engine)
            self._send(Fetched())
            if load.takes_turns:
                await self._begin.wait()
            return await cls.resident(
                EngineSite(
                    source,
                    load.device,
                    options,
                    load.trust_remote_code,
                    load.gpus,
                    load.cache,
                    load.reserved_bytes,
                ),
                report,
            )
        except Exception as error:  # the runner's life ends here; its worker decides about another try
            failure, permanent = meaning_of(error)
            if isinstance(error, HeadraceError):
                log.error("cannot load: %s", error.message)
            else:
                log.exception("cannot load")
            self._send(Failed(failure.to_wire(), permanent=permanent))
        return None

    async def _serve(self, load: Load, engine: Engine[Any]) -> None:
        client = broker.async_command_client(load.stream_redis_url)
        slots_client = broker.async_command_client(load.slots_redis_url) if load.slots_redis_url else None
        publisher = Publisher(
            client,
            load.epoch,
            on_dead=lambda gateway_id: requests.cancel_gateway(gateway_id),
            gather_s=lambda: engine.gather_s if requests.inflight > 1 else 0.0,
            slots_client=slots_client,
        )
        intake = MediaIntake(load.outbound_allow)
        requests = Requests(engine, publisher, lambda rid: self._send(Finished(rid)), intake, self._stops)
        job_events = JobEvents(client)
        store = await asyncio.to_thread(open_store, load.store)
        jobs = RunnerJobs(engine, store, job_events, self._send, intake, self._stops)
        for name, part in {
            "publishing": publisher.run(),
            "beating": requests.beat(),
            "publishing events of jobs": job_events.run(),
            "watching deadlines": jobs.watch(),
            "listening to gateways": self._listen_to_gateways(load, requests),
            "reporting": self._report_stats(engine, requests, publisher),
        }.items():
            self._background.for_ever(part, name)
        await self._subscribed.wait()
        self._requests, self._jobs = requests, jobs
        freeze_gc()
        known = self._about | dict(engine.told) | ({"voices": engine.voices} if engine.voices else {})
        self._send(Ready(engine.modalities(), engine.capacity.max_inflight, engine.capacity.context_length, known))
        await self._over.wait()
        self._fail_all(ReplicaLost("the model was unloaded").to_wire())
        await job_events.flush(2)
        self._background.close()
        await publisher.flush(2)
        intake.close()
        await asyncio.to_thread(engine.close)
        for one in filter(None, (client, slots_client)):
            with suppress(RedisError, OSError):
                await one.aclose()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(1 << 20):
            for body in self._unpacker.feed(data):
                self._handle(protocol.decode_command(body))
        self._fail_and_end(ReplicaLost("the worker of this replica was lost").to_wire())

    def _handle(self, command: Command) -> None:
        match command:
            case Begin():
                self._begin.set()
            case Submit() if self._requests is not None:
                self._requests.submit(command)
            case DoJob() if self._jobs is not None:
                self._jobs.begin(command)
            case CancelJob(job, fence) if self._jobs is not None:
                self._jobs.cancel(job, fence)
            case Drain(error):
                self._fail_and_end(error)
            case Stop():
                self._over.set()

    def _give_up(self, part: str, error: BaseException | None = None) -> None:
        """End the process, so that a new one is started: without this part the runner would be there and serve nobody.

        Its requests and jobs fail with ``ReplicaLost``, so they are tried again.
        """
        if not self._over.is_set():
            log.critical("%s ended; the runner cannot serve again: ending, to be started anew", part, exc_info=error)
            self._code = ENGINE_DEAD
            self._fail_and_end(ReplicaLost("the runner failed").to_wire())

    def _fail_and_end(self, error: WireError) -> None:
        self._send(Ending())  # before its jobs are given back: the worker must not give them to it again
        self._fail_all(error)
        self._over.set()

    def _fail_all(self, error: WireError) -> None:
        if self._requests is not None:
            self._requests.fail_all(error)
        if self._jobs is not None:
            self._jobs.fail_all(HeadraceError.from_wire(error))

    async def _listen_to_gateways(self, load: Load, requests: Requests) -> None:
        async def subscribe(channel: PubSub, _client: redis.Redis) -> None:
            await channel.subscribe(stream.control_channel(load.epoch))

        def on_message(message: broker.Message) -> None:
            self._subscribed.set()
            if message["type"] == "message":
                self._handle_control(message["data"], requests)

        await broker.listen(load.stream_redis_url, "the control channel", subscribe=subscribe, on_message=on_message)

    @staticmethod
    def _handle_control(message: bytes, requests: Requests) -> None:
        try:
            control = stream.decode_control(message)
        except msgspec.DecodeError as error:  # from a gateway of another version, during an upgrade
            log.warning("a message of a gateway cannot be read: %s", error)
            return
        match control:
            case stream.Cancel(rids):
                for rid in rids:
                    requests.cancel(rid)
            case stream.Resend(rid, seq):
                requests.resend(rid, seq)

    async def _report_stats(self, engine: Engine[Any], requests: Requests, publisher: Publisher) -> None:
        process = psutil.Process()
        while True:
            if not engine.alive():
                if fault := engine.fault():
                    self._send(Failed(ReplicaLost(f"the engine failed: {fault}").to_wire(), permanent=False))
                self._give_up("the engine")
            counters = engine.counters() | {
                "requests_aborted": requests.aborted,
                "requests_resent": requests.resent,
                "publishes": publisher.publishes,
            }
            mine = await asyncio.to_thread(family, process) if engine.spawns else (process,)
            memory, mapped = held(mine)
            self._send(Stats(requests.inflight, requests.outstanding_tokens, memory, counters, mapped))
            await asyncio.sleep(1)

    def _send(self, event: Event) -> None:
        if not self._writer.is_closing():
            self._writer.write(protocol.pack(event))


def _fetch(load: Load, report: Report, tell: Tell = silent) -> tuple[str, dict[str, Any]]:
    """Fetch the weights. Returns their path and what they show of the model; both empty where there are none. Blocks.

    Raises InvalidRequest where the weights are evidently for another engine.
    """
    if not load.source:
        return "", {}
    source, cache = hub.parse(load.source), Path(load.cache)
    facts = FACTS.get(load.engine)
    reads_pickles = facts is not None and "pytorch" in facts.formats
    listed = peek(source, LISTING_S) if _has_variants(load) or reads_pickles else None
    path = hub.fetch(
        source,
        cache,
        report,
        trusted=load.trust_remote_code,
        engine=load.engine,
        files=listed.files if listed else (),
        half=load.device != "cpu" and load.options.get("dtype", "auto") in ("auto", "float16"),
        pickled=pickles(listed.files) if listed and reads_pickles else (),
        beside=_beside(load),
        tell=tell,
    )
    if facts is None or not facts.formats:
        return str(path), {}
    seen = peek_at(path)
    refuse_misfit(seen, facts)
    return str(path), asdict(about(load.engine, load.model_type, seen, load.options))


def _has_variants(load: Load) -> bool:
    """Whether an engine's weights may be there in several precisions, of which one is fetched."""
    return load.engine in FACTS and set(VARIANTS) <= set(FACTS[load.engine].unwanted)


def _beside(load: Load) -> str:
    """The projector of a repository that the launch names, for a GGUF file of it."""
    name = load.options.get("mmproj")
    return name if isinstance(name, str) and name.endswith(".gguf") and not name.startswith("/") else ""


def main() -> None:
    """Serve the socket whose descriptor is the first argument."""
    configure(os.environ.get("HEADRACE_LOG_LEVEL", "info"))
    connection = socket.socket(fileno=int(sys.argv[1]))
    code = uvloop.run(_run(connection))
    logging.shutdown()
    os._exit(code)  # engines leave threads behind, which would keep the process alive


async def _run(connection: socket.socket) -> int:
    return await Runner(connection).run()


if __name__ == "__main__":
    main()
