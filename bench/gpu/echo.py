"""Step 5: the platform's own cost on this machine's cores: an engine that computes nothing, clients in processes."""

import asyncio
import contextlib
import multiprocessing
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from os import cpu_count
from typing import Any

import httpx
import psutil

from api.local.embedded import free_port
from bench.gpu.serving import launch, until
from bench.gpu.site import Figures, Part, Site
from bench.gpu.streams import figures
from bench.load import Batch
from bench.platform import Platform, chat_batch
from models.process.processes import spawn

PROMPT = " ".join(["water turns the mill"] * 8)
LOADS = ((64, 3), (256, 5), (512, 5))
"""Streams, and the milliseconds of a token."""


async def run(site: Site) -> None:
    """Measure each load with one gateway, then with two."""
    loads = LOADS[:1] if site.quick else LOADS
    async with site.platform() as there:
        for step_ms in {step_ms for _, step_ms in loads}:
            echo = {"model_name": "echo", "model_engine": "echo", "step_ms": step_ms, "max_inflight": 1024}
            await launch(there, f"echo-{step_ms}", **echo)
        urls, more = [there.url], list[psutil.Process]()
        await site.measure(**{f"one_gateway_{n}x{ms}ms": _at(there, urls, more, n, ms) for n, ms in loads})
        async with second_gateway(there) as (url, gateway):
            urls.append(url)
            more.append(gateway)
            await site.measure(**{f"two_gateways_{n}x{ms}ms": _at(there, urls, more, n, ms) for n, ms in loads})


def _at(there: Platform, urls: list[str], more: list[psutil.Process], streams: int, step_ms: int) -> Part:
    async def part(site: Site) -> Figures:
        number = streams // 16 if site.quick else streams
        body = _body(step_ms, 40 if site.quick else 2500 // step_ms)
        before = cpu_seconds(there, more)
        done = await asyncio.to_thread(spread, urls, number, body, 1 if site.quick else clients())
        after = cpu_seconds(there, more)
        micros = {part: 1e6 * (after[part] - before.get(part, 0.0)) / done.tokens for part in after}
        return {"asked_tokens_s": 1000 * number / step_ms} | figures(done) | {"cpu_us_a_token": micros}

    return part


def _body(step_ms: int, tokens: int) -> Figures:
    asked = {"model": f"echo-{step_ms}", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": tokens}
    return asked | {"ignore_eos": True, "stream": True, "stream_options": {"include_usage": True}}


def clients() -> int:
    """The processes of clients that leave the platform cores of its own."""
    return max(1, (cpu_count() or 1) // 3)


def cpu_seconds(there: Platform, more: list[psutil.Process]) -> dict[str, float]:
    """The CPU time of each part of the platform so far, that of ``more`` gateways included."""
    used: dict[str, float] = {}
    for part, process in (*there.processes(), *(("api.app", one) for one in more)):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            used[part] = used.get(part, 0.0) + times.user + times.system
    return used


def spread(urls: Sequence[str], streams: int, body: Figures, processes: int) -> Batch:
    """One batch from several processes of clients at once, which share the streams and take turns with the URLs."""
    parts = [streams // processes + (n < streams % processes) for n in range(processes)]
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(abs, range(processes)))  # they have started
        made = list(pool.map(_client, [urls[n % len(urls)] for n in range(processes)], parts, [body] * processes))
    whole = Batch([answer for one in made for answer in one.answers], max(one.elapsed_s for one in made))
    total = Batch()
    total.add(whole)
    return total


def _client(url: str, streams: int, body: Figures) -> Batch:
    return asyncio.run(chat_batch(url, streams, streams, body))


@contextlib.asynccontextmanager
async def second_gateway(there: Platform) -> AsyncIterator[tuple[str, psutil.Process]]:
    """Another gateway beside that of ``headrace up``, with its environment; its URL and its process."""
    [first] = [process for part, process in there.processes() if part == "api.app"]
    port = free_port()
    env: dict[str, Any] = first.environ() | {"HEADRACE_PORT": str(port)}
    process = spawn(first.cmdline(), env=env)
    url = f"http://127.0.0.1:{port}"

    async def ready() -> bool:
        with contextlib.suppress(httpx.HTTPError):
            async with httpx.AsyncClient() as http:
                return (await http.get(f"{url}/readyz")).is_success
        return False

    try:
        await until(ready, "a second gateway")
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 30)
