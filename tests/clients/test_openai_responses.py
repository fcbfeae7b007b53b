"""OpenAI's own client, as it comes, against a live server: what its users do with Responses."""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai.types.responses import FunctionToolParam, Response, ResponseInputParam
from pydantic import BaseModel, Field

from tests.e2e.stack import Stack, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

WORDS = "alpha beta gamma delta"
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
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server behind two keys, with an echo that is quick, one that is slow and one with a small context."""
    stack = Stack(tmp_path_factory.mktemp("responses") / "home", HEADRACE_API_KEY="one,two")
    stack.client.close()
    stack.client = type(stack.client)(stack.url, "one")
    try:
        stack.start()
        stack.launch_echo(step_ms=2)
        stack.launch_echo("slow", step_ms=100, max_tokens=600)
        stack.launch_echo("small", context_length=8)
        yield stack
    finally:
        stack.close()


@pytest.fixture(scope="module")
def sdk(server: Stack) -> Iterator[openai.OpenAI]:
    """The client under the first key."""
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="one", max_retries=0, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def other(server: Stack) -> Iterator[openai.OpenAI]:
    """The client under the second key."""
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="two", max_retries=0, timeout=30) as client:
        yield client


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


def say(sdk: openai.OpenAI, input: Any = WORDS, **fields: Any) -> Response:
    """A response of six words."""
    found: Response = sdk.responses.create(**{"model": "echo", "input": input, "max_output_tokens": 6} | fields)
    return found


def kill_runners(server: Stack) -> None:
    """Kill them all at once."""
    for pid in server.pids()["runner"]:
        os.kill(pid, signal.SIGKILL)


def reaches(sdk: openai.OpenAI, id: str, *states: str) -> Response:
    """A response, once it is in one of these states."""

    def there() -> Response | None:
        seen[:] = [sdk.responses.retrieve(id)]
        return seen[0] if seen[0].status in states else None

    seen: list[Response] = []
    found: Response = wait_for(there, 30, lambda: str(seen))
    return found


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


def test_it_is_made_in_the_background(sdk: openai.OpenAI) -> None:
    before = say(sdk, "one two")
    made = say(sdk, "three", background=True, previous_response_id=before.id)
    assert (made.status, made.background) == ("queued", True)
    done = reaches(sdk, made.id, "incomplete")
    assert done.output_text.startswith("three three")
    assert done.usage is not None
    assert done.usage.input_tokens == 2 + 6 + 1
    assert len(list(sdk.responses.input_items.list(made.id))) == 3
    after = say(sdk, "four", previous_response_id=made.id)
    assert after.usage is not None
    assert after.usage.input_tokens == 2 + 6 + 1 + 6 + 1
    assert sdk.responses.cancel(made.id) == done
    sdk.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve(made.id)


def test_it_is_cancelled_in_the_background(sdk: openai.OpenAI) -> None:
    made = say(sdk, model="slow", background=True, max_output_tokens=600)
    reaches(sdk, made.id, "in_progress")
    with pytest.raises(openai.ConflictError):
        sdk.responses.delete(made.id)
    with pytest.raises(openai.BadRequestError, match="in_progress"):
        say(sdk, previous_response_id=made.id)
    assert sdk.responses.cancel(made.id).status == "cancelled"
    wait_for(lambda: sdk.get(f"/jobs/job_{made.id[5:]}", cast_to=dict)["state"] == "cancelled", 10)
    assert sdk.responses.retrieve(made.id).status == "cancelled"
    assert sdk.responses.cancel(made.id).status == "cancelled"
    sdk.responses.delete(made.id)
    with pytest.raises(openai.BadRequestError, match="background"):
        sdk.responses.cancel(say(sdk).id)


def test_what_fails_in_the_background_says_why(sdk: openai.OpenAI) -> None:
    made = say(sdk, "word " * 20, model="small", background=True)
    failed = reaches(sdk, made.id, "failed")
    assert failed.error is not None
    assert failed.error.code == "invalid_prompt"
    assert "21" in failed.error.message


def test_a_stream_in_the_background_can_be_left_and_taken_up_again(sdk: openai.OpenAI) -> None:
    stream = sdk.responses.create(
        model="slow", input=WORDS, max_output_tokens=25, background=True, stream=True, stream_options={}
    )
    events: list[Any] = [next(stream) for _ in range(6)]
    stream.close()
    assert [one.type for one in events[:3]] == ["response.created", "response.queued", "response.in_progress"]
    id = events[0].response.id
    events += sdk.responses.retrieve(id, stream=True, starting_after=events[-1].sequence_number)

    assert [one.sequence_number for one in events] == list(range(len(events)))
    last = events[-1]
    assert last.type == "response.incomplete"
    assert sdk.responses.retrieve(id) == last.response
    said = "".join(one.delta for one in events if one.type == "response.output_text.delta")
    assert said == last.response.output_text
    again = list(sdk.responses.retrieve(id, stream=True))
    assert again == events
    with sdk.responses.stream(response_id=id) as whole:
        assert [one.type for one in whole] == [one.type for one in events]


def test_a_stream_in_the_background_ends_with_why(server: Stack, sdk: openai.OpenAI) -> None:
    stream = sdk.responses.create(model="slow", input=WORDS, max_output_tokens=600, background=True, stream=True)
    events = [next(stream) for _ in range(7)]
    sdk.responses.cancel(events[0].response.id)  # type: ignore[union-attr]
    with pytest.raises(openai.APIError, match="cancelled"):
        list(stream)

    stream = sdk.responses.create(model="slow", input=WORDS, max_output_tokens=600, background=True, stream=True)
    events = [next(stream) for _ in range(7)]
    kill_runners(server)
    with pytest.raises(openai.APIError, match="anew"):
        list(stream)
    id = events[0].response.id  # type: ignore[union-attr]
    again = sdk.responses.retrieve(id, stream=True)
    assert [next(again).sequence_number for _ in range(9)] == list(range(9))
    sdk.responses.cancel(id)
    again.close()
    for uid in ("echo", "slow", "small"):
        server.client.wait_ready(uid)
    with pytest.raises(openai.BadRequestError, match="background"):
        sdk.responses.retrieve(say(sdk).id, stream=True)


def test_an_idempotency_key_stands_for_one_response(sdk: openai.OpenAI) -> None:
    key = {"Idempotency-Key": f"key-{time.time()}"}
    first = say(sdk, background=True, extra_headers=key)
    assert say(sdk, background=True, extra_headers=key).id == first.id


def test_it_outlives_the_gateway(server: Stack, sdk: openai.OpenAI) -> None:
    kept = say(sdk)
    made = say(sdk, model="slow", background=True, max_output_tokens=30)
    os.kill(server.pids()["gateway"][0], signal.SIGKILL)
    wait_for(server.is_ready, 60)
    assert reaches(sdk, made.id, "incomplete").output_text
    assert sdk.responses.retrieve(kept.id) == kept


def test_an_error_ends_a_stream_with_an_error(server: Stack, sdk: openai.OpenAI) -> None:
    stream = sdk.responses.create(model="slow", input=WORDS, max_output_tokens=600, stream=True)
    events = [next(stream) for _ in range(8)]
    kill_runners(server)
    with pytest.raises(openai.APIError, match="killed"):
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
        ({"tools": [{"type": "web_search"}]}, "unsupported_parameter", "tools[0].type"),
        ({"text": {"format": {"type": "json_object"}}}, "unsupported_parameter", "text"),
        ({"extra_body": {"instuctions": "x"}}, "unknown_parameter", "instuctions"),
        ({"extra_body": {"earlier": []}}, "unknown_parameter", "earlier"),
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
