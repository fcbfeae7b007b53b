"""What a user of langchain-openai does. Run with its interpreter: ``python langchain_calls.py URL KEY``."""

import asyncio
import sys

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import StructuredTool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, Field


class City(BaseModel):
    """A city."""

    name: str = Field(description="its name", max_length=20)
    country: str = Field(description="where it lies", max_length=20)


def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def main(url: str, key: str) -> None:
    """A chain, a stream, structured output, tools, embeddings."""
    model = ChatOpenAI(model="smollm2", base_url=f"{url}/v1", api_key=key, temperature=0, max_retries=0, max_tokens=48)
    chain = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "Name a {thing}.")]) | model
    answer = chain.invoke({"thing": "colour"})
    assert answer.content
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] > 0
    assert "".join(one.content for one in chain.stream({"thing": "colour"})) == answer.content
    batch = asyncio.run(chain.abatch([{"thing": "colour"}, {"thing": "fruit"}]))
    assert len(batch) == 2

    city = model.with_structured_output(City, method="json_schema").invoke("Tell me of Paris.")
    assert isinstance(city, City)

    armed = model.bind_tools([StructuredTool.from_function(weather)], tool_choice="weather")
    called = armed.invoke([HumanMessage("How is the weather in Rome?")])
    assert isinstance(called, AIMessage)
    [call] = called.tool_calls
    assert call["name"] == "weather"
    assert isinstance(call["args"]["city"], str)
    told = [HumanMessage("How is the weather in Rome?"), called, ToolMessage("sunny", tool_call_id=call["id"])]
    assert model.bind_tools([StructuredTool.from_function(weather)], tool_choice="none").invoke(told).content

    vectors = OpenAIEmbeddings(model="minilm", base_url=f"{url}/v1", api_key=key, check_embedding_ctx_length=False)
    cat, kitten, stocks = vectors.embed_documents(["a cat", "a kitten", "the stock market"])
    assert dot(cat, kitten) > dot(cat, stocks)


def dot(one: list[float], other: list[float]) -> float:
    """Their likeness; both have length 1."""
    return sum(a * b for a, b in zip(one, other, strict=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
