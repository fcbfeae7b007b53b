"""What transactions lock on PostgreSQL while others go on: SQLite has one writer, and no locks of rows."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

import migrations
from models.errors import ReplicaLost
from models.rows import claims, instances, jobs, responses, webhooks
from models.rows.claims import Done, Lease
from models.rows.database import Database, now_ms
from models.rows.instances import NewInstance
from models.rows.jobs import Submitted
from models.rows.states import DeliveryState
from models.rows.tables import deliveries, replicas
from models.rows.tables import jobs as table
from models.rows.tables import responses as kept
from models.rows.webhooks import DeliveryOutcome, WebhookEvent
from tests.models.rows.test_job_races import ANY_RANK, new
from tests.models.rows.test_responses import new as response
from tests.support.locking import at_once, before, free, locked
from tests.support.servers import wait_for


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Database]:
    """An empty database."""
    migrations.downgrade(postgres_url, "base")
    migrations.upgrade(postgres_url)
    database = Database(postgres_url)
    yield database
    database.close()


def submitted(database: Database, count: int, **values: Any) -> list[str]:
    """Jobs that wait, with these values in their rows."""
    made = [new() for _ in range(count)]
    database.call(jobs.submit, made, None)
    if values:
        database.call(lambda connection: connection.execute(sa.update(table).values(**values)))
    return [one.id for one in made]


def claimed(database: Database, count: int) -> list[Any]:
    """Jobs that ``w`` holds."""
    submitted(database, count)
    return database.call(claims.claim, "m", "", count, ANY_RANK, Lease("w", "d", 60_000))


# ---- who waits for nobody ----------------------------------------------------------------------------------


def test_who_claims_passes_over_what_another_is_claiming(postgres: Database) -> None:
    first, second = submitted(postgres, 2)
    with locked(postgres, table.c.id == first):
        taken = postgres.call(at_once(claims.claim), "m", "", 1, ANY_RANK, Lease("w", "d", 60_000))
    assert [row.id for row in taken] == [second]


def test_a_sweep_passes_over_what_is_being_changed(postgres: Database) -> None:
    first, second = claimed(postgres, 2)
    postgres.call(lambda connection: connection.execute(sa.update(table).values(lease_expires_at=1)))
    with locked(postgres, table.c.id == first.id):
        assert [row.id for row in postgres.call(at_once(claims.sweep))] == [second.id]


def test_who_delivers_passes_over_what_another_delivers(postgres: Database) -> None:
    events = [WebhookEvent(name, "https://example.org/", "job.failed", {}) for name in ("a", "b")]
    first, second = postgres.call(webhooks.enqueue, events)
    with locked(postgres, deliveries.c.id == first):
        assert [row.id for row in postgres.call(at_once(webhooks.claim_due), 20, 1000)] == [second]


def test_expired_responses_that_are_being_renewed_are_passed_over(postgres: Database) -> None:
    first, second = response("a"), response("b")
    postgres.call(responses.keep, [first, second], 1)
    postgres.call(lambda connection: connection.execute(sa.update(kept).values(expires_at=now_ms() - 1000)))
    with locked(postgres, kept.c.id == first.id):
        assert postgres.call(at_once(responses.purge)) == 1
    assert free(postgres, kept.c.id) == {first.id}


def test_submissions_lock_their_keys_in_one_order(postgres: Database) -> None:
    """Two that insert the same keys would else wait for each other."""
    waits = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")

    def someone_waits() -> bool:
        return bool(postgres.call(lambda connection: connection.execute(waits).scalar_one()))

    both = [new(idempotency_key=name, digest="same") for name in ("b", "a")]
    with ThreadPoolExecutor(1) as pool:
        with postgres.begin() as connection:
            jobs.submit(connection, [new(idempotency_key="a", digest="same")], None)
            late = pool.submit(postgres.call, jobs.submit, both, None)
            wait_for(someone_waits, 30)
            [outcome] = postgres.call(at_once(jobs.submit), [new(idempotency_key="b", digest="same")], None)
            assert isinstance(outcome, Submitted)
            assert outcome.created
        outcomes = late.result()
    assert [isinstance(one, Submitted) and one.created for one in outcomes] == [False, False]


# ---- whom others must wait for -----------------------------------------------------------------------------


@pytest.mark.parametrize("fails", [True, False])
def test_no_cancel_comes_between_the_statements_that_end_attempts(postgres: Database, fails: bool) -> None:
    first, second, third = claimed(postgres, 3)
    error = ReplicaLost() if fails else None
    ended = [Done(row.id, row.fence, None if fails else {}, error, again=fails) for row in (first, second)]
    seen = watched(postgres, table.c.id, "UPDATE", claims.finish, ended)
    assert seen == {third.id}


def test_no_cancel_comes_between_the_statements_that_give_jobs_back(postgres: Database) -> None:
    kept_one = claimed(postgres, 3)[0].id
    seen = watched(postgres, table.c.id, "UPDATE", claims.release, "w", [kept_one])
    assert seen == {kept_one}


def test_a_model_that_is_terminated_is_taken_off_no_device_meanwhile(postgres: Database) -> None:
    postgres.call(instances.create, NewInstance("m", "echo", "LLM", "echo", replica=2))
    seen = watched(postgres, replicas.c.id, "DELETE", instances.delete, "m")
    assert seen == set()


def test_of_two_attempts_at_a_delivery_each_is_recorded(postgres: Database) -> None:
    [name] = postgres.call(webhooks.enqueue, [WebhookEvent("a", "https://example.org/", "job.failed", {})])
    outcome = DeliveryOutcome(DeliveryState.PENDING, status=500, wait_s=1)
    assert watched(postgres, deliveries.c.id, "UPDATE", webhooks.record, name, 1, outcome, 5) == set()


def watched(
    database: Database, column: sa.Column[Any], verb: str, function: Callable[..., Any], *args: Any
) -> set[Any]:
    """The rows that are not locked while the function is about to execute its first statement of this kind."""
    seen: list[set[Any]] = []

    database.call(before(verb, lambda: seen.append(free(database, column)), function), *args)
    return seen[0]
