"""Embeddings and rerank with real weights: what sentence-transformers itself says, whoever shares the batch."""

import asyncio
import json
import resource
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

import numpy
import pytest

from models.errors import ContextLengthExceeded, InvalidRequest, UnsupportedParameter
from tests.engines.driver import Driver
from tests.engines.sentence_transformers.residents import (
    CLOSE,
    DOCUMENTS,
    QUERY,
    TEXTS,
    engine_of,
    error_of,
    loaded,
    minilm,
    resident,
    until_computed,
    vectors,
)
from tests.support.weights import RERANKER

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.weights]


async def test_a_text_that_takes_its_tokenizer_seconds_holds_up_no_other(embedder: Driver) -> None:
    blanks = embedder.submit("embeddings", input=[" " * 4_000_000, "x"])
    async with asyncio.timeout(60):
        while not engine_of(embedder)._batcher._unread_slow.empty():  # until it is being read
            await asyncio.sleep(0.01)
    others = [await embedder.ask("embeddings", input="x") for _ in range(3)]
    assert not blanks.over.is_set()
    await embedder.until_over(blanks)
    assert numpy.abs(vectors(blanks)[1] - vectors(others[0])[0]).max() < CLOSE


async def test_embeddings_are_those_of_the_library(embedder: Driver, encoder: Any) -> None:
    answer = await embedder.ask("embeddings", input=TEXTS)

    assert abs(vectors(answer) - encoder.encode(TEXTS)).max() < CLOSE
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == sum(map(len, encoder.tokenizer(TEXTS)["input_ids"]))
    assert answer.usage.completion_tokens == 0
    kitten, cat, stocks = vectors(answer)[:3]
    assert kitten @ cat > 0.5 > 0.2 > kitten @ stocks


async def test_requests_that_come_together_share_batches(embedder: Driver, encoder: Any) -> None:
    before = embedder.engine.counters()
    texts = [f"This is sentence number {number} of a few." for number in range(256)]
    answers = [embedder.submit("embeddings", input=text) for text in texts]
    await asyncio.gather(*map(embedder.until_over, answers))
    after = embedder.engine.counters()

    assert after["sequences"] - before["sequences"] == 256
    assert after["batches"] - before["batches"] <= 8  # the first begins before all of them are read
    found = numpy.concatenate([vectors(answer) for answer in answers])
    assert abs(found - encoder.encode(texts)).max() < CLOSE


async def test_token_ids_are_read_with_and_without_the_models_own(embedder: Driver, encoder: Any) -> None:
    bare = encoder.tokenizer(TEXTS[:3], add_special_tokens=False)["input_ids"]
    whole = encoder.tokenizer(TEXTS[:3])["input_ids"]
    expected = encoder.encode(TEXTS[:3])
    for ids in (bare, whole):
        answer = await embedder.ask("embeddings", input=ids)
        assert abs(vectors(answer) - expected).max() < CLOSE
        assert answer.usage is not None
        assert answer.usage.prompt_tokens == sum(map(len, whole))
    assert abs(vectors(await embedder.ask("embeddings", input=bare[0])) - expected[0]).max() < CLOSE


async def test_embeddings_get_length_one_where_that_is_asked_for(tmp_path: Path, embedder: Driver) -> None:
    error = await error_of(embedder, "embeddings", input="x", normalize=False)
    assert isinstance(error, UnsupportedParameter)
    assert error.param == "normalize"
    own = vectors(await embedder.ask("embeddings", input=TEXTS[:2], normalize=True))
    shutil.copytree(minilm(), tmp_path / "long")
    modules = tmp_path / "long" / "modules.json"
    kept = [one for one in json.loads(modules.read_text()) if not one["type"].endswith("Normalize")]
    modules.write_text(json.dumps(kept))
    async for driver in resident(str(tmp_path / "long"), modality="embeddings"):
        for fields, unit in (({}, False), ({"normalize": False}, False), ({"normalize": True}, True)):
            found = vectors(await driver.ask("embeddings", input=TEXTS[:2], **fields))
            assert numpy.allclose(numpy.linalg.norm(found, axis=1), 1, atol=1e-5) == unit
        assert abs(found - own).max() < CLOSE


async def test_dimensions_are_cut_and_of_length_one_again(embedder: Driver, encoder: Any) -> None:
    found = vectors(await embedder.ask("embeddings", input=TEXTS[:3], dimensions=64))

    expected = encoder.encode(TEXTS[:3], truncate_dim=64, normalize_embeddings=True)
    assert found.shape == (3, 64)
    assert abs(found - expected).max() < CLOSE
    whole = vectors(await embedder.ask("embeddings", input="x", dimensions=384))
    assert whole.shape == (1, 384)


async def test_an_input_beyond_the_context_is_refused_unless_it_may_be_cut(embedder: Driver, encoder: Any) -> None:
    long = "word " * 300
    tokens = len(encoder.tokenizer(long)["input_ids"])
    error = await error_of(embedder, "embeddings", input=["short", long])
    assert isinstance(error, ContextLengthExceeded)
    assert error.param == "input[1]"
    assert str(tokens) in error.message
    assert str(embedder.capacity.context_length) in error.message
    error = await error_of(embedder, "embeddings", input=[[2773] * 300])
    assert isinstance(error, ContextLengthExceeded)
    error = await error_of(embedder, "embeddings", input="word " * 1_000_000)
    assert isinstance(error, ContextLengthExceeded)
    assert error.param == "input"

    cut = await embedder.ask("embeddings", input=long, truncate_prompt_tokens=-1)
    assert abs(vectors(cut) - encoder.encode(long)).max() < CLOSE
    assert cut.usage is not None
    assert cut.usage.prompt_tokens == embedder.capacity.context_length
    ten = await embedder.ask("embeddings", input=long, truncate_prompt_tokens=10)
    assert ten.usage is not None
    assert ten.usage.prompt_tokens == 10
    assert abs(vectors(ten) - encoder.encode("word " * 8)).max() < CLOSE


def peak_bytes() -> int:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


async def test_a_text_is_read_only_as_far_as_it_takes(embedder: Driver, reranker: Driver, encoder: Any) -> None:
    before = peak_bytes()
    head = "the music of a small band " * 60
    book = head + "word " * 3_000_000
    cut = await embedder.ask("embeddings", input=["x", book], truncate_prompt_tokens=-1)
    assert abs(vectors(cut)[1] - encoder.encode(head)).max() < CLOSE
    few = await reranker.ask("rerank", query=QUERY, documents=["x", head, book], max_tokens_per_doc=50)
    assert few.result.scores[2] == pytest.approx(few.result.scores[1], abs=CLOSE)
    pieces = await reranker.ask("rerank", query=QUERY, documents=[DOCUMENTS[1], book], max_chunks_per_doc=100)
    assert pieces.usage is not None
    assert pieces.usage.prompt_tokens > 10_000
    for fields, param in (
        ({"query": book, "documents": ["x"], "max_tokens_per_doc": 5}, "query"),
        ({"query": "x", "documents": ["x", book], "truncation": False}, "documents[1]"),
    ):
        error = await error_of(reranker, "rerank", **fields)
        assert isinstance(error, ContextLengthExceeded)
        assert error.param == param
    assert peak_bytes() - before < 1 << 30


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": "x", "dimensions": 385}, "dimensions"),
        ({"input": [[101, 30522, 102]]}, "input"),
        ({"input": [[5], [1 << 30]]}, "input[1]"),
        ({"input": "x", "input_type": "no such"}, "input_type"),
    ],
)
async def test_what_the_model_cannot_do_is_refused(embedder: Driver, fields: dict[str, Any], param: str) -> None:
    error = await error_of(embedder, "embeddings", **fields)

    assert isinstance(error, InvalidRequest)
    assert error.param == param


async def test_each_serves_what_its_weights_are(embedder: Driver, reranker: Driver) -> None:
    assert embedder.engine.modalities() == ["embeddings"]
    assert reranker.engine.modalities() == ["rerank", "score", "tei_rerank"]
    for driver, kind, fields in (
        (embedder, "rerank", {"query": "x", "documents": ["y"]}),
        (reranker, "embeddings", {"input": "x"}),
    ):
        assert (await error_of(driver, kind, **fields)).param == "model"
    with pytest.raises(UnsupportedParameter):
        embedder.check("chat", content="x", temperature=1)


async def test_a_large_request_does_not_hold_up_a_small_one(embedder: Driver) -> None:
    before = embedder.engine.counters()["sequences"]
    large_one = embedder.submit("embeddings", input=[f"Line {number} of a long list." for number in range(2048)])
    await until_computed(embedder, before)
    small = await embedder.ask("embeddings", input="Just this.")

    assert small.result
    assert not large_one.over.is_set()
    await embedder.until_over(large_one)
    assert large_one.parts, "the beginning of a long answer comes ahead"
    assert vectors(large_one).shape == (2048, 384)


async def test_an_abort_spends_no_batch_more(embedder: Driver) -> None:
    begun = embedder.engine.counters()["sequences"]
    answer = embedder.submit("embeddings", input=["some words of a sentence"] * 2048)
    await until_computed(embedder, begun)
    embedder.engine.abort(answer.rid)
    embedder.engine.abort(answer.rid)
    embedder.engine.abort("nobody")
    await asyncio.sleep(0)
    before = embedder.engine.counters()
    after = await embedder.ask("embeddings", input="And another.")

    assert after.result
    assert before["aborts"] >= 1
    done = embedder.engine.counters()["sequences"] - before["sequences"]
    assert done < 1024, "the batch under way, and the small one"
    assert not answer.over.is_set()


async def test_prompts_precede_texts(encoder: Any) -> None:
    prompts = {"query": "search for: ", "passage": "text: "}
    async for driver in resident(minilm(), prompts=prompts, default_prompt="passage", max_length=64):
        texts = TEXTS[:2]
        for name, prompt in ((None, "text: "), ("query", "search for: "), ("search_document", "text: ")):
            fields = {"input_type": name} if name else {}
            found = vectors(await driver.ask("embeddings", input=texts, **fields))
            assert abs(found - encoder.encode(texts, prompt=prompt)).max() < CLOSE
        assert driver.capacity.context_length == 64


async def test_half_precision_is_close() -> None:
    async for driver in resident(minilm(), dtype="bfloat16", max_batch=2, lanes=2):
        found = vectors(await driver.ask("embeddings", input=TEXTS[:4]))
        assert found.dtype == numpy.float32
        assert found[0] @ found[1] > 0.5 > 0.2 > found[0] @ found[2]


@pytest.mark.parametrize(
    ("source", "options", "param"),
    [
        ("minilm", {"modality": "rerank"}, "model_type"),
        ("reranker", {"modality": "embeddings"}, "model_type"),
        ("minilm", {"no_such_option": 1}, "no_such_option"),
        ("minilm", {"max_batch_tokens": 0}, "max_batch_tokens"),
        ("minilm", {"default_prompt": "nobody"}, "default_prompt"),
        ("empty", {}, "model_path"),
    ],
)
async def test_what_cannot_be_loaded_is_refused(
    source: str, options: dict[str, Any], param: str, tmp_path: Path
) -> None:
    where = minilm() if source == "minilm" else str(RERANKER if source == "reranker" else tmp_path)

    with pytest.raises(InvalidRequest) as caught:
        await asyncio.to_thread(loaded, where, **options)

    assert caught.value.param == param


async def test_closing_ends_its_threads() -> None:
    before = threading.active_count()
    async for driver in resident(str(RERANKER), lanes=2):
        assert threading.active_count() >= before + 3
        driver.submit("rerank", query=QUERY, documents=DOCUMENTS[:3] * 500)
    assert threading.active_count() <= before + 1  # asyncio's own, which loaded it
