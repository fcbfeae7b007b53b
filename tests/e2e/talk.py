"""What end-to-end tests say to a gateway, and how they read its answers."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

PROMPT = "alpha beta gamma delta"


def chat(model: str = "echo", **fields: Any) -> dict[str, Any]:
    """The body of a chat completion."""
    return {"model": model, "messages": [{"role": "user", "content": PROMPT}]} | fields


def client(url: str, **options: Any) -> httpx.AsyncClient:
    """A client with room for hundreds of streams."""
    limits = httpx.Limits(max_connections=1000, max_keepalive_connections=0)
    return httpx.AsyncClient(base_url=url, timeout=60, limits=limits, **options)


class Heard:
    """A stream as it was heard so far."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.error: dict[str, Any] | None = None
        self.done = False
        self.comments = 0
        self.finish: str | None = None

    def take(self, line: str) -> bool:
        """Read one line; whether it brought a token."""
        if line.startswith(":"):
            self.comments += 1
        if not line.startswith("data: "):
            return False
        if line == "data: [DONE]":
            self.done = True
            return False
        event = json.loads(line[6:])
        if "error" in event:
            self.error = event["error"]
            return False
        for choice in event["choices"]:
            self.finish = choice["finish_reason"] or self.finish
            if choice["delta"].get("content"):
                self.text.append(choice["delta"]["content"])
                return True
        return False


@asynccontextmanager
async def streaming(http: httpx.AsyncClient, body: dict[str, Any]) -> AsyncIterator[tuple[Heard, AsyncIterator[str]]]:
    """An open stream, and its lines; leaving the block hangs up."""
    async with http.stream("POST", "/v1/chat/completions", json=body | {"stream": True}) as response:
        if response.status_code != 200:
            raise AssertionError(f"{response.status_code}: {(await response.aread()).decode()}")
        yield Heard(), response.aiter_lines()


async def hear(http: httpx.AsyncClient, body: dict[str, Any], *, pause_s: float = 0) -> Heard:
    """Read a stream to its end, resting after each token."""
    async with streaming(http, body) as (heard, lines):
        async for line in lines:
            if heard.take(line) and pause_s:
                await asyncio.sleep(pause_s)
    return heard


async def launch(http: httpx.AsyncClient, uid: str, **fields: Any) -> None:
    """Launch an echo model and wait until it serves."""
    answer = await http.post("/v1/models", json={"model_uid": uid, "model_name": "echo"} | fields)
    assert answer.status_code == 200, answer.text


async def replicas(http: httpx.AsyncClient, uid: str) -> list[dict[str, Any]]:
    """The replicas of a model, as the gateway tells."""
    found: list[dict[str, Any]] = (await http.get(f"/v1/models/{uid}/replicas")).json()
    return found


async def metric(http: httpx.AsyncClient, name: str, **labels: str) -> float:
    """The sum of a metric over the series that bear these labels."""
    total = 0.0
    for line in (await http.get("/metrics")).text.splitlines():
        found = re.fullmatch(rf"{name}(?:{{(.*)}})? (\S+)", line)
        if found and all(f'{key}="{value}"' in (found[1] or "") for key, value in labels.items()):
            total += float(found[2])
    return total


async def until(condition: Any, seconds: float = 20) -> None:
    """Wait until the awaitable condition holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.1)
