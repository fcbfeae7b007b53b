"""fal's queue: the jobs of this key, as its SDKs know them. https://docs.fal.ai/model-endpoints/queue.

``/fal/queue`` is what fal has at ``queue.fal.run``, ``/fal/run`` what it has at ``fal.run``, which waits for the
result. ``/fal/proxy`` serves the JavaScript client's ``proxyUrl``: there the address is in a header.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Header, Path, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import JSONResponse, Response

from api.bodies import fields, reading
from api.edge.caller import caller_of
from api.gateway.gateway import Gateway, gateway_of
from api.gateway.watching import SILENCE
from api.jobs import cancelling, hosted
from api.jobs.preparation import JobTerms, public_url
from api.jobs.views import place_and_eta
from api.requests.answering import hung_up
from api.requests.request_metrics import CLIENT_GONE
from api.requests.server_sent import PING_S
from models.errors import Conflict, InvalidRequest, NotFound
from models.rows import jobs
from models.rows.records import JobRow
from models.rows.states import FINAL, JobState

router = APIRouter(prefix="/fal", tags=["fal"])

_JOB = re.compile(r"(?P<app>.+)/requests/(?P<id>[A-Za-z0-9_-]{1,60})(?P<what>|/status|/status/stream|/cancel)")
_HOSTS = {"queue.fal.run": "queue", "fal.run": "run"}
LOW = -10
"""The priority of a job that was submitted with fal's ``low``."""

Rest = Annotated[str, Path(max_length=512)]
Hook = Annotated[str | None, Query(alias="fal_webhook", max_length=2000)]
Target = Annotated[str, Header(alias="x-fal-target-url", max_length=4096)]


@router.post("/queue/{path:path}", summary="Submit (fal)")
async def submit(request: Request, path: Rest, webhook: Hook = None) -> Response:
    """Queue a job for the model that the path names: ``owner/uid`` or ``uid``. The body is the model's input."""
    row = await _submitted(request, path, webhook)
    gateway = gateway_of(request)
    return JSONResponse(await _status(gateway, request, row, path))


@router.post("/run/{path:path}", summary="Run (fal)")
async def run(request: Request, path: Rest) -> Response:
    """Submit a job and wait for its result. Where the client hangs up, the job is cancelled."""
    row = await _submitted(request, path, None)
    gateway = gateway_of(request)
    over = asyncio.create_task(gateway.watching.until_over(row.id))
    gone = asyncio.create_task(hung_up(request.receive))
    try:
        await asyncio.wait((over, gone), return_when=asyncio.FIRST_COMPLETED)
        if not over.done():
            with contextlib.suppress(Conflict):  # it is over meanwhile
                await cancelling.cancel(gateway, row.id, row.api_key_id)
            return Response(status_code=CLIENT_GONE)
        await over
    finally:
        over.cancel()
        gone.cancel()
    return await _result(gateway, request, await gateway.database.look(jobs.get, row.id, row.api_key_id))


@router.get("/queue/{path:path}", summary="Status or result (fal)")
async def look(request: Request, path: Rest) -> Response:
    """``…/requests/{id}``: its result; ``…/status``: its status; ``…/status/stream``: its status at every change."""
    gateway = gateway_of(request)
    app, id, what = _job(path)
    row = await gateway.database.look(jobs.get, id, caller_of(request).key)
    match what:
        case "":
            return await _result(gateway, request, row)
        case "/status":
            status = await _status(gateway, request, row, app)
            return JSONResponse(status, 200 if row.state in FINAL else 202)
        case "/status/stream":
            return EventSourceResponse(_statuses(gateway, request, row, app), ping=PING_S, sep="\n")
    raise NotFound()


@router.put("/queue/{path:path}", summary="Cancel (fal)")
async def cancel(request: Request, path: Rest) -> Response:
    """``…/requests/{id}/cancel``: cancel a job. 400 if it is over."""
    gateway, owner = gateway_of(request), caller_of(request).key
    _, id, what = _job(path)
    if what != "/cancel":
        raise NotFound()
    try:
        row = await gateway.database.look(jobs.get, id, owner)
        await cancelling.cancel(gateway, row.id, owner)
    except Conflict:
        return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)
    return JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)


@router.post("/proxy", summary="Submit or run through a proxy's URL (fal)")
async def proxied_post(request: Request, target: Target) -> Response:
    """What the address in ``x-fal-target-url`` would do."""
    host, path, query = _aimed(target)
    if host == "run":
        return await run(request, path)
    return await submit(request, path, query.get("fal_webhook", [None])[0])


@router.get("/proxy", summary="Status or result through a proxy's URL (fal)")
async def proxied_get(request: Request, target: Target) -> Response:
    """What the address in ``x-fal-target-url`` would do."""
    return await look(request, _aimed(target)[1])


@router.put("/proxy", summary="Cancel through a proxy's URL (fal)")
async def proxied_put(request: Request, target: Target) -> Response:
    """What the address in ``x-fal-target-url`` would do."""
    return await cancel(request, _aimed(target)[1])


def _aimed(target: str) -> tuple[str, str, dict[str, list[Any]]]:
    """What is at the host of this URL (``queue`` or ``run``), its path and its query. Raises InvalidRequest."""
    try:
        parts = urlsplit(target)
    except ValueError as error:
        raise InvalidRequest("it is no URL", param="x-fal-target-url") from error
    if parts.hostname not in _HOSTS:
        raise InvalidRequest("there are queue.fal.run and fal.run", param="x-fal-target-url")
    return _HOSTS[parts.hostname], parts.path.strip("/"), parse_qs(parts.query)


def _job(path: str) -> tuple[str, str, str]:
    found = _JOB.fullmatch(path)
    if found is None:
        raise NotFound()
    return found["app"], found["id"], found["what"]


async def _submitted(request: Request, path: str, webhook: str | None) -> JobRow:
    gateway = gateway_of(request)
    given = await reading.object_of(request)
    url = None if webhook is None else await gateway.outbound.check_url(webhook, "fal_webhook")
    low = request.headers.get("x-fal-queue-priority", "").lower() == "low"
    names = list(dict.fromkeys([path, "/".join(path.split("/")[:2]), path.split("/", 1)[-1]]))
    terms = JobTerms(priority=LOW if low else 0, webhook=url)
    return await hosted.submit(request, names, given, fields.rule_of(request), terms)


async def _status(gateway: Gateway, request: Request, row: JobRow, app: str) -> dict[str, Any]:
    url = f"{public_url(gateway, str(request.base_url))}/fal/queue/{app}/requests/{row.id}"
    links = {"response_url": url, "status_url": f"{url}/status", "cancel_url": f"{url}/cancel"}
    about: dict[str, Any] = {"request_id": row.id, **links, "logs": []}
    if row.state == JobState.QUEUED:
        place, _ = await gateway.database.look(place_and_eta, row)
        return about | {"status": "IN_QUEUE", "queue_position": (place or 1) - 1}
    if row.state == JobState.RUNNING:
        return about | {"status": "IN_PROGRESS"}
    taken = ((row.finished_at or 0) - (row.started_at or row.finished_at or 0)) / 1000
    error = hosted.failure(row)
    failed = {} if error is None else {"error": error.message, "error_type": error.code}
    return about | {"status": "COMPLETED", "metrics": {"inference_time": taken}} | failed


async def _statuses(gateway: Gateway, request: Request, row: JobRow, app: str) -> AsyncIterator[ServerSentEvent]:
    last = None
    status = await _status(gateway, request, row, app)
    async for _, event in gateway.watching.follow(row.id):
        if status["status"] != last:
            last = status["status"]
            yield ServerSentEvent(json.dumps(status))
        if event.type != SILENCE:
            row = await gateway.database.look(jobs.get, row.id, row.api_key_id)
            status = await _status(gateway, request, row, app)
    row = await gateway.database.look(jobs.get, row.id, row.api_key_id)
    yield ServerSentEvent(json.dumps(await _status(gateway, request, row, app)))


async def _result(gateway: Gateway, request: Request, row: JobRow) -> Response:
    if row.state not in FINAL:
        raise InvalidRequest("Request is still in progress", param="id")
    if row.state == JobState.CANCELLED:  # by 409 fal's client would ask again for a minute
        raise InvalidRequest("the request was cancelled", param="id")
    made = await hosted.output(gateway, request, row)
    files = [{"url": url, "content_type": kind} for url, kind in made.files]
    if row.kind.startswith("images."):
        return JSONResponse({"images": files, "prompt": row.request.get("prompt"), "seed": row.request.get("seed")})
    if files:
        return JSONResponse({"video" if row.kind.startswith("videos.") else "audio": files[0]})
    return JSONResponse(made.value if isinstance(made.value, dict) else {"output": made.value})
