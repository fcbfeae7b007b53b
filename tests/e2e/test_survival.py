"""What must survive: processes killed, Redis gone, clients that leave or lag. All on real processes."""

import asyncio
import os
import signal
import time
from pathlib import Path

import celery
import httpx
import psutil
import pytest

from models.redis import queue
from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack
from tests.e2e.talk import chat, client, hear, launch, metric, replicas, streaming, until
from tests.support.servers import Valkey

pytestmark = pytest.mark.e2e


async def _serves(http: httpx.AsyncClient, uid: str) -> bool:
    answer = await http.post("/v1/chat/completions", json=chat(uid, max_tokens=1))
    return answer.status_code == 200


async def test_a_killed_runner_ends_its_streams_and_is_loaded_again(stack: Stack) -> None:
    async with client(stack.url) as http:
        await launch(http, "mortal", step_ms=20)
        [before] = await replicas(http, "mortal")
        files = Path(psutil.Process(before["pid"]).environ()["TMPDIR"])
        assert await asyncio.to_thread(files.is_dir)
        async with streaming(http, chat("mortal", max_tokens=2000)) as (heard, lines):
            async for line in lines:
                if heard.take(line) and len(heard.text) == 5:
                    os.kill(before["pid"], signal.SIGKILL)
                    killed = time.monotonic()
        assert time.monotonic() - killed < 2
        assert heard.error is not None
        assert heard.error["code"] == "replica_lost"
        assert not heard.done

        assert await _serves(http, "mortal")  # waits for the reload by itself
        [after] = await replicas(http, "mortal")
        assert after["pid"] != before["pid"]
        assert not await asyncio.to_thread(files.exists)
        await http.delete("/v1/models/mortal")


async def test_a_broker_that_takes_no_writes_ends_no_worker(stack: Stack) -> None:
    """As one whose disk is full."""
    async with client(stack.url) as http:
        await launch(http, "patient")
        workers = stack.pids()["worker"]
        with stack.redis() as broker:
            broker.config_set("min-replicas-to-write", 1)
            try:
                assert not await _serves(http, "patient")
                async with asyncio.timeout(30):
                    while "Connection to broker lost" not in await asyncio.to_thread(stack.log, "worker-cpu"):
                        await asyncio.sleep(0.1)
            finally:
                broker.config_set("min-replicas-to-write", 0)
        async with asyncio.timeout(30):
            while not await _serves(http, "patient"):
                await asyncio.sleep(0.2)
        assert stack.pids()["worker"] == workers
        await http.delete("/v1/models/patient")


async def test_a_request_that_lost_its_runner_before_any_byte_is_tried_again(stack: Stack) -> None:
    async with client(stack.url) as http:
        await launch(http, "retried", step_ms=3000)
        [before] = await replicas(http, "retried")
        warm = asyncio.create_task(http.post("/v1/chat/completions", json=chat("retried", max_tokens=1)))
        await warm
        blocked = [
            asyncio.create_task(http.post("/v1/chat/completions", json=chat("retried", max_tokens=2))) for _ in range(2)
        ]
        await asyncio.sleep(1)
        os.kill(before["pid"], signal.SIGKILL)
        assert [answer.status_code for answer in await asyncio.gather(*blocked)] == [200, 200]
        assert await metric(http, "headrace_retries_total", model="retried") == 2
        await http.delete("/v1/models/retried")


async def test_a_killed_worker_ends_its_streams_and_its_models_come_back(new_stack: StackFactory) -> None:
    stack = new_stack()
    async with client(stack.url) as http:
        await launch(http, "kept", step_ms=20)
        async with streaming(http, chat("kept", max_tokens=2000)) as (heard, lines):
            async for line in lines:
                if heard.take(line) and len(heard.text) == 5:
                    os.kill(stack.pids()["worker"][0], signal.SIGKILL)
                    killed = time.monotonic()
        assert time.monotonic() - killed < 6
        assert heard.error is not None

        await until(lambda: _serves(http, "kept"), 40)
        assert [one["state"] for one in await replicas(http, "kept")] == ["ready"]


async def test_a_killed_gateway_stops_its_requests_on_the_device(new_stack: StackFactory) -> None:
    stack = new_stack()
    async with client(stack.url) as http:
        await launch(http, "busy", step_ms=20)

        async def orphan() -> None:
            with pytest.raises(httpx.HTTPError):
                await hear(http, chat("busy", max_tokens=5000))

        orphans = [asyncio.create_task(orphan()) for _ in range(5)]
        await until(lambda: _inflight(http, "busy", 5))
        os.kill(stack.pids()["gateway"][0], signal.SIGKILL)
        await asyncio.gather(*orphans)

        async def back() -> bool:
            try:
                return await _inflight(http, "busy", 0) and await _serves(http, "busy")
            except httpx.HTTPError:
                return False

        await until(back, 30)
        assert await metric(http, "headrace_engine_requests_aborted_total", model="busy") == 5


async def _inflight(http: httpx.AsyncClient, uid: str, count: int) -> bool:
    return sum(int(one["inflight"]) for one in await replicas(http, uid)) == count


async def test_redis_gone_and_back(new_stack: StackFactory, private_valkey: Valkey) -> None:
    stack = new_stack(HEADRACE_REDIS_URL=private_valkey.url)
    async with client(stack.url) as http:
        await launch(http, "patient", step_ms=20)
        async with streaming(http, chat("patient", max_tokens=3000)) as (heard, lines):
            async for line in lines:
                if heard.take(line) and len(heard.text) == 5:
                    await asyncio.to_thread(private_valkey.stop)
                    stopped = time.monotonic()
        assert time.monotonic() - stopped < 8
        assert heard.error is not None
        assert not heard.done

        for body in (chat("patient"), chat("patient", stream=True)):
            refused = await http.post("/v1/chat/completions", json=body)
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) >= 1
        assert (await http.get("/readyz")).status_code == 503
        assert (await http.get("/healthz")).status_code == 200

        await asyncio.to_thread(private_valkey.start)
        await until(lambda: _serves(http, "patient"), 40)
        assert (await http.get("/readyz")).status_code == 200
        await until(lambda: _inflight(http, "patient", 0), 10)


async def test_lost_connections_lose_no_frame(stack: Stack) -> None:
    """CLIENT KILL of every subscription, again and again: gaps are seen, asked for, filled."""
    async with client(stack.url) as http:
        await launch(http, "steady", step_ms=5)
        reading = [asyncio.create_task(hear(http, chat("steady", max_tokens=800))) for _ in range(10)]
        redis = stack.redis()
        for _ in range(4):
            await asyncio.sleep(0.7)
            redis.client_kill_filter(_type="pubsub")
        for heard in await asyncio.gather(*reading):
            assert heard.error is None
            assert heard.done
            assert len(heard.text) == 800
        assert await metric(http, "headrace_stream_gaps_total") > 0
        await http.delete("/v1/models/steady")


async def test_a_consumer_that_silently_stops_is_started_anew(new_stack: StackFactory) -> None:
    stack = new_stack()
    async with client(stack.url) as http:
        await launch(http, "back")
        before = stack.pids()["worker"][0]
        [device] = stack.redis().keys("headrace:device:*")
        name = queue.queue_name(str(device).removeprefix("headrace:device:"))
        app = celery.Celery(broker=stack.redis_url())
        app.conf.broker_transport_options = {"ack_emulation": False}
        app.control.cancel_consumer(name)
        app.close()

        async def replaced() -> bool:
            return stack.pids()["worker"] not in ([], [before])

        await until(replaced, 60)
        await until(lambda: _serves(http, "back"), 40)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_hangs_up_stops_the_engine(stack: Stack, stream: bool) -> None:
    uid = f"left-{stream}".lower()
    async with client(stack.url) as http:
        await launch(http, uid, step_ms=20)
        body = chat(uid, max_tokens=5000, stream=stream)

        async def leave() -> None:
            async with asyncio.timeout(1), http.stream("POST", "/v1/chat/completions", json=body) as answer:
                await answer.aread()

        left = await asyncio.gather(*[leave() for _ in range(10)], return_exceptions=True)
        assert all(isinstance(one, TimeoutError) for one in left)

        await until(lambda: _inflight(http, uid, 0), 15)
        assert await metric(http, "headrace_engine_aborts_total", model=uid) == 10
        await asyncio.sleep(1.2)
        steps = await metric(http, "headrace_engine_steps_total", model=uid)
        await asyncio.sleep(1.2)
        assert await metric(http, "headrace_engine_steps_total", model=uid) == steps
        assert await metric(http, "headrace_client_hangups_total", model=uid) == 10
        assert steps <= 75  # a second of steps, and no more than one after each client left
        await http.delete(f"/v1/models/{uid}")


async def test_two_hundred_slow_readers_lose_nothing(stack: Stack) -> None:
    gateway = psutil.Process(stack.pids()["gateway"][0])
    async with client(stack.url) as http:
        await launch(http, "fast", step_ms=2, max_inflight=256)
        before = gateway.memory_info().rss
        body = chat("fast", max_tokens=300)
        heard = await asyncio.gather(*[hear(http, body, pause_s=0.01) for _ in range(200)])
        assert all(one.done and one.error is None and len(one.text) == 300 for one in heard)
        assert gateway.memory_info().rss - before < 100 << 20
        await http.delete("/v1/models/fast")


async def test_a_reader_that_lags_too_far_is_cut(new_stack: StackFactory) -> None:
    stack = new_stack(HEADRACE_STREAM_BUFFER_BYTES="20000")
    async with client(stack.url) as http:
        await launch(http, "flood", step_ms=0)
        async with streaming(http, chat("flood", max_tokens=200_000)) as (heard, lines):
            await asyncio.sleep(3)  # reads nothing; sockets fill, then the inbox
            async for line in lines:
                heard.take(line)
        assert heard.error is not None
        assert heard.error["code"] == "slow_reader"
        await until(lambda: _inflight(http, "flood", 0), 3)


async def test_loading_models_do_not_delay_a_ready_one(stack: Stack) -> None:
    async with client(stack.url) as http:
        await launch(http, "prompt", step_ms=1)
        loads = [asyncio.create_task(launch(http, f"slow-{n}", load_s=3)) for n in range(2)]
        slowest = 0.0
        while not all(load.done() for load in loads):
            began = time.monotonic()
            await hear(http, chat("prompt", max_tokens=1))
            slowest = max(slowest, time.monotonic() - began)
        await asyncio.gather(*loads)
        assert slowest < 1.5
        for uid in ("prompt", "slow-0", "slow-1"):
            await http.delete(f"/v1/models/{uid}")


async def test_a_cold_model_is_waited_for_and_the_stream_kept_alive(new_stack: StackFactory) -> None:
    stack = new_stack(HEADRACE_KEEPALIVE_AFTER_S="1")
    async with client(stack.url) as http:
        answer = await http.post(
            "/v1/models?wait_ready=false", json={"model_uid": "cold", "model_name": "echo", "load_s": 14}
        )
        assert answer.status_code == 200
        heard = await hear(http, chat("cold", max_tokens=3))
        assert heard.done
        assert heard.comments >= 1


async def test_models_come_back_after_a_restart(new_stack: StackFactory) -> None:
    stack = new_stack()
    async with client(stack.url) as http:
        await launch(http, "durable", replica=2, step_ms=1)
    stack.stop()
    stack.start()
    async with client(stack.url) as http:
        assert (await hear(http, chat("durable", max_tokens=4))).done
        await until(lambda: _all_ready(http, "durable", 2))


async def _all_ready(http: httpx.AsyncClient, uid: str, count: int) -> bool:
    return [one["state"] for one in await replicas(http, uid)] == ["ready"] * count


async def test_running_streams_finish_when_the_stack_stops(new_stack: StackFactory) -> None:
    stack = new_stack()
    async with client(stack.url) as http:
        await launch(http, "last", step_ms=20)
        reading = asyncio.create_task(hear(http, chat("last", max_tokens=150)))
        await asyncio.sleep(0.8)
        await asyncio.to_thread(stack.stop)
        heard = await reading
        assert heard.done
        assert len(heard.text) == 150


async def test_a_gateway_that_stood_still_goes_on_where_it_was(stack: Stack) -> None:
    """As in ``docker pause``: what it did not hear meanwhile is no silence of the replica's."""
    [gateway] = stack.pids()["gateway"]
    async with client(stack.url) as http:
        await launch(http, "paused", step_ms=20)
        async with streaming(http, chat("paused", max_tokens=600)) as (heard, lines):
            async for line in lines:
                if heard.take(line) and len(heard.text) == 5:
                    os.kill(gateway, signal.SIGSTOP)
                    await asyncio.sleep(7)
                    os.kill(gateway, signal.SIGCONT)
        assert heard.error is None
        assert len(heard.text) == 600
        assert await _serves(http, "paused")
        assert stack.pids()["gateway"] == [gateway]
        await http.delete("/v1/models/paused")
