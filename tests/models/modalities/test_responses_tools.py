"""Tools of a request for a response that are no plain functions, and the items of such tools in a conversation."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from models.errors import HeadraceError, UnsupportedParameter
from models.modalities import responses
from models.modalities.base import Usage
from models.modalities.json_object import take_unknown
from models.modalities.responses.items import stored_items
from models.modalities.text import Delta, ToolDelta
from models.validation import invalid

BODIES = Path(__file__).parents[2] / "clients" / "bodies"
BASE: dict[str, Any] = {"model": "m", "input": "Hello"}
TOOL: dict[str, Any] = {"type": "function", "name": "f", "parameters": {"type": "object"}}
SEARCH: dict[str, Any] = {"type": "web_search", "external_web_access": True, "filters": {"allowed_domains": None}}
GROUP: dict[str, Any] = {
    "type": "namespace",
    "name": "mcp__web",
    "description": "",
    "tools": [TOOL | {"name": "get", "defer_loading": True}, {"type": "custom", "name": "patch"}],
}


def request(**fields: Any) -> responses.Request:
    return responses.Request.model_validate(BASE | fields)


def refusal(**fields: Any) -> HeadraceError:
    with pytest.raises(ValidationError) as caught:
        request(**fields)
    return invalid(caught.value, BASE | fields)


def names(asked: responses.Request) -> list[str]:
    """The functions that the model is offered."""
    return [tool.function.name for tool in asked.inner().callable_tools]


@pytest.mark.parametrize("number", [1, 2])
def test_what_codex_sends_is_taken(number: int) -> None:
    asked = request(**json.loads((BODIES / f"codex_{number}.json").read_text()))
    assert take_unknown(asked, strict=False) == ("client_metadata",)
    assert asked.left_out == ("tools[].type: web_search",)
    assert "exec_command" in names(asked)
    assert "multi_agent_v1__spawn_agent" in names(asked)
    assert [one.role for one in asked.inner().messages][-1] == ("user", "tool")[number - 1]


def test_hints_and_hidden_thoughts_are_left_out_and_named() -> None:
    thought = {"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}
    asked = request(input=[thought, {"role": "user", "content": "x"}], text={"verbosity": "low"}, service_tier="flex")
    assert asked.left_out == ("input[].encrypted_content", "text.verbosity", "service_tier")
    assert asked.inner().messages[-1].text == "x"


def test_tools_that_are_not_run_here_are_left_out_and_named() -> None:
    asked = request(tools=[SEARCH, TOOL, GROUP, SEARCH, {"type": "local_shell"}])
    assert take_unknown(asked, strict=False) == ()
    assert names(asked) == ["f", "mcp__web__get"]
    assert asked.left_out == ("tools[].type: web_search", "tools[].tools[].type: custom", "tools[].type: local_shell")
    kept = asked.model_dump(mode="json", exclude_unset=True)["tools"][0]
    assert kept == SEARCH
    assert request(tools=[SEARCH], tool_choice="auto").inner().tools is None
    assert request(tools=[SEARCH], tool_choice="none").inner().tools is None


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [SEARCH], "tool_choice": "required"}, "tool_choice"),
        ({"tools": [SEARCH, TOOL], "tool_choice": {"type": "web_search"}}, "tool_choice.type"),
        ({"tools": [SEARCH, TOOL], "tool_choice": {"type": "custom", "name": "f"}}, "tool_choice.type"),
        (
            {
                "tools": [SEARCH, TOOL],
                "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "web_search"}]},
            },
            "tool_choice",
        ),
    ],
)
def test_a_tool_that_is_not_run_here_cannot_be_forced(fields: dict[str, Any], param: str) -> None:
    error = refusal(**fields)
    assert isinstance(error, UnsupportedParameter)
    assert error.param == param


def test_a_function_of_a_namespace_is_checked() -> None:
    broken = [{"type": "namespace", "name": "n", "tools": [{"type": "function"}]}]
    assert refusal(tools=broken).param == "tools[0].tools[0].name"


def test_what_is_left_can_be_forced() -> None:
    assert request(tools=[SEARCH, TOOL], tool_choice="required").inner().must_call
    tools = [{"type": "web_search"}, {"type": "function", "name": "f"}]
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": tools}
    assert names(request(tools=[SEARCH, TOOL, GROUP], tool_choice=allowed)) == ["f"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_is_answered_with_its_namespace(stream: bool) -> None:
    reply = responses.Reply("0" * 24, request(tools=[TOOL, GROUP], stream=stream), 1)
    said = reply.start()
    said += reply.delta(Delta(tools=(ToolDelta(0, "a", "f", "{}"), ToolDelta(1, "b", "mcp__web__get", "{}"))))
    said += reply.end(Usage(1, 1))
    whole = json.loads(said.split(b"data: ")[-1])
    plain, spaced = (whole["response"] if stream else whole)["output"]
    assert (plain["name"], "namespace" in plain) == ("f", False)
    assert (spaced["name"], spaced["namespace"]) == ("get", "mcp__web")


def test_calls_of_other_kinds_become_calls_of_functions() -> None:
    items: list[dict[str, Any]] = [
        {"role": "user", "content": "q"},
        {"type": "function_call", "call_id": "a", "name": "get", "namespace": "mcp__web", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "b", "name": "apply_patch", "input": "*** Begin"},
        {"type": "local_shell_call", "id": "c", "action": {"type": "exec", "command": ["ls"]}, "status": "completed"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"}},
        {"type": "function_call_output", "call_id": "a", "output": "1"},
        {"type": "custom_tool_call_output", "call_id": "b", "output": "2"},
        {"type": "local_shell_call_output", "id": "c", "output": "3"},
    ]
    asked = request(input=items)
    assert take_unknown(asked, strict=False) == ()
    assert asked.left_out == ("input[].type: web_search_call",)
    _, turn, *outputs = [one.model_dump(exclude_unset=True) for one in asked.inner().messages]
    functions = [(one["id"], one["function"]) for one in turn["tool_calls"]]
    called = [(id, one["name"], json.loads(one["arguments"])) for id, one in functions]
    assert called == [
        ("a", "mcp__web__get", {}),
        ("b", "apply_patch", {"input": "*** Begin"}),
        ("c", "local_shell", {"type": "exec", "command": ["ls"]}),
    ]
    assert [(one["tool_call_id"], one["content"]) for one in outputs] == [("a", "1"), ("b", "2"), ("c", "3")]
    kept = stored_items(asked.model_dump(mode="json", exclude_unset=True)["input"], "resp_" + "0" * 24)
    assert kept[4]["action"] == {"type": "search", "query": "x"}
    assert request(input=kept).inner().messages == asked.inner().messages
