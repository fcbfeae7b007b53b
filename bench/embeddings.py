"""Embeddings and rerank: through the whole platform, in the bare library, and on other servers with equal weights."""

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import httpx

from api.local.embedded import free_port
from bench.bare import Bare
from bench.client import percentile
from bench.platform import Platform
from models.process.processes import kill_group, spawn
from tests.support.weights import RERANKER, large, minilm_directory, smollm2_directory

Row = dict[str, Any]
Body = Callable[[list[str]], Row]

WORDS = (
    *("the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "while", "water", "turns", "the", "mill"),
    *("and", "its", "stones", "grind", "flour", "for", "bread"),
)
QUERY = "what does the water mill grind"
CLIENTS = (1, 8, 64)
REQUESTS = {1: 60, 8: 240, 64: 960}
ROUNDS = 3
PEER_START_S = 600


def sentences(count: int, draw: random.Random) -> list[str]:
    """Short sentences, of eight to twelve words."""
    return [" ".join(draw.choices(WORDS, k=draw.randint(8, 12))) for _ in range(count)]


class Side:
    """A server, and what was measured of it, by the number of clients and the number of texts in a request.

    ``rates`` are requests a second of each batch, ``times`` the seconds of each request.
    """

    def __init__(self, name: str, url: str, body: Body) -> None:
        self.name = name
        self._parts = urlsplit(url)
        self._body = body
        self.rates: dict[tuple[int, int], list[float]] = {}
        self.times: dict[tuple[int, int], list[float]] = {}

    async def batch(self, clients: int, texts: list[str], each: int, *, counts: bool = True) -> None:
        """Send the texts, so many in each request, from clients that wait for their answers."""
        requests = iter([self._request(texts[at : at + each]) for at in range(0, len(texts), each)])
        times: list[float] = []
        began = perf_counter()
        await asyncio.gather(*(self._client(requests, times) for _ in range(clients)))
        elapsed = perf_counter() - began
        if counts:
            self.rates.setdefault((clients, each), []).append(len(times) / elapsed)
            self.times.setdefault((clients, each), []).extend(times)

    def row(self, clients: int, each: int) -> Row:
        """One row of what was measured."""
        times, rate = self.times[clients, each], median(self.rates[clients, each])
        return {
            "what": self.name,
            "clients": clients,
            "texts a request": each,
            "requests/s": rate,
            "texts/s": rate * each,
            "p50 ms": percentile(times, 0.5) * 1e3,
            "p99 ms": percentile(times, 0.99) * 1e3,
        }

    def _request(self, texts: list[str]) -> bytes:
        payload = json.dumps(self._body(texts)).encode()
        head = f"POST {self._parts.path} HTTP/1.1\r\nHost: {self._parts.netloc}\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(payload)}\r\n\r\n".encode() + payload

    async def _client(self, requests: Iterator[bytes], times: list[float]) -> None:
        reader, writer = await asyncio.open_connection(self._parts.hostname, self._parts.port, limit=1 << 24)
        for request in requests:
            began = perf_counter()
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if b" 200 " not in head[:16]:
                raise RuntimeError(f"{self.name} answered {head.decode(errors='replace')}")
            await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
            times.append(perf_counter() - began)
        writer.close()


async def _library(modality: str, source: str) -> Bare:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.encoding", modality, source, stdin=pipe, stdout=pipe, limit=1 << 26
    )
    bare = Bare(process)
    await bare.answer()
    return bare


@contextlib.asynccontextmanager
async def _peer(name: str, command: list[str], path: str, **env: str) -> AsyncIterator[Side]:
    """Another server, started by its script. Its first start may make its virtual environment, which takes long."""
    port = free_port()
    log = Path(os.environ.get("TMPDIR", "/tmp")) / f"headrace-bench-{name}.log"
    with log.open("wb") as output:
        process = spawn(command, env=os.environ | {"PORT": str(port)} | env, stdout=output, stderr=output)
    side = Side(f"{name}, embeddings", f"http://127.0.0.1:{port}{path}", lambda texts: _embed("my-minilm", texts))
    try:
        async with httpx.AsyncClient(timeout=60) as http:
            for _ in range(PEER_START_S):
                with contextlib.suppress(httpx.HTTPError):
                    body = _embed("my-minilm", ["ready?"])
                    if (await http.post(f"http://127.0.0.1:{port}{path}", json=body)).status_code == 200:
                        break
                await asyncio.sleep(1)
            else:
                raise RuntimeError(f"{name} has not answered for {PEER_START_S} s: see {log}")
        yield side
    finally:
        kill_group(process.pid, signal.SIGKILL)
        process.wait()


def _embed(model: str, texts: list[str]) -> Row:
    return {"model": model, "input": texts[0] if len(texts) == 1 else texts}


@contextlib.asynccontextmanager
async def _peers(scripts: Path | None, source: str) -> AsyncIterator[list[Side]]:
    """Those of the other servers for which there are scripts."""
    async with contextlib.AsyncExitStack() as stack:
        started = []
        for name, script, path in (
            ("infinity", "infinity_peer.sh", "/embeddings"),
            ("Xinference", "xinference_peer.sh", "/v1/embeddings"),
        ):
            if scripts is None or not (scripts / script).is_file():
                print(f"{name} is not measured: there is no {script} in {scripts} (--peers names the folder)")
                continue
            env = {"EMB_DIR": source, "LLM_DIR": str(smollm2_directory())}
            try:
                command = ["bash", str(scripts / script)]
                started.append(await stack.enter_async_context(_peer(name, command, path, **env)))
            except RuntimeError as error:
                print(f"{name} is not measured: {error}")
        yield started


async def embeddings(there: Platform, scale: float, scripts: Path | None) -> list[Row]:
    """One short sentence a request, and 64 of them, at all servers and in the bare library, in turns."""
    source = str(minilm_directory())
    await there.launch("minilm", model_name="minilm")
    ours = Side("Headrace, embeddings", f"{there.url}/v1/embeddings", lambda texts: _embed("minilm", texts))
    bare = await _library("embeddings", source)
    async with _peers(scripts, source) as others:
        rows = await _rounds([ours, *others], bare, scale, "bare encode", None)
    await bare.stop()
    await there.terminate("minilm")
    return rows


async def rerank(there: Platform, scale: float) -> list[Row]:
    """A query and eight short documents a request; with the large cross-encoder where its weights are there."""
    source = str(large("minilm-reranker") or RERANKER)
    await there.launch("rank", model_name="rank", model_type="rerank", model_path=source)
    url = f"{there.url}/v1/rerank"
    ours = Side("Headrace, rerank", url, lambda texts: {"model": "rank", "query": QUERY, "documents": texts})
    bare = await _library("rerank", source)
    rows = await _rounds([ours], bare, scale, "bare predict", QUERY)
    await bare.stop()
    await there.terminate("rank")
    return rows


async def _rounds(sides: list[Side], bare: Bare, scale: float, name: str, query: str | None) -> list[Row]:
    """Run all sizes of load several times, each time on all servers in turn, with the same texts."""
    draw = random.Random(0)
    unit = 8 if query else 1
    loads = [(clients, unit, int(REQUESTS[clients] * scale) or clients) for clients in CLIENTS]
    loads.append((1, 64, int(12 * scale) or 1))
    alone: dict[int, list[float]] = {}
    for side in sides:
        await side.batch(8, sentences(64 * unit, draw), unit, counts=False)
    for number in range(ROUNDS):
        for clients, each, count in loads:
            texts = sentences(max(count, clients) * each, draw)
            for side in sides if number % 2 else reversed(sides):
                await side.batch(clients, texts, each)
        for at_once, count in ((unit, 60 * unit), (64, 960)):
            texts = sentences(max(int(count * scale), at_once), draw)
            elapsed = await bare.ask({"texts": texts, "at_once": at_once, "query": query})
            alone.setdefault(at_once, []).append(len(texts) / elapsed["elapsed_s"])
    rows = [side.row(clients, each) for side in sides for clients, each, _ in loads]
    for at_once, rates in alone.items():
        rate = median(rates)
        row = {"what": f"{name}, no server", "clients": 0, "texts a request": at_once}
        rows.append(row | {"requests/s": rate / at_once, "texts/s": rate, "p50 ms": 0.0, "p99 ms": 0.0})
    return rows
