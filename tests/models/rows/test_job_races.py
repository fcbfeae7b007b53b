"""Jobs under many hands at once: real connections, in threads and in processes, on both databases."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.errors import EngineFailure, ReplicaLost
from models.rows import claims, jobs, outbox
from models.rows.claims import Done, Lease
from models.rows.database import Database
from models.rows.jobs import NewJob, Submitted
from models.rows.states import FINAL
from models.rows.tables import deliveries, results
from models.rows.tables import jobs as table

ANY_RANK = 1 << 62
KEYS = ("", "a", "b")
ROUNDS = 40


def new(**fields: Any) -> NewJob:
    """A job to be."""
    about = {"id": f"job_{uuid.uuid4().hex}", "kind": "completions", "uid": "m", "request": {}}
    return NewJob(**about | fields)


def claim_all(url: str, owner: str) -> list[str]:
    """Claim until three turns in a row found nothing."""
    database, random = Database(url), Random(owner)
    got: list[str] = []
    idle = 0
    while idle < 3:
        key = random.choice(KEYS)
        rows = database.call(claims.claim, "m", key, random.randint(1, 7), ANY_RANK, Lease(owner, "d", 60_000))
        got += [row.id for row in rows]
        idle = 0 if rows or any(database.call(claims.heads, "m").values()) else idle + 1
    database.close()
    return got


@pytest.mark.parametrize("processes", [False, True], ids=["threads", "processes"])
def test_each_job_is_claimed_once(database: Database, database_url: str, processes: bool) -> None:
    submitted = [new(api_key_id=KEYS[number % 3]) for number in range(200)]
    database.call(jobs.submit, submitted, None)
    with ProcessPoolExecutor(2, get_context("spawn")) if processes else ThreadPoolExecutor(8) as pool:
        hands = 2 if processes else 8
        taken = list(pool.map(claim_all, [database_url] * hands, [f"w{n}" for n in range(hands)]))
    assert Counter(one for some in taken for one in some) == Counter(one.id for one in submitted)
    rows = database.call(lambda connection: list(connection.execute(sa.select(table))))
    assert {(row.state, row.fence, row.attempt) for row in rows} == {("running", 1, 1)}
    for number, mine in enumerate(taken):
        assert {row.id for row in rows if row.lease_owner == f"w{number}"} == set(mine)


def test_one_job_of_many_submissions_under_one_key(database: Database, database_url: str) -> None:
    others = [Database(database_url) for _ in range(4)]
    names = [f"n{number}" for number in range(200)]
    ready = threading.Barrier(len(others))

    def submit(number: int) -> dict[str, Any]:
        other = others[number]
        other.call(claims.heads, "m")
        ready.wait()
        mine = [new(idempotency_key=name, digest="same") for name in Random(number).sample(names, len(names))]
        made = other.call(jobs.submit, mine, None)
        return {one.idempotency_key or "": outcome for one, outcome in zip(mine, made, strict=True)}

    with ThreadPoolExecutor(len(others)) as pool:
        outcomes = list(pool.map(submit, range(len(others))))
    for other in others:
        other.close()
    for name in names:
        made = [one[name] for one in outcomes]
        assert all(isinstance(one, Submitted) for one in made)
        assert len({one.id for one in made}) == 1
        assert sum(one.created for one in made) == 1
    assert (
        database.call(lambda connection: connection.execute(sa.select(sa.func.count(table.c.id))).scalar_one()) == 200
    )


def test_a_cancel_amid_an_end_is_not_lost(database: Database, database_url: str) -> None:
    """Whoever asked for a cancel while the job ran never sees it run again."""
    other = Database(database_url)
    for number in range(60):
        job = new(max_attempts=3)
        database.call(jobs.submit, [job], None)
        [row] = database.call(claims.claim, "m", "", 1, ANY_RANK, Lease("w", "d", 60_000))
        cancel = threading.Thread(target=other.call, args=(outbox.cancel, job.id))
        cancel.start()
        if number % 2:
            database.call(claims.finish, [Done(row.id, row.fence, error=ReplicaLost(), again=True)])
        else:
            database.call(claims.release, "w")
        cancel.join()
        assert database.call(jobs.get, job.id, None).state == "cancelled"
    other.close()


class Hammer:
    """Hands that claim, end, sweep, cancel, submit and retry the same jobs, each over a connection of its own.

    All begin each round at once, so that every hand meets every other, however fast the machine is.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.ended: Counter[str] = Counter()
        self.made: list[tuple[str, int]] = []
        self.names: dict[str, set[str]] = {}
        self.lock = threading.Lock()

    def moved(self, connection: Connection, function: Callable[..., Any], *args: Any) -> list[Any]:
        rows = function(connection, *args)
        outbox.notify(connection, rows)
        return list(rows)

    def count(self, rows: list[Any]) -> None:
        with self.lock:
            self.ended.update(row.id for row in rows if row.state in FINAL)
            self.made += [(row.id, row.fence) for row in rows if row.state == "succeeded"]

    def run(self, hand: Callable[[Database, Random], None], seed: int, ready: threading.Barrier) -> None:
        database, random = Database(self.url), Random(seed)
        try:
            for _ in range(ROUNDS):
                ready.wait(60)
                hand(database, random)
        except BaseException:
            ready.abort()
            raise
        finally:
            database.close()

    def work(self, database: Database, random: Random) -> None:
        owner = threading.current_thread().name
        lease = Lease(owner, "d", random.choice([1, 5, 40, 1000]))
        rows = database.call(claims.claim, "m", "", 5, ANY_RANK, lease)
        database.call(claims.renew, owner, lease.ms)
        done = []
        for row in rows:
            error = random.choice([None, None, ReplicaLost(), EngineFailure()])
            body = {"made under": row.fence} if error is None else None
            done.append(Done(row.id, row.fence, body, error, again=isinstance(error, ReplicaLost)))
        if random.random() < 0.2:
            self.count(database.call(self.moved, claims.release, owner))
        self.count(database.call(self.moved, claims.finish, random.sample(done, len(done))))

    def sweep(self, database: Database, random: Random) -> None:
        def now(connection: Connection) -> None:
            waiting = sa.select(table.c.id).where(table.c.run_after > 0).with_for_update(skip_locked=True)
            ids = list(connection.execute(waiting).scalars())
            connection.execute(sa.update(table).where(table.c.id.in_(ids)).values(run_after=0))

        self.count(database.call(self.moved, claims.sweep))
        database.call(now)

    def cancel(self, database: Database, random: Random) -> None:
        with self.lock:
            names = [job for ids in self.names.values() for job in ids]
        if names and (row := database.call(outbox.cancel, random.choice(names))) is not None:
            self.count([row])

    def retry(self, database: Database, random: Random) -> None:
        with self.lock:
            names = [job for ids in self.names.values() for job in ids]
        if names:
            database.call(jobs.retry, random.choice(names))

    def stop(self, database: Database, random: Random) -> None:
        """Cancel many at once, as a batch does: on PostgreSQL this deadlocks with those who end many."""

        def all_of_them(connection: Connection) -> None:
            mine = (table.c.uid == "m", table.c.state == "running")
            connection.execute(sa.update(table).where(*mine).values(cancel_requested=True))

        if random.random() < 1 / 4:
            database.call(all_of_them)

    def submit(self, database: Database, random: Random) -> None:
        names = random.sample([f"n{number}" for number in range(400)], 8)
        mine = [new(idempotency_key=name, webhook="http://127.0.0.1:9/") for name in names]
        for one, outcome in zip(mine, database.call(jobs.submit, mine, None), strict=True):
            assert isinstance(outcome, Submitted)
            with self.lock:
                self.names.setdefault(one.idempotency_key or "", set()).add(outcome.id)


def test_nothing_is_lost_under_many_hands(database: Database, database_url: str) -> None:
    hammer = Hammer(database_url)
    hands = [
        *[hammer.work] * 3,
        *[hammer.sweep] * 2,
        *[hammer.stop] * 2,
        hammer.cancel,
        hammer.retry,
        *[hammer.submit] * 2,
    ]
    ready = threading.Barrier(len(hands))
    with ThreadPoolExecutor(len(hands)) as pool:
        for outcome in [pool.submit(hammer.run, hand, seed, ready) for seed, hand in enumerate(hands)]:
            outcome.result()
    random = Random(0)
    while any(row.state not in FINAL for row in _rows(database, table)):
        database.call(
            lambda c: c.execute(sa.update(table).where(table.c.state == "running").values(lease_expires_at=1))
        )
        hammer.sweep(database, random)
        hammer.work(database, random)

    rows = {row.id: row for row in _rows(database, table)}
    assert {job for ids in hammer.names.values() for job in ids} == rows.keys()
    assert all(len(ids) == 1 for ids in hammer.names.values())
    assert Counter(row.subject for row in _rows(database, deliveries)) == hammer.ended
    won = {row.job_id: row.fence for row in _rows(database, results)}
    assert won == {row.id: row.fence for row in rows.values() if row.state == "succeeded"}
    assert sorted(hammer.made) == sorted(won.items())
    assert all(row.body == {"made under": row.fence} for row in _rows(database, results))
    assert all(row.attempt <= row.max_attempts for row in rows.values())


def _rows(database: Database, of: sa.Table) -> list[Any]:
    return database.call(lambda connection: list(connection.execute(sa.select(of))))
