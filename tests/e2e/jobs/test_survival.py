"""What jobs survive: runners, workers and Redis gone, clients of other keys, full queues. All on real processes."""

import asyncio
import json
import os
import signal
from base64 import b64encode
from collections.abc import AsyncIterator

import httpx
import pytest
from standardwebhooks import Webhook

from tests.e2e.conftest import StackFactory
from tests.e2e.jobs.orders import FINAL, hear_all, job, order, reaches, refusal, submit
from tests.e2e.stack import Stack
from tests.e2e.talk import client, launch, metric, replicas, until
from tests.support.servers import Valkey
from tests.workers.steward.test_webhook_delivery import Receiver, receiver

__all__ = ["receiver"]  # a fixture

pytestmark = pytest.mark.e2e

SECRET = "whsec_" + b64encode(b"a secret of 24 bytes ...").decode()


async def kill_runner(http: httpx.AsyncClient, uid: str) -> None:
    [replica] = await replicas(http, uid)
    os.kill(replica["pid"], signal.SIGKILL)


async def test_a_job_whose_runner_is_killed_is_done_all_the_same(stack: Stack) -> None:
    async with client(stack.url) as http:
        await launch(http, "mortal-job", step_ms=10)
        made = await submit(http, order("mortal-job", max_tokens=150))
        told = asyncio.create_task(hear_all(http, made["id"]))
        await reaches(http, made["id"], "running")
        await asyncio.sleep(0.5)
        await kill_runner(http, "mortal-job")
        done = await reaches(http, made["id"], *FINAL, seconds=30)
        assert (done["state"], done["attempt"], done["error"]) == ("succeeded", 2, None)
        heard = await told
        states = [one.data["state"] for one in heard if one.type == "state"]
        assert states[-1] == "succeeded"
        assert states.count("running") == 2
        [line] = [one.data["message"] for one in heard if one.type == "log"]
        assert "SIGKILL" in line
        await http.delete("/v1/models/mortal-job")


async def test_a_job_that_kills_its_runner_each_time_is_given_up(stack: Stack) -> None:
    async with client(stack.url) as http:
        await launch(http, "poisoned", step_ms=20)
        poison = await submit(http, order("poisoned", max_tokens=50_000))
        for attempt in (1, 2, 3):
            found = await reaches(http, poison["id"], "running", *FINAL, seconds=40)
            assert (found["state"], found["attempt"]) == ("running", attempt)
            await kill_runner(http, "poisoned")
            await reaches(http, poison["id"], "queued", *FINAL)
        done = await reaches(http, poison["id"], *FINAL)
        assert (done["state"], done["error"]["code"], done["attempt"]) == ("failed", "attempts_exhausted", 3)
        assert await refusal(await http.get(f"/v1/jobs/{poison['id']}/result")) == (500, "attempts_exhausted", None)
        fine = await submit(http, order("poisoned", max_tokens=1))
        assert (await reaches(http, fine["id"], *FINAL, seconds=60))["state"] == "succeeded"
        await http.delete("/v1/models/poisoned")


async def test_jobs_of_a_killed_worker_are_done_by_the_next(new_stack: StackFactory) -> None:
    stack = new_stack(HEADRACE_JOB_LEASE_S="2")
    async with client(stack.url) as http:
        await launch(http, "kept", step_ms=10, max_inflight=4)
        made = [await submit(http, order("kept", max_tokens=200)) for _ in range(6)]
        await reaches(http, made[0]["id"], "running")
        stack.kill("worker")
        done = [await reaches(http, one["id"], *FINAL, seconds=40) for one in made]
        assert {one["state"] for one in done} == {"succeeded"}
        assert done[0]["attempt"] == 2
        assert done[-1]["attempt"] == 1


async def test_a_stopped_worker_gives_its_jobs_back(new_stack: StackFactory) -> None:
    """What can finish in time does; the rest is queued again, and the attempt is not counted."""
    stack = new_stack(HEADRACE_DRAIN_S="3", HEADRACE_JOB_LEASE_S="60")
    async with client(stack.url) as http:
        await launch(http, "drained", step_ms=10, max_inflight=4)
        short = await submit(http, order("drained", max_tokens=120))
        long = await submit(http, order("drained", max_tokens=900))
        for one in (short, long):
            await reaches(http, one["id"], "running")
        [worker] = stack.pids()["worker"]
        os.kill(worker, signal.SIGTERM)
        assert (await reaches(http, short["id"], *FINAL, seconds=3))["attempt"] == 1
        back = await reaches(http, long["id"], "queued", seconds=8)
        assert (back["attempt"], back["started_at"], back["error"]) == (0, None, None)
        done = await reaches(http, long["id"], *FINAL, seconds=60)
        assert (done["state"], done["attempt"]) == ("succeeded", 1)


async def test_an_empty_redis_loses_no_job(new_stack: StackFactory, private_valkey: Valkey) -> None:
    stack = new_stack(HEADRACE_REDIS_URL=private_valkey.url)
    async with client(stack.url) as http:
        await launch(http, "patient", step_ms=10, max_inflight=2)
        before = [await submit(http, order("patient", max_tokens=100)) for _ in range(6)]
        await asyncio.to_thread(private_valkey.stop)
        during = [await submit(http, order("patient", max_tokens=5)) for _ in range(3)]
        await asyncio.sleep(1)
        await asyncio.to_thread(private_valkey.start)
        for one in [*before, *during]:
            done = await reaches(http, one["id"], *FINAL, seconds=40)
            assert done["state"] == "succeeded"
        assert (await hear_all(http, before[0]["id"]))[-1].data["state"] == "succeeded"


# ---- keys, bounds, webhooks --------------------------------------------------------------------------------


@pytest.fixture
async def guarded(new_stack: StackFactory) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Clients of two keys, of a Headrace in which five jobs may wait and webhooks may be sent to this machine."""
    env = {"API_KEY": "one,two", "JOB_QUEUE": "5", "OUTBOUND_ALLOW": "127.0.0.0/8", "WEBHOOK_SECRET": SECRET}
    stack = new_stack(**{f"HEADRACE_{name}": value for name, value in env.items()})
    keys = [{"Authorization": f"Bearer {key}"} for key in ("one", "two")]
    async with client(stack.url, headers=keys[0]) as one, client(stack.url, headers=keys[1]) as two:
        await launch(one, "small", step_ms=10, max_inflight=1)
        yield one, two


async def test_keys_bounds_and_webhooks(
    guarded: tuple[httpx.AsyncClient, httpx.AsyncClient], receiver: Receiver
) -> None:
    one, two = guarded
    blocks = await submit(one, order("small", max_tokens=50_000))
    await reaches(one, blocks["id"], "running")

    for path in ("", "/result", "/events", "/deliveries"):
        assert (await two.get(f"/v1/jobs/{blocks['id']}{path}")).status_code == 404
    for path in ("/cancel", "/retry"):
        assert (await two.post(f"/v1/jobs/{blocks['id']}{path}")).status_code == 404
    assert (await two.delete(f"/v1/jobs/{blocks['id']}")).status_code == 404
    assert (await two.get("/v1/jobs")).json()["data"] == []

    hook = order("small", max_tokens=2, webhook=f"{receiver.url}/hook", metadata={"a": "b"})
    waiting = [await submit(one, hook) for _ in range(3)] + [await submit(two, hook, "mine") for _ in range(2)]
    waiting += [await submit(two, order("small", max_tokens=1))]
    full = await two.post("/v1/jobs", json=order("small", max_tokens=1))
    assert (await refusal(full))[:2] == (429, "queue_full")
    assert int(full.headers["retry-after"]) >= 1
    assert (await submit(two, hook, "mine"))["id"] == waiting[3]["id"], "a replay needs no room"

    await one.post(f"/v1/jobs/{waiting[0]['id']}/cancel")
    await submit(two, order("small", max_tokens=1))
    await one.post(f"/v1/jobs/{blocks['id']}/cancel")
    expected = {waiting[0]["id"]: "cancelled", waiting[1]["id"]: "succeeded", waiting[3]["id"]: "succeeded"}
    told: dict[str, list[str]] = {}

    async def all_told() -> bool:
        told.clear()
        for path, headers, body in list(receiver.got):
            assert path == "/hook"
            found = Webhook(SECRET).verify(body, headers)
            assert found == json.loads(body)
            told.setdefault(found["data"]["id"], []).append(found["type"])
            assert found["data"]["metadata"] == {"a": "b"}
        return told.keys() >= expected.keys()

    await until(all_told, 20)
    assert {id: told[id] for id in expected} == {id: [f"job.{state}"] for id, state in expected.items()}

    async def recorded() -> bool:
        log = (await one.get(f"/v1/jobs/{waiting[1]['id']}/deliveries")).json()["data"]
        return [row["state"] for row in log] == ["delivered"] and log[0]["attempts"][0]["status"] == 200

    await until(recorded)


async def test_two_keys_take_turns(guarded: tuple[httpx.AsyncClient, httpx.AsyncClient]) -> None:
    one, two = guarded
    blocks = await submit(one, order("small", max_tokens=50_000))
    await reaches(one, blocks["id"], "running")
    many = [await submit(one, order("small", max_tokens=20)) for _ in range(3)]
    few = [await submit(two, order("small", max_tokens=20)) for _ in range(2)]
    await one.post(f"/v1/jobs/{blocks['id']}/cancel")
    ends = [(await reaches(one, made["id"], "succeeded"))["finished_at"] for made in many]
    others = [(await reaches(two, made["id"], "succeeded"))["finished_at"] for made in few]
    assert others[0] < ends[1], "the first of the few does not wait for the many"
    assert others[1] < ends[2]


async def test_interactive_requests_find_a_slot_among_jobs(stack: Stack) -> None:
    async with client(stack.url) as http:
        await launch(http, "mixed", step_ms=10, max_inflight=4)
        made = [await submit(http, order("mixed", max_tokens=50_000)) for _ in range(8)]
        await reaches(http, made[2]["id"], "running")
        await asyncio.sleep(0.5)
        states = [(await job(http, one["id"]))["state"] for one in made]
        assert states.count("running") == 3
        answer = await asyncio.wait_for(http.post("/v1/chat/completions", json=_chat("mixed")), 2)
        assert answer.status_code == 200
        for one in reversed(made):
            await http.post(f"/v1/jobs/{one['id']}/cancel")
        for one in made:
            await reaches(http, one["id"], "cancelled")
        await asyncio.sleep(1.2)
        assert await metric(http, "headrace_engine_aborts_total", model="mixed") == 3
        await http.delete("/v1/models/mixed")


def _chat(model: str) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": "x"}], "max_tokens": 3}
