"""Chat and text completions, streamed or whole."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import fields
from api.bodies.documents import json_body
from api.requests.answering import answer
from models.modalities import chat, completions

router = APIRouter(tags=["inference"])


@router.post("/v1/chat/completions", summary="Chat completion", openapi_extra=json_body(chat.Request))
async def chat_completions(request: Request) -> Response:
    """Answer a conversation. Streams server-sent events where ``stream`` is true."""
    return await answer(request, "chat", await fields.read(request, chat.Request))


@router.post("/v1/completions", summary="Text completion", openapi_extra=json_body(completions.Request))
async def text_completions(request: Request) -> Response:
    """Go on from a prompt. Streams server-sent events where ``stream`` is true."""
    return await answer(request, "completions", await fields.read(request, completions.Request))
