"""The paths of vLLM, llama.cpp, TEI and infinity that have no ``/v1`` before them."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import fields, reading
from api.gateway.gateway import gateway_of
from api.jobs.endpoint import only_model
from api.requests.answering import answer
from api.routes import chat, embeddings, models
from models.modalities import rerank
from models.modalities.rerank import tei

router = APIRouter(include_in_schema=False)

router.get("/models")(models.list_models)
router.post("/chat/completions")(chat.chat_completions)
router.post("/completions")(chat.text_completions)
router.post("/embeddings")(embeddings.create_embeddings)
router.post("/score")(embeddings.score_texts)


@router.post("/rerank")
async def rerank_documents(request: Request) -> Response:
    """Rerank as under ``/v1``, or, where the body has ``texts``, as TEI does."""
    rule = fields.rule_of(request)

    def taken(body: dict[str, Any]) -> rerank.Request | tei.Request:
        return rule.check(tei.Request, body) if "texts" in body else rule.check(rerank.Request, body)

    asked = await reading.read(request, taken)
    if isinstance(asked, rerank.Request):
        return await answer(request, "rerank", asked)
    asked.model = asked.model or await only_model(gateway_of(request), "rerank")
    return await answer(request, "tei_rerank", asked)
