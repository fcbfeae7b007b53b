"""Step 8: a request makes the device itself fail in one runner: that must be loaded again, and its neighbours unhurt.

The model is an encoder with a token more in its tokenizer than it has embeddings; on CUDA, to look that up is an
assertion of the device's, after which the process can compute nothing more.
"""

import asyncio
from pathlib import Path
from time import perf_counter

import httpx

from bench.gpu.serving import launch, message_of, model, replica, until
from bench.gpu.site import Figures, Site, need
from bench.gpu.weights import BEYOND, break_vocabulary
from bench.platform import Platform

TEXT = {"n_ctx": 2048, "max_requests": 8}


async def run(site: Site) -> None:
    """Measure."""
    await site.measure(broken_input=broken_input)


async def broken_input(site: Site) -> Figures:
    """What the client of the broken model is told, when that serves again, and what its neighbour notices."""
    need("transformers", "accelerate", "sentence_transformers")
    whole = site.weights("llama-1b")
    broken = break_vocabulary(site.weights("bge"), Path(site.folder) / "broken")
    async with site.platform() as there:
        await launch(there, "whole", **model(whole, "transformers", **TEXT))
        await launch(there, "broken", **model(broken, "sentence_transformers", model_type="embedding"))
        before = {uid: (await replica(there, uid))["pid"] for uid in ("whole", "broken")}
        beside = asyncio.create_task(_stream(there, 20 if site.quick else 300))
        began = perf_counter()
        failed = await _embed(there, BEYOND)
        told_ms = (perf_counter() - began) * 1e3
        served_ms = await until(lambda: _serves(there), "the broken model served again")
        after = {uid: (await replica(there, uid))["pid"] for uid in before}
        return {
            "status": failed.status_code,
            "message": message_of(failed),
            "told_ms": told_ms,
            "served_again_ms": served_ms,
            "new_runner": after["broken"] != before["broken"],
            "neighbour_complete": await beside,
            "neighbour_same_runner": after["whole"] == before["whole"],
        }


async def _stream(there: Platform, tokens: int) -> bool:
    """Whether four streams of the neighbour are answered to their ends."""
    asked = {"model": "whole", "messages": [{"role": "user", "content": "go on"}], "max_tokens": tokens}
    body = asked | {"ignore_eos": True, "stream": True, "stream_options": {"include_usage": True}}
    done = await there.batch(4, 4, body)
    return all(answer.complete and answer.tokens == tokens for answer in done.answers)


async def _serves(there: Platform) -> bool:
    return (await _embed(there, "the mill")).is_success


async def _embed(there: Platform, text: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=there.url, timeout=60) as http:
        return await http.post("/v1/embeddings", json={"model": "broken", "input": text})
