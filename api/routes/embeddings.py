"""The endpoints that answer with numbers: embeddings, rerank and score."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import fields
from api.bodies.documents import json_body
from api.requests.answering import answer
from api.shapes.numbers import EmbeddingList, RankedList, ScoreList
from models.modalities import embeddings, rerank
from models.modalities.rerank import score

router = APIRouter(tags=["inference"])


@router.post(
    "/v1/embeddings",
    summary="Embeddings",
    responses={200: {"model": EmbeddingList}},
    openapi_extra=json_body(embeddings.Request),
)
async def create_embeddings(request: Request) -> Response:
    """A vector for each input: texts, or token ids."""
    return await answer(request, "embeddings", await fields.read(request, embeddings.Request))


@router.post("/v2/rerank", include_in_schema=False)
@router.post(
    "/v1/rerank",
    summary="Rerank",
    responses={200: {"model": RankedList}},
    openapi_extra=json_body(rerank.Request),
)
async def rerank_documents(request: Request) -> Response:
    """How relevant each document is to the query, the most relevant first."""
    return await answer(request, "rerank", await fields.read(request, rerank.Request))


@router.post(
    "/v1/score",
    summary="Score",
    responses={200: {"model": ScoreList}},
    openapi_extra=json_body(score.Request),
)
async def score_texts(request: Request) -> Response:
    """How well each text fits the first, in the order of the texts. The model is one of rerank."""
    return await answer(request, "score", await fields.read(request, score.Request))
