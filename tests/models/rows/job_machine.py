"""A state machine of jobs: every call is made on the database and on a plain model, then all rows are compared.

Hypothesis says how many steps there are, and seeds each; what a step does is drawn by weight, and aims at jobs that it
can move. With a rule an act, Hypothesis leaves half of the acts out of each run, and hardly an attempt ends. How often
each way of moving was seen is counted in ``ways``.
"""

import itertools
import json
import uuid
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy.engine import Connection

from models.errors import Conflict, EngineFailure, Expired, HeadraceError, IdempotencyConflict, QueueFull, ReplicaLost
from models.rows import claims, jobs, outbox
from models.rows.claims import Done, Lease
from models.rows.database import Database, now_ms
from models.rows.jobs import NewJob, Submitted
from models.rows.states import FINAL
from models.rows.tables import deliveries, instances, results
from models.rows.tables import jobs as table
from tests.models.rows.job_model import Job

HOUR_MS = 3_600_000
ANY_RANK = 1 << 62
MODEL_BOUND, KEY_BOUND = 6, 4
WEBHOOK = "http://127.0.0.1:9/hook"
KEYS = ("", "key-a", "key-b")
MODELS = ("kept", "kept", "gone")
WORKERS = ("w1", "w2")
MOST_KNOWN = 24
"""Jobs at a time: so many that all meet each other, so few that a run is fast."""

CLOCKS: dict[str, Callable[[Job], bool]] = {
    "lease_expires_at": lambda job: job.runs and not job.lapsed,
    "deadline": lambda job: job.timed and not job.overdue and not job.over,
    "run_after": lambda job: job.put_off,
    "finished_at": lambda job: job.over and not job.aged,
}
"""The times that may pass, and of which jobs."""


def empty(connection: Connection) -> None:
    """Forget all jobs of an earlier run; one of the two models is launched."""
    for one in (table, results, deliveries, instances):
        connection.execute(sa.delete(one))
    about = {"uid": "kept", "model_name": "echo", "model_type": "LLM", "engine": "echo", "replica": 1, "options": {}}
    connection.execute(sa.insert(instances).values(**about))


class Jobs(RuleBasedStateMachine):
    """Each step is one call of a client, a worker or the steward, or a time that passes."""

    database: Database
    ways: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, Job] = {}
        self.numbers = itertools.count()
        self.steps = itertools.count()
        self.forgotten: Counter[str] = Counter()
        self.named: dict[tuple[str, str], str] = {}
        self.random = Random(0)
        self.database.call(empty)

    @rule(random=st.randoms(use_true_random=True))
    def step(self, random: Random) -> None:
        """One act; while no job is known, one is submitted."""
        # Hypothesis likes to give the same seed again; then the next step is to be another one all the same.
        self.random = random = Random(f"{random.getrandbits(64)} {next(self.steps)}")
        weights = {
            self.submit: 4,
            self.claim: 4,
            self.finish: 6,
            self.cancel_and_finish: 3,
            self.release: 3,
            self.renew: 2,
            self.progress: 1,
            self.time_passes: 3,
            self.lose_a_worker: 6,
            self.sweep: 1,
            self.orphans: 2,
            self.cancel: 2,
            self.retry: 4,
            self.delete: 1,
            self.purge: 1,
        }
        if self.known:
            random.choices([*weights], [*weights.values()])[0]()
        else:
            self.submit()

    def those(self, wanted: Callable[[Job], bool]) -> list[str]:
        """All jobs that are wanted, in random order; one time of twelve, or where there are none, all there are."""
        names = [name for name, one in self.known.items() if wanted(one)]
        if not names or self.random.random() < 1 / 12:
            names = [*self.known]
        return self.random.sample(names, len(names))

    def pick(self, wanted: Callable[[Job], bool]) -> tuple[str, Job]:
        """One of them."""
        name = self.those(wanted)[0]
        return name, self.known[name]

    def call(self, function: Any, *args: Any) -> Any:
        """Call, write the webhooks of what moved, and put what is put off out of reach of the real clock."""
        note(f"{function.__name__}{args}")

        def whole(connection: Connection) -> Any:
            moved = function(connection, *args)
            if function is not outbox.cancel:
                outbox.notify(connection, moved)
            later = (table.c.run_after > now_ms(), table.c.state == "queued")
            connection.execute(sa.update(table).where(*later).values(run_after=now_ms() + HOUR_MS))
            return moved

        return self.database.call(whole)

    # ---- submitting ----------------------------------------------------------------------------------------

    def spec(self) -> NewJob:
        """A job to be."""
        choice = self.random.choice
        return NewJob(
            id=f"job_{uuid.uuid4().hex[:12]}",
            kind="chat.completions",
            request={},
            api_key_id=choice(KEYS),
            uid=choice(MODELS),
            priority=choice([-100, 0, 0, 7, 100]),
            deadline_s=choice([None, 3600.0]),
            max_attempts=choice([1, 2, 2, 3]),
            key_bound=KEY_BOUND,
            idempotency_key=choice([None, None, None, "i", "ii"]),
            digest=choice(["one", "two"]),
            webhook=choice([None, WEBHOOK]),
        )

    def submit(self) -> None:
        new = [self.spec() for _ in range(self.random.randint(1, 6))] if len(self.known) < MOST_KNOWN else []
        most = self.random.choice([None, MODEL_BOUND])
        note(f"submit {new}, {most}")
        made = self.database.call(jobs.submit, new, most)
        ranks = {row.id: row.rank for row in self.rows(table)[0]}
        before = dict(self.named)
        waiting = Counter((one.spec.uid, one.spec.api_key_id) for one in self.known.values() if one.waits)
        for one, outcome in sorted(zip(new, made, strict=True), key=lambda pair: _name(pair[0]) not in before):
            name = _name(one)
            of_model = sum(count for (uid, _), count in waiting.items() if uid == one.uid)
            if one.idempotency_key is not None and name in self.named:
                first = self.named[name]
                if self.known[first].spec.digest == one.digest:
                    assert outcome == Submitted(first, created=False)
                else:
                    assert isinstance(outcome, IdempotencyConflict)
            elif most and (of_model >= most or waiting[one.uid, one.api_key_id] >= KEY_BOUND):
                assert isinstance(outcome, QueueFull)
                assert outcome.retry_after is not None
            else:
                assert isinstance(outcome, Submitted)
                assert (outcome.id, outcome.created) == (one.id, True)
                self.known[one.id] = Job(one, ranks[one.id], next(self.numbers), one.deadline_s is not None)
                waiting[one.uid, one.api_key_id] += 1
                if one.idempotency_key is not None:
                    self.named[name] = one.id

    # ---- working -------------------------------------------------------------------------------------------

    def claim(self) -> None:
        _, aim = self.pick(lambda one: one.waits)
        uid, key = aim.spec.uid, aim.spec.api_key_id
        worker, limit = self.random.choice(WORKERS), self.random.randint(1, 4)
        mine = {name: one for name, one in self.known.items() if one.spec.uid == uid and one.waits}
        ready = sorted((one for one in mine.values() if not one.put_off), key=lambda one: -one.rank)
        heads = {one.spec.api_key_id: one.rank for one in ready}
        assert self.database.call(claims.heads, uid) == heads
        worst = self.random.choice([ANY_RANK, ANY_RANK, heads.get(key, 0)])
        ranked = {name: one for name, one in mine.items() if one.spec.api_key_id == key and one.rank <= worst}
        can = {name: one.rank for name, one in ranked.items() if not one.put_off and not one.overdue}
        rows = self.call(claims.claim, uid, key, limit, worst, Lease(worker, "d", HOUR_MS))
        assert [row.rank for row in rows] == sorted(can.values())[:limit]
        for row in rows:
            assert row.id in can
            self.known[row.id].claimed(worker)
            assert (row.fence, row.attempt) == (self.known[row.id].fence, self.known[row.id].attempt)
        if len(rows) < limit:  # nothing but these two kept it from more
            self.ways["not claimed while put off"] += sum(one.put_off for one in ranked.values())
            self.ways["not claimed past its deadline"] += sum(one.overdue for one in ranked.values())

    def running(self, worker: str) -> dict[str, Job]:
        return {name: one for name, one in self.known.items() if (one.state, one.owner) == ("running", worker)}

    def renew(self) -> None:
        self.claim()
        worker = self.random.choice(WORKERS)
        mine = {name: (one.fence, one.cancelling) for name, one in self.running(worker).items()}
        for held in (self.database.call(claims.leased, worker), self.database.call(claims.renew, worker, HOUR_MS)):
            assert {name: (row.fence, row.cancel_requested) for name, row in held.items()} == mine
        for name in mine:
            self.known[name].lapsed = False
        if self.random.random() < 1 / 2:
            self.sweep()

    def finish(self) -> None:
        """End up to five attempts at once, some of them under an older fence; claim before where few run."""
        for _ in range(3 - sum(one.runs for one in self.known.values())):
            self.claim()
        done = []
        for name in self.those(lambda one: one.runs)[: self.random.randint(1, 5)]:
            fence = self.known[name].fence - self.random.choice([0, 0, 0, 0, 0, 1])
            error: HeadraceError | None
            error = self.random.choice([None, None, ReplicaLost(), ReplicaLost(), EngineFailure(), Expired()])
            body = {"made under": fence} if error is None else None
            done.append(Done(name, fence, body, error, again=isinstance(error, ReplicaLost)))
        now = {name: one.fence for name, one in self.known.items() if one.runs}
        counts = [one for one in done if now.get(one.id) == one.fence]
        moved = self.call(claims.finish, done)
        assert sorted(row.id for row in moved) == sorted(one.id for one in counts)
        self.ways["ended after the lease was lost"] += len(done) - len(counts)
        for one in counts:
            self.ways[self.known[one.id].finished(one)] += 1

    def cancel_and_finish(self) -> None:
        self.claim()
        for _ in range(2):
            self.cancel()
        self.finish()

    def progress(self) -> None:
        name, job = self.pick(lambda one: one.runs)
        stale, fraction = self.random.randint(0, 1), self.random.random()
        before = self.row(name).progress
        self.database.call(claims.progress, {(name, job.fence - stale): fraction})
        assert self.row(name).progress == pytest.approx(fraction if job.runs and not stale else before)

    def release(self) -> None:
        self.claim()
        if self.random.random() < 1 / 2:
            self.cancel()
        worker = self.random.choice(WORKERS)
        mine = self.running(worker)
        kept = self.random.sample([*mine], self.random.randint(0, len(mine) // 2))
        moved = self.call(claims.release, worker, kept)
        assert {row.id for row in moved} == mine.keys() - kept
        for name in mine.keys() - kept:
            self.ways[mine[name].released()] += 1

    # ---- time ----------------------------------------------------------------------------------------------

    def time_passes(self) -> None:
        """A time of up to three jobs lies in the past now."""
        clock = self.random.choice([*CLOCKS])
        for name in self.those(CLOCKS[clock])[:3]:
            self.pass_by(name, clock)
        self.claim()

    def pass_by(self, name: str, clock: str) -> None:
        """This time of a job lies in the past now, if that can be."""
        job = self.known[name]
        if CLOCKS[clock](job):
            self.set_clock(name, clock)
            job.lapsed |= clock == "lease_expires_at"
            job.overdue |= clock == "deadline"
            job.put_off &= clock != "run_after"
            job.aged |= clock == "finished_at"

    def set_clock(self, name: str, clock: str) -> None:
        past = sa.update(table).where(table.c.id == name).values(**{clock: 1})
        self.database.call(lambda connection: connection.execute(past))

    def lose_a_worker(self) -> None:
        """The leases of up to four attempts lapse, some past their deadline too, and the steward sweeps."""
        self.claim()
        if self.random.random() < 1 / 3:
            self.cancel()
        for name in self.those(lambda one: one.runs)[:4]:
            self.pass_by(name, "lease_expires_at")
            if self.random.random() < 1 / 2:
                self.pass_by(name, "deadline")
        self.sweep()

    def sweep(self) -> None:
        moved = self.call(claims.sweep)
        ways = {name: way for name, one in self.known.items() if (way := one.swept())}
        assert {row.id for row in moved} == ways.keys()
        self.ways.update(ways.values())

    def orphans(self) -> None:
        for name in self.those(lambda one: one.waits and one.spec.uid == "gone")[:3]:
            if self.known[name].waits:
                self.set_clock(name, "queued_at")
                self.known[name].aged = True
        moved = self.call(claims.fail_orphans, HOUR_MS)
        lost = {name for name, one in self.known.items() if one.waits and one.aged and one.spec.uid == "gone"}
        assert {row.id for row in moved} == lost
        self.ways["failed without a model"] += len(lost)
        for name in lost:
            self.known[name].end("failed", "model_not_found")

    # ---- clients -------------------------------------------------------------------------------------------

    def cancel(self) -> None:
        name, job = self.pick(lambda one: one.runs and not one.cancelling)
        row = self.call(outbox.cancel, name)
        assert (row is None) == job.over
        if job.waits:
            self.ways["cancelled while it waited"] += 1
            job.end("cancelled", "cancelled")
        job.cancelling |= row is not None

    def retry(self) -> None:
        name, job = self.pick(lambda one: one.over)
        can = job.state in ("failed", "cancelled", "expired")
        assert self.database.call(jobs.retry, name) is can
        if can:
            self.ways["retried"] += 1
            job.retried(self.row(name).rank)

    def delete(self) -> None:
        name, job = self.pick(lambda one: True)
        if job.over:
            self.database.call(jobs.delete, name)
            self.forget(name)
        else:
            with pytest.raises(Conflict):
                self.database.call(jobs.delete, name)

    def purge(self) -> None:
        old = {name for name, one in self.known.items() if one.over and one.aged}
        assert set(self.database.call(claims.purge, HOUR_MS)) == old
        for name in old:
            self.forget(name)

    def forget(self, name: str) -> None:
        self.forgotten[name] = self.known.pop(name).notified
        self.named = {key: job for key, job in self.named.items() if job != name}

    # ---- what always holds ---------------------------------------------------------------------------------

    def rows(self, *tables: sa.Table) -> list[list[Any]]:
        """All rows of each of these tables."""
        return self.database.call(lambda connection: [list(connection.execute(sa.select(one))) for one in tables])

    def row(self, name: str) -> Any:
        return self.database.call(jobs.get, name, None)

    @invariant()
    def rows_are_as_the_model(self) -> None:
        found, won, hooks = self.rows(table, results, deliveries)
        rows = {row.id: row for row in found}
        assert rows.keys() == self.known.keys()
        for name, row in rows.items():
            one = self.known[name]
            assert (row.state, row.fence, row.attempt) == (one.state, one.fence, one.attempt)
            assert (row.lease_owner, row.cancel_requested) == (one.owner, one.cancelling)
            assert (row.error[0] if row.error else None) == one.error
            assert (row.state == "running") == (row.lease_expires_at is not None) == (row.lease_owner is not None)
            assert (row.state in FINAL) == (row.finished_at is not None)
            assert row.state != "queued" or row.started_at is None
            assert row.attempt <= row.max_attempts
            assert 0 <= row.progress <= 1
            assert json.dumps(outbox.public(row))
        assert {row.job_id: row.fence for row in won} == {
            name: one.result for name, one in self.known.items() if one.state == "succeeded"
        }
        assert all(row.body == {"made under": row.fence} for row in won)
        notified = Counter({name: one.notified for name, one in self.known.items()}) + self.forgotten
        assert Counter(row.subject for row in hooks) == +notified


def _name(one: NewJob) -> tuple[str, str]:
    return one.api_key_id, one.idempotency_key or ""
