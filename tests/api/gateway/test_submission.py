"""From the gateway into the database, many at once: order, errors, locks, doorbells. Real databases, a real Redis."""

import asyncio
import json
import threading
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import StatementError

import migrations
from api.gateway.routing_table import RoutingTable
from api.gateway.submission import Doorbell, Submissions
from api.local.embedded import free_port
from models.errors import IdempotencyConflict, QueueFull, ShuttingDown
from models.redis import broker, queue
from models.redis.presence import Replica, Snapshot
from models.rows import claims, jobs
from models.rows.claims import Done, Lease
from models.rows.database import Database
from models.rows.jobs import NewJob, Submitted, throughput
from models.rows.tables import jobs as table
from tests.support.servers import Valkey

WIDE = 10_000
DEVICE = "test.cpu"


def new(**fields: Any) -> NewJob:
    about = {"id": f"job_{uuid.uuid4().hex}", "kind": "completions", "uid": "m", "request": {}}
    return NewJob(**about | fields)


def routing_table() -> RoutingTable:
    found = RoutingTable(60, lambda _: None)
    found.update(Snapshot(DEVICE, "w", 1, [Replica("m-0", "m", "epoch", "ready")]), 0)
    return found


@asynccontextmanager
async def submissions(database: Database, redis_url: str, most: int = WIDE) -> AsyncIterator[Submissions]:
    client = broker.async_command_client(redis_url)
    made = Submissions(database, most, Doorbell(client, routing_table()))
    running = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await rung(made.doorbell)
        await client.aclose()


async def rung(doorbell: Doorbell) -> None:
    """Wait until all rings are sent."""
    async with asyncio.timeout(20):
        while doorbell._rings:
            await asyncio.sleep(0.005)


async def submit_all(to: Submissions, new: list[NewJob]) -> list[Any]:
    return await asyncio.gather(*[to.submit(one) for one in new], return_exceptions=True)


async def test_a_thousand_at_once_each_get_their_own_answer(database: Database, valkey: Valkey) -> None:
    mine = [new(request={"number": number}) for number in range(1000)]
    async with submissions(database, valkey.url) as to:
        made = await submit_all(to, mine)
    assert [one.id for one in made] == [one.id for one in mine]
    rows = database.call(lambda connection: list(connection.execute(sa.select(table))))
    assert {row.id: row.request for row in rows} == {one.id: one.request for one in mine}


async def test_errors_are_each_ones_own(database: Database, valkey: Valkey) -> None:
    """One transaction has new jobs, replays, a conflict, and more than there is room for."""
    async with submissions(database, valkey.url, 4) as to:
        [first] = await submit_all(to, [new(idempotency_key="i", digest="one")])
        mine = [
            new(idempotency_key="i", digest="one"),
            new(idempotency_key="i", digest="two"),
            *[new(key_bound=3) for _ in range(3)],
            *[new(api_key_id="other", key_bound=3) for _ in range(2)],
            new(uid="n"),
            new(idempotency_key="i", digest="one"),
        ]
        made = await submit_all(to, mine)
    assert made[0] == made[-1] == Submitted(first.id, created=False)
    assert isinstance(made[1], IdempotencyConflict)
    assert first.id in made[1].message
    assert [type(one) for one in made[2:5]] == [Submitted, Submitted, QueueFull]
    assert [type(one) for one in made[5:7]] == [Submitted, QueueFull]
    assert made[7].created
    assert "under this key" in made[4].message
    assert "under this key" not in made[6].message


async def test_each_key_has_a_bound_of_its_own(database: Database, valkey: Valkey) -> None:
    bounds = {"small": 1, "large": 3, "any": None}
    async with submissions(database, valkey.url) as to:
        mine = [new(api_key_id=key, key_bound=bound) for key, bound in bounds.items() for _ in range(4)]
        made = await submit_all(to, mine)
    refused = [one.api_key_id for one, outcome in zip(mine, made, strict=True) if isinstance(outcome, QueueFull)]
    assert refused == ["small"] * 3 + ["large"]


async def test_one_key_takes_the_room_of_one_job(database: Database, valkey: Valkey) -> None:
    async with submissions(database, valkey.url, 5) as to:
        made = await submit_all(to, [new(idempotency_key="i", digest="one", key_bound=5) for _ in range(20)])
    assert len({one.id for one in made}) == 1
    assert sum(one.created for one in made) == 1


async def test_what_the_database_refuses_is_nobody_elses_fault(database: Database, valkey: Valkey) -> None:
    mine = [new() for _ in range(9)]
    mine[4] = new(request={"not": object()})
    async with submissions(database, valkey.url) as to:
        made = await submit_all(to, mine)
        later = await submit_all(to, [new()])
    assert [type(one) for one in made] == [Submitted] * 4 + [type(made[4])] + [Submitted] * 4
    assert isinstance(made[4], StatementError | TypeError)
    assert later[0].created


async def test_who_hangs_up_disturbs_nobody(database: Database, valkey: Valkey) -> None:
    async with submissions(database, valkey.url) as to:
        tasks = [asyncio.create_task(to.submit(new())) for _ in range(20)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        made = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, Submitted) for one in made[1::2])


async def test_what_waits_at_the_end_is_told_so(database: Database, valkey: Valkey) -> None:
    client = broker.async_command_client(valkey.url)
    to = Submissions(database, WIDE, Doorbell(client, routing_table()))
    waiting = asyncio.create_task(to.submit(new()))
    running = asyncio.create_task(to.run())
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(ShuttingDown):
        await waiting
    await asyncio.gather(running, return_exceptions=True)
    await client.aclose()


class Asked(Database):
    """A database that says when it is asked for a transaction."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked = asyncio.Event()

    async def run(self, function: Any, *args: Any) -> Any:
        """``Database.run``."""
        self.asked.set()
        return await super().run(function, *args)


async def test_a_locked_database_delays_and_loses_nothing(tmp_path: Path, valkey: Valkey) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    migrations.upgrade(url)
    database = Asked(url)
    locked, enough = threading.Event(), threading.Event()

    def lock() -> None:
        other = Database(url)
        with other.begin() as connection:
            connection.execute(sa.select(1))
            locked.set()
            enough.wait()
        other.close()

    holder = threading.Thread(target=lock)
    holder.start()
    try:
        async with submissions(database, valkey.url) as to:
            await asyncio.to_thread(locked.wait)
            submitting = asyncio.gather(*[to.submit(new()) for _ in range(600)])
            async with asyncio.timeout(20):
                await database.asked.wait()
            looked = await database.look(jobs.counts)
            assert (looked, submitting.done()) == ({}, False)
            enough.set()
            made = await submitting
    finally:
        enough.set()
    holder.join()
    assert all(one.created for one in made)
    assert len(database.call(claims.claim, "m", "", 1000, 1 << 62, Lease("w", "d", 1000))) == 600
    database.close()


# ---- doorbells ---------------------------------------------------------------------------------------------


async def test_doorbells_coalesce(database: Database, valkey: Valkey) -> None:
    rings = queue.priority_list(queue.queue_name(DEVICE), queue.DOORBELL_PRIORITY)
    redis = valkey.client()
    redis.flushall()
    async with submissions(database, valkey.url) as to:
        for _ in range(100):
            to.doorbell.ring({"m"})
        to.doorbell.ring({"nobody's"})
        await rung(to.doorbell)
        assert redis.llen(rings) == 1
        redis.delete(rings)
        await submit_all(to, [new() for _ in range(300)])
        await rung(to.doorbell)
        assert 1 <= int(str(redis.llen(rings))) <= 8
    assert json.loads(str(redis.lindex(rings, 0).decode()))["headers"]["task"] == queue.JOB  # type: ignore[union-attr]


async def test_nobody_at_home_finds_few_rings(database: Database, valkey: Valkey) -> None:
    redis = valkey.client()
    redis.flushall()
    async with submissions(database, valkey.url) as to:
        for _ in range(15):
            to.doorbell.ring({"m"})
            await rung(to.doorbell)
    assert redis.llen(queue.priority_list(queue.queue_name(DEVICE), queue.DOORBELL_PRIORITY)) == 8


async def test_jobs_are_taken_without_redis(database: Database) -> None:
    async with submissions(database, f"redis://127.0.0.1:{free_port()}/0") as to:
        made = await submit_all(to, [new() for _ in range(5)])
    assert all(one.created for one in made)


# ---- how long to wait --------------------------------------------------------------------------------------


def test_throughput_counts_only_time_at_work() -> None:
    assert throughput([]) == 0
    assert throughput([(1000, 3000)]) == 0.5
    assert throughput([(1000, 2000), (2000, 3000)]) == 1
    assert throughput([(1000, 2000), (901_000, 902_000)]) == 1, "a night without work does not count"
    assert throughput([(1000, 2000)] * 8) == 8, "what runs at once is done at once"
    assert throughput([(1000, 4000), (2000, 3000), (3500, 5000)]) == 0.75
    assert throughput([(5000, 5000)]) == 1000


def test_retry_after_is_measured(database: Database) -> None:
    def refused() -> int | None:
        [outcome] = database.call(jobs.submit, [new()], 1)
        assert isinstance(outcome, QueueFull)
        return outcome.retry_after

    database.call(jobs.submit, [new(priority=-100)], None)
    assert refused() == 30, "nothing is known yet"
    ends = {1: (7_000, 7), 2: (900_000, 600), 3: (1, 1)}  # ms that each job took, and the answer that follows
    for took_ms, expected in ends.values():
        database.call(lambda connection: connection.execute(sa.delete(table).where(table.c.finished_at.is_not(None))))
        database.call(jobs.submit, [new() for _ in range(4)], None)
        rows = database.call(claims.claim, "m", "", 4, 1 << 62, Lease("w", "d", 60_000))
        database.call(claims.finish, [Done(row.id, row.fence, {}) for row in rows])
        for number, row in enumerate(rows):
            span = {"started_at": number * took_ms, "finished_at": (number + 1) * took_ms}
            database.call(
                lambda connection, job=row.id, span=span: connection.execute(
                    sa.update(table).where(table.c.id == job).values(**span)
                )
            )
        assert refused() == expected


def test_what_never_ran_says_nothing_of_the_rate(database: Database) -> None:
    database.call(jobs.submit, [new() for _ in range(3)], None)
    database.call(lambda connection: [jobs.cancel(connection, row.id) for row in connection.execute(sa.select(table))])
    assert database.call(jobs.rate, "m") == 0
