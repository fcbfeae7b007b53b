"""The drawing part of AUTOMATIC1111's API: https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/API.

The web UI has one model at a time. Here each API key chooses its model by ``POST …/options``, which Redis keeps; a
request may also name its model itself. Progress and interruption concern the drawings that the same key asked for on
these paths. A drawing that is interrupted answers 409. With ``Prefer: respond-async`` a drawing is an ordinary job.
"""

import base64
import time
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from redis.exceptions import RedisError
from starlette.responses import Response

from api.bodies.documents import json_body
from api.bodies.fields import read, rule_of
from api.bodies.reading import object_of
from api.edge.caller import Caller, caller_of
from api.gateway.gateway import Gateway, gateway_of
from api.jobs.preparation import JobTerms, Prepared, prepare
from api.jobs.request_files import RequestFiles, folder
from api.jobs.waiting import abandon, respond, wants_async
from api.routes import sdapi_wire
from api.routes.sdapi_wire import MARK, Drawing
from models.errors import BrokerUnavailable, ModelNotFound
from models.modalities import samplers
from models.redis import events
from models.rows import jobs
from models.rows.states import JobState

router = APIRouter(prefix="/sdapi/v1", tags=["AUTOMATIC1111"])

CHOICE_S = 30 * 86400
MOST_RUNNING = 100
EVENTS_READ = 40


@router.post("/txt2img", summary="Draw (AUTOMATIC1111)", openapi_extra=json_body(Drawing))
async def txt2img(request: Request) -> Response:
    """Draw what a prompt says. Unsupported fields are refused if they would change the picture, else ignored."""
    return await _draw(request, "images.generations")


@router.post("/img2img", summary="Draw a picture anew (AUTOMATIC1111)", openapi_extra=json_body(Drawing))
async def img2img(request: Request) -> Response:
    """Draw ``init_images[0]`` anew; with ``mask`` only what is white in it."""
    return await _draw(request, "images.edits")


@router.get("/options", summary="Options (AUTOMATIC1111)")
async def options(request: Request) -> dict[str, Any]:
    """The model that draws for this key where a request names none."""
    gateway = gateway_of(request)
    chosen = await _chosen(gateway, caller_of(request))
    return {"sd_model_checkpoint": chosen, "samples_format": "png"}


@router.post("/options", summary="Choose a model (AUTOMATIC1111)")
async def choose(request: Request) -> None:
    """Choose the model that draws for this key. Other options must have the value that they have already."""
    gateway = gateway_of(request)
    named = sdapi_wire.checkpoint(await object_of(request))
    if named is None:
        return
    await _checked(gateway, named)
    try:
        await gateway.client.set(_choice_key(caller_of(request)), named, ex=CHOICE_S)
    except (RedisError, OSError) as error:
        raise BrokerUnavailable() from error


@router.get("/samplers", summary="Samplers (AUTOMATIC1111)")
async def list_samplers() -> list[dict[str, Any]]:
    """What ``sampler_name`` may be."""
    return [one.to_json() for one in samplers.SAMPLERS]


@router.get("/schedulers", summary="Schedulers (AUTOMATIC1111)")
async def list_schedulers() -> list[dict[str, Any]]:
    """What ``scheduler`` may be."""
    return [{"name": name.lower(), "label": name, "aliases": None} for name in ("Automatic", "Karras")]


@router.get("/sd-models", summary="Image models (AUTOMATIC1111)")
async def list_checkpoints(request: Request) -> list[dict[str, Any]]:
    """The image models that were launched, by uid."""
    known = await gateway_of(request).known_models.serving("images")
    return [
        {"title": one.uid, "model_name": one.uid, "hash": None, "sha256": None, "filename": one.uid, "config": None}
        for one in known
    ]


@router.get("/progress", summary="Progress (AUTOMATIC1111)")
async def drawing_progress(request: Request, skip_current_image: Annotated[bool, Query()] = False) -> dict[str, Any]:
    """How far the drawing of this key is that has run longest; zeros where none runs."""
    gateway = gateway_of(request)
    running = await _running(gateway, caller_of(request))
    if not running:
        return sdapi_wire.shown_progress(None, 0, sdapi_wire.Latest(), 0.0)
    row = running[-1]
    latest = await _latest(gateway, row.id)
    if skip_current_image:
        latest.image = None
    elapsed = max(time.time() - row.started_at / 1000, 0.0) if row.started_at else 0.0
    return sdapi_wire.shown_progress(row.id, len(running), latest, elapsed)


@router.post("/interrupt", summary="Interrupt (AUTOMATIC1111)")
async def interrupt(request: Request) -> dict[str, Any]:
    """Stop the drawings that run for this key; those that wait go on."""
    gateway = gateway_of(request)
    for row in await _running(gateway, caller_of(request)):
        await abandon(gateway, row.id)
    return {}


async def _draw(request: Request, kind: str) -> Response:
    gateway, caller = gateway_of(request), caller_of(request)
    body, rule = await read(request, Drawing), rule_of(request)
    rule.ignore(sdapi_wire.unknown(body))
    fields = sdapi_wire.translated(body, edit=kind == "images.edits")
    named = body.checkpoint
    fields["model"] = await _checked(gateway, named) if named else await _chosen(gateway, caller)
    terms = JobTerms(metadata={MARK: kind})
    async with folder() as into:
        files = RequestFiles(gateway, caller, into)
        pictures = sdapi_wire.pictures(body) if kind == "images.edits" else {}
        uploads = {name: await files.take_reference(name, text) for name, text in pictures.items()}
        prepared: Prepared = await prepare(gateway, caller, kind, fields, uploads, terms, rule)
    if not wants_async(request, None):
        prepared = replace(prepared, job=replace(prepared.job, deadline_s=gateway.settings.request_timeout_s))
    return await respond(gateway, request, prepared, background=None, reword=sdapi_wire.Reworded(body, fields))


async def _chosen(gateway: Gateway, caller: Caller) -> str:
    """The model that this key chose, else the oldest image model. Raises ModelNotFound where there is none."""
    known = [one.uid for one in await gateway.known_models.serving("images")]
    if not known:
        raise ModelNotFound("no image model is launched", param="sd_model_checkpoint")
    if len(known) == 1:
        return known[0]
    try:
        chosen = await gateway.client.get(_choice_key(caller))
    except (RedisError, OSError) as error:
        raise BrokerUnavailable() from error
    uid = chosen.decode() if isinstance(chosen, bytes) else chosen
    return uid if uid in known else known[0]


async def _checked(gateway: Gateway, uid: str) -> str:
    """The uid, if it is an image model's. Raises ModelNotFound."""
    known = [one.uid for one in await gateway.known_models.serving("images")]
    if uid not in known:
        there = f"there are {', '.join(known)}" if known else "none is launched"
        raise ModelNotFound(f"there is no image model '{uid[:100]}'; {there}", param="sd_model_checkpoint")
    return uid


def _choice_key(caller: Caller) -> str:
    return f"headrace:sdapi:checkpoint:{caller.key or '-'}"


async def _running(gateway: Gateway, caller: Caller) -> list[Any]:
    """The drawings that run for this key, newest first."""

    def listing(connection: Any) -> list[Any]:
        return jobs.listing(connection, caller.key, state=JobState.RUNNING, limit=MOST_RUNNING)

    return [row for row in await gateway.database.look(listing) if MARK in (row.metadata or {})]


async def _latest(gateway: Gateway, job: str) -> sdapi_wire.Latest:
    """The newest progress and preview among a job's events."""
    latest = sdapi_wire.Latest()
    try:
        entries = await gateway.stream_client.xrevrange(events.stream_key(job), count=EVENTS_READ)
    except (RedisError, OSError):
        return latest
    for _, event in events.read(entries):
        if event.type == events.PROGRESS and not latest.steps:
            latest.step, latest.steps = int(event.data["step"]), int(event.data["steps"])
            latest.done = float(event.data["progress"])
        if event.type == events.PREVIEW and latest.image is None:
            latest.image = base64.b64encode(event.blob).decode()
    return latest
