"""Anthropic's Messages: every field is honoured or refused by name; errors have its form."""

import json
import typing
from pathlib import Path
from typing import Any

import pytest
from anthropic.types import (
    message_count_tokens_params,
    message_create_params,
    tool_param,
)
from anthropic.types.beta import message_create_params as beta_params
from pydantic import ValidationError

from api.edge.envelopes import shape_of
from models.errors import ContextLengthExceeded, HeadraceError, Overloaded, UnsupportedParameter
from models.modalities import chat, messages, modality, served_by, tokenize
from models.modalities.base import Usage
from models.modalities.json_object import take_unknown
from models.modalities.messages import count
from models.modalities.messages.fields import ClientTool
from models.validation import invalid

ASKED: dict[str, Any] = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}
TOOL: dict[str, Any] = {"name": "f", "description": "Does it.", "input_schema": {"type": "object"}}
USED = {"type": "tool_use", "id": "1", "name": "f", "input": {}}
SEARCH: dict[str, Any] = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}
PIXEL = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
HEADERS = {"betas", "user_profile_id", "workspace_id"}
"""What Anthropic's client sends as headers, though it takes it as a parameter."""


def _request(**fields: Any) -> messages.Request:
    return messages.Request.model_validate(ASKED | fields)


def _asked(**fields: Any) -> chat.Request:
    found = _request(**fields).inner()
    assert isinstance(found, chat.Request)
    return found


def _refusal(**fields: Any) -> HeadraceError:
    with pytest.raises(ValidationError) as caught:
        _request(**fields)
    return invalid(caught.value, ASKED | fields)


def _said(*turns: tuple[str, Any], **fields: Any) -> list[dict[str, Any]]:
    """The chat's messages, without what is not set."""
    given = [{"role": role, "content": content} for role, content in turns]
    return [one.model_dump(exclude_unset=True) for one in _asked(messages=given, **fields).messages]


def test_every_field_of_anthropics_is_known() -> None:
    known = set(messages.Request.model_fields)
    for theirs in (message_create_params, beta_params):
        assert set(typing.get_type_hints(theirs.MessageCreateParamsStreaming)) - HEADERS <= known
    counted = typing.get_type_hints(message_count_tokens_params.MessageCountTokensParams)
    assert set(counted) - HEADERS <= set(count.Request.model_fields)
    assert set(typing.get_type_hints(tool_param.ToolParam)) <= set(ClientTool.model_fields)


def test_what_is_not_implemented_is_refused_by_name() -> None:
    for name, inert in messages.Request.INERT.items():
        error = _refusal(**{name: {"anything": "else"}})
        assert isinstance(error, UnsupportedParameter)
        assert error.param == name
        for value in (None, *inert):
            _request(**{name: value})


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": 1.1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": -1}, "top_p"),
        ({"stop_sequences": [""]}, "stop_sequences[0]"),
        ({"stop_sequences": ["x"] * 10_000}, "stop_sequences"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [USED]}]}, "messages[0].content"),
        ({"messages": [{"role": "assistant", "content": [USED]}]}, "messages"),
        ({"tools": [TOOL, TOOL]}, "tools"),
        ({"tools": [TOOL | {"input_schema": {"type": "string"}}]}, "tools[0].input_schema"),
        ({"tools": [TOOL | {"name": "a b"}]}, "tools[0].name"),
        ({"tools": [TOOL | {"type": "custm"}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0].type"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "g"}}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool"}}, "tool_choice"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": 3}}, "thinking.budget_tokens"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
        ({"output_config": {"effort": "huge"}}, "output_config.effort"),
        ({"system": "\ud800"}, "system"),
    ],
)
def test_a_wrong_value_names_its_parameter(change: dict[str, Any], param: str) -> None:
    error = _refusal(**change)
    assert error.status == 400
    assert error.param == param


def test_a_refusal_of_chats_is_told_once() -> None:
    assert _refusal(tools=[TOOL, TOOL]).message == "'tools': two tools have the same name"
    error = _refusal(tool_choice={"type": "any"})
    assert error.message == "'tool_choice' demands a call, and there are no 'tools'"


def _names(**fields: Any) -> list[str]:
    """The tools that the model is offered."""
    return [tool.function.name for tool in _asked(**fields).callable_tools]


def test_tools_that_only_anthropic_has_are_left_out_and_named() -> None:
    tools = [SEARCH, TOOL, {"type": "bash_20250124", "name": "bash"}]
    assert _names(tools=tools) == ["f"]
    assert _names(tools=[SEARCH], tool_choice={"type": "auto", "disable_parallel_tool_use": True}) == []
    asked = _request(tools=tools)
    assert take_unknown(asked, strict=False) == ()
    assert asked.left_out == ("tools[].type: web_search_20250305", "tools[].type: bash_20250124")


@pytest.mark.parametrize("choice", [{"type": "tool", "name": "web_search"}, {"type": "any"}])
def test_they_cannot_be_forced(choice: dict[str, str]) -> None:
    error = _refusal(tools=[SEARCH] if choice["type"] == "any" else [SEARCH, TOOL], tool_choice=choice)
    assert isinstance(error, UnsupportedParameter)
    assert error.param == "tool_choice"
    assert SEARCH["type"] in error.message


def test_what_they_did_is_left_out_and_named() -> None:
    search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    answer = [search, found, {"type": "text", "text": "a"}]
    asked = _request(
        messages=[
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": answer},
            {"role": "user", "content": "!"},
        ]
    )
    assert take_unknown(asked, strict=False) == ()
    kinds = ("server_tool_use", "web_search_tool_result")
    assert asked.left_out == tuple(f"messages[].content[].type: {kind}" for kind in kinds)
    assert [one.text for one in _asked(messages=asked.messages).messages] == ["q", "a", "!"]


def test_a_deferred_tool_is_offered_once_the_conversation_names_it() -> None:
    tools = [TOOL, TOOL | {"name": "late", "defer_loading": True}]
    assert _names(tools=tools) == ["f"]
    assert _names(tools=tools, tool_choice={"type": "tool", "name": "late"}) == ["late"]
    assert _names(tools=[*tools, {"type": "tool_search_tool_bm25_20251119", "name": "s"}]) == ["f", "late"]
    result = {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "tool_reference", "tool_name": "late"}]}
    found: list[dict[str, Any]] = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": [USED]},
        {"role": "user", "content": [result]},
    ]
    assert _names(tools=tools, messages=found) == ["f", "late"]
    assert "late" in _asked(tools=tools, messages=found).messages[-1].text
    gone = {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "late"}}
    assert _names(tools=tools, messages=[*found, {"role": "system", "content": [gone]}]) == ["f"]


@pytest.mark.parametrize("number", [1, 2])
def test_what_claude_code_sends_is_taken(number: int) -> None:
    body = json.loads((Path(__file__).parents[2] / "clients" / "bodies" / f"claude_{number}.json").read_text())
    body["messages"][0]["content"][0]["cache_control"] = {"type": "ephemeral", "scope": "global"}
    asked = _request(**body)
    assert take_unknown(asked, strict=True) == ()
    assert asked.left_out == ()
    assert "Bash" in _names(**body)
    assert "DeferredToolPlaceholder" not in _names(**body)
    counted = {name: value for name, value in body.items() if name not in ("max_tokens", "stream", "metadata")}
    tokenized = count.Request.model_validate(counted).inner()
    assert isinstance(tokenized, tokenize.Request)
    assert "Bash" in [tool.function.name for tool in tokenized.tools or []]


def test_a_thread_is_refused_in_the_words_that_anthropics_client_knows() -> None:
    assert _refusal(thread={"type": "create"}).code == "thread_unsupported_request"
    _request(thread=None)


def test_the_system_prompt_and_neighbours_of_one_role_become_one_message() -> None:
    said = _said(
        ("user", "Hello"),
        ("user", [{"type": "text", "text": "there", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]),
        ("assistant", "Hi."),
        ("system", "Be brief."),
        ("user", "So?"),
        system=[{"type": "text", "text": "You are"}, {"type": "text", "text": "kind."}],
    )
    assert [(one["role"], one["content"]) for one in said] == [
        ("system", "You are\nkind."),
        ("user", "Hello\nthere"),
        ("assistant", "Hi."),
        ("system", "Be brief."),
        ("user", "So?"),
    ]


def test_calls_their_results_and_thoughts_become_chat() -> None:
    said = _said(
        ("user", "Weather?"),
        (
            "assistant",
            [
                {"type": "thinking", "thinking": "I must look.", "signature": "s"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "text", "text": "Let me look.", "citations": None},
                {"type": "tool_use", "id": "1", "name": "look", "input": {"where": "Wien"}, "caller": None},
                {"type": "tool_use", "id": "2", "name": "ask", "input": {}},
            ],
        ),
        (
            "user",
            [
                {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "rain"}, PIXEL]},
                {"type": "tool_result", "tool_use_id": "2", "content": "nobody", "is_error": True},
                {"type": "text", "text": "Well?"},
            ],
        ),
    )
    assistant, first, second, last = said[1:]
    assert (assistant["content"], assistant["reasoning_content"]) == ("Let me look.", "I must look.")
    assert [one["function"] for one in assistant["tool_calls"]] == [
        {"name": "look", "arguments": '{"where": "Wien"}'},
        {"name": "ask", "arguments": "{}"},
    ]
    assert (first["tool_call_id"], first["name"], first["content"]) == ("1", "look", "rain")
    assert (second["tool_call_id"], second["content"]) == ("2", "Error: nobody")
    picture, text = last["content"]
    assert picture["image_url"] == {"url": "data:image/png;base64,AAAA"}
    assert (last["role"], text["text"]) == ("user", "Well?")


@pytest.mark.parametrize("said", ["", [], [{"type": "text", "text": ""}], [{"type": "redacted_thinking", "data": "x"}]])
def test_an_assistants_last_turn_that_says_nothing_is_left_out(said: Any) -> None:
    asked = _asked(messages=[*ASKED["messages"], {"role": "assistant", "content": said}])
    assert [one.role for one in asked.messages] == ["user"]
    assert not asked.continue_final_message
    assert _refusal(messages=[{"role": "assistant", "content": said}]).param == "messages"


def test_pictures_documents_and_search_results_are_shown() -> None:
    url = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    document = {
        "type": "document",
        "title": "Deed",
        "source": {"type": "text", "media_type": "text/plain", "data": "X"},
    }
    found = {
        "type": "search_result",
        "title": "T",
        "source": "https://a",
        "content": [{"type": "text", "text": "Y"}],
    }
    [said] = _said(("user", [document, PIXEL, url, found, {"type": "text", "text": "What?"}]))
    assert [part["type"] for part in said["content"]] == ["text", "image_url", "image_url", "text"]
    assert said["content"][0]["text"] == "Deed\nX"
    assert said["content"][3]["text"] == "T\nhttps://a\nY\nWhat?"


def test_what_is_asked_of_the_answer_becomes_chat() -> None:
    asked = _asked(
        system="s",
        stop_sequences=["a", "b"],
        temperature=0.5,
        top_p=0.9,
        top_k=4,
        tools=[TOOL | {"strict": True, "input_examples": [{"a": 1}], "type": "custom"}],
        tool_choice={"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        thinking={"type": "enabled", "budget_tokens": 1024},
        output_config={"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
        service_tier="auto",
        metadata={"user_id": "someone"},
    )
    assert (asked.stops, asked.temperature, asked.top_p, asked.top_k) == (["a", "b"], 0.5, 0.9, 4)
    assert asked.token_limit == 100
    assert asked.must_call
    assert asked.parallel_tool_calls is False
    [tool] = asked.callable_tools
    assert tool.function.description == 'Does it.\n\nExamples of its input:\n{"a": 1}'
    assert tool.function.strict
    assert asked.template_kwargs == {"enable_thinking": True, "reasoning_effort": "low"}
    assert asked.constraint is not None
    assert (asked.constraint.kind, asked.constraint.value) == ("json", {"type": "object"})
    assert asked.asked() - asked.PLATFORM == {
        *("max_tokens", "stop", "temperature", "top_p", "top_k", "tools", "tool_choice", "parallel_tool_calls"),
        *("enable_thinking", "reasoning_effort", "response_format"),
    }


def test_the_least_asks_an_engine_for_nothing_but_its_limit() -> None:
    assert _asked().asked() - chat.Request.PLATFORM == {"max_tokens"}
    assert _asked(thinking={"type": "disabled"}).template_kwargs == {"enable_thinking": False}
    assert _asked(thinking={"type": "adaptive"}).template_kwargs == {"enable_thinking": True}


def test_an_assistants_message_at_the_end_is_gone_on_with() -> None:
    turns = [{"role": "user", "content": "Say"}, {"role": "assistant", "content": "I s"}]
    assert _asked(messages=turns).continue_final_message


def test_a_body_survives_the_way_to_its_runner() -> None:
    body = ASKED | {
        "tools": [TOOL],
        "output_format": {"type": "json_schema", "schema": {"type": "object"}},
        "messages": [{"role": "user", "content": [PIXEL]}],
    }
    sent = messages.Request.model_validate(body).model_dump(mode="json", exclude_unset=True)
    assert sent == body
    assert messages.Request.model_validate(sent).inner() == messages.Request.model_validate(body).inner()


def test_an_engines_refusal_speaks_anthropics_words() -> None:
    error = _request().outward(UnsupportedParameter("'stop' is not supported by this engine", param="stop"))
    assert isinstance(error, UnsupportedParameter)
    assert (error.param, error.message) == ("stop_sequences", "'stop_sequences' is not supported by this engine")
    placed = _request().outward(HeadraceError("the picture is broken", param="messages[3].content[1].image_url"))
    assert placed.param == "messages"


def test_counting_tokenizes_what_a_message_would_ask() -> None:
    body = {key: value for key, value in ASKED.items() if key != "max_tokens"}
    request = count.Request.model_validate(body | {"tools": [TOOL], "system": "s", "thinking": {"type": "disabled"}})
    asked = request.inner()
    assert isinstance(asked, tokenize.Request)
    assert asked.conversation is not None
    assert [one.role for one in asked.conversation.messages] == ["system", "user"]
    assert asked.chat_template_kwargs == {"enable_thinking": False}
    assert asked.opens_answer
    reply = count.Reply("rid", request, 1)
    assert json.loads(reply.end(Usage(3, 0), tokenize.Tokens([1, 2, 3], None, 8))) == {"input_tokens": 3}
    assert served_by("messages_count") == "tokenize"
    assert modality("messages").request is messages.Request


def test_errors_have_the_form_of_their_path() -> None:
    error = ContextLengthExceeded("too long", param="messages")
    for path in ("/v1/messages", "/v1/messages/count_tokens", "/anthropic/v1/models"):
        body = shape_of(path).body(error, "req_1")
        assert body == {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "too long",
                "details": {"error_code": "context_length_exceeded", "param": "messages"},
            },
            "request_id": "req_1",
        }
        assert shape_of(path).event(error, "req_1", b"").startswith(b'event: error\ndata: {"type":"error"')
    assert shape_of("/v1/messages").status(Overloaded()) == 529
    assert shape_of("/v1/chat/completions").body(error, "")["error"]["code"] == "context_length_exceeded"
    assert shape_of("/sdapi/v1/txt2img").body(error, "")["error"] == "context_length_exceeded"
