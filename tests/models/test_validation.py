"""The parameter that an error names is the path that the client wrote."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from models.modalities import chat, completions, detokenize, embeddings, messages, rerank
from models.modalities.responses import CreateResponse
from models.reasons import as_told
from models.validation import invalid

IMAGE = {"type": "image_url", "image_url": {"url": "data:x", "detail": "huge"}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": 3}}
CASES: list[tuple[type[BaseModel], dict[str, Any], str | None]] = [
    (chat.Request, {"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
    (
        chat.Request,
        {"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]},
        "messages[0].content[0].text",
    ),
    (chat.Request, {"messages": [{"role": "user", "content": [IMAGE]}]}, "messages[0].content[0].image_url.detail"),
    (chat.Request, {"messages": [{"role": "user", "content": [{"type": "x"}]}]}, "messages[0].content[0]"),
    (chat.Request, {"messages": [{"role": "user"}]}, "messages[0].content"),
    (chat.Request, {"tools": [TOOL]}, "tools[0].function.parameters"),
    (chat.Request, {"tool_choice": {"type": "function", "function": {}}}, "tool_choice.function.name"),
    (
        chat.Request,
        {"response_format": {"type": "json_schema", "json_schema": {"schema": []}}},
        "response_format.json_schema.schema",
    ),
    (chat.Request, {"guided_choice": []}, "guided_choice"),
    (chat.Request, {"guided_json": 5}, "guided_json"),
    (chat.Request, {"guided_json": {}, "guided_regex": "a"}, "guided_json"),
    (chat.Request, {"repeat_penalty": -1}, "repeat_penalty"),
    (chat.Request, {"n_predict": "x"}, "n_predict"),
    (chat.Request, {"messages": None}, "messages"),
    (rerank.Request, {"query": "q", "documents": [1, "a"]}, "documents[0]"),
    (rerank.Request, {"query": "q", "documents": [{"txt": "a"}]}, "documents[0].text"),
    (
        messages.Request,
        {"max_tokens": 1, "messages": [{"role": "user", "content": [{"type": "text", "text": "a", "citations": 1}]}]},
        "messages[0].content[0].citations",
    ),
    (
        CreateResponse,
        {"input": [{"type": "reasoning", "summary": [], "encrypted_content": 1}]},
        "input[0].encrypted_content",
    ),
]


@pytest.mark.parametrize(("shape", "fields", "param"), CASES)
def test_the_path_is_the_clients_own(shape: type[BaseModel], fields: dict[str, Any], param: str | None) -> None:
    body = {"model": "m"} | ({"messages": [{"role": "user", "content": "x"}]} if shape is chat.Request else {}) | fields
    with pytest.raises(ValidationError) as caught:
        shape.model_validate(body)
    assert invalid(caught.value, body).param == param


MANY: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (embeddings.Request, {"input": [-1] * 10_000}),
    (embeddings.Request, {"input": [[-1] * 100] * 100}),
    (completions.Request, {"prompt": [-1] * 10_000}),
    (completions.Request, {"prompt": [[-1] * 100] * 100}),
    (detokenize.Request, {"tokens": [-1] * 10_000}),
    (chat.Request, {"stop_token_ids": [-1] * 60}),
    (chat.Request, {"metadata": {str(number): 1 for number in range(10_000)}}),
    (chat.Request, {"logit_bias": {str(number): "x" for number in range(20_000)}}),
    (chat.Request, {"messages": [{"role": "x"}] * 10_000}),
    (rerank.Request, {"query": "q", "documents": [1] * 20_000}),
]


@pytest.mark.parametrize(("shape", "fields"), MANY)
def test_many_mistakes_are_few_errors(shape: type[BaseModel], fields: dict[str, Any]) -> None:
    """Each error costs microseconds in which nothing else is done: a body of 8 MB held a gateway up for minutes."""
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}]} | fields
    with pytest.raises(ValidationError) as caught:
        shape.model_validate(body)
    assert caught.value.error_count() < 10


@pytest.mark.parametrize(
    ("fields", "code", "values"),
    [
        ({"messages": [{"role": "user"}]}, "fault_missing", {}),
        ({"repeat_penalty": -1}, "fault_greater_than", {"gt": 0}),
        ({"user": 5}, "fault_string_type", {}),
    ],
)
def test_what_is_wrong_is_told_by_its_kind_with_its_limits(
    fields: dict[str, Any], code: str, values: dict[str, Any]
) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "a"}], **fields}
    with pytest.raises(ValidationError) as caught:
        chat.Request.model_validate(body)
    error = invalid(caught.value, body)
    [told] = as_told(error.told)
    assert (told["code"], told["values"]) == (code, values)
    assert error.message
