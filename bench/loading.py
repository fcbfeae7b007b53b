"""Whether a ready model's answers take longer while another loads: ``python -m bench.loading [--rounds N]``.

A ready model is asked by two clients, in turns alone and while another model is launched and terminated again and
again. The figures are the ratios of the medians and of the 99th percentiles. The machine must be quiet otherwise, and
have a core for the load beside those that the ready model computes on.
"""

import argparse
import asyncio
import json
from typing import Any

import uvloop

from bench.load import Batch
from bench.platform import Platform

CLIENTS = 2
REQUESTS = 60
"""Of one turn."""

READY: dict[str, dict[str, Any]] = {
    "echo, 5 ms a token": {"model_name": "echo", "model_engine": "echo", "step_ms": 5},
    "smollm2 on llama_cpp, one thread": {"model_name": "smollm2", "n_ctx": 1024, "n_parallel": 2, "n_threads": 1},
}
OTHER: dict[str, Any] = {"model_name": "minilm", "model_type": "embedding"}


async def keep_loading(there: Platform, over: asyncio.Event) -> int:
    """Launch and terminate a model until ``over``; how many loads there were."""
    count = 0
    while not over.is_set():
        await there.launch("other", **OTHER)
        await there.terminate("other")
        count += 1
    return count


async def measure(there: Platform, rounds: int) -> tuple[Batch, Batch, int]:
    """The answers alone, those beside loads, and how many loads there were."""
    body = {"model": "ready", "messages": [{"role": "user", "content": "Tell me of a water mill."}], "max_tokens": 16}
    body |= {"stream": True, "stream_options": {"include_usage": True}, "temperature": 0}
    alone, beside, count = Batch(), Batch(), 0
    await there.batch(CLIENTS, REQUESTS // 4, body)
    for _ in range(rounds):
        alone.add(await there.batch(CLIENTS, REQUESTS, body))
        over = asyncio.Event()
        loading = asyncio.create_task(keep_loading(there, over))
        beside.add(await there.batch(CLIENTS, REQUESTS, body))
        over.set()
        count += await loading
    return alone, beside, count


async def main(rounds: int) -> None:
    """Measure and print, a line of JSON a model."""
    async with Platform() as there:
        for name, fields in READY.items():
            await there.launch("ready", **fields)
            alone, beside, count = await measure(there, rounds)
            await there.terminate("ready")
            row: dict[str, Any] = {"what": name, "requests": len(alone.answers), "loads": count}
            for share, called in ((0.5, "p50"), (0.99, "p99")):
                before, now = alone.total_ms(share), beside.total_ms(share)
                row |= {f"{called} alone ms": round(before, 1), f"{called} beside ms": round(now, 1)}
                row[f"{called} ratio"] = round(now / before, 2)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    uvloop.run(main(parser.parse_args().rounds))
