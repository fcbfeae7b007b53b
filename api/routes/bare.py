"""The paths of vLLM, llama.cpp, TEI and infinity that have no ``/v1`` before them."""

from fastapi import APIRouter

from api.routes import chat, embeddings, models

router = APIRouter(include_in_schema=False)

router.get("/models")(models.list_models)
router.post("/chat/completions")(chat.chat_completions)
router.post("/completions")(chat.text_completions)
router.post("/embeddings")(embeddings.create_embeddings)
router.post("/rerank")(embeddings.rerank_documents)
router.post("/score")(embeddings.score_texts)
