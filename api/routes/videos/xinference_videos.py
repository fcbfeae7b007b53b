"""Xinference's videos. Each is a job that is waited for; by default its answer is in base64, as Xinference's is."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies.fields import rule_of
from api.edge.caller import caller_of
from api.gateway.gateway import gateway_of
from api.jobs.endpoint import ACCEPTED, read, wait
from api.jobs.forms import openapi_body
from api.jobs.preparation import IdempotencyKey, JobTerms, prepare
from api.jobs.request_files import folder
from api.routes.videos.pictures import check_pictures
from api.routes.videos.wire import KIND, names_format
from models.errors import HeadraceError, InvalidRequest, UnsupportedParameter
from models.modalities import Kind

router = APIRouter(prefix="/v1/video", tags=["videos"], responses=ACCEPTED)

_FRAMES = {"image": "first_frame", "last_image": "last_frame"}
"""Our names of files, and Xinference's."""


def _body(*files: str) -> dict[str, object]:
    return openapi_body(Kind("", "videos", dict.fromkeys(files, True)))


@router.post("/generations", summary="Make a video (Xinference)", openapi_extra=_body())
async def generate_video(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    """Make a video of a prompt. ``kwargs`` is a JSON object of further fields, or a string of one."""
    return await _serve(request, idempotency_key, {})


@router.post("/generations/image", summary="Make a video of a picture (Xinference)", openapi_extra=_body("image"))
async def of_image(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    """Make a video that begins with a picture."""
    return await _serve(request, idempotency_key, {"image": "image"})


@router.post(
    "/generations/flf",
    summary="Make a video between two pictures (Xinference)",
    openapi_extra=_body("first_frame", "last_frame"),
)
async def between(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    """Make a video from its first frame to its last one."""
    return await _serve(request, idempotency_key, _FRAMES)


async def _serve(request: Request, idempotency_key: str | None, files: dict[str, str]) -> Response:
    """Make a video and wait for it. ``files``: those that must be there, and their names in this body."""
    gateway, caller = gateway_of(request), caller_of(request)
    try:
        async with folder() as into:
            body, uploads = await read(request, KIND, into)
            if body.get("video") is not None:
                raise UnsupportedParameter("no model here is driven by a video", param="video")
            if missing := [name for name in files if name not in uploads]:
                raise InvalidRequest(f"missing the file '{missing[0]}'", param=missing[0])
            await check_pictures(uploads)
            if not names_format(body):
                body["response_format"] = "b64_json"
            terms = JobTerms(idempotency_key=idempotency_key)
            prepared = await prepare(gateway, caller, KIND, body, uploads, terms, rule_of(request))
        return await wait(request, prepared)
    except HeadraceError as error:
        raise error.renamed(error.param or "", files.get(error.param or "", error.param or "")) from error
