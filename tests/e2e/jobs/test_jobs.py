"""The job API on real processes: what is submitted, followed, cancelled, tried again, refused."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api.local.embedded import free_port
from models.process.processes import spawn
from tests.e2e.jobs.orders import FINAL, Told, following, hear_all, job, order, reaches, refusal, submit
from tests.e2e.stack import Stack, clean_environment
from tests.e2e.talk import chat, client, launch, metric, until

pytestmark = pytest.mark.e2e


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with client(stack.url) as found:
        yield found


@contextlib.asynccontextmanager
async def narrow(http: httpx.AsyncClient, uid: str, step_ms: int = 20) -> AsyncIterator[str]:
    """A model that does one job at a time."""
    await launch(http, uid, step_ms=step_ms, max_inflight=1)
    yield uid
    for one in (await http.get("/v1/jobs", params={"model": uid, "limit": 100})).json()["data"]:
        if one["state"] not in FINAL:
            await http.post(f"/v1/jobs/{one['id']}/cancel")
    await http.delete(f"/v1/models/{uid}")


async def test_a_job_is_accepted_done_and_answered(http: httpx.AsyncClient, stack: Stack) -> None:
    body = order("echo", max_tokens=6, metadata={"whose": "mine"})
    answer = await http.post("/v1/jobs", json=body)
    assert answer.status_code == 202
    made = answer.json()
    url = f"{stack.url}/v1/jobs/{made['id']}"
    assert answer.headers["location"] == made["status_url"] == url
    assert (made["events_url"], made["cancel_url"]) == (f"{url}/events", f"{url}/cancel")
    assert made["id"].startswith("job_")
    assert (made["object"], made["kind"], made["model"]) == ("job", "chat.completions", "echo")
    assert (made["state"], made["attempt"], made["max_attempts"]) == ("queued", 0, 3)
    assert (made["position"], made["progress"], made["error"]) == (1, 0, None)
    assert "eta_s" in made
    assert made["metadata"] == {"whose": "mine"}
    assert abs(made["created_at"] - time.time()) < 5

    done = await reaches(http, made["id"], *FINAL)
    assert (done["state"], done["progress"], done["attempt"], done["position"]) == ("succeeded", 1, 1, None)
    assert made["created_at"] <= done["started_at"] <= done["finished_at"]
    assert done["result_url"] == f"{url}/result"
    got = await http.get(done["result_url"])
    assert got.headers["content-type"] == "application/json"
    plain = (await http.post("/v1/chat/completions", json=chat("echo", max_tokens=6))).json()
    assert got.json().keys() == plain.keys()
    assert got.json()["choices"] == plain["choices"]
    assert got.json()["usage"] == plain["usage"]


async def test_completions_may_be_jobs_too(http: httpx.AsyncClient) -> None:
    body = {"kind": "completions", "input": {"model": "echo", "prompt": "a b", "max_tokens": 3}}
    done = await reaches(http, (await submit(http, body))["id"], *FINAL)
    answer = await http.get(f"/v1/jobs/{done['id']}/result")
    assert answer.json()["choices"][0]["text"] == "a b a"


async def test_messages_may_be_jobs_too(http: httpx.AsyncClient) -> None:
    message = {"model": "echo", "max_tokens": 3, "messages": [{"role": "user", "content": "a b"}]}
    done = await reaches(http, (await submit(http, {"kind": "messages", "input": message}))["id"], *FINAL)
    answer = (await http.get(f"/v1/jobs/{done['id']}/result")).json()
    assert (answer["type"], answer["content"], answer["stop_reason"]) == (
        "message",
        [{"type": "text", "text": "a b a"}],
        "max_tokens",
    )
    lacking = message | {"output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}}}
    failed = await reaches(http, (await submit(http, {"kind": "messages", "input": lacking}))["id"], *FINAL)
    assert (failed["state"], failed["error"]["param"]) == ("failed", "output_config")


async def test_jobs_are_listed_newest_first_by_pages(http: httpx.AsyncClient) -> None:
    await launch(http, "listed")
    ids = [(await submit(http, order("listed", max_tokens=1)))["id"] for _ in range(7)]
    for id in ids:
        await reaches(http, id, "succeeded")
    seen: list[str] = []
    after: dict[str, Any] = {}
    while True:
        page = (await http.get("/v1/jobs", params={"model": "listed", "limit": 3, **after})).json()
        seen += [one["id"] for one in page["data"]]
        if not page["has_more"]:
            break
        assert page["last_id"] == page["data"][-1]["id"]
        after = {"after": page["last_id"]}
    assert seen == ids[::-1]
    for state, count in (("succeeded", 7), ("queued", 0)):
        page = (await http.get("/v1/jobs", params={"model": "listed", "state": state})).json()
        assert len(page["data"]) == count
    assert await refusal(await http.get("/v1/jobs", params={"state": "done"})) == (400, "invalid_value", "state")
    assert (await refusal(await http.get("/v1/jobs", params={"after": "job_nobody"})))[:2] == (404, "not_found")
    await http.delete("/v1/models/listed")


async def test_cancelling(http: httpx.AsyncClient) -> None:
    async with narrow(http, "stoppable") as uid:
        runs = await submit(http, order(uid, max_tokens=50_000))
        await reaches(http, runs["id"], "running")
        waits = await submit(http, order(uid, max_tokens=50_000))
        answer = await http.post(f"/v1/jobs/{waits['id']}/cancel")
        assert answer.status_code == 200
        assert (answer.json()["state"], answer.json()["error"]["code"]) == ("cancelled", "cancelled")
        assert (await http.post(f"/v1/jobs/{waits['id']}/cancel")).status_code == 200, "again is no harm"
        assert await refusal(await http.get(f"/v1/jobs/{waits['id']}/result")) == (409, "cancelled", None)

        assert (await http.post(f"/v1/jobs/{runs['id']}/cancel")).status_code == 200
        await reaches(http, runs["id"], "cancelled", seconds=10)  # of 1000 that it would take
        await asyncio.sleep(1.2)
        assert await metric(http, "headrace_engine_aborts_total", model=uid) == 1
        steps = await metric(http, "headrace_engine_steps_total", model=uid)
        await asyncio.sleep(1.2)
        assert await metric(http, "headrace_engine_steps_total", model=uid) == steps

        done = await submit(http, order(uid, max_tokens=1))
        await reaches(http, done["id"], "succeeded")
        assert await refusal(await http.post(f"/v1/jobs/{done['id']}/cancel")) == (409, "conflict", "id")


async def test_trying_again_and_deleting(http: httpx.AsyncClient) -> None:
    async with narrow(http, "again") as uid:
        made = await submit(http, order(uid, max_tokens=200))
        await reaches(http, made["id"], "running")
        assert (await refusal(await http.delete(f"/v1/jobs/{made['id']}")))[:2] == (409, "conflict")
        assert (await refusal(await http.post(f"/v1/jobs/{made['id']}/retry")))[:2] == (409, "conflict")
        assert (await refusal(await http.get(f"/v1/jobs/{made['id']}/result")))[:2] == (409, "conflict")
        await http.post(f"/v1/jobs/{made['id']}/cancel")
        await reaches(http, made["id"], "cancelled")
        again = await http.post(f"/v1/jobs/{made['id']}/retry")
        assert again.status_code == 202
        assert (again.json()["error"], again.json()["finished_at"]) == (None, None)
        done = await reaches(http, made["id"], *FINAL)
        assert (done["state"], done["attempt"]) == ("succeeded", 1)
        assert (await refusal(await http.post(f"/v1/jobs/{made['id']}/retry")))[:2] == (409, "conflict")

        gone = await http.delete(f"/v1/jobs/{made['id']}")
        assert gone.json() == {"id": made["id"], "object": "job", "deleted": True}
        for method, path in (("GET", ""), ("GET", "/result"), ("GET", "/events"), ("POST", "/cancel"), ("DELETE", "")):
            answer = await http.request(method, f"/v1/jobs/{made['id']}{path}")
            assert answer.status_code == 404


@pytest.mark.parametrize("id", ["job_000000000000000000000000", "none", "job_%00", "job_'--", "0" * 60])
async def test_unknown_jobs_are_not_found(http: httpx.AsyncClient, id: str) -> None:
    for path in ("", "/result", "/events", "/deliveries"):
        assert (await refusal(await http.get(f"/v1/jobs/{id}{path}")))[:2] == (404, "not_found")
    for path in ("/cancel", "/retry"):
        assert (await refusal(await http.post(f"/v1/jobs/{id}{path}")))[:2] == (404, "not_found")
    assert (await http.delete(f"/v1/jobs/{id}")).status_code == 404


# ---- following ---------------------------------------------------------------------------------------------


async def test_a_job_is_followed_to_its_end(http: httpx.AsyncClient) -> None:
    async with narrow(http, "followed") as uid:
        first = await submit(http, order(uid, max_tokens=120))
        made = await submit(http, order(uid, max_tokens=60))
        told = await hear_all(http, made["id"])
    states = [one.data["state"] for one in told if one.type == "state"]
    assert states == ["queued", "running", "succeeded"]
    assert told[0].data["position"] in (1, 2)
    progress = [one.data["progress"] for one in told if one.type == "progress"]
    assert progress == sorted(progress)
    assert 3 <= len(progress) <= 61
    assert all(one.data["steps"] == 60 for one in told if one.type == "progress")
    assert told[-1].type == "state"
    assert told[-1].data["result_url"].endswith("/result")
    assert (await job(http, first["id"]))["state"] == "succeeded"
    again = await hear_all(http, made["id"])
    assert [one for one in again if one.id] == [one for one in told if one.id]
    assert await refusal(
        await http.get(f"/v1/jobs/{made['id']}/events", headers={"Last-Event-ID": "what"})
    ) == (400, "invalid_value", "last-event-id")  # fmt: skip


async def test_who_waits_hears_of_the_place_in_the_queue(http: httpx.AsyncClient) -> None:
    async with narrow(http, "queued") as uid:
        ahead = [await submit(http, order(uid, max_tokens=5000)) for _ in range(4)]
        await reaches(http, ahead[0]["id"], "running")
        made = await submit(http, order(uid, max_tokens=1))
        places = [made["position"]]
        async with following(http, made["id"]) as events:
            assert (await anext(events)).data["position"] == 4
            for one in ahead[1:]:
                await http.post(f"/v1/jobs/{one['id']}/cancel")
                told = await anext(events)
                assert told.type == "position"
                places.append(told.data["position"])
            await http.post(f"/v1/jobs/{ahead[0]['id']}/cancel")
            rest = [one async for one in events]
    assert places == [4, 3, 2, 1]
    assert rest[-1].data["state"] == "succeeded"


async def test_another_gateway_goes_on_where_the_first_was(http: httpx.AsyncClient, stack: Stack) -> None:
    port = free_port()
    env = {"HEADRACE_HOME": str(stack.home), "HEADRACE_REDIS_URL": stack.redis_url(), "HEADRACE_PORT": str(port)}
    second = spawn([sys.executable, "-m", "api.app"], env=clean_environment() | env)
    try:
        async with narrow(http, "resumed") as uid, client(f"http://127.0.0.1:{port}") as other:

            async def ready() -> bool:
                with contextlib.suppress(httpx.HTTPError):
                    return (await other.get("/readyz")).status_code == 200
                return False

            await until(ready)
            made = await submit(http, order(uid, max_tokens=300))
            whole = asyncio.create_task(hear_all(http, made["id"]))
            heard: list[Told] = []
            for hears in (http, other, http, other):
                last = next((one.id for one in heard[::-1] if one.id), None)
                async with following(hears, made["id"], last) as events:
                    async for one in events:
                        heard += [one] if one.id else []
                        if len(heard) % 5 == 4 and one.id:
                            break
            heard += [one for one in await hear_all(other, made["id"], heard[-1].id) if one.id]
            assert [one.id for one in heard[:-1]] == [one.id for one in await whole if one.id][:-1]
            assert len({one.id for one in heard[:-1]}) == len(heard) - 1
            assert heard[-1].data["state"] == "succeeded"
    finally:
        second.terminate()
        second.wait(20)


# ---- once ----------------------------------------------------------------------------------------------------


async def test_an_idempotency_key_makes_one_job(http: httpx.AsyncClient) -> None:
    body = order("echo", max_tokens=2)
    headers = {"Idempotency-Key": f"once-{time.time_ns()}"}
    made = await asyncio.gather(*[http.post("/v1/jobs", json=body, headers=headers) for _ in range(20)])
    assert {one.status_code for one in made} == {202}
    assert len({one.json()["id"] for one in made}) == 1
    assert [one.headers.get("idempotent-replayed") for one in made].count(None) == 1
    await reaches(http, made[0].json()["id"], "succeeded")
    late = await http.post("/v1/jobs", json=body, headers=headers)
    assert (late.json()["id"], late.headers["idempotent-replayed"]) == (made[0].json()["id"], "true")
    assert late.json()["state"] == "succeeded"
    other = await http.post("/v1/jobs", json=order("echo", max_tokens=3), headers=headers)
    assert await refusal(other) == (409, "idempotency_key_in_use", "Idempotency-Key")
    for bad in ("", "with blank", "x" * 256):
        answer = await http.post("/v1/jobs", json=body, headers={"Idempotency-Key": bad})
        assert await refusal(answer) == (400, "invalid_value", "idempotency-key")


# ---- time and order ----------------------------------------------------------------------------------------


async def test_a_deadline_ends_a_job_that_waits_and_one_that_runs(http: httpx.AsyncClient) -> None:
    async with narrow(http, "timely") as uid:
        runs = await submit(http, order(uid, max_tokens=50_000, deadline=time.time() + 3))
        waits = await submit(
            http, order(uid, max_tokens=1, deadline=(datetime.now(UTC) + timedelta(seconds=2)).isoformat())
        )
        assert (await reaches(http, waits["id"], *FINAL, seconds=6))["state"] == "expired"
        assert (await reaches(http, runs["id"], *FINAL, seconds=6))["state"] == "expired"
        for one in (runs, waits):
            assert await refusal(await http.get(f"/v1/jobs/{one['id']}/result")) == (504, "expired", None)
            assert (await job(http, one["id"]))["error"]["code"] == "expired"
        again = await http.post(f"/v1/jobs/{waits['id']}/retry")
        assert again.json()["deadline"] is None
        assert (await reaches(http, waits["id"], *FINAL))["state"] == "succeeded"


async def test_priorities_come_first(http: httpx.AsyncClient) -> None:
    async with narrow(http, "ranked", step_ms=5) as uid:
        block = await submit(http, order(uid, max_tokens=50_000))
        await reaches(http, block["id"], "running")
        made = {}
        for priority in (0, 5, -5, 100, 1):
            made[priority] = await submit(http, order(uid, priority=priority, max_tokens=2))
        assert made[100]["position"] == 1
        assert made[1]["position"] == 3
        await http.post(f"/v1/jobs/{block['id']}/cancel")
        done = [await reaches(http, one["id"], "succeeded") for one in made.values()]
    assert [one["priority"] for one in sorted(done, key=lambda one: one["started_at"])] == [100, 5, 1, 0, -5]


# ---- what is refused ---------------------------------------------------------------------------------------

ECHO = order("echo", max_tokens=1)
BAD: dict[str, tuple[dict[str, Any], int, str, str | None]] = {
    "kind": ({"kind": "what"}, 400, "invalid_value", "kind"),
    "no kind": ({"kind": None}, 400, "invalid_value", "kind"),
    "input": ({"input": []}, 400, "invalid_value", "input"),
    "no messages": ({"input": {}}, 400, "invalid_value", "input.messages"),
    "a bad field": ({"input": ECHO["input"] | {"max_tokens": "x"}}, 400, "invalid_value", "input.max_tokens"),
    "a bad message": ({"input": {"messages": [{"role": "x"}]}}, 400, "invalid_value", "input.messages[0].role"),
    "a file that is none": (
        {"kind": "images.edits", "input": {"prompt": "x", "image": "file-none"}}, 400, "invalid_value", "input.image",
    ),
    "no such model within": (
        {"model": None, "input": ECHO["input"] | {"model": "nobody"}}, 404, "model_not_found", "input.model",
    ),
    "a misspelt field within": (
        {"input": ECHO["input"] | {"max_token": 1}}, 400, "unknown_parameter", "input.max_token",
    ),
    "a misspelt field": ({"priorty": 1}, 400, "unknown_parameter", "priorty"),
    "no model": ({"model": "nobody"}, 404, "model_not_found", "model"),
    "another modality's": ({"kind": "images.generations", "input": {"prompt": "x"}}, 400, "invalid_value", "model"),
    "NaN": ({"input": ECHO["input"] | {"temperature": float("nan")}}, 400, "invalid_value", "input"),
    "NaN within": (
        {"input": ECHO["input"] | {"chat_template_kwargs": {"a": [float("nan")]}}}, 400, "invalid_value", "input",
    ),
    "a huge integer within": (
        {"input": ECHO["input"] | {"chat_template_kwargs": {"a": 10**30}}}, 400, "invalid_value", "input",
    ),
    "an endless nest": (
        {"input": ECHO["input"] | {"chat_template_kwargs": json.loads('{"a":' * 300 + "1" + "}" * 300)}}, 400,
        "invalid_value", None,
    ),
    "priority": ({"priority": 101}, 400, "invalid_value", "priority"),
    "half a priority": ({"priority": 0.5}, 400, "invalid_value", "priority"),
    "a deadline that passed": ({"deadline": time.time() - 1}, 400, "invalid_value", "deadline"),
    "a deadline in years": ({"deadline": "2099-01-01T00:00:00Z"}, 400, "invalid_value", "deadline"),
    "a deadline without a zone": ({"deadline": "2027-01-01T00:00:00"}, 400, "invalid_value", "deadline"),
    "a deadline that is none": ({"deadline": float("inf")}, 400, "invalid_value", "deadline"),
    "metadata": ({"metadata": {str(n): "x" for n in range(10_000)}}, 400, "invalid_value", "metadata"),
    "metadata that is not text": ({"metadata": {"a": 1}}, 400, "invalid_value", "metadata.a"),
    "a webhook within": ({"webhook": "http://127.0.0.1:9/"}, 400, "invalid_value", "webhook"),
    "a webhook that is none": ({"webhook": "file:///etc/passwd"}, 400, "invalid_value", "webhook"),
    "half a surrogate": ({"metadata": {"a": "\ud800"}}, 400, "invalid_value", "metadata"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_job_is_refused(http: httpx.AsyncClient, name: str) -> None:
    change, *expected = BAD[name]
    content = json.dumps(ECHO | change)
    answer = await http.post("/v1/jobs", content=content, headers={"content-type": "application/json"})
    assert await refusal(answer) == tuple(expected)


async def test_ignored_fields_of_the_input_are_named_by_their_place(http: httpx.AsyncClient) -> None:
    made = await http.post("/v1/jobs", json=ECHO | {"note": 1, "input": ECHO["input"] | {"unheard_of": 1}})
    assert (made.status_code, made.headers["x-headrace-ignored"]) == (202, "note, input.unheard_of")
