"""What a user of LiteLLM does, by each of its providers that is made for servers like this one.

Run with its interpreter: ``python litellm_calls.py URL KEY``.
"""

import asyncio
import json
import sys
from typing import Any

import litellm
from pydantic import BaseModel, Field

MESSAGES = [{"role": "user", "content": "Name the three primary colours."}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"enum": ["Rome", "Oslo"]}}, "required": ["city"]},
    },
}
FORCED = {"type": "function", "function": {"name": "weather"}}
QUERY = "What is the capital of France?"
TEXTS = ["Bananas are yellow.", "Paris is the capital of France."]
CHATS = ("openai", "hosted_vllm", "litellm_proxy", "xinference")


class City(BaseModel):
    """A city."""

    name: str = Field(max_length=20)
    inhabitants: int = Field(ge=0, le=100_000_000)


def main(url: str, key: str) -> None:
    """Chat by each provider, then the other interfaces by those that have them."""
    litellm.suppress_debug_info = True
    for provider in CHATS:
        chat(f"{provider}/smollm2", api_base=f"{url}/v1", api_key=key, max_tokens=24, temperature=0)
    chat("anthropic/smollm2", api_base=url, api_key=key, max_tokens=24, temperature=0)
    forms("openai/smollm2", api_base=f"{url}/v1", api_key=key)
    texts(url, key)
    vectors(url, key)
    ranks(url, key)
    errors(f"{url}/v1", key)


def chat(model: str, **about: Any) -> None:
    """Whole, streamed, awaited and with a tool."""
    whole = litellm.completion(model, MESSAGES, **about)
    said = whole.choices[0].message.content
    assert said
    assert whole.usage.completion_tokens > 0
    pieces = litellm.completion(model, MESSAGES, stream=True, stream_options={"include_usage": True}, **about)
    assert "".join(one.choices[0].delta.content or "" for one in pieces if one.choices) == said
    assert asyncio.run(awaited(model, **about)) == [said, said]
    called = litellm.completion(model, MESSAGES, tools=[WEATHER], tool_choice=FORCED, **about | {"max_tokens": 80})
    function = called.choices[0].message.tool_calls[0].function
    assert function.name == "weather"
    assert json.loads(function.arguments)["city"] in ("Rome", "Oslo")
    assert called.choices[0].finish_reason == "tool_calls"


async def awaited(model: str, **about: Any) -> list[str]:
    """What is said by both of its asynchronous ways."""
    whole = await litellm.acompletion(model, MESSAGES, **about)
    stream = await litellm.acompletion(model, MESSAGES, stream=True, **about)
    streamed = [one.choices[0].delta.content or "" async for one in stream]
    return [whole.choices[0].message.content, "".join(streamed)]


def forms(model: str, **about: Any) -> None:
    """An answer in the form of a model of pydantic."""
    answer = litellm.completion(model, MESSAGES, response_format=City, max_tokens=100, **about)
    City.model_validate_json(answer.choices[0].message.content)


def texts(url: str, key: str) -> None:
    """A text is gone on with: whole, in pieces, and several at once."""
    for provider in ("text-completion-openai", "openai", "hosted_vllm"):
        about: Any = {"model": f"{provider}/smollm2", "api_base": f"{url}/v1", "api_key": key, "max_tokens": 6}
        whole = litellm.text_completion(prompt="The sea is", temperature=0, **about)
        assert whole.choices[0].text
        stream = litellm.text_completion(prompt="The sea is", temperature=0, stream=True, **about)
        assert "".join(one.choices[0].text or "" for one in stream) == whole.choices[0].text
    several = litellm.text_completion(prompt=["One", "Two"], **about | {"model": "text-completion-openai/smollm2"})
    assert len(several.choices) == 2


def vectors(url: str, key: str) -> None:
    """The same vectors by each provider."""
    seen = []
    for provider in ("openai", "hosted_vllm", "litellm_proxy", "xinference", "infinity", "openai_like"):
        about: Any = {"model": f"{provider}/minilm", "api_base": f"{url}/v1", "api_key": key}
        answer = litellm.embedding(input=["a cat", "a kitten"], **about)
        assert answer.usage.prompt_tokens > 0
        seen.append([one["embedding"] for one in answer.data])
        assert [len(one) for one in seen[-1]] == [384, 384]
        assert max(abs(a - b) for a, b in zip(seen[0][1], seen[-1][1], strict=True)) < 1e-5


def ranks(url: str, key: str) -> None:
    """The same order by each provider; with the texts, unless infinity's are asked for, which are no objects."""
    bases = {"cohere": url, "hosted_vllm": url, "jina_ai": f"{url}/v1/rerank", "litellm_proxy": url, "infinity": url}
    for provider, base in bases.items():
        about: Any = {"model": f"{provider}/reranker", "api_base": base, "api_key": key, "query": QUERY}
        texts = provider != "infinity"
        answer = litellm.rerank(documents=TEXTS, top_n=2, return_documents=texts, **about)
        assert [one["index"] for one in answer.results] == [1, 0], answer
        assert not texts or answer.results[0]["document"] == {"text": TEXTS[1]}, answer


def errors(base: str, key: str) -> None:
    """What goes wrong has the names that its users catch."""
    about: Any = {"api_base": base, "api_key": key, "max_retries": 0}
    for model, messages, error in (
        ("nothing", MESSAGES, litellm.NotFoundError),
        ("smollm2", [{"role": "user", "content": "word " * 4000}], litellm.ContextWindowExceededError),
    ):
        try:
            litellm.completion(f"openai/{model}", messages, **about)
        except error:
            continue
        raise AssertionError(f"no {error}")
    try:
        litellm.completion("openai/smollm2", MESSAGES, **about | {"api_key": "wrong"})
    except litellm.AuthenticationError:
        return
    raise AssertionError("a wrong key has passed")


if __name__ == "__main__":
    main(*sys.argv[1:])
