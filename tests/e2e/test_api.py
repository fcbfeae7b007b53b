"""The gateway's surface, through OpenAI's own client and by hand, on real processes."""

import asyncio
import contextlib
import json
import re
import sys
from typing import Any

import httpx
import openai
import pytest

from api.local.embedded import free_port
from models.process.processes import spawn
from tests.e2e.stack import Stack, clean_environment
from tests.e2e.talk import PROMPT, chat, client, hear, launch, metric, until

pytestmark = pytest.mark.e2e

TOOL: Any = {"type": "function", "function": {"name": "f"}}
SAYS: Any = {
    "type": "function",
    "function": {"name": "f", "parameters": {"type": "object", "properties": {"text": {"type": "string"}}}},
}


@pytest.fixture
def sdk(stack: Stack) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{stack.url}/v1", api_key="none", max_retries=0)


def test_a_chat_is_answered(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(
        model="echo", messages=[{"role": "user", "content": PROMPT}], max_completion_tokens=6, n=2
    )
    assert [choice.message.content for choice in answer.choices] == ["alpha beta gamma delta alpha beta"] * 2
    assert [choice.finish_reason for choice in answer.choices] == ["length"] * 2
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (4, 12)


def test_a_chat_is_streamed_with_usage(sdk: openai.OpenAI) -> None:
    chunks = list(
        sdk.chat.completions.create(
            model="echo",
            messages=[{"role": "user", "content": PROMPT}],
            stop="delta",
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "alpha beta gamma "
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert len({chunk.id for chunk in chunks}) == 1


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "f"}}])
def test_a_thought_and_a_tool_call_are_streamed_in_pieces(sdk: openai.OpenAI, choice: Any) -> None:
    with sdk.chat.completions.stream(
        model="echo",
        messages=[{"role": "user", "content": PROMPT}],
        tools=[SAYS],
        tool_choice=choice,
        extra_body={"enable_thinking": True},
    ) as stream:
        deltas = [event.chunk.choices[0].delta for event in stream if event.type == "chunk"]
        [answer] = stream.get_final_completion().choices
    assert sum(bool(delta.tool_calls) for delta in deltas) > 2
    assert "".join(getattr(delta, "reasoning_content", "") for delta in deltas).startswith("They said")
    assert answer.finish_reason == "tool_calls"
    [call] = answer.message.tool_calls or []
    assert (call.function.name, json.loads(call.function.arguments)) == ("f", {"text": PROMPT})


def test_completions_go_on_from_each_prompt(sdk: openai.OpenAI) -> None:
    answer = sdk.completions.create(model="echo", prompt=["a b", "c d"], max_tokens=2, echo=True)
    assert [choice.text for choice in answer.choices] == ["a ba b", "c dc d"]
    streamed = sdk.completions.create(model="echo", prompt="a b", max_tokens=3, stream=True)
    assert "".join(chunk.choices[0].text for chunk in streamed) == "a b a"


def test_tokens_are_counted_as_vllm_does(stack: Stack) -> None:
    for path in ("/v1/tokenize", "/tokenize"):
        asked = {"model": "echo", "prompt": PROMPT, "return_token_strs": True}
        answer = httpx.post(stack.url + path, json=asked, timeout=60).json()
        assert (answer["count"], answer["max_model_len"]) == (4, 32_768)
        assert answer["token_strs"] == ["alpha", " beta", " gamma", " delta"]
        assert len(answer["tokens"]) == 4
    assert httpx.post(f"{stack.url}/v1/tokenize", json=chat(), timeout=60).json()["count"] == 4
    answer = httpx.post(f"{stack.url}/v1/detokenize", json={"model": "echo", "tokens": [1, 22]}, timeout=60).json()
    assert answer == {"prompt": "1 22"}


def test_models_are_listed_and_described(sdk: openai.OpenAI, stack: Stack) -> None:
    assert "echo" in [model.id for model in sdk.models.list()]
    assert sdk.models.retrieve("echo").id == "echo"
    described = httpx.get(f"{stack.url}/v1/models/echo").json()
    assert described["model_engine"] == "echo"
    assert described["state"] == "ready"
    assert httpx.get(f"{stack.url}/v1/models/echo/progress").json()["progress"] == 1.0
    [replica] = httpx.get(f"{stack.url}/v1/models/echo/replicas").json()
    assert replica["state"] == "ready"
    assert replica["pid"] > 0
    assert replica["memory_bytes"] > 10_000_000


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code", "param"),
    [
        ("POST", "/v1/chat/completions", b"{not json", 400, "invalid_value", None),
        ("POST", "/v1/chat/completions", b"\xff\xfe", 400, "invalid_value", None),
        ("POST", "/v1/chat/completions", b"[]", 400, "invalid_value", None),
        ("POST", "/v1/chat/completions", b"null", 400, "invalid_value", None),
        ("POST", "/v1/chat/completions", b"", 400, "invalid_value", None),
        ("POST", "/v1/chat/completions", b"{}", 400, "invalid_value", "model"),
        ("POST", "/v1/chat/completions", chat(messages=1), 400, "invalid_value", "messages"),
        ("POST", "/v1/chat/completions", chat(logit_bias={"1": 2}), 400, "unsupported_parameter", "logit_bias"),
        ("POST", "/v1/chat/completions", chat(top_k=5), 400, "unsupported_parameter", "top_k"),
        ("POST", "/v1/chat/completions", chat(max_token=1), 400, "unknown_parameter", "max_token"),
        ("POST", "/v1/chat/completions", chat("nobody"), 404, "model_not_found", "model"),
        ("POST", "/v1/chat/completions", chat("no/body"), 404, "model_not_found", "model"),
        ("POST", "/v1/tokenize", {"model": "echo"}, 400, "invalid_value", "prompt"),
        ("POST", "/v1/tokenize", {"model": "echo", "prompt": "x", "messages": []}, 400, "invalid_value", "messages"),
        ("POST", "/v1/tokenize", {"model": "echo", "prompt": "x", "tools": [TOOL]}, 400, "invalid_value", "tools"),
        ("POST", "/v1/tokenize", chat(chat_template="{{x}}"), 400, "unsupported_parameter", "chat_template"),
        ("POST", "/v1/tokenize", chat(tools=[TOOL, TOOL]), 400, "invalid_value", "tools"),
        ("POST", "/v1/detokenize", {"model": "echo", "tokens": [-1]}, 400, "invalid_value", "tokens[0]"),
        ("GET", "/v1/chat/completions", b"", 405, "method_not_allowed", None),
        ("GET", "/v1/nothing", b"", 404, "not_found", None),
        ("GET", "/v1/models/nobody", b"", 404, "model_not_found", "uid"),
        ("DELETE", "/v1/models/nobody", b"", 404, "model_not_found", "uid"),
        ("POST", "/v1/models", {"model_name": "nothing"}, 404, "model_not_found", "model_name"),
        ("POST", "/v1/models", {"model_name": "echo", "model_engine": "x"}, 400, "invalid_value", "model_engine"),
        ("POST", "/v1/models", {"model_name": "echo", "n_gpu": 2}, 400, "unsupported_parameter", "n_gpu"),
        ("POST", "/v1/models", {"model_name": "echo", "model_uid": "a//b"}, 400, "invalid_value", "model_uid"),
        ("POST", "/v1/models", {"model_name": "echo", "model_uid": "../b"}, 400, "invalid_value", "model_uid"),
        ("POST", "/v1/models", {"model_name": "echo", "model_uid": "a/progress"}, 400, "invalid_value", "model_uid"),
        ("POST", "/v1/models", {"model_name": "echo", "model_uid": "echo"}, 409, "conflict", "model_uid"),
        ("POST", "/v1/models", {"model_name": "echo", "model_uid": "z", "nope": 1}, 400, "invalid_value", "nope"),
        (
            "POST",
            "/v1/models",
            {"model_name": "x", "model_path": "/nowhere/x.gguf"},
            400,
            "invalid_value",
            "model_path",
        ),
        ("POST", "/v1/models", {"model_name": "x", "model_path": "ftp://x"}, 400, "invalid_value", "model_path"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_bad_input_is_refused_in_openais_envelope(
    stack: Stack, method: str, path: str, content: object, status: int, code: str, param: str | None, stream: bool
) -> None:
    if stream and isinstance(content, dict) and "chat" in path:
        content = content | {"stream": True}
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = {"content-type": "application/json"}
    answer = httpx.request(method, stack.url + path, content=body, headers=headers, timeout=60)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == (code, param)
    assert error["message"]
    assert "Traceback" not in answer.text


def test_too_large_a_body_is_refused_whether_declared_or_not(stack: Stack) -> None:
    def pieces() -> object:
        for _ in range(20):
            yield b"x" * (1 << 20)

    for content in (b"x" * (17 << 20), pieces()):
        answer = httpx.post(f"{stack.url}/v1/chat/completions", content=content, timeout=60)  # type: ignore[arg-type]
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "body_too_large"


async def test_a_full_model_refuses_with_retry_after(stack: Stack) -> None:
    async with client(stack.url) as http:
        await launch(http, "narrow", step_ms=50, max_inflight=1, request_limits=2)
        body = chat("narrow", max_tokens=40)
        running = [asyncio.create_task(hear(http, body)) for _ in range(2)]
        await asyncio.sleep(0.5)
        for stream in (True, False):
            refused = await http.post("/v1/chat/completions", json=body | {"stream": stream})
            assert refused.status_code == 503
            assert refused.json()["error"]["code"] == "overloaded"
            assert 1 <= int(refused.headers["retry-after"]) <= 30
        assert [heard.done for heard in await asyncio.gather(*running)] == [True, True]
        assert (await http.post("/v1/chat/completions", json=body | {"max_tokens": 1})).status_code == 200
        assert (await http.delete("/v1/models/narrow")).status_code == 200


async def test_health_and_metrics(stack: Stack) -> None:
    async with client(stack.url) as http:
        assert (await http.get("/healthz")).json() == {"status": "alive"}
        assert all((await http.get("/readyz")).json()["checks"].values())
        before = await metric(http, "headrace_requests_total", model="echo", code="200")
        await hear(http, chat(max_tokens=3))
        assert await metric(http, "headrace_requests_total", model="echo", code="200") == before + 1
        assert await metric(http, "headrace_engine_tokens_total", model="echo") > 0


async def test_the_documentation_needs_no_internet(stack: Stack) -> None:
    async with client(stack.url) as http:
        page = (await http.get("/docs")).text
        parts = re.findall(r'(?:src|href)="([^"]*)"', page)
        assert not re.search(r"(?:https?:)?//[\w.]+\.\w", page), "the page is for machines without internet, too"
        assert {(await http.get(one)).status_code for one in parts if not one.startswith("data:")} == {200}
        assert "/v1/chat/completions" in (await http.get("/openapi.json")).json()["paths"]


async def test_a_stream_says_how_proxies_must_treat_it(stack: Stack) -> None:
    async with client(stack.url) as http, http.stream("POST", "/v1/chat/completions", json=chat(stream=True)) as got:
        assert got.headers["content-type"].startswith("text/event-stream")
        assert got.headers["x-accel-buffering"] == "no"
        assert got.headers["cache-control"] == "no-store"
        assert got.headers["x-request-id"]


async def test_a_connection_is_kept_for_as_long_as_a_client_relies_on_it(stack: Stack) -> None:
    limits = httpx.Limits(max_connections=1, keepalive_expiry=60)
    async with httpx.AsyncClient(base_url=stack.url, limits=limits) as http:
        first = await http.get("/healthz")
        await asyncio.sleep(5.5)  # httpx itself relies on it for 5 s
        second = await http.get("/healthz")

        assert first.extensions["network_stream"] is second.extensions["network_stream"]


async def test_terminating_gives_the_uid_back(stack: Stack) -> None:
    async with client(stack.url) as http:
        for _ in range(2):
            await launch(http, "passing")
            assert (await http.delete("/v1/models/passing")).status_code == 200
            gone = await http.post("/v1/chat/completions", json=chat("passing"))
            assert gone.json()["error"]["code"] == "model_not_found"


async def test_any_number_of_gateways_share_the_devices(stack: Stack) -> None:
    port = free_port()
    env = {
        "HEADRACE_HOME": str(stack.home),
        "HEADRACE_REDIS_URL": stack.redis_url(),
        "HEADRACE_PORT": str(port),
    }
    second = spawn([sys.executable, "-m", "api.app"], env=clean_environment() | env)
    try:
        async with client(stack.url) as one, client(f"http://127.0.0.1:{port}") as two:

            async def ready() -> bool:
                with contextlib.suppress(httpx.HTTPError):
                    return (await two.get("/readyz")).status_code == 200
                return False

            await until(ready)
            await launch(two, "shared", step_ms=2)
            heard = await asyncio.gather(*[hear(http, chat("shared", max_tokens=200)) for http in (one, two) * 20])
            assert all(found.done and len(found.text) == 200 for found in heard)
            assert (await one.delete("/v1/models/shared")).status_code == 200
    finally:
        second.terminate()
        second.wait(20)
