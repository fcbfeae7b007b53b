"""What steps ask of a Headrace that runs: launches with the seconds of each stage, memory, and single answers."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import psutil

from bench.gpu.site import Site
from bench.platform import Platform

POLL_S = 0.02
HOLD = """
import sys, torch
torch.zeros(1, device=sys.argv[1])
free, _ = torch.cuda.mem_get_info(sys.argv[1])
held = torch.empty(max(free - int(sys.argv[2]), 1), dtype=torch.uint8, device=sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def model(path: object, engine: str, **options: Any) -> dict[str, Any]:
    """The body of a launch of these weights."""
    return {"model_name": "bench", "model_path": str(path), "model_engine": engine} | options


async def launch(there: Platform, uid: str, **body: Any) -> dict[str, float]:
    """Launch and wait until it serves; the seconds of each stage. Raises RuntimeError with the message of a failure."""
    stages: dict[str, float] = {}
    async with httpx.AsyncClient(base_url=there.url, timeout=60) as http:
        answer = await http.post("/v1/models?wait_ready=false", json={"model_uid": uid} | body)
        if answer.is_error:
            raise RuntimeError(message_of(answer))
        began = time.perf_counter()
        while True:
            progress = (await http.get(f"/v1/models/{uid}/progress")).json()
            now, stage = time.perf_counter(), progress["stage"]
            if stage == "ready":
                return stages | {"all": sum(stages.values())}
            if stage == "failed":
                await http.delete(f"/v1/models/{uid}")
                raise RuntimeError(progress["replicas"][0]["info"])
            stages[stage] = stages.get(stage, 0.0) + now - began
            began = now
            await asyncio.sleep(POLL_S)


async def refused(there: Platform, uid: str, **body: Any) -> dict[str, Any]:
    """Launch what should not fit; the status and the message of the answer."""
    async with httpx.AsyncClient(base_url=there.url, timeout=60) as http:
        answer = await http.post("/v1/models", json={"model_uid": uid} | body)
        if answer.is_success:
            await http.delete(f"/v1/models/{uid}")
        return {"status": answer.status_code, "message": message_of(answer)}


def message_of(answer: httpx.Response) -> str:
    """The message of an error, or the answer itself."""
    if answer.is_success or "json" not in answer.headers.get("content-type", ""):
        return answer.text
    return str(answer.json()["error"]["message"])


async def replica(there: Platform, uid: str) -> dict[str, Any]:
    """The model's one replica as ``/v1/models/{uid}/replicas`` has it."""
    async with httpx.AsyncClient(base_url=there.url, timeout=30) as http:
        [found] = (await http.get(f"/v1/models/{uid}/replicas")).raise_for_status().json()
        return dict(found)


async def free_bytes(there: Platform, site: Site) -> int | None:
    """What ``/v1/devices`` says is free on the device."""
    async with httpx.AsyncClient(base_url=there.url, timeout=30) as http:
        rows = (await http.get("/v1/devices")).raise_for_status().json()["data"]
    [free] = [row["free_bytes"] for row in rows if row["id"].endswith(f".{site.device}")]
    return None if free is None else int(free)


async def memory(there: Platform, uid: str, site: Site) -> dict[str, Any]:
    """A replica's memory in bytes: by NVML, as Headrace says, and on the host."""
    await asyncio.sleep(1.6)  # so old a snapshot of the device's may be
    found, card = await replica(there, uid), site.memory()
    return {
        "device": found["device"],
        "nvml_bytes": _of_group(card.by_pid, found["pid"]) if card else None,
        "memory_bytes": found["memory_bytes"],
        "host_memory_bytes": found["host_memory_bytes"],
    }


def _of_group(by_pid: dict[int, int], leader: int) -> int | None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(leader)
        pids = {leader, *(child.pid for child in process.children(recursive=True))}
        held = [used for pid, used in by_pid.items() if pid in pids]
        return sum(held) if held else None
    return None


async def answers(there: Platform, uid: str) -> bool:
    """Whether the model writes three tokens."""
    body = {"model": uid, "max_tokens": 3, "messages": [{"role": "user", "content": "are you there"}]}
    return (await ask(there, body)).is_success


async def ask(there: Platform, body: dict[str, Any]) -> httpx.Response:
    """One chat request, not streamed."""
    async with httpx.AsyncClient(base_url=there.url, timeout=60) as http:
        return await http.post("/v1/chat/completions", json=body)


async def until(condition: Callable[[], Awaitable[bool]] | Callable[[], bool], what: str, limit_s: float = 60) -> float:
    """Milliseconds until the condition holds. Raises TimeoutError, which says what was waited for."""
    began = time.perf_counter()
    while True:
        holds = condition()
        if holds if isinstance(holds, bool) else await holds:
            return (time.perf_counter() - began) * 1e3
        if time.perf_counter() - began > limit_s:
            raise TimeoutError(f"{what}: not within {limit_s:g} s")
        await asyncio.sleep(POLL_S / 4)


@contextlib.asynccontextmanager
async def nearly_full(site: Site, left_bytes: int) -> AsyncIterator[None]:
    """Another process has taken all of the card but this. Raises Skipped without CUDA."""
    site.need_cuda()
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, site.device, str(left_bytes), stdin=pipe, stdout=pipe
    )
    assert process.stdout is not None
    if await process.stdout.readline() != b"held\n":
        raise RuntimeError("the card could not be filled")
    try:
        yield
    finally:
        process.kill()
        await process.wait()
