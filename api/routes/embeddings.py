"""The endpoints that answer with numbers: embeddings and rerank."""

from typing import Annotated

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from api.requests.answering import answer
from models.modalities import embeddings, rerank

router = APIRouter(tags=["inference"])


@router.post("/v1/embeddings", summary="Embeddings")
async def create_embeddings(request: Request, body: Annotated[embeddings.Request, Body()]) -> Response:
    """A vector for each input: texts, or token ids."""
    return await answer(request, "embeddings", body)


@router.post("/v2/rerank", summary="Rerank, at Cohere's second address")
@router.post("/v1/rerank", summary="Rerank")
async def rerank_documents(request: Request, body: Annotated[rerank.Request, Body()]) -> Response:
    """How relevant each document is to the query, the most relevant first."""
    return await answer(request, "rerank", body)
