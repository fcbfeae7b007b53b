"""What a user of OpenAI's own client does, on real weights: llama.cpp's smollm2, minilm."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel, Field

from tests.clients.conftest import KEY
from tests.e2e.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(300)]

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 20}, "unit": {"enum": ["C", "F"]}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}


class City(BaseModel):
    """What the model is to fill in."""

    name: str = Field(max_length=20)
    inhabitants: int = Field(ge=0, le=100_000_000)


@pytest.fixture(scope="module")
def sdk(live: Stack) -> Iterator[openai.OpenAI]:
    """The client, as its users make it."""
    with openai.OpenAI(base_url=f"{live.url}/v1", api_key=KEY, max_retries=0, timeout=120) as client:
        yield client


def user(text: str) -> Any:
    """A conversation of one turn."""
    return [{"role": "user", "content": text}]


def test_the_models_are_listed(sdk: openai.OpenAI) -> None:
    assert {"smollm2", "minilm", "reranker"} <= {model.id for model in sdk.models.list()}
    assert sdk.models.retrieve("minilm").id == "minilm"


def test_an_answer_is_parsed_into_a_model(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.parse(
        model="smollm2", messages=user("Describe Paris as JSON."), response_format=City, max_tokens=100, temperature=1
    )
    assert isinstance(answer.choices[0].message.parsed, City)


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}])
def test_a_tool_is_called_and_its_answer_read(sdk: openai.OpenAI, choice: Any) -> None:
    messages = user("What is the weather in Rome?")
    fields: dict[str, Any] = {"model": "smollm2", "tools": [WEATHER], "max_tokens": 120, "temperature": 0}
    answer = sdk.chat.completions.create(messages=messages, tool_choice=choice, parallel_tool_calls=False, **fields)

    [call] = answer.choices[0].message.tool_calls or []
    assert answer.choices[0].finish_reason == "tool_calls"
    assert call.type == "function"
    assert call.function.name == "weather"
    assert json.loads(call.function.arguments).keys() == {"city", "unit"}
    told = [
        *messages,
        answer.choices[0].message,
        {"role": "tool", "tool_call_id": call.id, "content": "sunny, 25 C"},
    ]
    assert sdk.chat.completions.create(messages=told, **fields).choices[0].message.content


def test_a_streamed_tool_call_is_the_whole_one(sdk: openai.OpenAI) -> None:
    fields: dict[str, Any] = {
        "model": "smollm2",
        "messages": user("What is the weather in Rome?"),
        "tools": [WEATHER],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "max_tokens": 120,
        "temperature": 0,
    }
    whole = sdk.chat.completions.create(**fields).choices[0].message
    with sdk.chat.completions.stream(**fields) as stream:
        streamed = stream.get_final_completion().choices[0].message

    assert [one.function.name for one in streamed.tool_calls or []] == [
        one.function.name for one in whole.tool_calls or []
    ]
    assert json.loads((streamed.tool_calls or [])[0].function.arguments)["city"]


def test_vectors_come_in_both_encodings(sdk: openai.OpenAI) -> None:
    texts = ["a cat", "a kitten", "the stock market"]
    encoded = sdk.embeddings.create(model="minilm", input=texts)  # base64, which the client asks for by itself
    plain = sdk.embeddings.create(model="minilm", input=texts, encoding_format="float")

    assert encoded.usage.prompt_tokens == plain.usage.prompt_tokens > 6
    for one, other in zip(encoded.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-5)
    cat, kitten, stocks = (one.embedding for one in plain.data)
    assert _dot(cat, kitten) > 0.5 > _dot(cat, stocks)


def test_what_is_wrong_raises_the_clients_own_errors(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        sdk.chat.completions.create(model="nothing", messages=user("x"))
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as long:
        sdk.chat.completions.create(model="smollm2", messages=user("word " * 4000))
    assert long.value.code == "context_length_exceeded"
    assert "2048" in long.value.message
    bad: Any = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": {"type": "nonsense"}}}
    with pytest.raises(openai.BadRequestError) as schema:
        sdk.chat.completions.create(model="smollm2", messages=user("x"), response_format=bad)
    assert schema.value.param is not None
    assert schema.value.param.startswith("response_format")
    with pytest.raises(openai.AuthenticationError):
        sdk.with_options(api_key="wrong").models.list()


def _dot(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
