"""OpenAI's own client, as it comes, against a live server: what its users do with Responses."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai.types.responses import FunctionToolParam, ResponseInputParam
from pydantic import BaseModel, Field

from tests.clients.responses.conftest import WORDS, kill_runners, say
from tests.e2e.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

LOOK: FunctionToolParam = {
    "type": "function",
    "name": "look",
    "description": "Looks at the weather of a place.",
    "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
    "strict": True,
}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PIXEL = f"data:image/png;base64,{PNG}"


@pytest.fixture(scope="module")
def real(server: Stack) -> Iterator[str]:
    """A model with weights, for as long as it is needed."""
    server.client.launch({"model_uid": "smollm2", "model_name": "smollm2", "n_ctx": 2048, "n_threads": 1})
    server.client.wait_ready("smollm2")
    yield "smollm2"
    server.client.terminate("smollm2")


class City(BaseModel):
    """What the model is to fill in."""

    name: str = Field(max_length=20)
    inhabitants: int = Field(ge=0, le=100_000_000)


def test_a_response_is_made_and_found_again(sdk: openai.OpenAI) -> None:
    made = say(sdk, instructions="be brief", metadata={"a": "b"}, temperature=0.5)
    assert made.output_text == "alpha beta gamma delta alpha beta"
    assert (made.status, made.incomplete_details and made.incomplete_details.reason) == (
        "incomplete",
        "max_output_tokens",
    )
    assert made.usage is not None
    assert (made.usage.input_tokens, made.usage.output_tokens) == (6, 6)
    assert (made.instructions, made.metadata) == ("be brief", {"a": "b"})
    assert sdk.responses.retrieve(made.id) == made


def test_a_stream_is_what_the_whole_would_be(sdk: openai.OpenAI) -> None:
    types, deltas, numbers = [], [], []
    with sdk.responses.stream(model="echo", input=WORDS, max_output_tokens=20, reasoning={"effort": "low"}) as stream:
        for event in stream:
            types.append(event.type)
            numbers.append(event.sequence_number)
            if event.type == "response.output_text.delta":
                deltas.append(event.delta)
    assert numbers == list(range(len(numbers)))
    assert types[:2] == ["response.created", "response.in_progress"]
    assert types[-1] == "response.incomplete"
    assert "response.reasoning_text.delta" in types
    assert deltas


def test_a_finished_stream_ends_in_the_response_that_is_kept(sdk: openai.OpenAI) -> None:
    with sdk.responses.stream(
        model="echo", input=WORDS, tools=[LOOK], tool_choice="required", max_output_tokens=50
    ) as stream:
        final = stream.get_final_response()
    assert final.status == "completed"
    [call] = final.output
    assert call.type == "function_call"
    found = sdk.responses.retrieve(final.id)
    assert found.to_dict() == {
        **final.to_dict(),
        "output": [{name: value for name, value in call.to_dict().items() if name != "parsed_arguments"}],
    }


def test_a_tool_goes_there_and_back(sdk: openai.OpenAI) -> None:
    asked = say(sdk, "look at Rome", tools=[LOOK], tool_choice={"type": "function", "name": "look"})
    [call] = asked.output
    assert call.type == "function_call"
    assert (call.name, call.status) == ("look", "completed")
    output: ResponseInputParam = [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny today"}]
    told = say(sdk, output, previous_response_id=asked.id, tools=[LOOK])
    assert told.output_text.startswith("sunny today sunny")
    assert told.previous_response_id == asked.id

    by_hand: list[Any] = [{"role": "user", "content": "look at Rome"}, *asked.output, *output]
    assert say(sdk, by_hand, store=False).output_text == told.output_text


def test_a_conversation_goes_on(sdk: openai.OpenAI) -> None:
    first = say(sdk, "one two", instructions="first")
    second = say(sdk, "three", previous_response_id=first.id)
    third = say(sdk, "four", previous_response_id=second.id)
    # "one two", 6 words said; "three", 6 words said; "four": the first instructions are not carried over
    assert third.usage is not None
    assert third.usage.input_tokens == 2 + 6 + 1 + 6 + 1

    items = list(sdk.responses.input_items.list(third.id, order="asc", limit=2))
    assert [one.type for one in items] == ["message"] * 5
    assert [one.role for one in items] == ["user", "assistant"] * 2 + ["user"]  # type: ignore[union-attr]
    assert items[-1].content[0].text == "four"  # type: ignore[union-attr,index]
    assert [one.id for one in sdk.responses.input_items.list(third.id)] == [one.id for one in reversed(items)]

    branch = say(sdk, [{"role": "user", "content": "another"}], previous_response_id=first.id)
    assert branch.usage is not None
    assert branch.usage.input_tokens == 2 + 6 + 1


def test_a_stream_can_be_gone_on_from_once_it_was_read(sdk: openai.OpenAI) -> None:
    last = None
    for number in range(5):
        with sdk.responses.create(
            model="echo", input=f"word{number}", max_output_tokens=3, previous_response_id=last, stream=True
        ) as stream:
            for event in stream:
                if event.type == "response.incomplete":
                    last = event.response.id
                    usage = event.response.usage
    assert usage is not None
    assert usage.input_tokens == 5 + 4 * 3


def test_an_item_is_referred_to(sdk: openai.OpenAI) -> None:
    first = say(sdk, "one two")
    [item] = first.output
    [given] = sdk.responses.input_items.list(first.id)
    references: Any = [{"type": "item_reference", "id": one} for one in (given.id, item.id)]
    second = say(sdk, [*references, {"role": "user", "content": "three"}])
    assert second.usage is not None
    assert second.usage.input_tokens == 2 + 6 + 1
    with pytest.raises(openai.NotFoundError, match="no item"):
        say(sdk, [{"type": "item_reference", "id": "msg_nothing"}])


def test_the_tokens_of_an_input_are_counted(sdk: openai.OpenAI) -> None:
    before = say(sdk, "one two")
    asked: dict[str, Any] = {"input": "three", "instructions": "be brief", "previous_response_id": before.id}
    counted = sdk.responses.input_tokens.count(model="echo", **asked)
    usage = say(sdk, **asked).usage
    assert usage is not None
    assert counted.object == "response.input_tokens"
    assert counted.input_tokens == usage.input_tokens == 2 + 6 + 1 + 2
    with pytest.raises(openai.BadRequestError, match="input"):
        sdk.responses.input_tokens.count(model="echo")


def test_pictures_reach_the_engine(sdk: openai.OpenAI) -> None:
    content = [{"type": "input_text", "text": "what"}, {"type": "input_image", "image_url": PIXEL, "detail": "auto"}]
    assert say(sdk, [{"role": "user", "content": content}]).output_text.startswith("[1 media]")


def test_thoughts_are_items(sdk: openai.OpenAI) -> None:
    made = say(sdk, reasoning={"effort": "high"}, max_output_tokens=40)
    thought, said = made.output
    assert thought.type == "reasoning"
    assert (thought.content or [])[0].text
    assert said.type == "message"
    assert made.usage is not None
    assert 0 < made.usage.output_tokens_details.reasoning_tokens < made.usage.output_tokens
    again: list[Any] = [{"role": "user", "content": "q"}, *made.output, {"role": "user", "content": "and"}]
    assert say(sdk, again).status == "incomplete"


def test_logprobs_are_included(sdk: openai.OpenAI) -> None:
    made = say(sdk, include=["message.output_text.logprobs"], top_logprobs=1)
    [message] = made.output
    assert message.type == "message"
    assert len(message.content[0].logprobs or []) == 6  # type: ignore[union-attr]


def test_keys_do_not_see_each_others(sdk: openai.OpenAI, other: openai.OpenAI) -> None:
    mine = say(sdk)
    with pytest.raises(openai.NotFoundError):
        other.responses.retrieve(mine.id)
    with pytest.raises(openai.NotFoundError):
        other.responses.delete(mine.id)
    with pytest.raises(openai.NotFoundError):
        list(other.responses.input_items.list(mine.id))
    with pytest.raises(openai.NotFoundError):
        other.responses.cancel(mine.id)
    with pytest.raises(openai.BadRequestError) as error:
        say(other, previous_response_id=mine.id)
    assert (error.value.code, error.value.param) == ("previous_response_not_found", "previous_response_id")
    with pytest.raises(openai.NotFoundError):
        say(other, [{"type": "item_reference", "id": mine.output[0].id}])


def test_what_is_deleted_or_not_stored_is_gone(sdk: openai.OpenAI) -> None:
    made = say(sdk)
    sdk.responses.delete(made.id)
    for gone in (made, say(sdk, store=False)):
        with pytest.raises(openai.NotFoundError):
            sdk.responses.retrieve(gone.id)
        with pytest.raises(openai.NotFoundError):
            sdk.responses.delete(gone.id)
        with pytest.raises(openai.BadRequestError):
            say(sdk, previous_response_id=gone.id)


def test_an_error_ends_a_stream_with_an_error(server: Stack, sdk: openai.OpenAI) -> None:
    stream = sdk.responses.create(model="slow", input=WORDS, max_output_tokens=600, stream=True)
    events = [next(stream) for _ in range(8)]
    kill_runners(server)
    with pytest.raises(openai.APIError, match=r"killed|lost"):  # who is first to say so: its worker, or the gateway
        events.extend(stream)
    assert events[0].type == "response.created"
    failed = sdk.responses.retrieve(events[0].response.id)
    assert failed.status == "failed"
    assert failed.error is not None
    for uid in ("echo", "slow", "small"):
        server.client.wait_ready(uid)


def test_the_last_event_of_a_broken_stream_is_numbered(server: Stack, sdk: openai.OpenAI) -> None:
    body = {"model": "slow", "input": WORDS, "max_output_tokens": 600, "stream": True}
    lines: list[str] = []
    with httpx.stream(
        "POST", f"{server.url}/v1/responses", json=body, headers={"Authorization": "Bearer one"}, timeout=30
    ) as answer:
        for line in answer.iter_lines():
            lines.append(line)
            if len(lines) == 30:
                kill_runners(server)
    data = [line for line in lines if line.startswith("data: ")]
    numbers = [int(one.split('"sequence_number":')[1].split(",")[0]) for one in data]
    assert numbers == list(range(len(numbers)))
    assert data[-1].startswith('data: {"type":"error"')
    for uid in ("echo", "slow", "small"):
        server.client.wait_ready(uid)


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"model": "nothing"}, "model_not_found", "model"),
        ({"model": "small", "input": "word " * 20}, "context_length_exceeded", "input"),
        ({"tools": [{"type": "web_search"}], "tool_choice": "required"}, "unsupported_parameter", "tool_choice"),
        ({"text": {"format": {"type": "json_object"}}}, "unsupported_parameter", "text"),
        ({"extra_body": {"instuctions": "x"}}, "unknown_parameter", "instuctions"),
        ({"conversation": "conv_1"}, "unsupported_parameter", "conversation"),
        ({"temperature": 3}, "invalid_value", "temperature"),
        ({"background": True, "store": False}, "invalid_value", "store"),
        ({"previous_response_id": "resp_nothing"}, "previous_response_not_found", "previous_response_id"),
        ({"background": True, "model": "nothing"}, "model_not_found", "model"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_wrong_is_refused_by_name(
    sdk: openai.OpenAI, stream: bool, fields: dict[str, Any], code: str, param: str
) -> None:
    with pytest.raises(openai.APIStatusError) as error:
        say(sdk, stream=stream, **fields)
    assert error.value.status_code in (400, 404)
    assert (error.value.code, error.value.param) == (code, param)


@pytest.mark.weights
def test_a_real_model_goes_on_and_obeys(sdk: openai.OpenAI, real: str) -> None:
    fields: dict[str, Any] = {"model": real, "temperature": 0, "max_output_tokens": 20, "instructions": "Be brief."}
    first = say(sdk, "My dog is called Rex. Say hello.", **fields)
    with sdk.responses.stream(input="What is my dog called?", previous_response_id=first.id, **fields) as stream:
        said = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
    both: list[Any] = [
        {"role": "user", "content": "My dog is called Rex. Say hello."},
        *first.output,
        {"role": "user", "content": "What is my dog called?"},
    ]
    assert said == say(sdk, both, store=False, **fields).output_text
    assert said != say(sdk, "What is my dog called?", **fields).output_text
    parsed = sdk.responses.parse(
        model=real, input="Describe Paris as JSON.", text_format=City, max_output_tokens=100, temperature=0
    )
    assert parsed.output_parsed is not None
    assert parsed.output_parsed.name
    assert sdk.responses.retrieve(parsed.id).output_text == parsed.output_text


@pytest.mark.weights
def test_a_real_model_calls_a_tool_and_reads_its_answer(sdk: openai.OpenAI, real: str) -> None:
    place = {"type": "object", "properties": {"place": {"type": "string", "maxLength": 20}}, "required": ["place"]}
    tool = LOOK | {"parameters": place | {"additionalProperties": False}}
    fields: dict[str, Any] = {"model": real, "temperature": 0, "max_output_tokens": 120, "tools": [tool]}
    fields["parallel_tool_calls"] = False
    with sdk.responses.stream(input="What is the weather in Rome?", tool_choice="required", **fields) as stream:
        asked = stream.get_final_response()
    [call] = asked.output
    assert call.type == "function_call"
    assert json.loads(call.arguments).keys() == {"place"}
    output: ResponseInputParam = [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny, 25 C"}]
    told = say(sdk, output, previous_response_id=asked.id, tool_choice="none", **fields)
    assert told.output_text
