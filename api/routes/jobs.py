"""The job API: submit a job, look at it, follow it, cancel it, retry it, fetch its result. The same for every kind."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, suppress
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request
from pydantic import AwareDatetime, Field, field_validator
from sqlalchemy.engine import Connection
from sse_starlette import ServerSentEvent
from starlette.responses import JSONResponse, Response

from api.bodies import fields
from api.bodies.documents import answers, json_body
from api.edge.caller import caller_of
from api.gateway.gateway import Gateway, gateway_of
from api.gateway.watching import SILENCE
from api.jobs import cancelling, results
from api.jobs.asked import asked
from api.jobs.preparation import IdempotencyKey, JobTerms, Upload, prepare, public_url, seconds_until
from api.jobs.request_files import RequestFiles, folder
from api.jobs.views import place_and_eta, shown, shown_after_submission, shown_with_place
from api.jobs.waiting import submit_job as insert
from api.requests.server_sent import ServerSent
from api.shapes.as_written import AsWritten
from api.shapes.jobs import AskedJob, DeletedJob, DeliveryList, Job, JobEvent, JobPage, PlacedJob
from api.shapes.pages import ends_of
from models.errors import Conflict, DatabaseUnavailable, HeadraceError, InvalidRequest, NotFound, ShuttingDown
from models.modalities import KINDS, kinds_like
from models.modalities.base import Int, Metadata
from models.modalities.json_object import JsonObject
from models.redis import events
from models.redis.events import Event
from models.rows import jobs, webhooks
from models.rows.records import JobRow, JobSummary
from models.rows.states import JobState
from models.unicode import refuse_broken

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=AsWritten)

Id = Annotated[str, Path(max_length=60, description="the job's id")]


class JobRequest(JsonObject):
    """Body of ``POST /v1/jobs``. ``input`` is the body of the endpoint that ``kind`` names; files are URLs or ids."""

    kind: str = Field(max_length=40, description="the endpoint's name: images.generations, chat.completions, …")
    model: str | None = Field(None, min_length=1, max_length=256)
    input: dict[str, Any]
    priority: Annotated[Int, Field(ge=-100, le=100)] = 0
    deadline: AwareDatetime | None = Field(None, description="when it must be done: ISO 8601, or Unix seconds")
    webhook: str | None = Field(None, min_length=1, max_length=2000)
    metadata: Metadata | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _unicode(cls, value: Any) -> Any:
        return refuse_broken(value, nul=True)


@router.post("", summary="Submit a job", status_code=202, response_model=PlacedJob, openapi_extra=json_body(JobRequest))
async def submit_job(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    """Queue a job. A second request with the same ``Idempotency-Key`` is answered with the same job."""
    gateway = gateway_of(request)
    if gateway.dispatcher.closed:
        raise ShuttingDown()
    body = await fields.read(request, JobRequest)
    if body.kind not in KINDS:
        raise _no_kind(body.kind)
    webhook = None if body.webhook is None else await gateway.outbound.check_url(body.webhook, "webhook")
    caller = caller_of(request)
    given = body.input | ({} if body.model is None else {"model": body.model})
    deadline_s = seconds_until(body.deadline, again=idempotency_key is not None)
    terms = JobTerms(body.priority, deadline_s, idempotency_key, body.metadata, webhook)
    rule = fields.rule_of(request, within="input")
    try:
        async with AsyncExitStack() as stack:
            uploads: dict[str, Upload] = {}
            if KINDS[body.kind].files:
                files = RequestFiles(gateway, caller, await stack.enter_async_context(folder()))
                uploads = await files.take_named(KINDS[body.kind], given)
            prepared = await prepare(gateway, caller, body.kind, given, uploads, terms, rule)
    except HeadraceError as error:
        if error.param == "model" and "model" not in body.input:
            raise
        raise error.within("input") from error
    done = await insert(gateway, prepared.job)
    base = public_url(gateway, str(request.base_url))
    headers = {"Location": f"{base}/v1/jobs/{done.id}"} | ({} if done.created else {"Idempotent-Replayed": "true"})
    return JSONResponse(await shown_after_submission(gateway, prepared.job, done, base), 202, headers)


@router.get("", summary="List jobs")
async def list_jobs(
    request: Request,
    state: Annotated[JobState | None, Query()] = None,
    model: Annotated[str | None, Query(max_length=256)] = None,
    kind: Annotated[str | None, Query(max_length=40, description="a kind, or how some begin: images")] = None,
    after: Annotated[str | None, Query(max_length=60)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> JobPage:
    """This key's jobs, newest first; ``after`` is the last id of the page before."""
    gateway = gateway_of(request)
    base = public_url(gateway, str(request.base_url))
    kinds = None if kind is None else kinds_like(kind)
    if kinds == []:
        raise _no_kind(kind)
    key = caller_of(request).key

    def page(connection: Connection) -> list[JobSummary]:
        return jobs.listing(connection, key, state=state, uid=model, kinds=kinds, after=after, limit=limit)

    rows = await gateway.database.look(page)
    data = [await shown(gateway, row, base) for row in rows[:limit]]
    return {"object": "list", "data": data, **ends_of(data, more=len(rows) > limit)}


@router.get("/{id}", summary="Describe a job")
async def describe_job(request: Request, id: Id) -> PlacedJob:
    """One job, as it is now. While it waits: also its position, and the seconds until it should be done."""
    gateway = gateway_of(request)
    row = await _mine(gateway, request, id)
    return await shown_with_place(gateway, row, public_url(gateway, str(request.base_url)))


@router.get("/{id}/request", summary="Request of a job")
async def job_request(request: Request, id: Id) -> AskedJob:
    """What a job was asked: its endpoint's body, and its files as URLs. ``left_out`` names what is large or secret."""
    gateway = gateway_of(request)
    row = await _mine(gateway, request, id)
    return await gateway.blocking(asked, gateway, row, public_url(gateway, str(request.base_url)))


@router.get("/{id}/result", summary="Result of a job")
async def job_result(request: Request, id: Id) -> Response:
    """The answer of the job's endpoint. 409 while the job is not over; the job's own error where it failed."""
    gateway = gateway_of(request)
    row = await _mine(gateway, request, id)
    answer = await results.answer(gateway, row, public_url(gateway, str(request.base_url)))
    fields.rule_of(request).ignore(answer.ignored)
    return Response(
        answer.content, media_type=answer.media_type, headers=answer.headers | {"Cache-Control": "no-store"}
    )


@router.post("/{id}/cancel", summary="Cancel a job")
async def cancel_job(request: Request, id: Id) -> Job:
    """Cancel a job: at once while it waits, within a step while it runs. 409 if it has ended in another way."""
    gateway = gateway_of(request)
    row = await _mine(gateway, request, id)
    row = await cancelling.cancel(gateway, row.id, caller_of(request).key)
    return await shown(gateway, row, public_url(gateway, str(request.base_url)))


@router.post("/{id}/retry", summary="Try a job again", status_code=202)
async def retry_job(request: Request, id: Id) -> PlacedJob:
    """Queue a job again that failed, was cancelled or expired. 409 for any other."""
    gateway = gateway_of(request)
    row = await _mine(gateway, request, id)
    if not await gateway.database.run(jobs.retry, row.id):
        raise Conflict(f"only a job that failed, was cancelled or expired is tried again; it {row.state}", param="id")
    row = await _mine(gateway, request, id)
    await gateway.publish_queued(row)
    return await shown_with_place(gateway, row, public_url(gateway, str(request.base_url)))


@router.delete("/{id}", summary="Delete a job")
async def delete_job(request: Request, id: Id) -> DeletedJob:
    """Delete a job that is over, with its result and its files. 409 while it is not over."""
    gateway = gateway_of(request)
    row = await _mine(gateway, request, id)
    await gateway.database.run(jobs.delete, row.id)
    await gateway.blocking(gateway.store.delete_prefix, f"jobs/{row.id}/")
    return {"id": row.id, "object": "job", "deleted": True}


@router.get("/{id}/deliveries", summary="Webhook deliveries of a job")
async def job_deliveries(request: Request, id: Id) -> DeliveryList:
    """Every webhook that this job caused, and each attempt to deliver it."""
    gateway = gateway_of(request)
    row = await _mine(gateway, request, id)
    return {"object": "list", "data": await gateway.database.look(webhooks.log_of, row.id)}


@router.get(
    "/{id}/events",
    summary="Follow a job",
    response_class=Response,
    responses=answers({}, JobEvent, "Server-sent events"),
)
async def job_events(
    request: Request, id: Id, last_event_id: Annotated[str | None, Header(pattern=r"^[0-9]+-[0-9]+$")] = None
) -> Response:
    """Server-sent events of a job: ``state``, ``position`` while it waits, ``progress``, ``preview``, ``log``.

    With ``Last-Event-ID`` the events after that one are sent. The last event is the ``state`` that the job ended in.
    """
    gateway = gateway_of(request)
    await _mine(gateway, request, id)
    base = public_url(gateway, str(request.base_url))
    content = _events(gateway, id, last_event_id or "0", base)
    return ServerSent(content)


async def _events(gateway: Gateway, job: str, after: str, base: str) -> AsyncIterator[ServerSentEvent]:
    last, place = after, None
    with suppress(NotFound, DatabaseUnavailable):  # the job was deleted meanwhile; or the client will connect again
        row = await gateway.database.look(jobs.get, job, None)
        if row.state == JobState.QUEUED:
            first = await shown_with_place(gateway, row, base)
            place = first["position"]
            yield ServerSentEvent(json.dumps(first), event="state")
        async with aclosing(gateway.watching.follow(job, after)) as followed:
            async for last, event in followed:
                if event.type == SILENCE and place is not None:
                    with suppress(DatabaseUnavailable):  # the next ``SILENCE`` tries again
                        position, eta_s = await gateway.database.look(place_and_eta, row)
                        if position != place:
                            place = position
                            yield ServerSentEvent(json.dumps({"position": place, "eta_s": eta_s}), event="position")
                elif event.type not in (events.PIECE, events.TEXT, SILENCE):
                    place = None if event.type == events.STATE else place
                    # A state comes from the row, not from the stream: it has no id after which one could go on.
                    in_stream = event.type != events.STATE
                    yield ServerSentEvent(json.dumps(_data(event)), event=event.type, id=last if in_stream else None)
        row = await gateway.database.look(jobs.get, job, None)
        end = json.dumps(await shown(gateway, row, base))
        yield ServerSentEvent(end, event="state", id=last if last != "0" else None)


def _data(event: Event) -> dict[str, Any]:
    """An event as JSON; the picture of a preview is a data URL in it."""
    data = {"attempt": event.fence, **event.data} if event.fence else dict(event.data)
    if event.type == events.PREVIEW:
        data["image"] = f"data:{event.data['media_type']};base64,{base64.b64encode(event.blob).decode()}"
    return data


def _no_kind(name: str | None) -> InvalidRequest:
    return InvalidRequest(f"there is no kind '{name}'; there are {', '.join(KINDS)}", param="kind")


async def _mine(gateway: Gateway, request: Request, id: str) -> JobRow:
    return await gateway.database.look(jobs.get, id, caller_of(request).key)
