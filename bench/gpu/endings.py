"""Step 6: how long the card's memory takes to come back when a model is terminated, or a process is killed."""

import os
import signal
from collections.abc import Callable
from time import perf_counter

import httpx
import psutil

from bench.gpu.serving import answers, launch, memory, model, replica, until
from bench.gpu.site import Figures, Site, need
from bench.platform import Platform

UID = "llama"
FILLING = {"n_ctx": 8192, "max_requests": 256}
"""On a GPU the cache of so many requests takes what is left of it, so that a load after an end needs all of it back."""


async def run(site: Site) -> None:
    """Measure. Each part leaves the model serving for the next."""
    need("transformers", "accelerate")
    body = model(site.weights("llama-1b"), "transformers", **FILLING)
    async with site.platform() as there:

        async def first(site: Site) -> Figures:
            return {"seconds": await launch(there, UID, **body)} | await memory(there, UID, site)

        async def terminate(site: Site) -> Figures:
            back = back_of(site, (await replica(there, UID))["pid"])
            began = perf_counter()
            async with httpx.AsyncClient(base_url=there.url, timeout=60) as http:
                (await http.delete(f"/v1/models/{UID}")).raise_for_status()
            answered_ms = (perf_counter() - began) * 1e3
            back_ms = answered_ms + await until(back, "memory after an end")
            again = await launch(there, UID, **body)
            return {"answered_ms": answered_ms, "back_ms": back_ms, "again_s": again} | await memory(there, UID, site)

        async def kill_runner(site: Site) -> Figures:
            return await _kill(there, (await replica(there, UID))["pid"], site)

        async def kill_worker(site: Site) -> Figures:
            runner = psutil.Process((await replica(there, UID))["pid"])
            return await _kill(there, runner.ppid(), site)

        await site.measure(first=first, terminate=terminate, kill_runner=kill_runner, kill_worker=kill_worker)


async def _kill(there: Platform, pid: int, site: Site) -> Figures:
    """Kill a process with ``SIGKILL``: milliseconds until the memory of its model is back, and until that serves."""
    runner = (await replica(there, UID))["pid"]
    before = site.memory()
    os.kill(pid, signal.SIGKILL)
    back_ms = await until(back_of(site, runner), "memory after kill -9")
    after = site.memory()

    async def serves() -> bool:
        found = await replica(there, UID)
        return found["state"] == "ready" and found["pid"] not in (runner, None) and await answers(there, UID)

    served_ms = back_ms + await until(serves, "the model served again")
    freed = after.free_bytes - before.free_bytes if before and after else None
    return {"back_ms": back_ms, "freed_bytes": freed, "served_again_ms": served_ms} | await memory(there, UID, site)


def back_of(site: Site, pid: int) -> Callable[[], bool]:
    """Whether this process has ended, and NVML lists it no more."""
    if not site.on_gpu:
        return lambda: not psutil.pid_exists(pid)
    meter = site.meter()

    def back() -> bool:
        now = meter.read()
        return now is not None and pid not in now.by_pid and not psutil.pid_exists(pid)

    return back
