"""The gateway: ``python -m api.app``. It keeps no state, so any number of them may run behind any load balancer."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from sse_starlette.sse import AppStatus
from starlette.types import ASGIApp

from api.edge import errors
from api.edge.caller import Callers
from api.edge.connections import Bounds, bounded
from api.edge.cors import readable
from api.edge.exposure import check_exposure
from api.edge.heads import Heads
from api.edge.middleware import Edge
from api.edge.pages import Pages, pages_of
from api.edge.prefixes import Prefixes
from api.edge.session import Attempts, Sessions
from api.edge.told import Told
from api.gateway import metrics
from api.gateway.admission import Admission
from api.gateway.dispatch import Dispatcher, Mover
from api.gateway.gateway import Gateway
from api.gateway.known_models import KnownModels
from api.gateway.replies import Replies
from api.gateway.response_writer import ResponseWriter
from api.gateway.routing_table import RoutingTable
from api.gateway.submission import Doorbell, Submissions
from api.gateway.throughput import Throughput
from api.gateway.waiting_room import WaitingRoom
from api.gateway.watching import Watching
from api.routes import (
    artifacts,
    audio,
    bare,
    batches,
    catalogue,
    chat,
    cluster,
    devices,
    embeddings,
    engines,
    files,
    health,
    images,
    jobs,
    messages,
    models,
    responses,
    sdapi,
    tokens,
)
from api.routes.engines import supported, unserved
from api.routes.hosters import fal, replicate
from api.routes.models import registrations
from api.routes.templates import trying
from api.routes.videos import openai_videos, xinference_videos
from api.web import documentation, serving, session
from models.errors import HeadraceError, ShuttingDown
from models.process.background import PART_DEAD, Background
from models.process.descriptors import raise_limit
from models.process.garbage import freeze_gc
from models.process.logs import configure
from models.process.machine import RELEASE
from models.redis import broker
from models.rows.database import Database
from models.settings import Settings
from models.storage import scratch
from models.storage.artifacts import open_store
from models.storage.outbound import Outbound

log = logging.getLogger(__name__)

KEEP_ALIVE_S = 75
"""How long an idle connection is kept: longer than clients and load balancers keep theirs (httpx 5 s, AWS 60 s).

So it is the client that closes it. If the gateway closed first, a request might be on its way on that connection.
"""

CONNECTIONS = 0.75
"""The part of our descriptors that clients' connections may take; the rest is for files, Redis and the database."""

OnEnd = Callable[[str, BaseException | None], None]
"""Called with a part's name and error (None: there was none), when a part ends that must run as long as the gateway."""


def create_app(settings: Settings, on_end: OnEnd | None = None) -> FastAPI:
    """The ASGI application."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings, on_end) as gateway:
            app.state.gateway = gateway
            freeze_gc()
            yield

    app = FastAPI(
        title="Headrace",
        version=RELEASE,
        description="One OpenAI-compatible API in front of models that stay resident.",
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
        docs_url=None,
        redoc_url=None,
        responses={
            "4XX": {"model": errors.Envelope, "description": "The request is at fault"},
            "5XX": {"model": errors.Envelope, "description": "The platform is at fault, or full"},
        },
    )
    app.state.callers, app.state.sessions, app.state.attempts = Callers(settings), Sessions(settings), Attempts()
    errors.install(app)
    text = (chat, embeddings, messages, responses, tokens, trying)
    media = (images, audio, openai_videos, xinference_videos, sdapi, replicate, fal)
    rest = (jobs, files, batches, models, catalogue, cluster, registrations, devices, engines, artifacts, health, bare)
    before = (supported, unserved)  # whose paths others would take for uids
    for module in (*before, *text, *media, *rest, session, documentation, serving):
        app.include_router(module.router)
    app.add_middleware(Told)
    app.add_middleware(Heads)
    app.add_middleware(
        Edge,
        callers=app.state.callers,
        sessions=app.state.sessions,
        pages=pages_of(settings),
        max_body_bytes=settings.max_body_bytes,
        max_upload_bytes=settings.max_upload_bytes,
    )
    app.add_middleware(Prefixes)
    return app


@asynccontextmanager
async def running(settings: Settings, on_end: OnEnd | None = None) -> AsyncIterator[Gateway]:
    """Start the parts of a gateway for the time of the block, and stop them at its end."""
    client = broker.async_command_client(settings.redis_url)
    database = Database(settings.database)
    # The routing table and ``replies`` refer to each other.
    routing_table = RoutingTable(settings.silence_s, lambda epoch: replies.lose(epoch))
    stream_client = broker.async_command_client(settings.stream_redis)
    replies = Replies(settings, client, stream_client, routing_table)
    admission = Admission(client, device_cap=settings.device_concurrency, room=routing_table.room)
    known_models, waiting_room = KnownModels(database), WaitingRoom(replies.gateway_id, client)
    dispatcher = Dispatcher(settings, routing_table, replies, admission, known_models, waiting_room)
    collector = metrics.ReplicaCollector(routing_table, replies)
    metrics.METRICS.registry.register(collector)
    submissions = Submissions(database, settings.job_queue, Doorbell(client, routing_table))
    watching = Watching(settings, database, stream_client)
    await asyncio.to_thread(scratch.clear)
    outbound = Outbound(settings.outbound_allow)
    response_writer = ResponseWriter(database, settings.response_retention_s)
    background = Background(on_end)
    background.for_ever(replies.run(), "receiving replies")
    background.for_ever(Mover(routing_table, replies).run(), "moving what waits")
    background.for_ever(submissions.run(), "submitting jobs")
    background.for_ever(watching.run(), "watching jobs")
    background.for_ever(waiting_room.run(), "reporting what waits")
    background.for_ever(response_writer.run(), "storing responses")
    try:
        yield Gateway(
            settings=settings,
            database=database,
            client=client,
            routing_table=routing_table,
            replies=replies,
            dispatcher=dispatcher,
            known_models=known_models,
            store=await asyncio.to_thread(open_store, settings.artifacts),
            outbound=outbound,
            submissions=submissions,
            watching=watching,
            stream_client=stream_client,
            throughput=Throughput(database),
            response_writer=response_writer,
            background=background,
        )
    finally:
        metrics.METRICS.registry.unregister(collector)
        background.close()
        await client.aclose()
        await stream_client.aclose()
        outbound.close()
        database.close()


class Server(uvicorn.Server):
    """Uvicorn's server, which at its end lets running streams finish, and ends the others with an error event."""

    def __init__(self, settings: Settings) -> None:
        self._app = create_app(settings, self.fail)
        self._drain_s = settings.drain_s
        self.failed = False
        """Whether it ends because one of its parts has ended."""
        pages = pages_of(settings)
        super().__init__(_config(settings, readable(self._app, pages), pages))

    def fail(self, part: str, error: BaseException | None) -> None:
        """Shut down in order, so that the supervisor starts a new gateway: one of the parts has ended.

        Without that part the process would look alive, but serve nobody.
        """
        log.critical("%s has ended: this gateway ends, to be started anew", part, exc_info=error)
        self.failed = self.should_exit = True
        self._drain_s = 0.0  # the answers that streams wait for may never arrive

    async def shutdown(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Admit no more requests, let streams finish for up to ``drain_s``, end the rest with an error event."""
        gateway: Gateway = self._app.state.gateway
        gateway.dispatcher.closed = True
        asyncio.get_running_loop().call_later(self._drain_s, gateway.replies.fail_all, ShuttingDown())
        await super().shutdown(sockets)  # type: ignore[arg-type]


def main() -> None:
    """Serve until a signal asks the process to stop."""
    settings = Settings()
    configure(settings.log_level)
    try:
        check_exposure(settings)
    except HeadraceError as error:
        sys.exit(f"headrace gateway: {error.message}")
    if not settings.redis_url:
        sys.exit("headrace gateway: HEADRACE_REDIS_URL is not set")
    AppStatus.enable_automatic_graceful_drain = False  # it would cut every stream at once
    server = Server(settings)
    server.run()
    if server.failed:
        sys.exit(PART_DEAD)


def _config(settings: Settings, app: ASGIApp, pages: Pages) -> uvicorn.Config:
    bounds = Bounds(settings.receive_timeout_s, connections=int(raise_limit() * CONNECTIONS))
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=bounded(bounds, pages),
        ws="none",
        log_config=None,
        access_log=False,
        backlog=2048,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=int(settings.drain_s) + 3,
    )


if __name__ == "__main__":
    main()
