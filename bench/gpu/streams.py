"""Step 4: Llama 8B on transformers at 1 to 64 streams, greedy and sampled, and its bare manager beside."""

import asyncio
import contextlib
import shutil
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from statistics import mean
from typing import Any

from bench import library
from bench.gpu.serving import launch, model, replica
from bench.gpu.site import Figures, Part, Site, Skipped, need
from bench.load import Batch
from bench.platform import Platform

PROMPT = "Tell me in a few sentences how a water mill turns the flow of a river into flour."
STREAMS = (1, 8, 32, 64)
GREEDY: Figures = {"temperature": 0}
SAMPLED: Figures = {"temperature": 1.0, "seed": 1}
TOP_P: Figures = SAMPLED | {"top_p": 0.95}
OPTIONS = {"n_ctx": 2048, "max_requests": 64}
PROFILE_S = 4


async def run(site: Site) -> None:
    """Measure through the platform, end that, and measure the library alone."""
    async with contextlib.AsyncExitStack() as stack:

        async def served(site: Site) -> Figures:
            need("transformers", "accelerate")
            path = site.weights("llama-8b")
            there = await stack.enter_async_context(site.platform())
            seconds = await launch(there, "llama", **model(path, "transformers", **OPTIONS))
            running.append(there)
            await batch(there, 1, 1, GREEDY, site)
            return {"load_s": seconds}

        def at(streams: int, sampling: Figures) -> Part:
            async def part(site: Site) -> Figures:
                return await _measured(_first(running), streams, sampling, site)

            return part

        async def profile(site: Site) -> Figures:
            return await _profile(_first(running), site)

        running: list[Platform] = []
        parts = {f"greedy_{streams}": at(streams, GREEDY) for streams in STREAMS}
        parts |= {"sampled_32": at(32, SAMPLED), "top_p_32": at(32, TOP_P)}
        await site.measure(launch=served, **parts, profile=profile, end=lambda _: _end(stack), bare=bare)


def _first(running: list[Platform]) -> Platform:
    if not running:
        raise Skipped("no model: its launch failed")
    return running[0]


async def _end(stack: contextlib.AsyncExitStack) -> Figures:
    await stack.aclose()
    return {}


def _body(site: Site, sampling: Figures) -> Figures:
    tokens = 16 if site.quick else 96
    asked = {"model": "llama", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": tokens}
    return asked | {"ignore_eos": True, "stream": True, "stream_options": {"include_usage": True}} | sampling


async def batch(there: Platform, streams: int, rounds: int, sampling: Figures, site: Site) -> Batch:
    """So many streams at once, so many times."""
    total = Batch()
    total.add(await there.batch(streams, streams * rounds, _body(site, sampling)))
    return total


async def _measured(there: Platform, streams: int, sampling: Figures, site: Site) -> Figures:
    with busy(site) as shares:
        done = await batch(there, streams, 2, sampling, site)
    return figures(done) | {"gpu_busy_percent": mean(shares) if shares else None}


def figures(done: Batch) -> Figures:
    """Tokens a second, and times in milliseconds."""
    return {
        "tokens_s": done.rate,
        "first_p50_ms": done.first_ms(0.5),
        "first_p99_ms": done.first_ms(0.99),
        "gap_p50_ms": done.gap_ms(0.5),
        "gap_p99_ms": done.gap_ms(0.99),
    }


@contextlib.contextmanager
def busy(site: Site) -> Iterator[list[float]]:
    """The percentages of time in which the card computed, as NVML has them ten times a second; none on a CPU."""
    shares: list[float] = []
    over = threading.Event()

    def watch() -> None:
        import pynvml

        from models.launching import devices

        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlInit()
            handle = pynvml.nvmlDeviceGetHandleByUUID(devices.parse(site.device).uuid)
            while not over.wait(0.1):
                shares.append(float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu))

    thread = threading.Thread(target=watch) if site.on_gpu else None
    if thread:
        thread.start()
    yield shares
    over.set()
    if thread:
        thread.join()


async def _profile(there: Platform, site: Site) -> Figures:
    """Where the runner's threads spend their time with 32 streams: shares of py-spy's samples, the largest first."""
    beside = Path(sys.executable).with_name("py-spy")
    spy = str(beside) if beside.is_file() else shutil.which("py-spy")
    if spy is None:
        raise Skipped("no py-spy")
    pid, output = (await replica(there, "llama"))["pid"], Path(site.figures).with_name("profile")
    words = ("record", "--pid", str(pid), "--duration", str(PROFILE_S), "--format", "raw", "--output", str(output))
    load = asyncio.create_task(_load_for(there, PROFILE_S + 1, site))
    process = await asyncio.create_subprocess_exec(spy, *words, "--threads", "--nonblocking")
    await process.wait()
    await load
    if process.returncode:
        raise RuntimeError(f"py-spy ended with code {process.returncode}")
    return shares_of(output.read_text(encoding="utf-8"))


async def _load_for(there: Platform, seconds: float, site: Site) -> None:
    until = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < until:
        await batch(there, 32, 1, GREEDY, site)


def shares_of(raw: str) -> Figures:
    """The share of all samples by innermost function, the 20 largest. ``raw``: lines of ``frame;frame;… COUNT``."""
    counts: Counter[str] = Counter()
    for line in raw.splitlines():
        frames, _, count = line.rpartition(" ")
        counts[frames.rpartition(";")[2]] += int(count)
    total = counts.total()
    return {name: count / total for name, count in counts.most_common(20)}


@contextlib.asynccontextmanager
async def _library(site: Site, path: Path) -> AsyncIterator[Any]:
    dtype = "bfloat16" if site.on_gpu else "float32"
    options = {"n_threads": 1 if site.quick else 8, "dtype": dtype, "device": site.computing_device()}
    process, _ = await library.start("transformers", str(path), options)
    try:
        yield process
    finally:
        await process.stop()


async def bare(site: Site) -> Figures:
    """The library's own manager with its own defaults, greedy. It tells of the first token and the last alone."""
    need("transformers", "accelerate")
    found = {}
    async with _library(site, site.weights("llama-8b")) as process:
        for streams in STREAMS:
            total = Batch()
            total.add(await process.batch(streams, 2 * streams, _body(site, GREEDY)))
            found[f"{streams}"] = {"tokens_s": total.rate, "first_p50_ms": total.first_ms(0.5)}
    return found
