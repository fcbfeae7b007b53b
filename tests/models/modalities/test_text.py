"""Requests: every field of OpenAI's is honoured or refused by name. Replies: what OpenAI's own client reads."""

import json
import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import Completion
from openai.types import completion_create_params as openai_completions
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat import completion_create_params as openai_chat
from pydantic import BaseModel, ValidationError

from models.errors import HeadraceError, UnsupportedParameter
from models.modalities import chat, completions
from models.modalities.base import Usage
from models.modalities.json_object import take_unknown
from models.modalities.text import Delta, TokenLogprob
from models.validation import from_validation

CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
TEXT: dict[str, Any] = {"model": "m", "prompt": "Hello"}

CALL: dict[str, Any] = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
NESTED: dict[str, Any] = {}
for _ in range(40):
    NESTED = {"not": NESTED}


def refusal(request: type[BaseModel], body: dict[str, Any]) -> HeadraceError:
    """The error that a client gets for this body."""
    with pytest.raises(ValidationError) as caught:
        request.model_validate(body)
    return from_validation(list(caught.value.errors()))


@pytest.mark.parametrize(
    ("ours", "theirs"), [(chat, openai_chat), (completions, openai_completions)], ids=["chat", "completions"]
)
def test_every_field_of_openais_is_known(ours: Any, theirs: Any) -> None:
    fields = typing.get_type_hints(theirs.CompletionCreateParamsStreaming)
    assert set(fields) <= set(ours.Request.model_fields)


@pytest.mark.parametrize(("request_type", "base"), [(chat.Request, CHAT), (completions.Request, TEXT)])
def test_what_is_not_implemented_is_refused_by_name(request_type: type[BaseModel], base: dict[str, Any]) -> None:
    for name, inert in request_type.INERT.items():  # type: ignore[attr-defined]
        error = refusal(request_type, base | {name: {"anything": "else"}})
        assert isinstance(error, UnsupportedParameter)
        assert error.param == name
        for value in (None, *inert):
            request_type.model_validate(base | {name: value})


@pytest.mark.parametrize(
    ("request_type", "base", "theirs"),
    [(chat.Request, CHAT, openai_chat), (completions.Request, TEXT, openai_completions)],
)
def test_nulls_ask_for_nothing(request_type: type[BaseModel], base: dict[str, Any], theirs: Any) -> None:
    fields = typing.get_type_hints(theirs.CompletionCreateParamsNonStreaming).items()
    nulls = {name for name, kind in fields if type(None) in typing.get_args(kind)} - base.keys()
    request: Any = request_type.model_validate(base | dict.fromkeys(nulls))
    assert {"stream", "temperature", "n"} <= nulls
    assert request.asked() == request_type.model_validate(base).asked()  # type: ignore[attr-defined]
    assert request.stream is False


NOTHING: list[dict[str, Any]] = [
    {"top_k": None},
    {"min_tokens": 0},
    {"skip_special_tokens": True},
    {"spaces_between_special_tokens": True},
    {"use_beam_search": False},
    {"add_generation_prompt": True},
    {"include_reasoning": True},
    {"priority": 0},
    {"typical_p": 1.0},
    {"length_penalty": 1.0},
    {"top_logprobs": 0},
    {"logprobs": False, "top_logprobs": 0},
    {"documents": []},
    {"echo": False},
    {"best_of": 1},
    {"max_tokens": -1},
    {"max_completion_tokens": -1},
    {"stream": "false"},
    {"bad_words": []},
    {"mirostat": 0},
    {"return_token_ids": False},
]


@pytest.mark.parametrize("fields", NOTHING, ids=str)
def test_what_asks_for_nothing_is_taken(fields: dict[str, Any]) -> None:
    request = chat.Request.model_validate(CHAT | fields)
    assert request.asked() == chat.Request.model_validate(CHAT).asked()
    assert take_unknown(request, strict=True) == ()


def test_other_programs_values_and_names_mean_the_same() -> None:
    def read(**fields: Any) -> chat.Request:
        return chat.Request.model_validate(CHAT | fields)

    likeliest = read(top_p=0, temperature=1)
    assert (likeliest.temperature, likeliest.top_p) == (0, None)
    assert read(top_k=-1).top_k == 0
    assert read(repeat_penalty=1.1).repetition_penalty == 1.1
    assert (read(n_predict=5).max_tokens, read(n_predict=-1).max_tokens) == (5, None)
    assert (read(max_tokens=5.0).max_tokens, read(seed=1.0).seed) == (5, 1)
    assert read(repeat_penalty=1.1, repetition_penalty=1.2).repetition_penalty == 1.2
    assert (read(temperature="0.7").temperature, read(seed="3").seed, read(stream="True").stream) == (0.7, 3, True)
    for thinking, enabled in ((False, False), (True, True), ({"type": "disabled"}, False), ({"type": "enabled"}, True)):
        assert read(thinking=thinking).template_kwargs == {"enable_thinking": enabled}
        assert "thinking" not in read(thinking=thinking).asked()
    assert read(chat_template_kwargs={"enable_thinking": "False"}).template_kwargs == {"enable_thinking": False}
    hints = {"include_obfuscation": True, "continuous_usage_stats": False}
    assert read(stream=True, stream_options=hints).wants_usage is False


def test_hints_are_taken_and_named() -> None:
    plain = {"service_tier": "default", "store": False, "verbosity": "medium"}
    assert chat.Request.model_validate(CHAT | plain).left_out == ()
    hints = {
        "prediction": {"type": "content", "content": "x"},
        "service_tier": "flex",
        "store": True,
        "verbosity": "low",
    }
    request = chat.Request.model_validate(CHAT | hints)
    assert request.left_out == tuple(hints)
    assert request.asked() == chat.Request.model_validate(CHAT).asked()


def test_turns_without_content_are_empty() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    turns: list[dict[str, Any]] = [
        {"role": "assistant", "content": None, "reasoning_content": "hm"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": None},
    ]
    read = chat.Request.model_validate(CHAT | {"messages": [*CHAT["messages"], *turns]})
    assert [message.text for message in read.messages[1:]] == ["", "", ""]


def test_parts_of_text_stand_on_lines_of_their_own() -> None:
    parts = [{"type": "text", "text": "Hello"}, {"type": "text", "text": "World"}]
    for role in ("system", "user", "assistant"):
        message = chat.Request.model_validate(CHAT | {"messages": [{"role": role, "content": parts}]}).messages[0]
        assert message.text == "Hello\nWorld"


@pytest.mark.parametrize("protocol", [chat, completions])
def test_every_chunk_has_the_usage_so_far_where_that_is_asked_for(protocol: Any) -> None:
    options = {"include_usage": True, "continuous_usage_stats": True}
    base = CHAT if protocol is chat else {"model": "m", "prompt": "x"}
    request = protocol.Request.model_validate(base | {"stream": True, "stream_options": options})
    reply = protocol.Reply("rid", request, 1)
    for text in ("a", "b"):
        sent = reply.delta(Delta(text, tokens=2, prompt_tokens=7))
    chunk = json.loads(sent.removeprefix(b"data: "))
    assert (chunk["usage"]["prompt_tokens"], chunk["usage"]["completion_tokens"]) == (7, 4)
    assert len(chunk["choices"]) == 1


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"temperature": 3}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"top_k": -2}, "top_k"),
        ({"skip_special_tokens": False}, "skip_special_tokens"),
        ({"use_beam_search": True}, "use_beam_search"),
        ({"add_generation_prompt": False}, "add_generation_prompt"),
        ({"add_generation_prompt": True, "continue_final_message": True}, "continue_final_message"),
        ({"n": 0}, "n"),
        ({"n": 1.5}, "n"),
        ({"min_tokens": 9, "max_completion_tokens": 8}, "min_tokens"),
        ({"chat_template": "{{1}}"}, "chat_template"),
        ({"truncate_prompt_tokens": 5}, "truncate_prompt_tokens"),
        ({"bad_words": ["x"]}, "bad_words"),
        ({"mirostat": 2}, "mirostat"),
        ({"function_call": {"name": "f"}}, "function_call"),
        ({"service_tier": "fast"}, "service_tier"),
        ({"chat_template_kwargs": {"enable_thinking": "maybe"}}, "chat_template_kwargs"),
        ({"chat_template_kwargs": {str(number): 1 for number in range(129)}}, "chat_template_kwargs"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": -2}, "max_completion_tokens"),
        ({"seed": 1 << 80}, "seed"),
        ({"stop": [""]}, "stop[0]"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"stream": "maybe"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logit_bias": {"abc": 1}}, "logit_bias.abc"),
        ({"logit_bias": {"1": 101}}, "logit_bias[1]"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "video", "video": {"url": "x"}}]}]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": "x", "tool_calls": [CALL]}]}, "messages[0].tool_calls"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"tools": [TOOL, TOOL]}, "tools"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}}, "tool_choice"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"structured_outputs": {"regex": "a", "choice": ["a"]}}, "structured_outputs"),
        ({"guided_choice": []}, "structured_outputs.choice"),
        ({"guided_json": NESTED}, "structured_outputs.json"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "messages"),
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"continue_final_message": True}, "continue_final_message"),
    ],
)
def test_a_wrong_value_names_its_parameter(change: dict[str, Any], param: str) -> None:
    error = refusal(chat.Request, CHAT | change)
    assert error.status == 400
    assert error.param is not None
    assert error.param.startswith(param)


def test_of_several_types_what_is_said_is_about_the_one_that_was_given() -> None:
    assert "at most 16 items" in refusal(chat.Request, CHAT | {"stop": ["x"] * 10_000}).message
    assert "at least 1 item" in refusal(completions.Request, TEXT | {"prompt": []}).message


def _chunks(body: bytes) -> list[dict[str, Any]]:
    events = body.decode().split("\n\n")
    assert events.pop() == ""
    assert all(one.startswith("data: ") for one in events)
    return [json.loads(one[6:]) for one in events if one != "data: [DONE]"]


def _chat_reply(**fields: Any) -> chat.Reply:
    return chat.Reply("rid", chat.Request.model_validate(CHAT | fields), 1)


@given(st.text())
def test_a_streamed_text_comes_through_openais_types(text: str) -> None:
    reply = _chat_reply(stream=True, stream_options={"include_usage": True})
    body = reply.start() + reply.delta(Delta(text)) + reply.delta(Delta("!", finish="stop")) + reply.end(Usage(3, 2))

    assert body.endswith(b"data: [DONE]\n\n")
    chunks = [ChatCompletionChunk.model_validate(one) for one in _chunks(body)]
    assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == text + "!"
    assert [one.choices[0].finish_reason for one in chunks if one.choices] == [None, None, "stop"]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 5


@given(st.lists(st.tuples(st.integers(0, 2), st.text(max_size=5)), max_size=20))
def test_a_whole_answer_holds_what_the_stream_would(parts: list[tuple[int, str]]) -> None:
    reply = _chat_reply(n=3, metadata={"a": "b"})
    assert reply.start() == b""
    for index, text in parts:
        assert reply.delta(Delta(text, index)) == b""
    for index in range(3):
        reply.delta(Delta("", index, finish="length"))

    answer = ChatCompletion.model_validate_json(reply.end(Usage(1, len(parts))))
    for choice in answer.choices:
        assert choice.message.content == "".join(text for index, text in parts if index == choice.index)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert json.loads(reply.end(Usage(1, 1)))["metadata"] == {"a": "b"}


def test_logprobs_are_in_both_forms() -> None:
    logprobs = (TokenLogprob("é", -0.5, (TokenLogprob("é", -0.5), TokenLogprob("e", -1.0))),)
    streamed = _chat_reply(stream=True, logprobs=True, top_logprobs=2)
    [chunk] = [
        ChatCompletionChunk.model_validate(one) for one in _chunks(streamed.delta(Delta("é", logprobs=logprobs)))
    ]
    whole = _chat_reply(logprobs=True, top_logprobs=2)
    whole.delta(Delta("é", logprobs=logprobs, finish="stop"))
    answer = ChatCompletion.model_validate_json(whole.end(Usage(1, 1)))

    for found in (chunk.choices[0].logprobs, answer.choices[0].logprobs):
        assert found is not None
        assert found.content is not None
        [token] = found.content
        assert (token.token, token.bytes, len(token.top_logprobs)) == ("é", [195, 169], 2)


@given(st.text(), st.booleans())
def test_a_completion_comes_through_openais_types(text: str, stream: bool) -> None:
    reply = completions.Reply("rid", completions.Request.model_validate(TEXT | {"stream": stream, "logprobs": 1}), 1)
    logprobs = (TokenLogprob(text, -1.0, (TokenLogprob(text, -1.0),)),)
    body = reply.start() + reply.delta(Delta(text, logprobs=logprobs, finish="stop")) + reply.end(Usage(1, 1))

    [answer] = [Completion.model_validate(one) for one in (_chunks(body) if stream else [json.loads(body)])]
    assert answer.choices[0].text == text
    assert answer.choices[0].logprobs is not None
    assert answer.choices[0].logprobs.text_offset == [0]


@pytest.mark.parametrize(
    ("prompt", "prompts"), [("a", ["a"]), (["a", "b"], ["a", "b"]), ([1, 2], [[1, 2]]), ([[1], [2]], [[1], [2]])]
)
def test_prompts_come_in_four_forms(prompt: Any, prompts: Any) -> None:
    assert completions.Request.model_validate(TEXT | {"prompt": prompt}).prompts == prompts


@pytest.mark.parametrize("prompt", [[], [[]], [-1], [1, "a"], [True], {"a": 1}, None, [1 << 40]])
def test_a_wrong_prompt_is_refused_by_name(prompt: Any) -> None:
    error = refusal(completions.Request, TEXT | {"prompt": prompt})
    assert (error.param or "").startswith("prompt")


def test_the_token_itself_is_among_the_likeliest() -> None:
    reply = completions.Reply("r", completions.Request.model_validate(TEXT | {"logprobs": 1}), 0)
    reply.delta(Delta("b", logprobs=(TokenLogprob("b", -2.0, (TokenLogprob("a", -0.1),)),), finish="stop"))
    answer = Completion.model_validate_json(reply.end(Usage(1, 1)))

    assert answer.choices[0].logprobs is not None
    assert answer.choices[0].logprobs.top_logprobs == [{"a": -0.1, "b": -2.0}]


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompts_first_token_has_no_probability(stream: bool) -> None:
    asked = TEXT | {"echo": True, "logprobs": 1, "stream": stream, "max_tokens": 1}
    reply = completions.Reply("r", completions.Request.model_validate(asked), 0)
    prompt = (TokenLogprob("A", None), TokenLogprob(" é", -0.5, (TokenLogprob(" b", -0.1),)))
    body = reply.delta(Delta("A é", logprobs=prompt, tokens=0))
    body += reply.delta(Delta("!", logprobs=(TokenLogprob("!", -2.0, (TokenLogprob("!", -2.0),)),), finish="length"))
    body += reply.end(Usage(2, 1))

    choices = [one["choices"][0] for one in (_chunks(body) if stream else [json.loads(body)])]
    names = ("tokens", "token_logprobs", "top_logprobs", "text_offset")
    found = {name: [value for choice in choices for value in choice["logprobs"][name]] for name in names}
    assert "".join(choice["text"] for choice in choices) == "A é!"
    assert found == {
        "tokens": ["A", " é", "!"],
        "token_logprobs": [None, -0.5, -2.0],
        "top_logprobs": [None, {" b": -0.1, " é": -0.5}, {"!": -2.0}],
        "text_offset": [0, 1, 3],
    }


def test_no_tokens_are_asked_for_with_an_echo_alone() -> None:
    assert refusal(completions.Request, TEXT | {"max_tokens": 0}).param == "max_tokens"
    assert refusal(completions.Request, TEXT | {"prompt_logprobs": 1}).param == "prompt_logprobs"
    assert refusal(chat.Request, CHAT | {"prompt_logprobs": 0}).param == "prompt_logprobs"
    silent = completions.Request.model_validate(TEXT | {"max_tokens": 0, "echo": True})
    assert (silent.generates, silent.scored, silent.budget) == (False, False, 1)


def test_the_tokens_of_prompts_that_are_scored_count_and_are_bounded() -> None:
    asked = TEXT | {"echo": True, "logprobs": 0, "max_tokens": 2, "n": 2}
    assert completions.Request.model_validate(asked | {"prompt": [[1] * 10, [2] * 20]}).budget == 8 + 60
    assert completions.Request.model_validate(asked | {"prompt": "a" * 100}).budget == 4 + 100

    error = refusal(completions.Request, asked | {"prompt": [[1] * 20_000] * 2})
    assert error.param == "prompt"
    assert "65536" in error.message
    completions.Request.model_validate(asked | {"prompt": [[1] * 20_000] * 2, "logprobs": None})


def test_best_of_is_n_or_refused() -> None:
    completions.Request.model_validate(TEXT | {"n": 2, "best_of": 2})
    assert refusal(completions.Request, TEXT | {"best_of": 2}).param == "best_of"


def test_all_prompts_together_have_as_many_choices_as_one_may() -> None:
    most = TEXT | {"prompt": ["a"] * 4, "n": 32, "max_tokens": 10}
    assert completions.Request.model_validate(most).budget == 1280
    for prompts in (["a"] * 5, [[1]] * 5):
        error = refusal(completions.Request, TEXT | {"prompt": prompts, "n": 32})
        assert error.param == "n"
        assert "128" in error.message
        assert "160" in error.message


def test_pieces_of_characters_are_told_apart_by_their_bytes() -> None:
    def piece(data: bytes, *top: TokenLogprob) -> TokenLogprob:
        return TokenLogprob("\ufffd", -1.0, top, data)

    pieces = (piece(b"\xf0\x9f", piece(b"\xf0\x9f"), piece(b"\xf0\x9e")), piece(b"\x98\x80"), TokenLogprob("!", -1.0))
    reply = completions.Reply("r", completions.Request.model_validate(TEXT | {"logprobs": 2}), 0)
    reply.delta(Delta("😀!", logprobs=pieces, finish="stop"))
    found = Completion.model_validate_json(reply.end(Usage(1, 3))).choices[0].logprobs
    assert found is not None
    assert found.tokens == [r"bytes:\xf0\x9f", r"bytes:\x98\x80", "!"]
    assert found.text_offset == [0, 1, 1]
    assert found.top_logprobs is not None
    assert found.top_logprobs[0].keys() == {r"bytes:\xf0\x9f", r"bytes:\xf0\x9e"}

    chatting = chat.Reply("r", chat.Request.model_validate(CHAT | {"logprobs": True}), 0)
    chatting.delta(Delta("😀!", logprobs=pieces, finish="stop"))
    told = ChatCompletion.model_validate_json(chatting.end(Usage(1, 3))).choices[0].logprobs
    assert told is not None
    assert b"".join(bytes(one.bytes or []) for one in told.content or []).decode() == "😀!"
