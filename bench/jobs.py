"""Jobs: how many a second are accepted and done, how long a cancel takes, how much a batch slows down requests."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx

from bench.client import percentile, stream
from bench.platform import Platform

Row = dict[str, Any]
NO_OP = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 1}


class Line:
    """One kept connection with one request at a time: a client that computes little."""

    def __init__(self, url: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._host = urlsplit(url).netloc
        self._reader, self._writer = reader, writer

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request; returns the JSON of its answer. Raises RuntimeError for any status but 2xx."""
        payload = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
        self._writer.write(f"{head}Content-Length: {len(payload)}\r\n\r\n".encode() + payload)
        status, length = int((await self._reader.readline()).split()[1]), 0
        while (line := await self._reader.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        content = await self._reader.readexactly(length)
        if not 200 <= status < 300:
            raise RuntimeError(f"{status}: {content[:200]!r}")
        return json.loads(content)


@asynccontextmanager
async def lines(url: str, count: int) -> AsyncIterator[list[Line]]:
    """Open so many connections for the time of the block."""
    parts = urlsplit(url)
    pairs = [await asyncio.open_connection(parts.hostname, parts.port) for _ in range(count)]
    try:
        yield [Line(url, *pair) for pair in pairs]
    finally:
        for _, writer in pairs:
            writer.close()


async def submit(there: Platform, uid: str, clients: int, count: int) -> tuple[float, list[float]]:
    """Submit ``count`` no-op jobs; returns the seconds that it took in all, and those of each request."""
    numbers = iter(range(count))
    took: list[float] = []

    async def client(line: Line) -> None:
        for _ in numbers:
            began = time.perf_counter()
            await line.ask("POST", "/v1/jobs", {"kind": "chat.completions", "model": uid, "input": NO_OP})
            took.append(time.perf_counter() - began)

    async with lines(there.url, clients) as open_lines:
        began = time.perf_counter()
        await asyncio.gather(*map(client, open_lines))
        return time.perf_counter() - began, took


async def accepted(there: Platform, name: str, count: int) -> Row:
    """Jobs accepted for a model that no device can have, so that nothing but accepting is measured."""
    async with httpx.AsyncClient() as http:
        asked = {"model_uid": "nowhere", "model_name": "echo", "n_gpu": 1}
        (await http.post(f"{there.url}/v1/models?wait_ready=false", json=asked)).raise_for_status()
    elapsed, took = await submit(there, "nowhere", 64, count)
    await there.terminate("nowhere")
    return {
        "what": f"accepted, {name}",
        "jobs": count,
        "jobs/s": count / elapsed,
        "p50 ms": percentile(took, 0.5) * 1e3,
        "p99 ms": percentile(took, 0.99) * 1e3,
    }


async def done(there: Platform, name: str, count: int) -> Row:
    """Jobs from end to end: submitted, claimed, computed, recorded."""
    await there.launch("no-op", model_name="echo", step_ms=0, max_inflight=256)
    began = time.perf_counter()
    _, took = await submit(there, "no-op", 32, count)
    async with lines(there.url, 1) as [line]:
        while (await line.ask("GET", "/v1/jobs?model=no-op&state=queued&limit=1"))["data"]:
            await asyncio.sleep(0.05)
        while (await line.ask("GET", "/v1/jobs?model=no-op&state=running&limit=1"))["data"]:
            await asyncio.sleep(0.02)
        elapsed = time.perf_counter() - began
    await there.terminate("no-op")
    return {
        "what": f"end to end, no-op, {name}",
        "jobs": count,
        "jobs/s": count / elapsed,
        "p50 ms": percentile(took, 0.5) * 1e3,
        "p99 ms": percentile(took, 0.99) * 1e3,
    }


async def cancels(there: Platform, count: int) -> Row:
    """The time from a request to cancel until the job has stopped and its end is recorded."""
    await there.launch("long", model_name="echo", step_ms=20, max_inflight=256)
    took = []
    sent = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 30_000}
    async with lines(there.url, 1) as [line]:
        for _ in range(count):
            job = await line.ask("POST", "/v1/jobs", {"kind": "chat.completions", "model": "long", "input": sent})
            path = f"/v1/jobs/{job['id']}"
            while (await line.ask("GET", path))["state"] != "running":
                await asyncio.sleep(0.01)
            began = time.perf_counter()
            await line.ask("POST", f"{path}/cancel")
            while (await line.ask("GET", path))["state"] != "cancelled":
                await asyncio.sleep(0.005)
            took.append(time.perf_counter() - began)
    await there.terminate("long")
    return {
        "what": "cancel to stop",
        "jobs": count,
        "jobs/s": 0.0,
        "p50 ms": percentile(took, 0.5) * 1e3,
        "p99 ms": percentile(took, 0.99) * 1e3,
    }


async def beside_batch(there: Platform, uid: str, count: int, probes: int, words: int) -> Row:
    """The time to the first token of interactive requests, one at a time: alone, and beside a batch of many lines."""
    sent = {"model": uid, "messages": [{"role": "user", "content": "Name a colour."}], "max_tokens": 8, "stream": True}

    async def first_ms() -> float:
        answers = [await stream(f"{there.url}/v1/chat/completions", dict(sent)) for _ in range(probes)]
        return percentile([answer.first_s for answer in answers], 0.5) * 1e3

    await first_ms()
    alone = await first_ms()
    async with httpx.AsyncClient(base_url=there.url, timeout=120) as http:
        batch = await _start_batch(http, uid, count, words)
        while (await _batch(http, batch))["request_counts"]["completed"] < 1:
            await asyncio.sleep(0.2)
        before, began = await _batch(http, batch), time.perf_counter()
        beside = await first_ms()
        after, elapsed = await _batch(http, batch), time.perf_counter() - began
        if after["status"] != "in_progress":
            raise RuntimeError(f"the batch is {after['status']}: too short to measure beside it")
        await http.post(f"/v1/batches/{batch}/cancel")
    lines_done = after["request_counts"]["completed"] - before["request_counts"]["completed"]
    return {
        "what": f"first token beside a batch of {count} lines, {uid}",
        "probes": probes,
        "alone p50 ms": alone,
        "beside p50 ms": beside,
        "ratio": beside / alone,
        "batch lines/s": lines_done / elapsed,
    }


async def _start_batch(http: httpx.AsyncClient, uid: str, count: int, words: int) -> str:
    body = {"model": uid, "messages": [{"role": "user", "content": "Tell me of rivers."}], "max_tokens": words}
    line = {"method": "POST", "url": "/v1/chat/completions", "body": body}
    content = "".join(json.dumps({"custom_id": f"line-{number}", **line}) + "\n" for number in range(count))
    file = await http.post("/v1/files", data={"purpose": "batch"}, files={"file": ("batch.jsonl", content.encode())})
    asked = {"input_file_id": file.json()["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    return str((await http.post("/v1/batches", json=asked)).raise_for_status().json()["id"])


async def _batch(http: httpx.AsyncClient, batch: str) -> Any:
    return (await http.get(f"/v1/batches/{batch}")).json()


async def jobs(there: Platform, name: str, scale: float) -> list[Row]:
    """All measurements of jobs on one database."""
    count = max(int(6000 * scale), 200)
    return [
        await accepted(there, name, count),
        await done(there, name, count),
        await cancels(there, max(int(20 * scale), 3)),
    ]
