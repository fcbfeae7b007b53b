"""How fast models finish jobs is measured once for a burst, and anew after a while."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from api.gateway import throughput
from models.rows import claims, jobs
from models.rows.claims import Done, Lease
from models.rows.database import Database
from models.rows.jobs import NewJob
from models.rows.tables import jobs as table


class Counting(Database):
    """A database that counts how often it is read."""

    looks = 0

    async def look(self, function: Any, *args: Any) -> Any:
        """``Database.look``."""
        self.looks += 1
        return await super().look(function, *args)


def finish_in(database: Database, took_ms: int) -> None:
    """One more job of the model is done, which took so long."""

    def run(connection: sa.Connection) -> None:
        job = NewJob(jobs.new_id(), "completions", "m", {})
        jobs.submit(connection, [job], None)
        [row] = claims.claim(connection, "m", "", 1, 1 << 62, Lease("w", "d", 60_000))
        claims.finish(connection, [Done(row.id, row.fence, {})])
        span = {"started_at": 1000, "finished_at": 1000 + took_ms}
        connection.execute(sa.update(table).where(table.c.id == job.id).values(**span))

    database.call(run)


async def test_a_burst_is_measured_once(database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(database_url)
    made = throughput.Throughput(counting)
    monkeypatch.setattr(throughput, "FRESH_S", 3600)
    finish_in(database, 500)
    assert await made.of("m") == 2
    finish_in(database, 1500)
    assert await asyncio.gather(*[made.of("m") for _ in range(10)]) == [2] * 10
    assert counting.looks == 1
    assert await made.of("another") == 0
    monkeypatch.setattr(throughput, "FRESH_S", -1)
    assert await made.of("m") == pytest.approx(2000 / 1500)
    assert counting.looks == 3
    counting.close()


async def test_those_who_ask_while_it_is_measured_do_not_measure(database: Database, database_url: str) -> None:
    counting = Counting(database_url)
    finish_in(database, 500)
    made = throughput.Throughput(counting)
    assert sorted(await asyncio.gather(*[made.of("m") for _ in range(10)])) == [0] * 9 + [2]
    assert counting.looks == 1
    counting.close()
