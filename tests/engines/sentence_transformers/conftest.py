"""Fixtures of the encoders: each model is loaded once."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.engines.driver import Driver
from tests.engines.sentence_transformers.residents import minilm, resident
from tests.support.weights import RERANKER


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def embedder() -> AsyncIterator[Driver]:
    """The bi-encoder."""
    async for driver in resident(minilm(), modality="embeddings"):
        yield driver


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reranker() -> AsyncIterator[Driver]:
    """The small cross-encoder."""
    async for driver in resident(str(RERANKER), modality="rerank"):
        yield driver


@pytest.fixture(scope="session")
def encoder() -> Any:
    """sentence-transformers itself, on the same weights."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(minilm(), device="cpu")


@pytest.fixture(scope="session")
def scorer() -> Any:
    """The same of the cross-encoder."""
    import torch
    from sentence_transformers import CrossEncoder

    return CrossEncoder(str(RERANKER), device="cpu", model_kwargs={"dtype": torch.float32})
