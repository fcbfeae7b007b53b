"""Who may pass the edge, how much they may send, and under which name. No server: it is called as one calls it."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from api.edge.caller import Callers, digest
from api.edge.middleware import FORM_BYTES, Edge
from api.edge.pages import pages_of
from api.edge.session import Sessions
from models.settings import Settings

MOST, MOST_UPLOAD = 1000, 5000
FORM = {"content-type": "multipart/form-data; boundary=b"}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the caller's key as the edge tells it, and the size of the body."""
    request = Request(scope, receive)
    await PlainTextResponse(f"{request.state.caller.key}|{len(await request.body())}")(scope, receive, send)


async def call(path: str = "/v1/models", *, keys: tuple[str, ...] = ("first", "second"), **options: Any) -> Any:
    """One request through the edge; its response."""
    settings = Settings(api_key=SecretStr(",".join(keys)), public_url="http://here", secret_key=SecretStr("0" * 32))
    callers, sessions, pages = Callers(settings), Sessions(settings), pages_of(settings)
    most = {"max_body_bytes": MOST, "max_upload_bytes": MOST_UPLOAD}
    edge = Edge(echo, callers=callers, sessions=sessions, pages=pages, **most)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(edge), base_url="http://here") as client:
        return await client.request("POST" if "content" in options else "GET", path, **options)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer"},
        {"authorization": "Bearer third"},
        {"authorization": "Bearer firs"},
        {"authorization": "Basic first"},
        {"x-api-key": "third"},
        {"authorization": f"Bearer {digest('first').hex()}"},
    ],
)
async def test_who_has_no_key_is_refused(headers: dict[str, str]) -> None:
    for path in ("/v1/models", "/v1/artifacts", "/healthz/", "/v1/jobs/readyz"):
        found = await call(path, headers=headers)
        assert (found.status_code, found.json()["error"]["type"]) == (401, "authentication_error")


@pytest.mark.parametrize("headers", [{"authorization": "bearer  second "}, {"x-api-key": "second"}])
async def test_who_has_a_key_is_known_by_its_digest(headers: dict[str, str]) -> None:
    assert (await call(headers=headers)).text == f"{digest('second').hex()}|0"


OPEN = ("/healthz", "/readyz", "/health", "/v1/health", "/ping", "/v1/cluster/auth", "/v1/artifacts/jobs/1/a.png")


@pytest.mark.parametrize("path", OPEN)
async def test_probes_and_signed_urls_need_no_key(path: str) -> None:
    assert (await call(path)).text == "|0"


async def test_without_keys_everybody_passes() -> None:
    assert (await call(keys=())).text == "|0"


async def test_a_body_may_be_as_large_as_is_allowed() -> None:
    assert (await call(keys=(), content=b"x" * MOST)).text == f"|{MOST}"
    assert (await call(keys=(), content=b"x" * (MOST + 1))).status_code == 413


async def test_a_body_that_does_not_say_its_size_is_counted() -> None:
    async def pieces(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 100

    assert (await call(keys=(), content=pieces(10))).text == f"|{MOST}"
    with pytest.raises(HTTPException) as caught:  # which the application answers
        await call(keys=(), content=pieces(11))
    assert caught.value.status_code == 413


async def test_forms_with_files_may_be_larger_where_files_are_taken() -> None:
    most = MOST_UPLOAD + FORM_BYTES
    for path in ("/v1/files", "/v1/videos", "/v1/video/generations/image", "/v1/videos/edits"):
        assert (await call(path, keys=(), content=b"x" * most, headers=FORM)).text == f"|{most}"
    assert (await call("/v1/files", keys=(), content=b"x" * (most + 1), headers=FORM)).status_code == 413
    assert (await call("/v1/files", keys=(), content=b"x" * (MOST + 1))).status_code == 413
    assert (await call("/v1/chat", keys=(), content=b"x" * (MOST + 1), headers=FORM)).status_code == 413


@pytest.mark.parametrize(("asked", "kept"), [("mine-1", True), ("", False), ("x" * 65, False), ("a b", False)])
async def test_a_request_has_a_name(asked: str, kept: bool) -> None:
    for headers in ({}, {"authorization": "Bearer first"}):
        name = (await call(headers=headers | {"x-request-id": asked})).headers["x-request-id"]
        assert name == asked if kept else name.startswith("req_")


def cookie_of(key: str) -> dict[str, str]:
    ours = Sessions(Settings(secret_key=SecretStr("0" * 32)))
    return {"cookie": f"{ours.name}={ours.made(digest(key), int(time.time()) + 3600)}"}


async def test_a_session_stands_for_its_key() -> None:
    answer = await call(headers=cookie_of("first"))
    assert (answer.status_code, answer.text) == (200, f"{digest('first').hex()}|0")
    assert (await call(headers=cookie_of("gone"))).status_code == 401
    assert (await call(headers=cookie_of("first") | {"sec-fetch-site": "cross-site"})).status_code == 401
    both = cookie_of("first") | {"x-api-key": "second"}
    assert (await call(headers=both)).text == f"{digest('second').hex()}|0"
    assert (await call(headers=cookie_of("first") | {"x-api-key": "wrong"})).status_code == 401


async def test_whoever_has_no_key_may_ask_whether_one_is_needed() -> None:
    assert (await call("/v1/session")).text == "|0"
    assert (await call("/v1/session", headers=cookie_of("first"))).text == f"{digest('first').hex()}|0"
    assert (await call("/v1/session", headers={"x-api-key": "wrong"})).status_code == 401
    assert (await call("/v1/sessions")).status_code == 401


@pytest.mark.parametrize("path", ["/", "/ui/", "/ui/models/x"])
async def test_the_interface_needs_no_key(path: str) -> None:
    assert (await call(path)).status_code == 200
