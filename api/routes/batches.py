"""OpenAI's Batches: a file of requests, which our models answer when they have room for it, within a day."""

from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field, field_validator
from sqlalchemy.engine import Connection

from api.bodies import fields
from api.bodies.documents import json_body
from api.edge.caller import caller_of
from api.gateway.gateway import Gateway, gateway_of
from api.shapes.as_written import AsWritten
from api.shapes.jobs import Batch, BatchError, BatchFailure, BatchFailures, BatchPage, DeliveryList
from api.shapes.pages import ends_of
from models.errors import HeadraceError, InvalidLine, InvalidRequest, NotFound, ShuttingDown
from models.modalities import KINDS
from models.modalities.base import Int, Metadata
from models.modalities.json_object import JsonObject
from models.redis.presence import STEWARD, device_channel
from models.rows import batches, uploads, webhooks
from models.rows.database import clock
from models.rows.records import BatchLine, BatchRow
from models.rows.states import BatchState, JobState
from models.unicode import refuse_broken

router = APIRouter(prefix="/v1/batches", tags=["batches"], route_class=AsWritten)

ENDPOINTS = tuple(f"/v1/{kind.path}" for kind in KINDS.values())
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,60}$", description="the batch's id")]


class OutputExpiresAfter(JsonObject):
    """How long the files that a batch makes are kept."""

    anchor: Literal["created_at"]
    seconds: Annotated[Int, Field(ge=3600, le=30 * 86_400)]


class BatchRequest(JsonObject):
    """Body of ``POST /v1/batches``. ``webhook`` is our own field: a URL that is notified when the batch has ended."""

    input_file_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,60}$", description="a file of purpose 'batch', in JSON lines")
    endpoint: str = Field(
        max_length=60,
        description="where all its requests go: /v1/chat/completions, …",
        json_schema_extra={"enum": list(ENDPOINTS)},
    )
    completion_window: Literal["24h"]
    metadata: Metadata | None = None
    output_expires_after: OutputExpiresAfter | None = None
    webhook: str | None = Field(None, min_length=1, max_length=2000)

    @field_validator("*", mode="before")
    @classmethod
    def _unicode(cls, value: Any) -> Any:
        return refuse_broken(value, nul=False)


@router.post("", summary="Create a batch", openapi_extra=json_body(BatchRequest))
async def create_batch(request: Request) -> Batch:
    """Create a batch: every line of a file is a request. Its progress is in ``request_counts``."""
    gateway, caller = gateway_of(request), caller_of(request)
    if gateway.dispatcher.closed:
        raise ShuttingDown()
    body = await fields.read(request, BatchRequest)
    if body.endpoint not in ENDPOINTS:
        raise InvalidRequest(f"'endpoint' must be one of {', '.join(ENDPOINTS)}", param="endpoint")
    if body.webhook is not None:
        await gateway.outbound.check_url(body.webhook, "webhook")
    values = {
        "api_key_id": caller.key,
        "endpoint": body.endpoint,
        "input_file_id": body.input_file_id,
        "metadata": body.metadata,
        "webhook": body.webhook,
        "output_expires_s": body.output_expires_after and body.output_expires_after.seconds,
    }

    def insert(connection: Connection) -> tuple[BatchRow, int]:
        try:
            file = uploads.get(connection, body.input_file_id, caller.key)
        except NotFound as error:
            raise NotFound(error.message, param="input_file_id") from error
        if file.purpose != "batch":
            raise InvalidRequest(f"the file's purpose is '{file.purpose}', not 'batch'", param="input_file_id")
        return batches.create(connection, window=body.completion_window, **values), clock(connection)

    row, now = await gateway.database.run(insert)
    await gateway.publish(STEWARD)
    return shown(row, {}, now)


@router.get("", summary="List batches")
async def list_batches(
    request: Request,
    status: Annotated[list[BatchState] | None, Query(description="only those in one of these states")] = None,
    after: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,60}$")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> BatchPage:
    """This key's batches, newest first; ``after`` is the last id of the page before."""

    def page(connection: Connection) -> tuple[list[BatchRow], dict[str, dict[str, int]], int]:
        rows = batches.listing(connection, caller_of(request).key, states=status or (), after=after, limit=limit)
        tallies = batches.tallies(connection, [row.id for row in rows if row.counts is None])
        return rows, tallies, clock(connection)

    rows, tallies, now = await gateway_of(request).database.look(page)
    data = [shown(row, tallies.get(row.id, {}), now) for row in rows[:limit]]
    return {"object": "list", "data": data, **ends_of(data, more=len(rows) > limit)}


@router.get("/{id}", summary="Describe a batch")
async def describe_batch(request: Request, id: Id) -> Batch:
    """One batch, as it is now."""
    return await _mine(gateway_of(request), request, id)


@router.post("/{id}/cancel", summary="Cancel a batch")
async def cancel_batch(request: Request, id: Id) -> Batch:
    """Stop a batch; what was done until then is in its output. 409 if it is over, or about to be."""
    gateway = gateway_of(request)
    await gateway.database.look(batches.get, id, caller_of(request).key)
    for device in await gateway.database.run(batches.cancel, id):
        await gateway.publish(device_channel(device))
    await gateway.publish(STEWARD)
    return await _mine(gateway, request, id)


@router.get("/{id}/deliveries", summary="Webhook deliveries of a batch")
async def batch_deliveries(request: Request, id: Id) -> DeliveryList:
    """Every webhook that this batch caused, and each attempt to deliver it."""
    gateway = gateway_of(request)
    await gateway.database.look(batches.get, id, caller_of(request).key)
    return {"object": "list", "data": await gateway.database.look(webhooks.log_of, id)}


@router.get("/{id}/failures", summary="Failures of a batch")
async def batch_failures(
    request: Request,
    id: Id,
    after: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,60}$")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> BatchFailures:
    """The lines that have failed so far, while a batch is not over; after that they are in its file of errors.

    ``after`` is the last id of the page before.
    """

    def page(connection: Connection) -> list[BatchLine]:
        batches.get(connection, id, caller_of(request).key)
        return batches.failures(connection, id, after, limit + 1)

    rows = await gateway_of(request).database.look(page)
    data = [failed(row) for row in rows[:limit]]
    return {"object": "list", "data": data, **ends_of(data, more=len(rows) > limit)}


async def _mine(gateway: Gateway, request: Request, id: str) -> Batch:
    def look(connection: Connection) -> tuple[BatchRow, dict[str, int], int]:
        row = batches.get(connection, id, caller_of(request).key)
        tally = batches.tallies(connection, [id])[id] if row.counts is None else {}
        return row, tally, clock(connection)

    return shown(*await gateway.database.look(look))


def shown(row: BatchRow, tally: dict[str, int], now: int) -> Batch:
    """OpenAI's ``Batch``, with its ``eta_s``. ``now``: the time of the database, in ms since 1970.

    ``tally``: for a batch that is not over, the number of its lines in each state.
    """
    counts = row.counts or {
        "total": row.total,
        "completed": tally.get(JobState.SUCCEEDED, 0),
        "failed": tally.get(JobState.FAILED, 0) + tally.get(JobState.EXPIRED, 0),
    }
    return {
        "id": row.id,
        "object": "batch",
        "endpoint": row.endpoint,
        "errors": None if row.errors is None else {"object": "list", "data": cast(list[BatchError], row.errors)},
        "input_file_id": row.input_file_id,
        "completion_window": row.window,
        "status": row.state,
        "output_file_id": row.output_file_id,
        "error_file_id": row.error_file_id,
        "request_counts": {
            "total": counts["total"],
            "completed": counts["completed"],
            "failed": counts["failed"],
        },
        "metadata": row.metadata,
        "usage": counts.get("usage"),
        "eta_s": eta_s(row, counts["completed"] + counts["failed"], now),
        "created_at": row.created_at // 1000,
        "in_progress_at": _seconds(row.in_progress_at),
        "expires_at": row.expires_at // 1000,
        "finalizing_at": _seconds(row.finalizing_at),
        "completed_at": _seconds(row.completed_at),
        "failed_at": _seconds(row.failed_at),
        "expired_at": _seconds(row.expired_at),
        "cancelling_at": _seconds(row.cancelling_at),
        "cancelled_at": _seconds(row.cancelled_at),
    }


def failed(line: BatchLine) -> BatchFailure:
    """A line that was not answered, with the cause that stands in the batch's file of errors later."""
    error = HeadraceError.from_row(line.error)
    is_answer = line.state != JobState.EXPIRED and error.status < 500 and not isinstance(error, InvalidLine)
    told = {"code": error.code, "message": error.message}
    if line.state == JobState.EXPIRED:
        told = batches.LINE_EXPIRED
    return {
        "id": line.id,
        "custom_id": line.custom_id,
        "line": line.line + 1,
        "status_code": error.status if is_answer else None,
        "code": told["code"],
        "message": told["message"],
        "param": error.param if is_answer else None,
    }


def eta_s(row: BatchRow, done: int, now: int) -> float | None:
    """The seconds until a batch in progress should be done, if it goes on at its pace so far; None: not known.

    ``done``: how many of its lines are over. ``now``: the time of the database, in ms since 1970.
    """
    if row.state != BatchState.IN_PROGRESS or row.in_progress_at is None or not done:
        return None
    return round(max(now - row.in_progress_at, 0) * max(row.total - done, 0) / done / 1000, 1)


def _seconds(ms: int | None) -> int | None:
    return None if ms is None else ms // 1000
