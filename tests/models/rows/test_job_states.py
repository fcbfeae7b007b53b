"""Jobs under every order of events: a Hypothesis state machine beside a plain model of it, on both databases."""

import json
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy.engine import Connection

import migrations
from models.errors import Conflict, EngineFailure, Expired, HeadraceError, IdempotencyConflict, QueueFull, ReplicaLost
from models.rows import claims, jobs, outbox
from models.rows.claims import Done, Lease
from models.rows.database import Database, now_ms
from models.rows.jobs import NewJob, Submitted
from models.rows.tables import FINAL, deliveries, instances, results
from models.rows.tables import jobs as table

HOUR_MS = 3_600_000
ANY_RANK = 1 << 62
MODEL_BOUND, KEY_BOUND = 6, 4
WEBHOOK = "http://127.0.0.1:9/hook"
KEYS = ("", "key-a", "key-b")
MODELS = ("kept", "gone")
WORKERS = ("w1", "w2")
ERRORS: dict[str, HeadraceError] = {"again": ReplicaLost(), "failed": EngineFailure(), "expired": Expired()}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One migrated database for all examples of this file; each empties it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('states') / 'test.db'}"
    else:
        server: str = request.getfixturevalue("postgres_server").url()
        with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("CREATE DATABASE states")
        url = server.rsplit("/", 1)[0] + "/states"
    migrations.upgrade(url)
    found = Database(url)
    yield found
    found.close()


@dataclass
class Job:
    """What the model knows of a job."""

    spec: NewJob
    rank: int
    state: str = "queued"
    attempt: int = 0
    fence: int = 0
    owner: str | None = None
    lapsed: bool = False
    put_off: bool = False
    overdue: bool = False
    timed: bool = False
    cancelling: bool = False
    aged: bool = False
    error: str | None = None
    result: int | None = None
    told: int = 0

    @property
    def over(self) -> bool:
        return self.state in FINAL

    def end(self, state: str, error: str | None) -> None:
        self.state, self.error, self.owner, self.aged = state, error, None, False
        self.lapsed = self.put_off = False
        self.told += self.spec.webhook is not None

    def again(self, error: str) -> None:
        self.state, self.error, self.owner, self.lapsed, self.put_off = "queued", error, None, False, True


def empty(connection: Connection) -> None:
    for one in (table, results, deliveries, instances):
        connection.execute(sa.delete(one))
    about = {"uid": "kept", "model_name": "echo", "model_type": "LLM", "engine": "echo", "replica": 1, "options": {}}
    connection.execute(sa.insert(instances).values(**about))


def put(connection: Connection, job: str, **values: Any) -> None:
    """Set the clock of one job."""
    connection.execute(sa.update(table).where(table.c.id == job).values(**values))


class Jobs(RuleBasedStateMachine):
    """Every call is made on the database and on the model; then all rows are compared."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, Job] = {}
        self.forgotten: Counter[str] = Counter()
        self.named: dict[tuple[str, str], str] = {}
        self.database.call(empty)

    def pick(self, number: int) -> str:
        return sorted(self.known)[number % len(self.known)]

    def call(self, function: Any, *args: Any) -> Any:
        """Call, tell of what moved, and put what is put off out of reach of the real clock."""

        def whole(connection: Connection) -> Any:
            moved = function(connection, *args)
            if function is not outbox.cancel:
                outbox.notify(connection, moved)
            later = (table.c.run_after > now_ms(), table.c.state == "queued")
            connection.execute(sa.update(table).where(*later).values(run_after=now_ms() + HOUR_MS))
            return moved

        return self.database.call(whole)

    # ---- submitting ----------------------------------------------------------------------------------------

    spec = st.fixed_dictionaries(
        {
            "api_key_id": st.sampled_from(KEYS),
            "uid": st.sampled_from(MODELS),
            "priority": st.sampled_from([-100, 0, 0, 7, 100]),
            "deadline_s": st.sampled_from([None, None, 3600.0]),
            "max_attempts": st.integers(1, 3),
            "key_bound": st.just(KEY_BOUND),
            "idempotency_key": st.sampled_from([None, None, "i", "ii"]),
            "digest": st.sampled_from(["one", "two"]),
            "webhook": st.sampled_from([None, WEBHOOK]),
        }
    )

    @rule(specs=st.lists(spec, min_size=1, max_size=4), most=st.sampled_from([None, MODEL_BOUND]))
    def submit(self, specs: list[dict[str, Any]], most: int | None) -> None:
        new = [NewJob(id=f"job_{uuid.uuid4().hex[:12]}", kind="chat.completions", request={}, **spec) for spec in specs]
        made = self.database.call(jobs.submit, new, most)
        ranks = {row.id: row.rank for row in self.rows(table)}
        before = dict(self.named)
        waiting = Counter((one.spec.uid, one.spec.api_key_id) for one in self.known.values() if one.state == "queued")
        for one, outcome in sorted(zip(new, made, strict=True), key=lambda pair: _name(pair[0]) not in before):
            name = _name(one)
            of_model = sum(count for (uid, _), count in waiting.items() if uid == one.uid)
            if one.idempotency_key is not None and name in self.named:
                first = self.named[name]
                if self.known[first].spec.digest == one.digest:
                    assert outcome == Submitted(first, created=False)
                else:
                    assert isinstance(outcome, IdempotencyConflict)
            elif most is not None and (of_model >= most or waiting[one.uid, one.api_key_id] >= KEY_BOUND):
                assert isinstance(outcome, QueueFull)
                assert outcome.retry_after is not None
            else:
                assert isinstance(outcome, Submitted)
                assert (outcome.id, outcome.created) == (one.id, True)
                self.known[one.id] = Job(one, ranks[one.id], timed=one.deadline_s is not None)
                waiting[one.uid, one.api_key_id] += 1
                if one.idempotency_key is not None:
                    self.named[name] = one.id

    # ---- working -------------------------------------------------------------------------------------------

    @rule(
        worker=st.sampled_from(WORKERS),
        uid=st.sampled_from(MODELS),
        key=st.sampled_from(KEYS),
        limit=st.integers(1, 3),
        worst=st.sampled_from([ANY_RANK, ANY_RANK, None]),
    )
    def claim(self, worker: str, uid: str, key: str, limit: int, worst: int | None) -> None:
        mine = {name: one for name, one in self.known.items() if (one.spec.uid, one.state) == (uid, "queued")}
        ready = sorted((one for one in mine.values() if not one.put_off), key=lambda one: -one.rank)
        heads = {one.spec.api_key_id: one.rank for one in ready}
        assert self.database.call(claims.heads, uid) == heads
        bound = heads.get(key, 0) if worst is None else worst
        can = {
            name: one.rank
            for name, one in mine.items()
            if one.spec.api_key_id == key and not one.put_off and not one.overdue and one.rank <= bound
        }
        rows = self.call(claims.claim, uid, key, limit, bound, Lease(worker, "d", HOUR_MS))
        assert [row.rank for row in rows] == sorted(can.values())[:limit]
        for row in rows:
            one = self.known[row.id]
            assert row.id in can
            one.state, one.owner, one.attempt, one.fence = "running", worker, one.attempt + 1, one.fence + 1
            assert (row.fence, row.attempt) == (one.fence, one.attempt)

    def running(self, worker: str) -> dict[str, Job]:
        return {name: one for name, one in self.known.items() if (one.state, one.owner) == ("running", worker)}

    @rule(worker=st.sampled_from(WORKERS))
    def renew(self, worker: str) -> None:
        mine = {name: (one.fence, one.cancelling) for name, one in self.running(worker).items()}
        for found in (self.database.call(claims.held, worker), self.database.call(claims.renew, worker, HOUR_MS)):
            assert {name: (row.fence, row.cancel_requested) for name, row in found.items()} == mine
        for name in mine:
            self.known[name].lapsed = False

    end = st.tuples(
        st.integers(0, 99), st.sampled_from([0, 0, 0, 1, 2]), st.sampled_from(["ok", "again", "failed", "expired"])
    )

    @precondition(lambda self: self.known)
    @rule(ends=st.lists(end, min_size=1, max_size=4))
    def finish(self, ends: list[tuple[int, int, str]]) -> None:
        done: dict[tuple[str, int], Done] = {}
        for number, stale, how in ends:
            name = self.pick(number)
            fence = self.known[name].fence - stale
            error = ERRORS.get(how)
            body = {"made under": fence} if error is None else None
            done[name, fence] = Done(name, fence, body, error, again=how == "again")
        now = {name: one.fence for name, one in self.known.items() if one.state == "running"}
        counts = [one for one in done.values() if now.get(one.id) == one.fence]
        moved = self.call(claims.finish, list(done.values()))
        assert sorted(row.id for row in moved) == sorted(one.id for one in counts)
        for one in counts:
            self.ended(self.known[one.id], one)

    def ended(self, job: Job, done: Done) -> None:
        if job.cancelling:
            job.end("cancelled", "cancelled")
        elif done.error is None:
            job.end("succeeded", None)
            job.result = done.fence
        elif done.again and job.attempt < job.spec.max_attempts:
            job.again(done.error.code)
        elif done.again:
            job.end("failed", "attempts_exhausted")
        else:
            job.end("expired" if isinstance(done.error, Expired) else "failed", done.error.code)

    @precondition(lambda self: self.known)
    @rule(number=st.integers(0, 99), stale=st.integers(0, 1), fraction=st.floats(0, 1))
    def progress(self, number: int, stale: int, fraction: float) -> None:
        name = self.pick(number)
        fence = self.known[name].fence - stale
        before = self.row(name).progress
        self.database.call(claims.progress, {(name, fence): fraction})
        heard = self.known[name].state == "running" and not stale
        assert self.row(name).progress == pytest.approx(fraction if heard else before)

    @rule(worker=st.sampled_from(WORKERS))
    def release(self, worker: str) -> None:
        mine = self.running(worker)
        moved = self.call(claims.release, worker)
        assert {row.id for row in moved} == mine.keys()
        for one in mine.values():
            if one.cancelling:
                one.end("cancelled", "cancelled")
            else:
                one.state, one.owner, one.attempt, one.lapsed = "queued", None, one.attempt - 1, False

    # ---- time ----------------------------------------------------------------------------------------------

    @precondition(lambda self: self.known)
    @rule(number=st.integers(0, 99), what=st.sampled_from(["lease", "lease", "deadline", "pause", "age"]))
    def time_passes(self, number: int, what: str) -> None:
        name = self.pick(number)
        one = self.known[name]
        if what == "lease" and one.state == "running":
            self.database.call(lambda connection: put(connection, name, lease_expires_at=1))
            one.lapsed = True
        elif what == "deadline" and one.timed and not one.over:
            self.database.call(lambda connection: put(connection, name, deadline=1))
            one.overdue = True
        elif what == "pause" and one.put_off:
            self.database.call(lambda connection: put(connection, name, run_after=0))
            one.put_off = False
        elif what == "age" and one.state != "running":
            column = "finished_at" if one.over else "queued_at"
            self.database.call(lambda connection: put(connection, name, **{column: 1}))
            one.aged = True

    @rule()
    def sweep(self) -> None:
        moved = self.call(claims.sweep)
        expected = set()
        for name, one in self.known.items():
            if one.state == "running" and one.lapsed:
                expected.add(name)
                if one.cancelling:
                    one.end("cancelled", "cancelled")
                elif one.overdue:
                    one.end("expired", "expired")
                elif one.attempt >= one.spec.max_attempts:
                    one.end("failed", "attempts_exhausted")
                else:
                    one.again("internal_error")
            elif one.state == "queued" and one.overdue:
                expected.add(name)
                one.end("expired", "expired")
        assert {row.id for row in moved} == expected

    @rule()
    def orphans(self) -> None:
        moved = self.call(claims.orphans, HOUR_MS)
        expected = {n for n, one in self.known.items() if one.state == "queued" and one.aged and one.spec.uid == "gone"}
        assert {row.id for row in moved} == expected
        for name in expected:
            self.known[name].end("failed", "model_not_found")

    # ---- clients -------------------------------------------------------------------------------------------

    @precondition(lambda self: self.known)
    @rule(number=st.integers(0, 99))
    def cancel(self, number: int) -> None:
        name = self.pick(number)
        one = self.known[name]
        row = self.call(outbox.cancel, name)
        assert (row is None) == one.over
        if one.state == "queued":
            one.end("cancelled", "cancelled")
        one.cancelling |= row is not None

    @precondition(lambda self: self.known)
    @rule(number=st.integers(0, 99))
    def retry(self, number: int) -> None:
        name = self.pick(number)
        one = self.known[name]
        can = one.state in ("failed", "cancelled", "expired")
        assert self.database.call(jobs.retry, name) is can
        if can:
            one.state, one.attempt, one.error = "queued", 0, None
            one.overdue = one.timed = one.cancelling = one.aged = False
            one.rank = self.row(name).rank

    @precondition(lambda self: self.known)
    @rule(number=st.integers(0, 99))
    def delete(self, number: int) -> None:
        name = self.pick(number)
        if self.known[name].over:
            self.database.call(jobs.delete, name)
            self.forget(name)
        else:
            with pytest.raises(Conflict):
                self.database.call(jobs.delete, name)

    @rule()
    def purge(self) -> None:
        old = {name for name, one in self.known.items() if one.over and one.aged}
        assert set(self.database.call(claims.purge, HOUR_MS)) == old
        for name in old:
            self.forget(name)

    def forget(self, name: str) -> None:
        self.forgotten[name] = self.known.pop(name).told
        self.named = {key: job for key, job in self.named.items() if job != name}

    # ---- what always holds ---------------------------------------------------------------------------------

    def rows(self, of: sa.Table) -> list[Any]:
        return self.database.call(lambda connection: list(connection.execute(sa.select(of))))

    def row(self, name: str) -> Any:
        return self.database.call(jobs.get, name, None)

    @invariant()
    def rows_are_as_the_model(self) -> None:
        found = {row.id: row for row in self.rows(table)}
        assert found.keys() == self.known.keys()
        for name, row in found.items():
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
        assert {row.job_id: row.fence for row in self.rows(results)} == {
            name: one.result for name, one in self.known.items() if one.state == "succeeded"
        }
        assert all(row.body == {"made under": row.fence} for row in self.rows(results))
        told = Counter({name: one.told for name, one in self.known.items()}) + self.forgotten
        assert Counter(row.subject for row in self.rows(deliveries)) == +told


def _name(one: NewJob) -> tuple[str, str]:
    return one.api_key_id, one.idempotency_key or ""


def test_jobs_move_as_they_should(shared: Database) -> None:
    machine = type("Bound", (Jobs,), {"database": shared})
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=checks),
    )
