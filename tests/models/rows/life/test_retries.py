"""Loads that were given up are tried again after growing pauses, and not for ever (``models.rows.life.retries``)."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from models.errors import EngineFailure, HeadraceError, InvalidRequest, WeightsNotHere
from models.rows import instances, tables
from models.rows.database import Database
from models.rows.instances import NewInstance
from models.rows.life import events, retries
from models.rows.life.retries import in_words, pause_s
from models.rows.records import ReplicaRow
from models.rows.residency import moves
from models.rows.states import ReplicaState
from tests.models.rows.test_instances import CPU

ONE = NewInstance("echo", "echo", "LLM", "echo", max_retries=2, retry_interval_s=30)
BROKEN = EngineFailure("out of memory")


def test_pauses_grow_up_to_a_bound_and_tries_end() -> None:
    pauses = [pause_s(n, interval_s=60, most=9, permanent=False) for n in range(1, 12)]
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, None, None]
    assert pause_s(1, interval_s=60, most=0, permanent=False) is None
    assert pause_s(1, interval_s=60, most=9, permanent=True) is None
    assert pause_s(500, interval_s=7200, most=999, permanent=False) == 7200


def test_what_follows_a_failure_is_said() -> None:
    assert in_words(2, 5, 120, permanent=False) == "tried again in 120 s (try 2 of 5)"
    assert in_words(6, 5, None, permanent=False).startswith("given up after 6 failures: launch it anew")
    assert in_words(1, 0, None, permanent=False).startswith("given up as it is not to be retried")
    assert "mend what is at fault, then" in in_words(1, 5, None, permanent=True)


def row_of(database: Database) -> ReplicaRow:
    [row] = database.call(instances.replicas_of, "echo")
    return row


def fail(database: Database, error: HeadraceError = BROKEN, lines: tuple[str, ...] = ("why",)) -> str:
    """Place the replica, and have its load given up."""
    [waits] = database.call(instances.pending)
    assert database.call(instances.place, waits.id, "n1.cpu")
    return database.call(lambda c: retries.give_up(c, waits.id, "n1.cpu", error, lines))


def pass_time(database: Database, ms: int) -> None:
    due = tables.replicas.c.next_try_at
    database.call(lambda c: c.execute(sa.update(tables.replicas).values(next_try_at=due - ms)))


@pytest.fixture
def launched(database: Database) -> Database:
    database.call(lambda c: instances.create(c, ONE))
    database.call(lambda c: instances.see_device(c, **CPU))
    return database


def test_a_failed_load_is_tried_again_when_its_time_has_come_and_at_last_given_up(launched: Database) -> None:
    for failures, seconds in ((1, 30), (2, 60)):
        assert fail(launched) == f"tried again in {seconds} s (try {failures} of 2)"
        assert (row_of(launched).state, row_of(launched).failures) == (ReplicaState.FAILED, failures)
        pass_time(launched, seconds * 1000 - 5000)
        assert launched.call(retries.revive) == 0
        pass_time(launched, 5000)
        assert launched.call(retries.revive) == 1
        assert (row_of(launched).state, row_of(launched).next_try_at) == (ReplicaState.PENDING, None)
    assert fail(launched).startswith("given up after 3 failures")
    assert (row_of(launched).next_try_at, launched.call(retries.revive)) == (None, 0)
    assert launched.call(retries.forgive) == 1  # as at a start
    assert launched.call(retries.revive) == 1
    assert fail(launched) == "tried again in 30 s (try 1 of 2)"
    told = [row.kind for row in launched.call(events.listing, "echo") if row.kind != "placed"]
    assert told == ["launched", *["failed", "retried"] * 3, "failed"]
    texts = [row.text for row in launched.call(events.listing, "echo") if row.kind == "retried"]
    assert texts == [
        *("tried again after 1 failure", "tried again after 2 failures"),
        "tried again after a start, which forgets earlier failures",
    ]


def test_a_launch_that_is_at_fault_itself_is_not_tried_again(launched: Database) -> None:
    assert fail(launched, InvalidRequest("no such option")).startswith("not tried again")
    assert (row_of(launched).next_try_at, launched.call(retries.revive)) == (None, 0)
    assert launched.call(retries.forgive) == 1, "before a start it may have been mended"
    assert launched.call(retries.revive) == 1


@pytest.mark.parametrize("error", [WeightsNotHere("there is nothing at /m"), InvalidRequest("no weights that we load")])
def test_what_was_ready_once_is_tried_again_whatever_it_fails_of(launched: Database, error: HeadraceError) -> None:
    launched.call(lambda c: moves.took(c, "echo", 0.0))
    for failures, seconds in ((1, 30), (2, 60)):
        assert fail(launched, error) == f"tried again in {seconds} s (try {failures} of 2)"
        pass_time(launched, seconds * 1000)
        assert launched.call(retries.revive) == 1
    assert fail(launched, error).startswith("given up after 3 failures")


def test_weights_that_were_there_at_the_launch_may_come_back(launched: Database) -> None:
    assert fail(launched, WeightsNotHere("there is nothing at /m")) == "tried again in 30 s (try 1 of 2)"


def test_the_last_lines_stay_with_the_failure_until_it_is_ready(launched: Database) -> None:
    fail(launched, lines=(*(f"line {n}\n" for n in range(300)), "x" * 5000))
    log = row_of(launched).log
    assert log is not None
    assert (len(log), log[0], log[-1]) == (200, "line 101", "x" * 2000)
    pass_time(launched, 99_000)
    launched.call(retries.revive)
    assert row_of(launched).log == log, "they say why until it is ready"
    assert row_of(launched).failures == 1


def test_the_important_come_first(database: Database) -> None:
    for uid, priority in (("late", 200), ("usual", 100), ("first", 1)):
        database.call(lambda c, u=uid, p=priority: instances.create(c, replace(ONE, uid=u, priority=p)))
    assert [row.uid for row in database.call(instances.pending)] == ["first", "usual", "late"]
    for row in database.call(instances.pending)[::-1]:
        assert database.call(instances.place, row.id, "n1.cpu")
    assert [(row.uid, row.priority) for row in database.call(instances.of_device, "n1.cpu")] == [
        *(("first", 1), ("usual", 100), ("late", 200))
    ]
    database.call(instances.delete, "late")
    assert [row.priority for row in database.call(instances.of_device, "n1.cpu")] == [0, 1, 100]
