"""The compose file's commands, settings, health checks and order run as bare processes, on its own Redis configuration
and PostgreSQL."""

import asyncio
import json
import re
import signal
import subprocess

import httpx
import psutil
import pytest
import redis

from tests.deploy.composed import HEADERS, SECRETS, Composed, start_in_order
from tests.e2e.talk import PROMPT, chat, client, hear, launch, replicas, streaming
from tests.support.nvml import FakeNvml, rtx_4090
from tests.support.servers import wait_for

pytestmark = pytest.mark.e2e


async def test_the_services_run_as_processes(composed: Composed) -> None:
    order = start_in_order(composed)
    assert order.index("migrate") < min(map(order.index, ("gateway", "steward", "worker-cpu")))
    wait_for(lambda: httpx.get(f"{composed.url}/readyz").status_code == 200, 30, lambda: composed.log("gateway"))

    async with client(composed.url) as stranger:
        assert (await stranger.get("/healthz")).status_code == 200
        assert (await stranger.post("/v1/chat/completions", json=chat())).status_code == 401
        assert (await stranger.post("/v1/models", json={"model_name": "echo"})).status_code == 401
    async with client(composed.url, headers=HEADERS) as http:
        await launch(http, "echo", step_ms=20)
        heard = await hear(http, chat(max_completion_tokens=8))
        assert "".join(heard.text) == f"{PROMPT} {PROMPT}"
        assert heard.done

        # A stream that runs when all are told to stop is finished, not cut.
        async with streaming(http, chat(max_completion_tokens=60)) as (last, lines):
            async for line in lines:
                if last.take(line):
                    break
            stopping = asyncio.create_task(asyncio.to_thread(composed.stop, "gateway", "steward", "worker-cpu"))
            async for line in lines:
                last.take(line)
        codes = await stopping
    assert last.done, composed.log("gateway") + composed.log("worker-cpu")
    assert len(last.text) == 60
    assert codes["gateway"] in (0, -signal.SIGTERM)  # uvicorn stops cleanly, then raises the signal again
    assert (codes["worker-cpu"], codes["steward"]) == (0, 0), composed.log("worker-cpu") + composed.log("steward")

    assert_nothing_was_forbidden(composed)


@pytest.mark.weights
async def test_a_job_goes_through_all_services(composed: Composed) -> None:
    start_in_order(composed)
    async with client(composed.url, headers=HEADERS) as http:
        await launch(http, "hibari", model_name="hibari", load_on_request=True)
        said = {"kind": "audio.speech", "model": "hibari", "input": {"input": "Hello.", "response_format": "wav"}}
        job = (await http.post("/v1/jobs", json=said)).raise_for_status().json()["id"]
        told = (await http.get(f"/v1/jobs/{job}/events")).text
        last = json.loads(told.rsplit("data: ", 1)[1])
        assert last["state"] == "succeeded", told + composed.log("worker-cpu")
        sound = (await http.get(f"/v1/jobs/{job}/result")).content
        assert sound.startswith(b"RIFF")
        [made] = (composed.folder / "artifacts" / "jobs" / job).rglob("*.wav")
        assert made.read_bytes() == sound, "the worker wrote it, the gateway read it"
    assert_nothing_was_forbidden(composed)


def assert_nothing_was_forbidden(composed: Composed) -> None:
    """Redis has refused none of the parts anything."""
    with composed.redis() as tester:
        refused = [entry for entry in tester.acl_log() if entry["username"] in ("control", "worker")]
    assert not refused, "redis-users forbids what the parts do"


async def test_one_container_has_a_worker_for_each_gpu(composed: Composed, fake_nvml: FakeNvml) -> None:
    """So that a model can be spread over several of them."""
    fake_nvml.gpus = [rtx_4090(0), rtx_4090(1)]
    fake_nvml.write()
    composed.machine = fake_nvml.environment
    start_in_order(composed)
    composed.start("worker-gpu")
    async with client(composed.url, headers=HEADERS) as http:

        async def devices() -> list[str]:
            return [one["id"] for one in (await http.get("/v1/devices")).json()["data"]]

        while len(await devices()) < 3:
            await asyncio.sleep(0.1)
        assert await devices() == ["compose-cpu.cpu", "compose-gpu.cuda:0", "compose-gpu.cuda:1"]
        await launch(http, "echo", n_gpu=2)
        [replica] = await replicas(http, "echo")
        assert replica["devices"] == ["compose-gpu.cuda:0", "compose-gpu.cuda:1"], replica
        assert (await hear(http, chat())).done

        workers = psutil.Process(composed.running["worker-gpu"].pid).children()
        await asyncio.to_thread(workers[0].kill)
        dead = workers[0].pid
        while dead in {one.pid for one in psutil.Process(composed.running["worker-gpu"].pid).children()}:
            await asyncio.sleep(0.1)
        while "starting it again" not in composed.log("worker-gpu"):
            await asyncio.sleep(0.1)
    assert composed.stop("worker-gpu") == {"worker-gpu": 0}, composed.log("worker-gpu")


def test_a_container_without_a_gpu_says_so(composed: Composed, fake_nvml: FakeNvml) -> None:
    fake_nvml.init = "mismatch"
    fake_nvml.write()
    composed.machine = fake_nvml.environment
    (composed.folder / "worker-gpu").mkdir()
    command = composed.services["worker-gpu"]["command"]
    environment = composed.environment("worker-gpu")
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert re.fullmatch("headrace: this machine has no NVIDIA GPU that can be used; .*restart.*\n", ended.stderr)
    check = subprocess.run(composed.healthcheck("worker-gpu"), env=environment, timeout=60, check=False)
    assert check.returncode == 1


async def test_models_come_back_after_everything_was_restarted(composed: Composed) -> None:
    start_in_order(composed)
    async with client(composed.url, headers=HEADERS) as http:
        await launch(http, "echo")
        composed.stop("gateway", "steward", "worker-cpu")
        assert composed.stop("redis") == {"redis": 0}
    composed.start_redis()
    start_in_order(composed)
    async with client(composed.url, headers=HEADERS) as http:
        wait_for(lambda: httpx.get(f"{composed.url}/readyz").status_code == 200, 30)
        assert (await hear(http, chat())).done


def test_no_part_may_rule_redis(composed: Composed) -> None:
    for user in ("control", "worker"):
        with composed.redis(user, SECRETS[f"REDIS_{user.upper()}_PASSWORD"]) as part:
            assert part.ping()
            for command in (
                "FLUSHALL",
                "CONFIG GET *",
                "KEYS *",
                "SHUTDOWN",
                "ACL LIST",
                "GET other",
                "PUBLISH other x",
            ):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    part.execute_command(*command.split())
    with composed.redis("default", "") as nobody, pytest.raises(redis.exceptions.AuthenticationError):
        nobody.ping()
