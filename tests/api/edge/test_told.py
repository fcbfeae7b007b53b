"""What callers who launch no models are told of failures (``api.edge.told``)."""

import asyncio
import json
import time
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from pydantic import SecretStr
from sse_starlette import ServerSentEvent
from starlette.requests import Request

from api.edge import errors
from api.edge.caller import Callers, caller_of
from api.edge.heads import Heads
from api.edge.middleware import Edge
from api.edge.pages import pages_of
from api.edge.session import Sessions
from api.edge.told import Told, told_to, without_paths
from api.requests.server_sent import ServerSent
from models.errors import InvalidRequest, ModelFailed
from models.reasons import as_told, told
from models.settings import Settings

SECRET = "/work/secret-place/broken"
WHY = f"data did not match any variant: {SECRET}/tokenizer.json, at line 757"
USER, BOSS = {"authorization": "Bearer user"}, {"authorization": "Bearer boss"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("there is nothing at /work/a", "there is nothing at [path]"),
        (
            "[Errno 2] No such file or directory: '/work/my own/it's a/b'",
            "[Errno 2] No such file or directory: '[path]'",
        ),
        ('File "/usr/lib/python3/a b.py", line 5', 'File "[path]", line 5'),
        ("found in directory /home/u/a/b.", "found in directory [path]."),
        ("(/work/a/b): it is broken", "([path]): it is broken"),
        ("see /work/My Own Models/Llama 3/model.gguf, please", "see [path], please"),
        ("error:/work/a failed", "error:[path] failed"),
        ("source=/work/a,/work/b failed", "source=[path] failed"),
        ("of file:///work/a and file:/work/b", "of [path] and [path]"),
        ("in ~/models/a or ~bob/models", "in [path] or [path]"),
        ("at //work//a", "at [path]"),
        ("a\n  File /work/a\nb", "a\n  File [path]\nb"),
    ],
)
def test_paths_of_machines_are_hidden(text: str, shown: str) -> None:
    assert without_paths(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "hf:org/name has no config.json",
        "https://huggingface.co/org/name?a=/b does not answer, nor http://10.0.0.1:80/x",
        "ask POST /v1/images/generations, or '/v1/devices'",
        "1/2 of and/or, <think>no</think>, 5 B/s, a / b",
        "models--org--name/snapshots/0/model.safetensors is not whole",
    ],
)
def test_what_is_no_path_of_a_machine_stays(text: str) -> None:
    assert without_paths(text) == text


def test_long_texts_take_no_time() -> None:
    begun = time.process_time()
    for text in ("a" * 100_000 + "/", "'/" * 50_000, "/a b c " * 10_000, "file:" + "/" * 100_000, "~" * 100_000 + "/"):
        without_paths(text)
    assert time.process_time() - begun < 5


async def _events() -> Any:
    yield ServerSentEvent(json.dumps({"text": WHY}), event="failed", id="7")


def _app() -> FastAPI:
    """An application behind the edge, as the gateway's is made."""
    app = FastAPI()
    errors.install(app)

    @app.get("/v1/models/m/progress")
    async def progress(request: Request, follow: bool = False) -> Response:
        return ServerSent(_events()) if follow else JSONResponse({"replicas": [{"info": WHY, "failures": 3}]})

    @app.get("/v1/models/org/m/predictions")
    async def chats() -> dict[str, str]:
        return {"content": WHY}

    @app.get("/v1/fails")
    async def fails(status: int) -> None:
        raise (ModelFailed if status == 503 else InvalidRequest)(WHY, param="model")

    @app.get("/v1/breaks")
    async def breaks(request: Request) -> Response:
        return Response(errors.event(request, ModelFailed(WHY)) + errors.late(request, ModelFailed(WHY)))

    @app.get("/v1/models/key")
    async def key(request: Request) -> Response:
        return Response(caller_of(request).key + SECRET, media_type="text/plain")

    settings = Settings(api_key=SecretStr("user"), admin_key=SecretStr("boss"), public_url="http://here")
    app.add_middleware(Told)
    app.add_middleware(Heads)
    app.add_middleware(
        Edge,
        callers=Callers(settings),
        sessions=Sessions(settings),
        pages=pages_of(settings),
        max_body_bytes=1000,
        max_upload_bytes=1000,
    )
    return app


def ask(path: str, headers: dict[str, str], method: str = "GET") -> httpx.Response:
    """One request; its answer."""

    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(_app()), base_url="http://here") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(asked())


@pytest.mark.parametrize("path", ["/v1/models/m/progress", "/v1/models/m/progress?follow=true", "/v1/breaks"])
def test_users_see_why_and_administrators_where(path: str) -> None:
    seen, whole = ask(path, USER), ask(path, BOSS)
    assert seen.status_code == whole.status_code == 200
    assert WHY in whole.text
    assert "secret-place" not in seen.text
    assert "data did not match any variant: [path], at line 757" in seen.text


def test_an_answer_is_whole_in_its_new_length() -> None:
    seen = ask("/v1/models/m/progress", USER)
    assert seen.json()["replicas"][0]["failures"] == 3
    assert seen.headers["content-length"] == str(len(seen.content))
    assert ask("/v1/models/m/progress", USER, "HEAD").headers["content-length"] == str(len(seen.content))
    followed = ask("/v1/models/m/progress?follow=true", USER).text
    assert followed.replace("\r", "").startswith("id: 7\nevent: failed\ndata: {")
    assert followed.replace("\r", "").endswith("}\n\n")


def test_errors_of_ours_are_told_without_paths_and_those_of_requests_as_they_are() -> None:
    failed = ask("/v1/fails?status=503", USER)
    assert (failed.status_code, failed.json()["error"]["code"], failed.json()["error"]["param"]) == (
        503,
        "model_failed",
        "model",
    )
    assert "secret-place" not in failed.text
    assert WHY in ask("/v1/fails?status=503", BOSS).json()["error"]["message"]
    assert WHY in ask("/v1/fails?status=400", USER).json()["error"]["message"]


def test_what_models_write_is_not_touched() -> None:
    assert ask("/v1/models/org/m/predictions", USER).json()["content"] == WHY
    assert ask("/v1/models/key", USER).text.endswith(SECRET)


def test_what_a_message_says_is_told_without_paths_too() -> None:
    why = told("no vllm", "interpreter_mute", python=SECRET, error="gone")
    error = told_to(None, ModelFailed(why))
    assert [one["values"] for one in as_told(error.told)] == [{"python": "[path]", "error": "gone"}]
    body = json.loads(errors.envelope(error))
    assert body["error"]["reasons"][0]["code"] == "interpreter_mute"
    assert "reasons" not in json.loads(errors.envelope(ModelFailed("x")))["error"]
