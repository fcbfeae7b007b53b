"""Bad input of every kind that two generators can think of: never a 5xx, always the envelope."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok

from models.modalities import chat, completions, messages, responses, videos
from models.modalities.messages import count
from models.modalities.responses import request
from tests.e2e.fuzzing import RELAXED, any_value_in_any_field
from tests.e2e.stack import Stack

pytestmark = pytest.mark.e2e


def test_the_documented_api_never_fails(stack: Stack) -> None:
    schema = schemathesis.openapi.from_url(f"{stack.url}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) > 8
    for operation in operations:

        @settings(RELAXED, max_examples=40)
        @given(operation.as_strategy())
        def attempt(case: Any) -> None:
            if isinstance(case.query, dict):
                case.query.pop("follow", None)  # such an answer has no end
            answer = case.call(timeout=30)
            case.validate_response(answer, checks=[not_a_server_error])
            if answer.status_code >= 400 and "json" in answer.headers.get("content-type", [""])[0]:
                _check_form(case.operation.path, answer.json())

        attempt()


def _check_form(path: str, body: Any) -> None:
    if path.startswith(("/anthropic/", "/v1/messages")):
        assert body["type"] == "error"
        assert set(body["error"]) == {"type", "message", "details"}
    elif path.startswith("/fal/"):
        assert set(body) == {"detail", "error_type", "param"}
    elif path.startswith("/v1/predictions") or path.endswith("/predictions"):
        assert set(body) == {"title", "detail", "status", "type", "param"}
    elif not path.startswith("/sdapi/"):  # there it is a word
        assert set(body["error"]) - {"reasons"} == {"message", "type", "param", "code"}


ENDPOINTS: list[tuple[str, dict[str, Any], Any]] = [
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": "a b"}], "max_tokens": 2}, chat.Request),
    ("/v1/completions", {"prompt": "a b", "max_tokens": 2}, completions.Request),
    ("/v1/messages", {"messages": [{"role": "user", "content": "a b"}], "max_tokens": 2}, messages.Request),
    ("/v1/responses", {"input": "a b", "max_output_tokens": 16}, responses.CreateResponse),
    ("/v1/responses/input_tokens", {"input": "a b"}, request.CountTokens),
    ("/v1/messages/count_tokens", {"messages": [{"role": "user", "content": "a b"}]}, count.Request),
]


@pytest.fixture(scope="module")
def terse(stack: Stack) -> Iterator[str]:
    """A model that ends its answer soon, whatever limit it is given."""
    yield stack.launch_echo("terse", context_length=128, step_ms=0)
    stack.client.terminate("terse")


@pytest.mark.parametrize(("path", "base", "request_type"), ENDPOINTS, ids=[path for path, _, _ in ENDPOINTS])
def test_any_value_in_any_field_is_answered_or_refused(
    stack: Stack, terse: str, path: str, base: dict[str, Any], request_type: Any
) -> None:
    any_value_in_any_field(stack.url, path, base | {"model": terse}, set(request_type.model_fields))


@pytest.fixture(scope="module")
def film(stack: Stack) -> Iterator[str]:
    """A model that makes videos at once."""
    stack.client.launch({"model_uid": "short", "model_name": "echo", "model_type": "video", "step_ms": 0})
    stack.client.wait_ready("short")
    yield "short"
    stack.client.terminate("short")


@pytest.mark.parametrize(("path", "picture"), [("/v1/videos", "input_reference"), ("/v1/video/generations", "image")])
def test_any_value_in_any_field_of_a_video_is_answered_or_refused(
    stack: Stack, film: str, path: str, picture: str
) -> None:
    fields = {*videos.Request.model_fields, "kwargs", "width", "height", picture}
    any_value_in_any_field(stack.url, path, {"model": film, "prompt": "a bar", "steps": 1}, fields)


def test_any_bytes_are_answered_or_refused(stack: Stack) -> None:
    with httpx.Client(base_url=stack.url, timeout=30) as http:

        @RELAXED
        @given(st.binary(max_size=200), st.sampled_from([path for path, _, _ in ENDPOINTS] + ["/v1/models"]))
        def attempt(body: bytes, path: str) -> None:
            answer = http.post(path, content=body, headers={"content-type": "application/json"})
            assert answer.status_code == 400
            assert answer.json()["error"]["message"]

        attempt()


@given(st.text(min_size=1, max_size=120))
@settings(RELAXED, max_examples=60)
def test_any_uid_is_looked_for(stack: Stack, uid: str) -> None:
    from urllib.parse import quote

    path = quote(uid, safe="", errors="surrogatepass")
    for tail in ("", "/progress", "/replicas"):
        assert httpx.get(f"{stack.url}/v1/models/{path}{tail}").status_code in (200, 307, 400, 404, 405)
