"""What end-to-end tests say about jobs, and how they follow them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx

from tests.e2e.talk import chat, until

FINAL = ("succeeded", "failed", "cancelled", "expired")


def order(model: str, *, priority: int = 0, **fields: Any) -> dict[str, Any]:
    """The body of a job that has a chat answered; ``fields`` are the chat's, but for the job's own."""
    own = {name: fields.pop(name) for name in ("deadline", "webhook", "metadata") if name in fields}
    return {"kind": "chat.completions", "model": model, "priority": priority, "input": _input(**fields)} | own


def _input(**fields: Any) -> dict[str, Any]:
    body = chat("", **fields)
    del body["model"]
    return body


async def submit(http: httpx.AsyncClient, body: dict[str, Any], key: str | None = None) -> dict[str, Any]:
    """Submit a job; it, as the answer shows it."""
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = await http.post("/v1/jobs", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def job(http: httpx.AsyncClient, id: str) -> dict[str, Any]:
    """The job as it is now."""
    answer = await http.get(f"/v1/jobs/{id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def reaches(http: httpx.AsyncClient, id: str, *states: str, seconds: float = 20) -> dict[str, Any]:
    """The job, once it is in one of these states."""

    async def there() -> bool:
        found.update(await job(http, id))
        return found["state"] in states

    found: dict[str, Any] = {}
    try:
        await until(there, seconds)
    except TimeoutError:
        raise AssertionError(f"it never became {' or '.join(states)}: {found}") from None
    return found


async def refusal(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and parameter of an answer that is an error."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["param"]


class Told(NamedTuple):
    """One server-sent event."""

    id: str | None
    type: str
    data: dict[str, Any]


@asynccontextmanager
async def following(http: httpx.AsyncClient, id: str, after: str | None = None) -> AsyncIterator[AsyncIterator[Told]]:
    """A job's events as they come; leaving the block hangs up."""
    headers = {} if after is None else {"Last-Event-ID": after}
    async with http.stream("GET", f"/v1/jobs/{id}/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _events(answer.aiter_lines())


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[Told]:
    fields: dict[str, str] = {}
    async for line in lines:
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif not line and "data" in fields:
            yield Told(fields.get("id"), fields["event"], json.loads(fields["data"]))
            fields = {}


async def hear_all(http: httpx.AsyncClient, id: str, after: str | None = None) -> list[Told]:
    """All events until the stream ends."""
    async with following(http, id, after) as events:
        return [one async for one in events]
