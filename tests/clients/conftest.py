"""One running Headrace with real models for all stock clients, behind an API key."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.stack import Stack
from tests.support.weights import RERANKER

KEY = "sk-of-the-clients"
SMOLLM2 = {
    "model_uid": "smollm2",
    "model_name": "smollm2",
    "model_engine": "llama_cpp",
    "n_ctx": 2048,
    "n_parallel": 2,
    "n_threads": 1,
}
MODELS: tuple[dict[str, Any], ...] = (
    SMOLLM2,
    {"model_uid": "minilm", "model_name": "minilm", "model_type": "embedding"},
    {"model_uid": "reranker", "model_name": "mine", "model_type": "rerank", "model_path": str(RERANKER)},
)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server whose key is ``KEY``, with the chat model ``smollm2``, ``minilm`` for embeddings and ``reranker``."""
    stack = Stack(tmp_path_factory.mktemp("clients") / "home", HEADRACE_API_KEY=KEY)
    try:
        stack.start()
        for model in MODELS:
            stack.client.launch(dict(model))
        for model in MODELS:
            stack.client.wait_ready(str(model["model_uid"]))
        yield stack
    finally:
        stack.close()
