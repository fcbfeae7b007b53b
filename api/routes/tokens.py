"""Tokens of texts and texts of tokens, at the paths of vLLM's server, with ``/v1`` before them or without."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import fields
from api.bodies.documents import json_body
from api.requests.answering import answer
from api.shapes.numbers import TokenList, TokenText
from models.modalities import detokenize, tokenize

router = APIRouter(tags=["inference"])


@router.post("/tokenize", include_in_schema=False)
@router.post(
    "/v1/tokenize",
    summary="Tokenize",
    responses={200: {"model": TokenList}},
    openapi_extra=json_body(tokenize.Request),
)
async def tokens_of(request: Request) -> Response:
    """The tokens of a prompt, or of the prompt that a conversation becomes; and how many there are."""
    return await answer(request, "tokenize", await fields.read(request, tokenize.Request))


@router.post("/detokenize", include_in_schema=False)
@router.post(
    "/v1/detokenize",
    summary="Detokenize",
    responses={200: {"model": TokenText}},
    openapi_extra=json_body(detokenize.Request),
)
async def text_of(request: Request) -> Response:
    """The text of tokens."""
    return await answer(request, "detokenize", await fields.read(request, detokenize.Request))
