"""Health, version and metrics: ``/healthz`` shows whether this process lives, ``/readyz`` whether it can serve."""

import asyncio
from contextlib import suppress

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text
from starlette.responses import Response

from api.gateway import metrics
from api.gateway.gateway import Gateway, gateway_of
from api.shapes.as_written import AsWritten
from api.shapes.health import Alive, KeyNeeded, Readiness, ReadinessChecks, Release
from models.errors import DatabaseUnavailable
from models.process.machine import RELEASE
from models.rows import jobs
from models.rows.database import Database

router = APIRouter(tags=["health"], route_class=AsWritten)

ANSWER_S = 1.5
"""Longest that ``/readyz`` waits for the database, so that it answers within 2 s itself."""


@router.get("/healthz", summary="Alive")
async def healthz() -> Alive:
    """This process answers."""
    return {"status": "alive"}


@router.get("/v1/cluster/auth", summary="Whether a key is needed")
async def needs_key(request: Request) -> KeyNeeded:
    """What Xinference's client asks before anything else: it sends its key only where this is true."""
    return {"auth": gateway_of(request).settings.keyed}


@router.get(
    "/readyz",
    summary="Ready",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "Not able to serve"}},
)
async def readyz(request: Request) -> JSONResponse:
    """Whether requests can be served.

    That is so while Redis is connected, the database can be written, a device is alive and the process is not shutting
    down.
    """
    checks = await _checks(gateway_of(request))
    ready = all(checks.values())
    told: Readiness = {"status": "ready" if ready else "not ready", "checks": checks}
    return JSONResponse(told, 200 if ready else 503)


@router.post("/ping", include_in_schema=False)
@router.get("/ping", include_in_schema=False)
@router.get("/v1/health", include_in_schema=False)
@router.get("/health", summary="Ready, as other servers have it", responses={503: {"description": "Not able to serve"}})
async def health(request: Request) -> JSONResponse:
    """Whether requests can be served, at the paths that probes of vLLM, llama.cpp, TEI and infinity ask."""
    ready = all((await _checks(gateway_of(request))).values())
    return JSONResponse({"status": "ok" if ready else "unavailable"}, 200 if ready else 503)


@router.get("/version", summary="Version")
async def show_version() -> Release:
    """Which release of Headrace this is."""
    return {"version": RELEASE}


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def exposition(request: Request) -> Response:
    """The metrics of this gateway, of the replicas and of the queue of jobs, in Prometheus's text format."""
    with suppress(DatabaseUnavailable):  # the other metrics are useful without the queue's
        metrics.METRICS.queue(await gateway_of(request).database.look(jobs.counts))
    return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


async def database_answers(database: Database) -> bool:
    """Whether the database answers within ``ANSWER_S``, and is locked by nobody who keeps others from writing."""
    try:
        async with asyncio.timeout(ANSWER_S):
            await database.run(lambda connection: connection.execute(text("SELECT 1")))
    except (DatabaseUnavailable, TimeoutError):
        return False
    return True


async def _checks(gateway: Gateway) -> ReadinessChecks:
    return {
        "redis": gateway.replies.connected,
        "database": await database_answers(gateway.database),
        "device": bool(gateway.routing_table.devices()),
        "admitting": not gateway.dispatcher.closed,
    }
