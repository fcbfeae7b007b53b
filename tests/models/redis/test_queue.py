"""The message that gateways LPUSH is the one that the installed celery and kombu would; admission is exact."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import celery
import pytest

from api.edge.caller import Caller, Limits
from api.gateway.admission import Admission
from api.local.embedded import free_port
from models.errors import BrokerUnavailable, Overloaded, RateLimited
from models.redis import broker, presence, queue
from tests.support.servers import Valkey

ARGUMENTS = ["epoch", "rid", "gateway", "chat", 1, {"model": "m", "messages": [{"role": "user", "content": "é😀"}]}]


@pytest.fixture
def app(valkey: Valkey) -> celery.Celery:
    valkey.client().flushall()
    app = celery.Celery("headrace")
    app.conf.update(queue.celery_config(valkey.url, "test.cpu"))
    return app


def test_the_message_has_the_fields_of_apply_async(app: celery.Celery, valkey: Valkey) -> None:
    name = queue.queue_name("test.cpu")
    app.send_task(queue.INFER, args=ARGUMENTS, task_id="rid", queue=name, ignore_result=True)
    client = valkey.client()
    [theirs] = [json.loads(one) for one in client.lrange(name, 0, -1)]
    ours = json.loads(queue.message(queue.INFER, ARGUMENTS, rid="rid", queue=name))

    assert ours.keys() == theirs.keys()
    assert ours["properties"].keys() == theirs["properties"].keys()
    # What celery added since is named here, so that an upgrade that adds more is looked at.
    assert theirs["headers"].keys() - ours["headers"].keys() <= {"x-opt-enqueued-at"}
    assert ours["headers"].keys() <= theirs["headers"].keys()
    for field in ("lang", "task", "id", "retries", "timelimit", "root_id", "ignore_result"):
        assert ours["headers"][field] == theirs["headers"][field]
    assert ours["properties"]["delivery_info"] == theirs["properties"]["delivery_info"]
    assert ours["content-type"] == theirs["content-type"]


def test_a_real_worker_runs_both_messages_alike(app: celery.Celery, valkey: Valkey) -> None:
    name = queue.queue_name("test.cpu")
    ran: list[Any] = []
    done = threading.Event()

    @app.task(name=queue.INFER)  # type: ignore[untyped-decorator]
    def infer(*arguments: Any) -> None:
        ran.append(list(arguments))
        if len(ran) == 2:
            done.set()

    app.send_task(queue.INFER, args=ARGUMENTS, task_id="one", queue=name)
    valkey.client().lpush(name, queue.message(queue.INFER, ARGUMENTS, rid="two", queue=name))
    worker = app.WorkController(
        pool="threads", concurrency=2, without_heartbeat=True, without_mingle=True, without_gossip=True
    )
    thread = threading.Thread(target=worker.start)
    thread.start()
    assert done.wait(20)
    worker.stop()
    thread.join(20)
    assert ran == [ARGUMENTS, ARGUMENTS]


def _replica(epoch: str, inflight: int, waiting: int) -> presence.Replica:
    return presence.Replica("r", "m", epoch, "ready", ["chat"], inflight, waiting)


async def _enqueue(url: str, count: int, *, device: int, key: int, replica: presence.Replica) -> list[str]:
    client = broker.async_command_client(url)
    admission = Admission(client, device_cap=device, room=lambda: 1)
    slots = admission.slots("d", replica, Caller("", frozenset(), Limits(concurrency=key, job_queue=1)))

    async def one(number: int) -> str:
        try:
            deadline = queue.deadline_ms(60)
            await admission.enqueue(b"m", f"{id(client)}-{number}", deadline, device="d", replica=replica, slots=slots)
        except (RateLimited, Overloaded) as error:
            if not 1 <= (error.retry_after or 0) <= 30:
                return f"retry after {error.retry_after}"
            return error.message.split()[1] if isinstance(error, Overloaded) else "key"
        return "admitted"

    try:
        return list(await asyncio.gather(*map(one, range(count))))
    finally:
        await client.aclose()


def test_admission_is_exact_under_contention(valkey: Valkey) -> None:
    client = valkey.client()
    client.flushall()
    replica = _replica("e1", 8, 92)

    def hammer(_: int) -> list[str]:
        return asyncio.run(_enqueue(valkey.url, 300, device=10_000, key=10_000, replica=replica))

    with ThreadPoolExecutor(4) as pool:
        outcomes = [one for found in pool.map(hammer, range(4)) for one in found]
    assert outcomes.count("admitted") == 100
    assert outcomes.count("model") == 1100
    assert client.llen(queue.queue_name("d")) == 100


@pytest.mark.parametrize(("device", "key", "refused"), [(3, 100, "device"), (100, 3, "key")])
async def test_each_bound_is_named(valkey: Valkey, device: int, key: int, refused: str) -> None:
    valkey.client().flushall()
    outcomes = await _enqueue(valkey.url, 5, device=device, key=key, replica=_replica("e", 50, 50))
    assert sorted(outcomes) == sorted(["admitted"] * 3 + [refused] * 2)


async def test_slots_of_lost_requests_free_themselves(valkey: Valkey) -> None:
    valkey.client().flushall()
    replica = _replica("e", 1, 1)
    assert await _enqueue(valkey.url, 3, device=9, key=9, replica=replica) == ["admitted", "admitted", "model"]
    with valkey.client() as client:  # their deadlines pass
        for slots in ("device:d", "replica:e", "key:anonymous"):
            key = f"headrace:slots:{slots}"
            client.zadd(key, dict.fromkeys(client.zrange(key, 0, -1), 1), xx=True)
    assert await _enqueue(valkey.url, 1, device=9, key=9, replica=replica) == ["admitted"]


async def test_a_broker_that_is_full_refuses_and_holds_no_place(valkey: Valkey) -> None:
    with valkey.client() as client:
        client.flushall()
        client.config_set("maxmemory", 1 << 20)  # less than it has
        try:
            with pytest.raises(BrokerUnavailable):
                await _enqueue(valkey.url, 1, device=9, key=9, replica=_replica("e", 1, 1))
        finally:
            client.config_set("maxmemory", 0)
        assert client.keys() == []


async def test_no_redis_is_the_brokers_fault() -> None:
    with pytest.raises(BrokerUnavailable):
        await _enqueue(f"redis://127.0.0.1:{free_port()}/0", 1, device=9, key=9, replica=_replica("e", 1, 1))


def test_kombu_reads_doorbells_after_what_is_interactive(app: celery.Celery, valkey: Valkey) -> None:
    """The list that gateways ring at is the one in which the installed kombu keeps, and reads, that priority."""
    name = queue.queue_name("test.cpu")
    app.send_task(queue.JOB, task_id="theirs", queue=name, priority=queue.DOORBELL_PRIORITY, ignore_result=True)
    client = valkey.client()
    rings = queue.priority_list(name, queue.DOORBELL_PRIORITY)
    [theirs] = [json.loads(one) for one in client.lrange(rings, 0, -1)]
    message = queue.message(queue.JOB, [], rid="ours", queue=name, priority=queue.DOORBELL_PRIORITY)
    assert json.loads(message)["properties"]["priority"] == theirs["properties"]["priority"]
    client.lpush(rings, message)
    client.lpush(name, queue.message(queue.INFER, ARGUMENTS, rid="urgent", queue=name))
    read: list[str] = []
    with app.connection_for_read() as connection:
        taking = connection.Consumer(
            app.conf.task_queues, on_message=lambda got: read.append(got.headers["id"]), accept=["json"], no_ack=True
        )
        with taking:
            while len(read) < 3:
                connection.drain_events(timeout=10)
    assert read == ["urgent", "theirs", "ours"]
