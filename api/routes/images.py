"""OpenAI's image endpoints, and Xinference's inpainting. Each is a job that is waited for."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies.documents import JSON, answers, schema
from api.edge.errors import Envelope
from api.jobs.endpoint import ACCEPTED, serve
from api.jobs.forms import openapi_body
from api.jobs.preparation import IdempotencyKey
from api.shapes.answers.pictures import DrawnImages, FinishedImage, PartialImage
from models.modalities import KINDS

_DRAWN = answers({JSON: schema(DrawnImages)}, PartialImage | FinishedImage | Envelope)

router = APIRouter(prefix="/v1/images", tags=["images"], responses=ACCEPTED | _DRAWN)


@router.post("/generations", summary="Draw", openapi_extra=openapi_body(KINDS["images.generations"]))
async def generations(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    """Draw what a prompt says."""
    return await serve(request, "images.generations", idempotency_key)


@router.post("/edits", summary="Edit a picture", openapi_extra=openapi_body(KINDS["images.edits"]))
async def edits(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    """Draw a picture anew by a prompt. With a mask, or if it has transparent parts, only that region is changed."""
    return await serve(request, "images.edits", idempotency_key)


@router.post("/variations", summary="Vary a picture", openapi_extra=openapi_body(KINDS["images.variations"]))
async def variations(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    """Draw a picture anew."""
    return await serve(request, "images.variations", idempotency_key)


@router.post("/inpainting", summary="Fill in a picture", openapi_extra=openapi_body(KINDS["images.inpainting"]))
async def inpainting(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    """Draw the region of a picture anew that a mask shows. The mask may be called ``mask_image``."""
    return await serve(request, "images.inpainting", idempotency_key)
