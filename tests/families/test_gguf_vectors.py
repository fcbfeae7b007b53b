"""GGUF files that embed or rank give what the same weights give elsewhere, alone and in company."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gguf
import numpy
import pytest
import torch
import transformers
from sentence_transformers import SentenceTransformer

from models.errors import ContextLengthExceeded, InvalidRequest
from models.launching.engine_choice import choose
from models.launching.peek import peek_at
from tests.engines.driver import Driver
from tests.engines.sentence_transformers.residents import error_of, vectors
from tests.families.makers.embeddings import embedders, ggufs, rerankers
from tests.families.makers.embeddings.words import texts
from tests.families.test_rerank import QUERY
from tests.families.test_rerank import qwen3 as card
from workers.engines import engine_class
from workers.engines.base import EngineSite

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLOSE = 0.01
"""llama.cpp computes attention in float16."""


async def served(path: Path, **options: Any) -> AsyncIterator[Driver]:
    """A file as a launch of it alone would have it served, on the CPU."""
    chosen = choose(str(path), peek_at(path), None, None)
    assert chosen.engine.name == "llama_cpp"
    options = {"n_parallel": 2, "n_threads": 1, **chosen.engine.type_options[chosen.model_type], **options}
    found = engine_class("llama_cpp")
    engine = await found.resident(EngineSite(str(path), "cpu", options), lambda stage, fraction: None)
    assert chosen.engine.serves[chosen.model_type][0] in engine.modalities()
    yield Driver("llama_cpp", engine)
    engine.close()


async def test_an_encoder_gives_the_vectors_of_its_weights(tmp_path: Path) -> None:
    embedders.bge(tmp_path)
    library = SentenceTransformer(str(tmp_path), device="cpu", model_kwargs={"dtype": torch.float32})
    words = list(texts())
    expected = library.encode(words)
    async for driver in served(ggufs.embedder(tmp_path)):
        assert driver.engine.told == {"pooling": "cls", "pooling_assumed": False, "dimensions": 64}
        assert driver.capacity.context_length == 300
        library.max_seq_length = 300
        expected = library.encode(words)
        alone = numpy.concatenate([vectors(await driver.ask("embeddings", input=one, truncate=True)) for one in words])
        answers = [driver.submit("embeddings", input=[one] * 3, truncate=True) for one in words]
        await asyncio.gather(*map(driver.until_over, answers))
        assert abs(alone - expected).max() < CLOSE
        assert abs(numpy.stack([vectors(one)[2] for one in answers]) - expected).max() < CLOSE
        ids = library.tokenizer(words[1])["input_ids"]
        for given in (ids, ids[1:-1]):
            answer = await driver.ask("embeddings", input=given)
            assert abs(vectors(answer)[0] - expected[1]).max() < CLOSE
            assert answer.usage is not None
            assert answer.usage.prompt_tokens == len(ids)
        cut = vectors(await driver.ask("embeddings", input=words[1], dimensions=16))[0]
        assert abs(cut - expected[1][:16] / numpy.linalg.norm(expected[1][:16])).max() < CLOSE
        error = await error_of(driver, "embeddings", input=["x", words[-1]])
        assert isinstance(error, ContextLengthExceeded)
        assert error.param == "input[1]"
        assert (await error_of(driver, "rerank", query="a", documents=["b"])).param == "model"


async def test_a_decoder_gives_the_vectors_of_its_last_token(tmp_path: Path) -> None:
    embedders.qwen3(tmp_path)
    library = SentenceTransformer(str(tmp_path), device="cpu", model_kwargs={"dtype": torch.float32})
    words = list(texts()[:6])
    async for driver in served(ggufs.decoder(tmp_path, gguf.PoolingType.LAST)):
        found = vectors(await driver.ask("embeddings", input=words))
        assert abs(found - library.encode(words)).max() < CLOSE


async def test_a_reranker_gives_the_scores_of_its_weights(tmp_path: Path) -> None:
    torch.manual_seed(2)  # with some weights all scores are alike
    rerankers.msmarco(tmp_path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    network = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path)
    documents = list(texts()[:6])
    async for driver in served(ggufs.reranker(tmp_path)):
        answer = await driver.ask("rerank", query=QUERY, documents=documents)
        for document, score in zip(documents, answer.result.scores, strict=True):
            with torch.no_grad():
                logit = network(**tokenizer(QUERY, document, return_tensors="pt")).logits[0, 0]
            assert abs(float(torch.sigmoid(logit)) - score) < CLOSE
        assert numpy.ptp(answer.result.scores) > 10 * CLOSE
        long = await driver.ask("rerank", query=QUERY, documents=["x", texts()[-1]])
        assert long.result.cut == 1
        error = await error_of(driver, "rerank", query=QUERY, documents=["x", texts()[-1]], truncation=False)
        assert error.param == "documents[1]"


async def test_a_reranker_that_is_a_language_model_gives_what_its_card_computes(tmp_path: Path) -> None:
    rerankers.qwen3(tmp_path)
    documents = list(texts()[:5])
    expected = card(tmp_path)(QUERY, documents)
    async for driver in served(ggufs.decoder(tmp_path, gguf.PoolingType.RANK)):
        answer = await driver.ask("rerank", query=QUERY, documents=documents)
        assert numpy.abs(numpy.array(answer.result.scores) - expected).max() < CLOSE


async def test_pairs_that_llama_cpp_puts_together_otherwise_are_refused(tmp_path: Path) -> None:
    rerankers.msmarco(tmp_path)
    with pytest.raises(InvalidRequest, match="puts a query and a document together otherwise"):
        async for _ in served(ggufs.reranker(tmp_path, doubled=True)):
            pass
