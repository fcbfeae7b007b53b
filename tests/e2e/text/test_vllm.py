"""vLLM through the whole platform: launched, talked to by many, hung up on, killed, and unloaded."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from tests.e2e.stack import Stack
from tests.e2e.talk import chat, client, hear, metric, replicas, streaming, until
from tests.support.vllm import vllm_python
from tests.support.weights import smollm2_directory

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(900)]

QUICK = {"enforce_eager": True, "max_model_len": 1024, "max_num_seqs": 8}


@pytest.fixture(scope="module")
def vllm_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running Headrace that knows vLLM's environment."""
    python = vllm_python()
    own = Stack(
        tmp_path_factory.mktemp("vllm") / "home",
        HEADRACE_INTERPRETERS=json.dumps({"vllm": python}),
        VLLM_CPU_KVCACHE_SPACE="1",
    )
    try:
        own.start()
        yield own
    finally:
        own.close()


def core(runner: int) -> list[psutil.Process]:
    """vLLM's own processes: those of the group that the runner leads, also when it is gone."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):  # it has just ended
            if os.getpgid(process.pid) == runner != process.pid and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


async def launch(http: httpx.AsyncClient, uid: str, **options: Any) -> httpx.Response:
    """Launch SmolLM2 on vLLM and wait until it serves, or has failed."""
    body = {"model_uid": uid, "model_name": "smol", "model_engine": "vllm", "model_path": str(smollm2_directory())}
    return await http.post("/v1/models", json=body | QUICK | options, timeout=300)


async def test_vllm_serves_many_survives_its_death_and_gives_its_memory_back(vllm_stack: Stack) -> None:
    async with client(vllm_stack.url) as http:
        assert (launched := await launch(http, "smol")).status_code == 200, launched.text

        async def holds_all() -> bool:
            """The weights and the cache lie in other processes than the runner. It is measured once a second."""
            [replica] = await replicas(http, "smol")
            return bool((replica["memory_bytes"] or 0) > 1 << 30)

        await until(holds_all)
        await _many_talk_and_some_leave(http)
        await _its_core_is_killed(vllm_stack, http)

        [runner] = vllm_stack.pids()["runner"]
        assert core(runner)

        assert (await http.delete("/v1/models/smol")).status_code == 200

        async def gone() -> bool:
            return not core(runner) and not vllm_stack.pids()["runner"]

        await until(gone, 40)


async def _many_talk_and_some_leave(http: httpx.AsyncClient) -> None:
    staying = chat("smol", temperature=0, max_tokens=24, ignore_eos=True)
    alone = "".join((await hear(http, staying)).text)

    async def leave() -> None:
        async with streaming(http, chat("smol", max_tokens=900, ignore_eos=True)) as (heard, lines):
            async for line in lines:
                if heard.take(line) and len(heard.text) == 3:
                    return

    told = await asyncio.gather(*[hear(http, staying) for _ in range(4)], *[leave() for _ in range(3)])
    for heard in told[:4]:
        assert heard is not None
        assert heard.done
        assert "".join(heard.text)[:8] == alone[:8]

    async def quiet() -> bool:
        return all(one["inflight"] == 0 for one in await replicas(http, "smol"))

    await until(quiet, 10)
    await asyncio.sleep(1.5)
    assert await metric(http, "headrace_engine_aborts_total", model="smol") == 3
    steps = await metric(http, "headrace_engine_steps_total", model="smol")
    await asyncio.sleep(1.5)
    assert await metric(http, "headrace_engine_steps_total", model="smol") == steps


async def _its_core_is_killed(stack: Stack, http: httpx.AsyncClient) -> None:
    [runner] = stack.pids()["runner"]
    own = [one for one in core(runner) if one.ppid() == runner]
    [engine] = [one for one in own if "resource_tracker" not in " ".join(one.cmdline())]
    async with streaming(http, chat("smol", max_tokens=900, ignore_eos=True)) as (heard, lines):
        async for line in lines:
            if heard.take(line) and len(heard.text) == 3:
                os.kill(engine.pid, signal.SIGKILL)
    assert heard.error is not None
    assert not heard.done

    async def serves() -> bool:
        answer = await http.post("/v1/chat/completions", json=chat("smol", max_tokens=1), timeout=120)
        return answer.status_code == 200

    await until(serves, 300)


async def test_a_misspelt_argument_is_refused(vllm_stack: Stack) -> None:
    async with client(vllm_stack.url) as http:
        refused = await launch(http, "wrong", max_modle_len=64)

        assert refused.status_code == 400, refused.text
        assert refused.json()["error"]["param"] == "max_modle_len"
        assert "did you mean 'max_model_len'?" in refused.json()["error"]["message"]
        await http.delete("/v1/models/wrong")
