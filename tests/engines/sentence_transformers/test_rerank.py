"""Rerank with real weights: the library's scores, and what is too long is cut, made pieces or refused."""

import asyncio
from typing import Any

import numpy
import pytest

from models.errors import ContextLengthExceeded
from tests.engines.driver import Driver
from tests.engines.sentence_transformers.residents import CLOSE, DOCUMENTS, QUERY, error_of, resident
from tests.support.weights import RERANKER, large

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.weights]


async def test_scores_are_those_of_the_library(reranker: Driver, scorer: Any) -> None:
    answer = await reranker.ask("rerank", query=QUERY, documents=DOCUMENTS)

    pairs = [(QUERY, text) for text in DOCUMENTS]
    assert abs(numpy.array(answer.result.scores) - scorer.predict(pairs)).max() < CLOSE
    assert numpy.argmax(answer.result.scores) == 1
    assert answer.result.scores[1] > 0.8 > 0.2 > answer.result.scores[0]
    assert answer.usage is not None
    ids = scorer.tokenizer([QUERY] * len(DOCUMENTS), DOCUMENTS)["input_ids"]
    assert answer.usage.prompt_tokens == sum(map(len, ids))


async def test_a_prompt_precedes_the_query(scorer: Any) -> None:
    async for driver in resident(str(RERANKER), modality="rerank", prompts={"ask": "the "}, default_prompt="ask"):
        answer = await driver.ask("rerank", query=QUERY, documents=DOCUMENTS)
        pairs = [(QUERY, text) for text in DOCUMENTS]
        assert abs(numpy.array(answer.result.scores) - scorer.predict(pairs, prompt="the ")).max() < CLOSE
        assert abs(numpy.array(answer.result.scores) - scorer.predict(pairs)).max() > 10 * CLOSE


async def test_reranks_share_batches(reranker: Driver) -> None:
    before = reranker.engine.counters()
    answers = [reranker.submit("rerank", query=QUERY, documents=DOCUMENTS[:3]) for _ in range(64)]
    await asyncio.gather(*map(reranker.until_over, answers))

    assert reranker.engine.counters()["batches"] - before["batches"] <= 12
    for answer in answers:
        assert numpy.allclose(answer.result.scores, answers[0].result.scores, atol=CLOSE)


async def test_a_long_document_is_refused_cut_or_made_pieces(reranker: Driver, scorer: Any) -> None:
    assert reranker.capacity.context_length == 128
    long = "the music of the band " * 60 + "a stone in the water"
    error = await error_of(reranker, "rerank", query=QUERY, documents=["short", long], truncation=False)
    assert isinstance(error, ContextLengthExceeded)
    assert error.param == "documents[1]"
    assert "128" in error.message

    for fields in ({}, {"truncation": True}, {"max_tokens_per_doc": 4096}, {"truncate_prompt_tokens": -1}):
        both = await reranker.ask("rerank", query=QUERY, documents=["short", long], **fields)
        assert both.result.cut == 1
        cut = await reranker.ask("rerank", query=QUERY, documents=[long], **fields)
        assert abs(cut.result.scores[0] - scorer.predict([(QUERY, long)])[0]) < CLOSE
    best = await reranker.ask("rerank", query=QUERY, documents=[long, "music"], max_chunks_per_doc=10)
    assert best.result.scores[0] > 0.8, "its last piece is relevant"
    assert best.result.cut == 0
    few = await reranker.ask("rerank", query=QUERY, documents=[long], max_chunks_per_doc=2)
    assert few.result.scores[0] < 0.3
    assert few.result.cut == 1
    error = await error_of(reranker, "rerank", query="word " * 200, documents=["x"], max_chunks_per_doc=2)
    assert isinstance(error, ContextLengthExceeded)
    assert error.param == "query"


async def test_a_large_cross_encoder_knows_what_is_relevant() -> None:
    path = large("minilm-reranker")
    if path is None:
        pytest.skip("HEADRACE_TEST_WEIGHTS names no folder with minilm-reranker, which is too large for the repository")
    async for driver in resident(str(path)):
        documents = ["Bananas are yellow.", "Paris is the capital of France.", "Berlin is a city in Germany."]
        answer = await driver.ask("rerank", query="What is the capital of France?", documents=documents)
        assert numpy.argmax(answer.result.scores) == 1
        assert answer.result.scores[1] > 0.9 > 0.3 > answer.result.scores[0]
