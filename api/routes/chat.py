"""Chat and text completions, streamed or whole."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import fields
from api.bodies.documents import JSON, answers, json_body, schema
from api.edge.errors import Envelope
from api.requests.answering import answer
from api.shapes.answers.text import ChatChunk, ChatCompletion, TextChunk, TextCompletion
from models.modalities import chat, completions

router = APIRouter(tags=["inference"])


@router.post(
    "/v1/chat/completions",
    summary="Chat completion",
    responses=answers({JSON: schema(ChatCompletion)}, ChatChunk | Envelope),
    openapi_extra=json_body(chat.Request),
)
async def chat_completions(request: Request) -> Response:
    """Answer a conversation. Streams server-sent events where ``stream`` is true."""
    return await answer(request, "chat", await fields.read(request, chat.Request))


@router.post(
    "/v1/completions",
    summary="Text completion",
    responses=answers({JSON: schema(TextCompletion)}, TextChunk | Envelope),
    openapi_extra=json_body(completions.Request),
)
async def text_completions(request: Request) -> Response:
    """Go on from a prompt. Streams server-sent events where ``stream`` is true."""
    return await answer(request, "completions", await fields.read(request, completions.Request))
