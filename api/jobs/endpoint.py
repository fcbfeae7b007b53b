"""What the endpoints of media have in common: they read the request, prepare its job, submit it and wait."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.responses import Response

from api.bodies.fields import rule_of
from api.edge import errors
from api.edge.caller import caller_of
from api.gateway.gateway import Gateway, gateway_of
from api.jobs import forms
from api.jobs.preparation import JobTerms, Prepared, Upload, prepare
from api.jobs.request_files import RequestFiles, folder
from api.jobs.waiting import respond, wants_async
from models.errors import InvalidRequest, ShuttingDown
from models.modalities import KINDS, MODALITIES

UNREADABLE: dict[int | str, dict[str, Any]] = {
    415: {"model": errors.Envelope, "description": "The body is neither of what is accepted here"},
}
ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {"description": "The job, where `background` is true or `Prefer: respond-async` was sent"},
    **UNREADABLE,
}


async def serve(request: Request, kind: str, idempotency_key: str | None) -> Response:
    """Answer a request to the endpoint of this kind."""
    gateway, caller = gateway_of(request), caller_of(request)
    async with folder() as into:
        body, uploads = await read(request, kind, into)
        terms = JobTerms(idempotency_key=idempotency_key)
        prepared = await prepare(gateway, caller, kind, body, uploads, terms, rule_of(request))
    return await wait(request, prepared)


async def read(request: Request, kind: str, into: Path) -> tuple[dict[str, Any], dict[str, Upload]]:
    """The fields and files of a request to the endpoint of this kind; the files are put into this folder."""
    gateway = gateway_of(request)
    if gateway.dispatcher.closed:
        raise ShuttingDown()
    about = KINDS[kind]
    body, uploads = await forms.read(request, about, RequestFiles(gateway, caller_of(request), into))
    if MODALITIES[about.modality].only_model and body.get("model") in (None, ""):
        body["model"] = await only_model(gateway, about.modality)
    return body, uploads


async def wait(request: Request, prepared: Prepared) -> Response:
    """Submit a job and answer as its endpoint does; where the client does not want to wait, with the job."""
    gateway = gateway_of(request)
    background = getattr(prepared.request, "background", None) is True
    if not wants_async(request, background):
        job = replace(prepared.job, deadline_s=gateway.settings.request_timeout_s)
        prepared = replace(prepared, job=job)
    return await respond(gateway, request, prepared, background=background)


async def only_model(gateway: Gateway, modality: str) -> str:
    """The uid of the one model that serves this modality. Raises InvalidRequest if there is none, or more than one."""
    models = await gateway.known_models.serving(modality)
    if len(models) != 1:
        which = "several models serve" if models else "no model that was launched serves"
        raise InvalidRequest(f"'model' is required: {which} {modality}", param="model")
    return models[0].uid
