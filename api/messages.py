"""Anthropic's Messages API, on its own path and under ``/anthropic``, for clients of both protocols at one address."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel
from starlette.responses import Response

from api import inference
from models.modalities import messages


class Details(BaseModel):
    """What went wrong, as Anthropic's clients read it; ``details`` has our code and the parameter at fault."""

    type: str
    message: str
    details: dict[str, str | None]


class Envelope(BaseModel):
    """The body of every answer that is an error."""

    type: str
    error: Details
    request_id: str | None


FAILURES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Envelope, "description": "The request is at fault"},
    "5XX": {"model": Envelope, "description": "The platform is at fault, or full"},
}
router = APIRouter(tags=["anthropic"], responses=FAILURES)


@router.post("/v1/messages", summary="Message")
@router.post("/anthropic/v1/messages", summary="Message")
async def create_message(request: Request, body: Annotated[messages.Request, Body()]) -> Response:
    """Answer a conversation. Streams server-sent events where ``stream`` is true."""
    return await inference.answer(request, "messages", body)
