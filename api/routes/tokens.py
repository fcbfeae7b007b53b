"""Tokens of texts and texts of tokens, at the paths of vLLM's server, with ``/v1`` before them or without."""

from typing import Annotated

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from api.requests.answering import answer
from models.modalities import detokenize, tokenize

router = APIRouter(tags=["inference"])


@router.post("/tokenize", include_in_schema=False)
@router.post("/v1/tokenize", summary="Tokenize")
async def tokens_of(request: Request, body: Annotated[tokenize.Request, Body()]) -> Response:
    """The tokens of a prompt, or of the prompt that a conversation becomes; and how many there are."""
    return await answer(request, "tokenize", body)


@router.post("/detokenize", include_in_schema=False)
@router.post("/v1/detokenize", summary="Detokenize")
async def text_of(request: Request, body: Annotated[detokenize.Request, Body()]) -> Response:
    """The text of tokens."""
    return await answer(request, "detokenize", body)
