"""OpenAI's Responses: created directly or in the background, stored, retrieved, continued, cancelled, deleted."""

import time
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Path, Query, Request
from pydantic import ValidationError
from starlette.responses import JSONResponse, Response

from api.bodies import fields
from api.bodies.documents import json_body
from api.edge.caller import Caller, caller_of
from api.gateway.gateway import Gateway, gateway_of
from api.jobs import cancelling
from api.jobs.preparation import IdempotencyKey, JobTerms, prepare
from api.jobs.waiting import submit_job
from api.requests import answering
from api.requests.response_events import EventStream
from api.requests.response_include import Included, check_items, check_made
from api.requests.response_keeping import ResponseRecorder
from api.shapes.pages import ends_of
from models.errors import (
    Conflict,
    HeadraceError,
    InvalidRequest,
    NotFound,
    PreviousResponseNotFound,
    ShuttingDown,
    UnsupportedParameter,
)
from models.modalities.responses import CreateResponse, count, response_object
from models.modalities.responses import Request as Asked
from models.modalities.responses.items import RESPONSE, ItemReference, as_items, stored_items
from models.modalities.responses.request import CountTokens, ResolvedPrompt, ResponsesPrompt
from models.modalities.responses.writer import failure
from models.rows import jobs, responses
from models.rows.records import JobRow
from models.rows.states import FINAL, JobState
from models.validation import invalid

router = APIRouter(prefix="/v1/responses", tags=["responses"])

T = TypeVar("T", bound=ResolvedPrompt)
Id = Annotated[str, Path(pattern=RESPONSE, description="the response's id")]

STATUS = {
    JobState.QUEUED: "queued",
    JobState.RUNNING: "in_progress",
    JobState.FAILED: "failed",
    JobState.EXPIRED: "failed",
    JobState.CANCELLED: "cancelled",
}


@router.post("", summary="Response", openapi_extra=json_body(CreateResponse))
async def create_response(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    """Answer items with items. Streams server-sent events where ``stream`` is true.

    With ``background`` the answer comes at once, and a job makes the response.
    """
    gateway, caller = gateway_of(request), caller_of(request)
    body = await fields.read(request, CreateResponse)
    asked, aging = await _resolved(gateway, caller, body, Asked)
    fields.rule_of(request).ignore(asked.unenforced)
    if body.background:
        return await _in_background(gateway, request, asked, idempotency_key)
    recorder = ResponseRecorder(gateway, asked, caller, aging) if asked.keeps else None
    return await answering.answer(request, "responses", asked, recorder)


@router.post("/input_tokens", summary="Count the tokens of a response's input", openapi_extra=json_body(CountTokens))
async def count_response_tokens(request: Request) -> Response:
    """How many tokens the prompt of a response would have, its instructions, tools and earlier responses included."""
    body = await fields.read(request, CountTokens)
    asked, _ = await _resolved(gateway_of(request), caller_of(request), body, count.Request)
    return await answering.answer(request, "responses_count", asked)


async def _resolved(gateway: Gateway, caller: Caller, body: ResponsesPrompt, whole: type[T]) -> tuple[T, list[str]]:
    """The request with all items that it refers to put in; and the earlier responses that must be kept for longer."""
    given = body.model_dump(mode="json", exclude_unset=True)
    aging: list[str] = []
    if body.previous_response_id is not None:
        earlier = await _earlier(gateway, caller, body.previous_response_id)
        given["earlier"], aging = earlier.items, earlier.aging
    if named := [one.id for one in body.items if isinstance(one, ItemReference)]:
        items = await gateway.database.look(responses.items, named, caller.key)
        given["input"] = [items[one["id"]] if one["type"] == "item_reference" else one for one in given["input"]]
    try:
        return whole.model_validate(given), aging
    except ValidationError as error:
        raise invalid(error, given) from error


async def _earlier(gateway: Gateway, caller: Caller, response: str) -> responses.Earlier:
    try:
        return await gateway.database.look(
            responses.earlier, response, caller.key, gateway.response_writer.retention_ms
        )
    except PreviousResponseNotFound:
        row = await _job(gateway, caller, response)
        if row is not None and row.state in STATUS:
            why = f"the response '{response}' is {_status(row)}: one goes on from those that are completed"
            raise InvalidRequest(why, param="previous_response_id") from None
        raise


async def _in_background(gateway: Gateway, request: Request, asked: Asked, idempotency_key: str | None) -> Response:
    if gateway.dispatcher.closed:
        raise ShuttingDown()
    caller = caller_of(request)
    given = asked.model_dump(mode="json", exclude_unset=True, exclude={"stream_options"})
    terms = JobTerms(idempotency_key=idempotency_key)
    job = (await prepare(gateway, caller, responses.KIND, given, {}, terms, fields.rule_of(request))).job
    if asked.streams:  # then its events are published as it is made, whether or not anybody reads them now
        job = replace(job, request=job.request | {"stream": True})
    done = await submit_job(gateway, job)
    id = responses.response_of(done.id)
    headers = {"X-Job-Id": done.id}
    if asked.streams:
        row = await gateway.database.look(jobs.get, done.id, caller.key)
        return EventStream(gateway, row, after=None, headers=headers)
    if not done.created:
        return JSONResponse(await _shown(gateway, caller, id), headers=headers)
    return JSONResponse(response_object(asked, id, int(time.time())) | {"status": "queued"}, headers=headers)


@router.get("/{id}", summary="Find a response")
async def retrieve_response(
    request: Request,
    id: Id,
    include: Included,
    stream: Annotated[bool, Query()] = False,
    starting_after: Annotated[int | None, Query(ge=0, le=1 << 31)] = None,
    include_obfuscation: Annotated[bool, Query()] = False,
) -> Response:
    """A response that is stored, or is being made in the background.

    ``stream`` asks for the events of a response that was created with ``background`` and ``stream``: all of them, or
    those after number ``starting_after``.
    """
    gateway, caller = gateway_of(request), caller_of(request)
    if include_obfuscation:
        raise UnsupportedParameter("events are not obfuscated", param="include_obfuscation")
    job = await _job(gateway, caller, id) if stream else None
    if job is not None and job.request.get("stream"):
        check_made(include, with_logprobs=Asked.model_validate(job.request).wants_logprobs)
        return EventStream(gateway, job, after=starting_after)
    row = await gateway.database.look(responses.get, id, caller.key)
    shown = None if row is not None else await _shown(gateway, caller, id, include)
    if row is not None and include:
        check_items(include, msgspec.json.decode(row.body)["output"])
    if stream:
        raise InvalidRequest(
            "only a response that was made with 'background' and 'stream' can be streamed", param="stream"
        )
    return JSONResponse(shown) if row is None else Response(row.body, media_type="application/json")


@router.post("/{id}/cancel", summary="Cancel a response")
async def cancel_response(request: Request, id: Id) -> Response:
    """Stop a response that is made in the background. One that is over is returned as it is."""
    gateway, caller = gateway_of(request), caller_of(request)
    row = await _job(gateway, caller, id)
    if row is None:
        stored = await gateway.database.look(responses.get, id, caller.key)
        if stored is None:
            raise _missing(id)
        if not msgspec.json.decode(stored.body)["background"]:
            raise InvalidRequest("only a response that is made in the background can be cancelled", param="id")
        return Response(stored.body, media_type="application/json")
    await cancelling.stop(gateway, row.id)
    return await retrieve_response(request, id, frozenset())


@router.delete("/{id}", summary="Delete a response")
async def delete_response(request: Request, id: Id) -> dict[str, Any]:
    """Delete a response. 409 while it is being made in the background."""
    gateway, caller = gateway_of(request), caller_of(request)
    row = await _job(gateway, caller, id)
    if row is not None and row.state not in FINAL:
        raise Conflict(f"the response is {_status(row)}: cancel it first", param="id")
    if not await gateway.database.run(_forget, id, caller.key, row is not None):
        raise _missing(id)
    return {"id": id, "object": "response", "deleted": True}


def _forget(connection: Any, id: str, owner: str, has_job: bool) -> bool:
    if has_job:
        jobs.delete(connection, responses.job_of(id))
    return responses.delete(connection, id, owner) or has_job


@router.get("/{id}/input_items", summary="Input items of a response")
async def input_items(
    request: Request,
    id: Id,
    include: Included,
    after: Annotated[str | None, Query(max_length=256)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Literal["asc", "desc"] = "desc",
) -> dict[str, Any]:
    """All items that the model was given, those of earlier responses included."""
    gateway, caller = gateway_of(request), caller_of(request)
    items = await gateway.database.look(_input_items, id, caller.key)
    if items is None:
        row = await _job(gateway, caller, id)
        if row is None:
            raise _missing(id)
        items = stored_items([*(row.request.get("earlier") or []), *as_items(row.request["input"])], id)
    check_items(include, items)
    if order == "desc":
        items.reverse()
    if after is not None:
        place = next((place for place, one in enumerate(items) if one["id"] == after), None)
        if place is None:
            raise NotFound(f"there is no item '{after[:64]}'", param="after")
        items = items[place + 1 :]
    data = items[:limit]
    return {"object": "list", "data": data, **ends_of(data, more=len(items) > limit)}


def _input_items(connection: Any, id: str, owner: str) -> list[dict[str, Any]] | None:
    row = responses.get(connection, id, owner)
    return None if row is None else responses.input_items(connection, row)


async def _job(gateway: Gateway, caller: Caller, id: str) -> JobRow | None:
    """The job that makes a response; None if there is none."""
    try:
        row = await gateway.database.look(jobs.get, responses.job_of(id), caller.key)
    except NotFound:
        return None
    return row if row.kind == responses.KIND else None


async def _shown(gateway: Gateway, caller: Caller, id: str, include: frozenset[str] = frozenset()) -> dict[str, Any]:
    """A response that is made in the background, as JSON. Raises NotFound, and what ``check_made`` raises."""
    row = await _job(gateway, caller, id)
    if row is None:
        raise _missing(id)
    asked = Asked.model_validate(row.request)
    check_made(include, with_logprobs=asked.wants_logprobs)
    if row.state == JobState.SUCCEEDED:
        # It was stored in the transaction that ended the job.
        stored = await gateway.database.look(responses.get, id, caller.key)
        if stored is None:
            raise _missing(id)
        return dict(msgspec.json.decode(stored.body))
    about = response_object(asked, id, row.queued_at // 1000)
    error = failure(HeadraceError.from_row(row.error)) if STATUS[row.state] == "failed" else None
    return about | {"status": _status(row), "error": error}


def _status(row: JobRow) -> str:
    return "cancelled" if row.cancel_requested else STATUS[row.state]


def _missing(id: str) -> NotFound:
    return NotFound(f"there is no response '{id}'", param="id")
