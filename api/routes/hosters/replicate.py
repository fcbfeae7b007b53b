"""Replicate's predictions: the jobs of this key, as its SDKs know them. https://replicate.com/docs/reference/http."""

import asyncio
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from sqlalchemy.engine import Connection
from starlette.responses import JSONResponse, Response

from api.bodies import fields
from api.bodies.documents import json_body
from api.edge.caller import caller_of
from api.gateway.gateway import gateway_of
from api.jobs import cancelling, hosted
from api.jobs.hosted_wire import timestamp
from api.jobs.preparation import JobTerms, public_url
from models.errors import HeadraceError, InvalidRequest
from models.modalities.json_object import JsonObject
from models.rows import jobs
from models.rows.records import JobRow, JobSummary
from models.rows.states import FINAL, JobState

router = APIRouter(tags=["replicate"])

Id = Annotated[str, Path(max_length=60, description="the job's id")]
Part = Annotated[str, Path(max_length=128)]

MOST_WAIT_S = 60
PAGE = 100
STATUS = {
    JobState.QUEUED: "starting",
    JobState.RUNNING: "processing",
    JobState.SUCCEEDED: "succeeded",
    JobState.FAILED: "failed",
    JobState.EXPIRED: "failed",
    JobState.CANCELLED: "canceled",
}


class Prediction(JsonObject):
    """Body of a prediction. ``version`` is a model's uid, ``owner/uid`` or ``owner/uid:version``."""

    input: dict[str, Any]
    version: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    webhook: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    webhook_events_filter: list[str] | None = Field(None, description="a webhook is sent the end alone")
    stream: bool | None = Field(None, description="taken: outputs are not streamed by this protocol")


@router.post("/v1/predictions", summary="Predict (Replicate)", status_code=201, openapi_extra=json_body(Prediction))
async def create_prediction(request: Request) -> Response:
    """Submit a job for the model that ``version`` names. ``Prefer: wait`` waits for its end, a minute at most."""
    body = await fields.read(request, Prediction)
    if body.version is None:
        raise InvalidRequest("'version' is required: the uid of a model", param="version")
    return await _create(request, body, body.version)


@router.post(
    "/v1/models/{owner}/{name}/predictions",
    summary="Predict with a model (Replicate)",
    status_code=201,
    openapi_extra=json_body(Prediction),
)
async def create_for(request: Request, owner: Part, name: Part) -> Response:
    """Submit a job for the model ``owner/name``, or else for ``name``."""
    return await _create(request, await fields.read(request, Prediction), f"{owner}/{name}")


@router.get("/v1/predictions", summary="List predictions (Replicate)")
async def list_predictions(
    request: Request, cursor: Annotated[str | None, Query(max_length=60)] = None
) -> dict[str, Any]:
    """This key's jobs, newest first, without their outputs."""
    gateway, caller = gateway_of(request), caller_of(request)
    base = public_url(gateway, str(request.base_url))

    def page(connection: Connection) -> list[JobSummary]:
        return jobs.listing(connection, caller.key, after=cursor, limit=PAGE)

    rows = await gateway.database.look(page)
    following = f"{base}/v1/predictions?cursor={rows[PAGE - 1].id}" if len(rows) > PAGE else None
    shown = [_shown(row, base) | {"input": {}} for row in rows[:PAGE]]
    return {"results": shown, "next": following, "previous": None}


@router.get("/v1/predictions/{id}", summary="Describe a prediction (Replicate)")
async def describe_prediction(request: Request, id: Id) -> dict[str, Any]:
    """A job of this key, whichever protocol it was submitted by; with its output once it has one."""
    row = await gateway_of(request).database.look(jobs.get, id, caller_of(request).key)
    return await _whole(request, row)


@router.post("/v1/predictions/{id}/cancel", summary="Cancel a prediction (Replicate)")
async def cancel_prediction(request: Request, id: Id) -> dict[str, Any]:
    """Cancel a job: at once while it waits, within a step while it runs. 409 if it has ended in another way."""
    gateway, owner = gateway_of(request), caller_of(request).key
    row = await gateway.database.look(jobs.get, id, owner)
    return await _whole(request, await cancelling.cancel(gateway, row.id, owner))


async def _create(request: Request, body: Prediction, model: str) -> Response:
    gateway = gateway_of(request)
    webhook = None if body.webhook is None else await gateway.outbound.check_url(body.webhook, "webhook")
    wait_s = waited(request.headers.get("prefer", ""))
    plain = model.split(":", 1)[0]
    names = list(dict.fromkeys([model, plain, plain.split("/", 1)[-1]]))
    row = await hosted.submit(request, names, body.input, fields.rule_of(request), JobTerms(webhook=webhook), "input.")
    if wait_s:
        with suppress(TimeoutError):
            await asyncio.wait_for(gateway.watching.until_over(row.id), wait_s)
        row = await gateway.database.look(jobs.get, row.id, caller_of(request).key)
    return JSONResponse(await _whole(request, row), 201 if row.state in FINAL or not wait_s else 202)


def waited(prefer: str) -> int:
    """The seconds that ``Prefer: wait`` or ``wait=n`` asks to wait; 0 without it."""
    for asked in prefer.lower().split(","):
        name, _, value = asked.strip().partition("=")
        if name == "wait":
            return min(int(value), MOST_WAIT_S) if value.isdecimal() and len(value) < 9 else MOST_WAIT_S
    return 0


async def _whole(request: Request, row: JobRow) -> dict[str, Any]:
    gateway = gateway_of(request)
    shown = _shown(row, public_url(gateway, str(request.base_url)))
    shown["input"] = {name: value for name, value in row.request.items() if name != "model"}
    if row.state != JobState.SUCCEEDED:
        return shown
    try:
        made = await hosted.output(gateway, request, row)
    except HeadraceError:  # not kept any more
        return shown | {"data_removed": True}
    urls = [url for url, _ in made.files]
    # Replicate's models of language answer with a list of pieces, those that draw with a list of pictures.
    is_list = row.kind.startswith("images.")
    value = [made.value] if isinstance(made.value, str) else made.value
    return shown | {"output": (urls if is_list else urls[0]) if urls else value}


def _shown(row: JobSummary, base: str) -> dict[str, Any]:
    url = f"{base}/v1/predictions/{row.id}"
    error = HeadraceError.from_row(row.error).message if row.error and STATUS[row.state] == "failed" else None
    taken = (
        {}
        if row.started_at is None or row.finished_at is None
        else {
            "predict_time": (row.finished_at - row.started_at) / 1000,
            "total_time": (row.finished_at - row.queued_at) / 1000,
        }
    )
    return {
        "id": row.id,
        "model": row.uid,
        "version": row.uid,
        "status": STATUS[row.state],
        "output": None,
        "error": error,
        "logs": "",
        "metrics": taken,
        "created_at": timestamp(row.queued_at),
        "started_at": timestamp(row.started_at),
        "completed_at": timestamp(row.finished_at),
        "data_removed": False,
        "source": "api",
        "urls": {"get": url, "cancel": f"{url}/cancel"},
    }
