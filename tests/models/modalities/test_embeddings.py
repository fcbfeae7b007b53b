"""Embeddings and rerank: what is refused and how, and answers as their clients read them."""

import array
import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import CreateEmbeddingResponse
from openai.types import embedding_create_params as openai_embeddings
from pydantic import BaseModel

from models.errors import InvalidRequest, UnknownParameter, UnsupportedParameter
from models.modalities import KINDS, embeddings, modality, rerank
from models.modalities.base import Usage
from models.modalities.json_object import take_unknown
from models.modalities.rerank import score, tei
from tests.models.modalities.test_text import refusal

EMBED: dict[str, Any] = {"model": "m", "input": "Hello"}
RANK: dict[str, Any] = {"model": "m", "query": "q", "documents": ["a", {"text": "b"}]}

VECTORS = [array.array("f", numbers).tobytes() for numbers in ((0.1, -2.5), (1e-20, 3.0), (7.0, 0.0))]


def test_every_field_of_openais_is_known() -> None:
    assert set(openai_embeddings.EmbeddingCreateParams.__annotations__) <= set(embeddings.Request.model_fields)


def test_each_is_a_modality_and_a_kind() -> None:
    assert modality(KINDS["embeddings"].modality).request is embeddings.Request
    assert modality(KINDS["rerank"].modality).request is rerank.Request


@pytest.mark.parametrize(
    ("value", "inputs"),
    [("a", ["a"]), (["a", "b"], ["a", "b"]), ([1, 2], [[1, 2]]), ([[1], [2, 3]], [[1], [2, 3]]), (" ", [" "])],
)
def test_an_input_has_four_forms(value: Any, inputs: Any) -> None:
    request = embeddings.Request.model_validate({"model": "m", "input": value})

    assert request.inputs == inputs
    assert request.budget >= 1


@pytest.mark.parametrize(
    ("request_type", "body", "param"),
    [
        (embeddings.Request, {"input": ""}, "input"),
        (embeddings.Request, {"input": []}, "input"),
        (embeddings.Request, {"input": ["a", ""]}, "input[1]"),
        (embeddings.Request, {"input": [[]]}, "input[0]"),
        (embeddings.Request, {"input": [[1], "a"]}, None),
        (embeddings.Request, {"input": ["a"] * 2049}, "input"),
        (embeddings.Request, {"input": [-1]}, "input[0]"),
        (embeddings.Request, {"input": [1.5]}, "input[0]"),
        (embeddings.Request, {"input": [float("nan")]}, "input"),
        (embeddings.Request, {"input": None}, "input"),
        (embeddings.Request, {"input": {"text": "a"}}, "input"),
        (embeddings.Request, {"input": "\ud800"}, "input"),
        (embeddings.Request, {"dimensions": 0}, "dimensions"),
        (embeddings.Request, {"dimensions": 12.5}, "dimensions"),
        (embeddings.Request, {"encoding_format": "hex"}, "encoding_format"),
        (embeddings.Request, {"truncate_prompt_tokens": -2}, "truncate_prompt_tokens"),
        (embeddings.Request, {"truncate_prompt_tokens": 0}, "truncate_prompt_tokens"),
        (embeddings.Request, {"embedding_types": ["int8"]}, "embedding_types"),
        (rerank.Request, {"query": ""}, "query"),
        (rerank.Request, {"documents": []}, "documents"),
        (rerank.Request, {"documents": [1]}, "documents[0]"),
        (rerank.Request, {"documents": [{"text": "a", "year": 1900}]}, "documents[0].year"),
        (rerank.Request, {"documents": ["a"] * 10_001}, "documents"),
        (rerank.Request, {"top_n": -1}, "top_n"),
        (rerank.Request, {"kwargs": "[1]"}, "kwargs"),
        (rerank.Request, {"kwargs": "{nonsense"}, "kwargs"),
    ],
)
def test_nonsense_is_refused_by_name(request_type: type[BaseModel], body: dict[str, Any], param: str | None) -> None:
    error = refusal(request_type, (EMBED if request_type is embeddings.Request else RANK) | body)

    assert isinstance(error, InvalidRequest)
    assert error.param == (param or error.param)


def test_fields_are_known_or_not_also_within_kwargs() -> None:
    for body in (RANK | {"tpo_n": 1}, RANK | {"kwargs": '{"tpo_n": 1}'}):
        with pytest.raises(UnknownParameter) as caught:
            take_unknown(rerank.Request.model_validate(body), strict=False)
        assert caught.value.param == "tpo_n"
    assert isinstance(refusal(rerank.Request, RANK | {"rank_fields": ["title"]}), UnsupportedParameter)
    assert rerank.Request.model_validate(RANK | {"rank_fields": ["text"]})
    asked = rerank.Request.model_validate(RANK | {"top_n": None, "kwargs": '{"top_n": 1, "return_len": true}'})
    assert asked.return_len
    assert asked.top_n is None, "what stands in the body itself counts"


def embedded(parts: list[int], **fields: Any) -> dict[str, Any]:
    """The answer with these vectors, of which some come ahead in parts of these sizes."""
    reply = embeddings.Reply("rid", embeddings.Request.model_validate(EMBED | fields), 1)
    said, at = reply.start(), 0
    for size in parts:
        said += reply.part(VECTORS[at : at + size])
        at += size
    found: dict[str, Any] = json.loads(said + reply.end(Usage(9, 0), VECTORS[at:]))
    return found


@pytest.mark.parametrize("parts", [[], [1], [1, 1], [2], [3]])
@pytest.mark.parametrize("form", [None, "float", "base64"])
def test_openais_client_reads_the_answer(parts: list[int], form: str | None) -> None:
    body = embedded(parts, **({"encoding_format": form} if form else {}))
    if form == "base64":
        for one in body["data"]:  # as OpenAI's client does
            one["embedding"] = array.array("f", base64.b64decode(one["embedding"])).tolist()

    answer = CreateEmbeddingResponse.model_validate(body, strict=True)

    assert [one.index for one in answer.data] == [0, 1, 2]
    assert [array.array("f", one.embedding).tobytes() for one in answer.data] == VECTORS
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 9
    assert answer.model == "m"


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_numbers_survive_the_wire(numbers: list[float]) -> None:
    reply = embeddings.Reply("rid", embeddings.Request.model_validate(EMBED), 1)

    body = json.loads(reply.end(Usage(1, 0), [memoryview(array.array("f", numbers))]))

    assert body["data"][0]["embedding"] == numbers


def ranked(scores: list[float], cut: int = 0, **fields: Any) -> dict[str, Any]:
    """The answer for these scores, where so many documents were cut."""
    documents = [f"document {number}" for number in range(len(scores))]
    request = rerank.Request.model_validate(RANK | {"documents": documents} | fields)
    found: dict[str, Any] = json.loads(rerank.Reply("rid", request, 1).end(Usage(12, 0), rerank.Ranking(scores, cut)))
    return found


def test_results_are_the_best_first() -> None:
    body = ranked([0.2, 0.9, 0.2, 0.5])

    assert [(one["index"], one["relevance_score"]) for one in body["results"]] == [
        (1, 0.9),
        (3, 0.5),
        (0, 0.2),
        (2, 0.2),
    ]
    assert all(one["document"] is None for one in body["results"])
    assert body["meta"]["tokens"] is None
    assert body["usage"]["total_tokens"] == 12
    assert body["id"]


def test_what_is_asked_for_is_there() -> None:
    body = ranked([0.2, 0.9], top_n=1, return_documents=True, return_len=True)

    assert body["results"] == [{"index": 1, "relevance_score": 0.9, "document": {"text": "document 1"}}]
    assert body["meta"]["tokens"] == {"input_tokens": 12, "output_tokens": 0}
    assert len(ranked([0.2, 0.9], top_n=10)["results"]) == 2
    assert len(ranked([0.2, 0.9], top_n=0)["results"]) == 2, "0 is all, as with vLLM"


def test_the_answer_says_how_many_documents_were_cut() -> None:
    assert ranked([0.2, 0.9])["meta"]["warnings"] is None
    assert ranked([0.2, 0.9], cut=1)["meta"]["warnings"] == ["1 of 2 documents were cut to what fits"]


def test_what_is_too_long_is_cut_or_refused() -> None:
    """``kept_tokens``: -1 is what fits, None that it is refused."""

    def documents(**fields: Any) -> int | None:
        return rerank.Request.model_validate(RANK | fields).kept_tokens

    def inputs(**fields: Any) -> int | None:
        return embeddings.Request.model_validate(EMBED | fields).kept_tokens

    assert (documents(), documents(truncation=False), documents(truncation="false")) == (-1, None, None)
    assert (documents(max_tokens_per_doc=9), documents(max_chunks_per_doc=2)) == (9, None)
    assert (inputs(), inputs(truncate=True), inputs(truncate="END"), inputs(truncate="NONE")) == (None, -1, -1, None)
    assert inputs(truncate=True, truncate_prompt_tokens=9) == 9


def test_what_ragflow_sends_is_taken() -> None:
    asked = rerank.Request.model_validate(RANK | {"return_documents": "true", "return_len": "True"})
    assert (asked.return_documents, asked.return_len) == (True, True)


def test_what_a_document_has_beside_its_text_comes_back() -> None:
    documents = ["a", {"text": "b", "title": "B"}]
    body = ranked([0.2, 0.9], documents=documents, return_documents=True)

    assert [one["document"] for one in body["results"]] == [{"text": "b", "title": "B"}, {"text": "a"}]


@pytest.mark.parametrize(
    ("body", "documents"),
    [
        ({"text_1": "q", "text_2": "a"}, ["a"]),
        ({"text_1": ["q"], "text_2": ["a", "b"]}, ["a", "b"]),
        ({"queries": "q", "documents": ["a", "b"]}, ["a", "b"]),
        ({"data_1": "q", "data_2": ["a"]}, ["a"]),
    ],
)
def test_a_score_is_a_rerank_in_the_order_of_the_texts(body: dict[str, Any], documents: list[str]) -> None:
    request = score.Request.model_validate(body | {"model": "m"})
    inner = request.inner()
    assert isinstance(inner, rerank.Request)
    assert (inner.query, inner.documents) == ("q", documents)

    answer = json.loads(score.Reply("rid", request, 7).end(Usage(12, 0), rerank.Ranking([0.2, 0.9])))

    assert [(one["index"], one["object"], one["score"]) for one in answer["data"]] == [
        (0, "score", 0.2),
        (1, "score", 0.9),
    ]
    assert (answer["id"], answer["created"], answer["usage"]["total_tokens"]) == ("score-rid", 7, 12)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"text_1": "q"}, "text_2"),
        ({"text_1": "", "text_2": "a"}, "text_1"),
        ({"text_1": ["q", "r"], "text_2": ["a", "b", "c"]}, "text_1"),
        ({"text_1": "q", "queries": "q", "text_2": "a"}, "queries"),
    ],
)
def test_a_score_holds_texts_against_one(body: dict[str, Any], param: str) -> None:
    assert refusal(score.Request, body | {"model": "m"}).param == param


def test_a_score_holds_pairs_against_each_other() -> None:
    inner: Any = score.Request.model_validate({"model": "m", "text_1": ["q", "r"], "text_2": ["a", "b"]}).inner()
    assert inner.runs == [(0, "q", ["a"]), (1, "r", ["b"])]
    assert inner.asked() - inner.PLATFORM == set()


def test_an_empty_document_is_ranked_with_the_others() -> None:
    assert rerank.Request.model_validate(RANK | {"documents": ["", {"text": ""}]}).texts == ["", ""]


def test_inputs_are_embedded_by_other_programs_names() -> None:
    theirs = {"output_dimension": 5, "prompt_name": "query", "embedding_types": ["float"]}
    request = embeddings.Request.model_validate(EMBED | theirs)
    assert (request.dimensions, request.input_type) == (5, "query")
    assert request.asked() - request.PLATFORM == {"dimensions", "input_type"}


def test_tei_reranks_in_a_bare_list() -> None:
    request = tei.Request.model_validate({"query": "q", "texts": ["a", "b"], "return_text": True, "raw_scores": False})
    inner: Any = request.model_copy(update={"model": "m"}).inner()
    assert (inner.query, inner.texts, inner.kept_tokens) == ("q", ["a", "b"], -1)
    answer = json.loads(tei.Reply("rid", request, 7).end(Usage(12, 0), rerank.Ranking([0.2, 0.9])))
    assert answer == [{"index": 1, "score": 0.9, "text": "b"}, {"index": 0, "score": 0.2, "text": "a"}]
    assert refusal(tei.Request, {"query": "q", "texts": ["a"], "raw_scores": True}).param == "raw_scores"
    assert request.outward(InvalidRequest("'documents[0]' is too long", param="documents[0]")).param == "texts"


def test_a_score_says_errors_by_its_own_names() -> None:
    request = score.Request.model_validate({"model": "m", "text_1": "q", "text_2": ["a"]})
    error = request.outward(InvalidRequest("'documents[0]' is too long", param="documents[0]"))

    assert (error.param, error.message) == ("text_2", "'text_2' is too long")
