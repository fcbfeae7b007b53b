"""Paths under a prefix that a proxy has left in place."""

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from api.edge.prefixes import DEEPEST, Prefixes


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    await JSONResponse([request.url.path, scope["raw_path"].decode()])(scope, receive, send)


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("/v1/models", "/v1/models"),
        ("/a/v1/models", "/v1/models"),
        ("/a/b/ui/models/x", "/ui/models/x"),
        ("/a/b/ui/models/Qwen%2FQwen3", "/ui/models/Qwen%2FQwen3"),
        ("/a/docs", "/docs"),
        ("/v1/models/ui/v1", "/v1/models/ui/v1"),
        ("/a/v1/models/b/v1/c", "/v1/models/b/v1/c"),
        ("/a/b", "/a/b"),
        ("//healthz", "//healthz"),
        ("/a//healthz", "/a//healthz"),
        ("/", "/"),
        ("/chat/completions", "/chat/completions"),
        ("/x" * DEEPEST + "/v1/models", "/v1/models"),
        ("/x" * (DEEPEST + 1) + "/v1/models", "/x" * (DEEPEST + 1) + "/v1/models"),
    ],
)
async def test_what_stands_before_our_paths_is_taken_off(asked: str, served: str) -> None:
    transport = httpx.ASGITransport(Prefixes(echo))
    async with httpx.AsyncClient(transport=transport) as client:
        path, raw = (await client.get(f"http://here{asked}")).json()
    assert (httpx.URL(f"http://here{served}").path, served) == (httpx.URL(f"http://here{path}").path, raw)


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("/a/", "/"),
        ("/deep/er/", "/"),
        ("/x" * DEEPEST + "/", "/"),
        ("/x" * (DEEPEST + 1) + "/", "/x" * (DEEPEST + 1) + "/"),
        ("/deep/er", "/deep/er"),
        ("/", "/"),
        ("/ui/", "/ui/"),
        ("/a/ui/", "/ui/"),
        ("/v1/models/", "/v1/models/"),
        ("/a//", "/a//"),
    ],
)
async def test_a_browser_that_opens_the_prefix_itself_opens_the_root(asked: str, served: str) -> None:
    transport = httpx.ASGITransport(Prefixes(echo))
    async with httpx.AsyncClient(transport=transport) as client:
        opened = await client.get(f"http://here{asked}", headers={"accept": "text/html,*/*;q=0.8"})
        assert (httpx.URL(opened.json()[0]).path, opened.json()[1]) == (served, served)
        program = await client.get("http://here/deep/er/", headers={"accept": "application/json"})
        posted = await client.post("http://here/deep/er/", headers={"accept": "text/html"})
    assert [program.json()[1], posted.json()[1]] == ["/deep/er/", "/deep/er/"]
