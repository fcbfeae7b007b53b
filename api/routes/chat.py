"""Chat and text completions, streamed or whole."""

from typing import Annotated

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from api.requests.answering import answer
from models.modalities import chat, completions

router = APIRouter(tags=["inference"])


@router.post("/v1/chat/completions", summary="Chat completion")
async def chat_completions(request: Request, body: Annotated[chat.Request, Body()]) -> Response:
    """Answer a conversation. Streams server-sent events where ``stream`` is true."""
    return await answer(request, "chat", body)


@router.post("/v1/completions", summary="Text completion")
async def text_completions(request: Request, body: Annotated[completions.Request, Body()]) -> Response:
    """Go on from a prompt. Streams server-sent events where ``stream`` is true."""
    return await answer(request, "completions", body)
