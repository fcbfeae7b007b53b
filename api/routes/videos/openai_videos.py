"""OpenAI's videos: made by jobs, and found, listed, downloaded, remixed and deleted as views of these."""

import asyncio
from contextlib import suppress
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from sqlalchemy.engine import Connection
from starlette.responses import JSONResponse, Response, StreamingResponse

from api.bodies import fields
from api.bodies.documents import json_body
from api.edge.caller import caller_of
from api.gateway.gateway import Gateway, gateway_of
from api.jobs import cancelling
from api.jobs.endpoint import UNREADABLE, read
from api.jobs.forms import openapi_body
from api.jobs.preparation import IdempotencyKey, JobTerms, Prepared, prepare
from api.jobs.request_files import RequestFiles, folder
from api.jobs.stored_files import StoredFile, sent
from api.jobs.waiting import submit_job, wants_async
from api.routes.videos import wire
from api.routes.videos.pictures import check_pictures
from api.shapes.pages import ends_of
from models.errors import Conflict, HeadraceError, InvalidRequest, NotFound, ShuttingDown, UnsupportedParameter
from models.modalities import KINDS
from models.modalities.json_object import JsonObject
from models.rows import jobs, videos
from models.rows.states import FINAL
from models.rows.videos import VideoJob

router = APIRouter(prefix="/v1/videos", tags=["videos"])

Id = Annotated[str, Path(max_length=60, description="the video's id")]
_DELETE_WAIT_S = 20.0
"""How long the deletion of a video that is being made waits for the end of the step that is computed."""


def _body() -> dict[str, Any]:
    """The body of a new video, for the OpenAPI document: the job's, with OpenAI's name of its picture."""
    body = openapi_body(KINDS[wire.KIND])
    for one in body["requestBody"]["content"].values():
        own = one["schema"]["properties"]
        more = {"input_reference": own["image"], "webhook": {"type": "string", "description": "a URL"}}
        one["schema"] = one["schema"] | {"properties": more | own}
    return body


class Remix(JsonObject):
    """Body of a remix."""

    prompt: str = Field(min_length=1, max_length=32_000)
    webhook: str | None = Field(None, min_length=1, max_length=2000)


@router.post("", summary="Make a video", openapi_extra=_body(), responses=UNREADABLE)
async def create_video(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    """Queue a video. ``input_reference`` is the picture that it begins with, ``webhook`` a URL that is told its end."""
    gateway, caller = gateway_of(request), caller_of(request)
    try:
        async with folder() as into:
            body, uploads = await read(request, wire.KIND, into)
            terms = await _terms(gateway, idempotency_key, body.pop("webhook", None))
            await check_pictures(uploads)
            prepared = await prepare(gateway, caller, wire.KIND, body, uploads, terms, fields.rule_of(request))
    except HeadraceError as error:
        raise error.renamed("image", wire.REFERENCE) from error
    return await _queued(request, prepared)


@router.get("", summary="List videos")
async def list_videos(
    request: Request,
    after: Annotated[str | None, Query(max_length=60)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Literal["asc", "desc"] = "desc",
) -> dict[str, Any]:
    """This key's videos, newest first unless ``order`` is ``asc``; ``after`` is the last id of the page before."""
    gateway = gateway_of(request)
    owner, ascending = caller_of(request).key, order == "asc"

    def page(connection: Connection) -> list[VideoJob]:
        return videos.listing(connection, owner, after=after, limit=limit, ascending=ascending)

    found = await gateway.database.look(page)
    data = [_shown(gateway, one) for one in found[:limit]]
    return {"object": "list", "data": data, **ends_of(data, more=len(found) > limit)}


@router.post("/edits", summary="Edit a video: not served", operation_id="refuse_video_edits")
@router.post("/extensions", summary="Extend a video: not served")
async def refuse_videos(request: Request) -> Response:
    """Refuse: videos are made from a prompt and from pictures alone."""
    raise UnsupportedParameter(
        "videos are made from a prompt and from pictures, not from videos: use /v1/videos with 'input_reference'",
        param="video",
    )


@router.post("/characters", summary="Create a character: not served")
async def refuse_characters(request: Request) -> Response:
    """Refuse: no model here knows characters."""
    raise UnsupportedParameter(
        "characters are not kept: send a picture of the character as 'input_reference' of a video", param="video"
    )


@router.get("/characters/{id}", summary="Find a character: not served")
async def no_character(request: Request, id: Id) -> Response:
    """Say that there is none."""
    raise NotFound(f"there is no character '{id}': characters are not kept", param="id")


@router.get("/{id}", summary="Find a video")
async def retrieve_video(request: Request, id: Id) -> Response:
    """A video as it is now: its status, its progress in per cent, and why it failed if it did."""
    found = await _mine(request, id)
    body = wire.body_of(found)
    fields.rule_of(request).ignore(tuple(body.get("ignored", ())))
    warned = {"X-Headrace-Warning": body["warning"]} if body.get("warning") else {}
    return JSONResponse(_shown(gateway_of(request), found), headers=warned)


@router.delete("/{id}", summary="Delete a video")
async def delete_video(request: Request, id: Id) -> dict[str, Any]:
    """Delete a video and its files. One that is not made yet is cancelled first."""
    gateway = gateway_of(request)
    row = (await _mine(request, id)).row
    if row.state not in FINAL:
        await cancelling.stop(gateway, row.id)
        with suppress(TimeoutError):
            await asyncio.wait_for(gateway.watching.until_over(row.id), _DELETE_WAIT_S)
    try:
        await gateway.database.run(jobs.delete, row.id)
    except Conflict as error:
        raise Conflict("the video is being cancelled: delete it again", param="id", retry_after=5) from error
    await gateway.blocking(gateway.store.delete_prefix, f"jobs/{row.id}/")
    return {"id": id, "object": "video.deleted", "deleted": True}


@router.get("/{id}/content", summary="Download a video", response_class=StreamingResponse)
async def video_content(
    request: Request,
    id: Id,
    variant: Literal["video", "thumbnail", "spritesheet"] = "video",
) -> Response:
    """The video, its first frame (``thumbnail``), or frames of it side by side (``spritesheet``)."""
    found = await _mine(request, id)
    kept = wire.artifact_of(found, variant)
    suffix = kept["key"].rpartition(".")[2]
    name = f"{id}.{suffix}" if variant == "video" else f"{id}-{variant}.{suffix}"
    return await sent(request, StoredFile(kept["key"], kept["media_type"], name), "private, no-cache")


@router.post("/{id}/remix", summary="Remix a video", openapi_extra=json_body(Remix))
async def remix_video(request: Request, id: Id, idempotency_key: IdempotencyKey = None) -> Response:
    """Queue a video as this one, with another prompt: its pictures, size, length and seed are the same."""
    gateway, caller = gateway_of(request), caller_of(request)
    if gateway.dispatcher.closed:
        raise ShuttingDown()
    asked = await fields.read(request, Remix)
    found = await _mine(request, id)
    body = wire.remixed(found, asked.prompt)
    terms = await _terms(gateway, idempotency_key, asked.webhook, of=id)
    async with folder() as into:
        files = RequestFiles(gateway, caller, into)
        uploads = {name: await files.take_stored(name, key) for name, key in found.row.files.items()}
        prepared = await prepare(gateway, caller, found.row.kind, body, uploads, terms, fields.rule_of(request))
    return await _queued(request, prepared)


async def _queued(request: Request, prepared: Prepared) -> Response:
    """Submit the job of a video, and show that."""
    gateway = gateway_of(request)
    done = await submit_job(gateway, prepared.job)
    found = await gateway.database.look(videos.get, videos.video_of(done.id), prepared.job.api_key_id)
    headers = {"X-Job-Id": done.id} | ({} if done.created else {"Idempotent-Replayed": "true"})
    if wants_async(request, None):
        headers["Preference-Applied"] = "respond-async"
    return JSONResponse(_shown(gateway, found), headers=headers)


async def _terms(gateway: Gateway, idempotency_key: str | None, webhook: Any, of: str = "") -> JobTerms:
    """The terms of a video's job. ``of``: the video that it remixes."""
    if webhook is not None:
        if not isinstance(webhook, str) or not 0 < len(webhook) <= 2000:
            raise InvalidRequest("'webhook' must be a URL", param="webhook")
        webhook = await gateway.outbound.check_url(webhook, "webhook")
    return JobTerms(idempotency_key=idempotency_key, webhook=webhook, metadata={videos.MARK: of})


def _shown(gateway: Gateway, video: VideoJob) -> dict[str, Any]:
    return wire.shown(video, gateway.settings.job_retention_s)


async def _mine(request: Request, id: str) -> VideoJob:
    return await gateway_of(request).database.look(videos.get, id, caller_of(request).key)
