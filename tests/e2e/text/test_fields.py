"""What happens to fields that nobody knows, over HTTP: taken and named, refused on demand; and how bodies may come."""

import gzip
import json
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack

pytestmark = pytest.mark.e2e

CHAT: dict[str, Any] = {"model": "echo", "max_tokens": 2, "messages": [{"role": "user", "content": "hi"}]}
MESSAGE = CHAT | {"hint": 1, "messages": [{"role": "user", "content": [{"type": "text", "text": "hi", "hint": 2}]}]}
TAKEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "chat": ("/v1/chat/completions", MESSAGE, "hint, messages[].content[].hint"),
    "completions": ("/v1/completions", {"model": "echo", "prompt": "a", "max_tokens": 1, "hint": 1}, "hint"),
    "messages": ("/v1/messages", MESSAGE, "hint, messages[].content[].hint"),
    "responses": ("/v1/responses", {"model": "echo", "input": "hi", "client_metadata": {"a": "b"}}, "client_metadata"),
    "tokenize": ("/v1/tokenize", {"model": "echo", "prompt": "a", "hint": 1}, "hint"),
    "job": (
        "/v1/jobs",
        {"kind": "chat.completions", "input": MESSAGE, "hint": 1},
        "hint, input.hint, input.messages[].content[].hint",
    ),
}


@pytest.mark.parametrize("case", TAKEN)
def test_unknown_fields_are_named_in_a_header(stack: Stack, case: str) -> None:
    path, body, named = TAKEN[case]
    answer = httpx.post(stack.url + path, json=body)
    assert answer.status_code in (200, 202), answer.text
    assert answer.headers["x-headrace-ignored"] == named
    assert "x-headrace-ignored" not in httpx.get(f"{stack.url}/v1/models").headers


SET = {"type": "object", "properties": {"a": {"type": "array", "uniqueItems": True}}}
FUNCTION = {"name": "f", "parameters": SET}
UNENFORCED: dict[str, tuple[str, dict[str, Any], str]] = {
    "chat": (
        "/v1/chat/completions",
        CHAT | {"tools": [{"type": "function", "function": FUNCTION}], "tool_choice": "required"},
        "tools[].function.parameters",
    ),
    "messages": (
        "/v1/messages",
        CHAT | {"tools": [{"name": "f", "input_schema": SET}], "tool_choice": {"type": "any"}},
        "tools[].input_schema",
    ),
    "responses": (
        "/v1/responses",
        {"model": "echo", "input": "hi", "tools": [{"type": "function"} | FUNCTION], "tool_choice": "required"},
        "tools[].parameters",
    ),
    "functions": (
        "/v1/chat/completions",
        CHAT | {"functions": [FUNCTION], "function_call": {"name": "f"}},
        "functions[].parameters",
    ),
}


@pytest.mark.parametrize("case", UNENFORCED)
def test_keywords_of_schemas_that_cannot_be_enforced_are_named(stack: Stack, case: str) -> None:
    path, body, named = UNENFORCED[case]
    answer = httpx.post(stack.url + path, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-headrace-ignored"] == f"{named}.properties.a.uniqueItems"


def test_functions_are_answered_in_their_own_form(stack: Stack) -> None:
    body = CHAT | {"functions": [FUNCTION, {"name": "now"}], "max_tokens": 32}
    forced = httpx.post(f"{stack.url}/v1/chat/completions", json=body | {"function_call": {"name": "now"}})
    [choice] = forced.json()["choices"]
    assert choice["message"]["function_call"] == {"name": "now", "arguments": "{}"}
    assert choice["finish_reason"] == "function_call"
    other = {"role": "assistant", "content": "", "function_call": {"name": "now", "arguments": "{}"}}
    result = {"role": "function", "name": "now", "content": "noon"}
    again = httpx.post(f"{stack.url}/v1/chat/completions", json=body | {"messages": [*CHAT["messages"], other, result]})
    assert again.json()["choices"][0]["message"]["content"].startswith("noon")


def test_they_are_counted_and_logged(stack: Stack) -> None:
    httpx.post(f"{stack.url}/v1/chat/completions", json=CHAT | {"never_heard_of": 1}).raise_for_status()
    line = 'headrace_ignored_fields_total{endpoint="/v1/chat/completions"}'
    assert line in httpx.get(f"{stack.url}/metrics").text
    assert "never_heard_of" in stack.log("gateway")


def test_a_stream_names_them_too(stack: Stack) -> None:
    with httpx.stream("POST", f"{stack.url}/v1/chat/completions", json=CHAT | {"stream": True, "hint": 1}) as answer:
        assert answer.headers["x-headrace-ignored"] == "hint"


def test_a_header_cannot_be_split_or_outgrow_its_bound(stack: Stack) -> None:
    odd = {"x\r\nset-cookie: a=b": 1, "ключ": 1} | {f"hint{number:05}" + "x" * 50: 1 for number in range(3000)}
    answer = httpx.post(f"{stack.url}/v1/chat/completions", json=CHAT | odd)
    answer.raise_for_status()
    named = answer.headers["x-headrace-ignored"]
    assert "set-cookie" not in answer.headers
    assert named.startswith("x%0D%0Aset-cookie: a%3Db, %D0%BA")
    assert len(named) < 2100
    assert named.endswith(" more")


SEARCH = {"type": "web_search_20250305", "name": "web_search"}
NOT_RUN = {
    "responses": ("/v1/responses", {"model": "echo", "input": "hi", "tools": [SEARCH]}),
    "messages": ("/v1/messages", CHAT | {"tools": [SEARCH]}),
}


@pytest.mark.parametrize("case", NOT_RUN)
def test_tools_that_are_not_run_here_are_named_too(stack: Stack, case: str) -> None:
    path, body = NOT_RUN[case]
    answer = httpx.post(stack.url + path, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-headrace-ignored"] == "tools[].type: web_search_20250305"
    refused = httpx.post(stack.url + path, json=body, headers={"x-headrace-strict": "true"})
    assert refused.status_code == 400
    assert "'tools[].type': 'web_search_20250305' is not supported" in refused.text


@pytest.mark.parametrize("case", TAKEN)
def test_a_request_may_ask_for_strictness(stack: Stack, case: str) -> None:
    path, body, _ = TAKEN[case]
    answer = httpx.post(stack.url + path, json=body, headers={"x-headrace-strict": "true"})
    assert answer.status_code == 400
    assert "unknown parameter" in answer.text


def test_the_server_may_be_strict(new_stack: StackFactory) -> None:
    strict = new_stack(HEADRACE_STRICT_FIELDS="true")
    path, body, _ = TAKEN["tokenize"]
    assert httpx.post(strict.url + path, json=body).json()["error"]["code"] == "unknown_parameter"
    lenient = httpx.post(strict.url + path, json=body, headers={"x-headrace-strict": "false"})
    assert lenient.json()["error"]["code"] == "model_not_found"


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_without_its_type_is_taken_from_programs_but_not_from_pages(stack: Stack, content_type: str) -> None:
    headers = {"content-type": content_type} if content_type else {}
    content = json.dumps(CHAT).encode()
    httpx.post(f"{stack.url}/v1/chat/completions", content=content, headers=headers).raise_for_status()
    page = headers | {"sec-fetch-site": "same-origin"}
    refused = httpx.post(f"{stack.url}/v1/chat/completions", content=content, headers=page)
    assert (refused.status_code, refused.json()["error"]["code"]) == (415, "unsupported_media_type")


def test_compressed_bodies(stack: Stack) -> None:
    packed = gzip.compress(json.dumps(CHAT).encode())
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    httpx.post(f"{stack.url}/v1/chat/completions", content=packed, headers=headers).raise_for_status()
    bomb = gzip.compress(b'{"model":"' + bytes(20 << 20) + b'"}')
    refused = httpx.post(f"{stack.url}/v1/chat/completions", content=bomb, headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(("said", "status"), [("yes", 400), ("on", 400), ("no", 200), ("maybe", 400)])
def test_whether_a_request_is_strict_is_said_in_any_way(stack: Stack, said: str, status: int) -> None:
    answer = httpx.post(
        f"{stack.url}/v1/chat/completions", json=CHAT | {"hint": 1}, headers={"x-headrace-strict": said}
    )
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["error"]["param"] == ("hint" if said != "maybe" else "x-headrace-strict")
