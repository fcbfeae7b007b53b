"""Ready replicas that become dormant, and are loaded again (models.rows.residency.moves)."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from models.rows import instances, tables
from models.rows.database import Database
from models.rows.instances import NewInstance
from models.rows.life import events
from models.rows.residency import demand, moves
from models.rows.states import JobState, Leaving, ReplicaState
from tests.models.rows.test_instances import CPU

DEVICE = str(CPU["id"])
ECHO = NewInstance("m", "echo", "LLM", "echo")


@pytest.fixture
def replica(database: Database) -> str:
    """The one replica of a model, which is ready."""
    database.call(lambda c: instances.create(c, ECHO))
    [row] = database.call(instances.pending)
    assert database.call(instances.place, row.id, DEVICE)
    database.call(lambda c: instances.report(c, row.id, DEVICE, state=ReplicaState.READY))
    return row.id


def state(database: Database) -> ReplicaState:
    [row] = database.call(instances.replicas_of, "m")
    return row.state


def ask(database: Database, replica: str, how: Leaving = Leaving.IF_IDLE) -> set[str]:
    return database.call(moves.ask_to_leave, {replica: how})


def job(database: Database, its: JobState, device: str | None = None, **more: Any) -> None:
    """A job of the model."""
    values = {"id": "j", "kind": "chat.completions", "uid": "m", "state": its, "rank": 0, "queued_at": 0}
    values |= {"files": {}, "request": {}, "device": device, "lease_expires_at": 1 if its == JobState.RUNNING else None}
    values |= more
    database.call(lambda c: c.execute(sa.insert(tables.jobs).values(**values)))


def test_who_was_asked_and_does_nothing_becomes_dormant(database: Database, replica: str) -> None:
    assert not database.call(moves.sleep, replica, DEVICE), "nobody has asked it"
    assert ask(database, replica) == {DEVICE}
    assert ask(database, replica) == set(), "it knows"
    assert not database.call(moves.sleep, replica, "n1.other"), "it is not there"
    assert database.call(moves.sleep, replica, DEVICE)
    [row] = database.call(instances.replicas_of, "m")
    assert (row.state, row.device, row.leaving, row.pid) == (ReplicaState.DORMANT, None, None, None)
    assert not database.call(moves.sleep, replica, DEVICE), "it sleeps"
    assert [one.kind for one in database.call(events.listing, "m")][-1] == "unloaded"


def test_only_who_is_ready_can_be_asked(database: Database) -> None:
    database.call(lambda c: instances.create(c, ECHO))
    [row] = database.call(instances.pending)
    assert ask(database, row.id) == set()


def test_who_is_asked_no_more_stays(database: Database, replica: str) -> None:
    ask(database, replica)
    assert database.call(moves.let_stay, replica) == DEVICE
    assert database.call(moves.let_stay, replica) is None
    assert not database.call(moves.sleep, replica, DEVICE)


def test_what_is_pinned_meanwhile_stays(database: Database, replica: str) -> None:
    ask(database, replica, Leaving.DRAINED)
    assert database.call(moves.change, "m", {"pinned": True})
    assert not database.call(moves.sleep, replica, DEVICE)
    assert database.call(moves.change, "m", {"pinned": False})
    assert database.call(moves.sleep, replica, DEVICE)
    assert not database.call(moves.change, "other", {"pinned": True})


def test_what_runs_a_job_stays(database: Database, replica: str) -> None:
    job(database, JobState.RUNNING, DEVICE)
    for how in Leaving:
        ask(database, replica, how)
        assert not database.call(moves.sleep, replica, DEVICE)


def test_a_job_that_runs_elsewhere_keeps_nobody(database: Database, replica: str) -> None:
    job(database, JobState.RUNNING, "n1.other")
    ask(database, replica)
    assert database.call(moves.sleep, replica, DEVICE)


def test_a_job_that_waits_keeps_who_leaves_if_it_is_idle(database: Database, replica: str) -> None:
    job(database, JobState.QUEUED)
    assert database.call(demand.waiting_jobs)["m"][0] == 1
    ask(database, replica)
    assert not database.call(moves.sleep, replica, DEVICE)
    ask(database, replica, Leaving.DRAINED)
    assert database.call(moves.sleep, replica, DEVICE)
    database.call(instances.awaken_wanted)
    assert state(database) == ReplicaState.PENDING


def test_a_job_that_ranks_low_lets_its_model_rest(database: Database, replica: str) -> None:
    """It left for another, which would have to leave for it at its next breath."""
    ask(database, replica)
    assert database.call(moves.sleep, replica, DEVICE)
    job(database, JobState.QUEUED, rank=1 << 60)
    database.call(instances.awaken_wanted)
    assert state(database) == ReplicaState.DORMANT
    long_ago = sa.update(tables.events).values(at=tables.events.c.at - instances.REST_MS)
    database.call(lambda c: c.execute(long_ago))
    database.call(instances.awaken_wanted)
    assert state(database) == ReplicaState.PENDING


def test_a_job_whose_turn_has_come_wakes_its_model_at_once(database: Database, replica: str) -> None:
    ask(database, replica)
    assert database.call(moves.sleep, replica, DEVICE)
    job(database, JobState.QUEUED, rank=1 << 60)
    job(database, JobState.QUEUED, id="k")
    database.call(instances.awaken_wanted)
    assert state(database) == ReplicaState.PENDING


def test_a_job_that_ranks_low_loads_what_was_never_loaded(database: Database) -> None:
    database.call(lambda c: instances.create(c, replace(ECHO, load_on_request=True)))
    job(database, JobState.QUEUED, rank=1 << 60)
    database.call(instances.awaken_wanted)
    assert state(database) == ReplicaState.PENDING


def test_a_job_that_pauses_before_another_attempt_keeps_its_model(database: Database, replica: str) -> None:
    """It would be loaded again a moment later."""
    job(database, JobState.QUEUED, run_after=1 << 60)
    ask(database, replica)
    assert not database.call(moves.sleep, replica, DEVICE)
    assert database.call(demand.waiting_jobs)["m"][0] == 1


def test_a_replica_that_is_placed_anew_is_not_asked_any_more(database: Database, replica: str) -> None:
    ask(database, replica)
    assert database.call(instances.release, [DEVICE]) == 1
    [row] = database.call(instances.replicas_of, "m")
    assert (row.state, row.leaving) == (ReplicaState.PENDING, None)


def test_a_model_awakens_with_as_few_replicas_as_it_may(database: Database) -> None:
    def states(uid: str) -> list[str]:
        return sorted(row.state for row in database.call(instances.replicas_of, uid))

    for uid, least, most in (("fixed", None, None), ("scaled", None, 3), ("two", 2, 3)):
        new = NewInstance(uid, "echo", "LLM", "echo", replica=2, min_replicas=least, max_replicas=most)
        database.call(lambda c, new=new: instances.create(c, new))
    assert (states("fixed"), states("scaled")) == (["pending"] * 2, ["dormant", "pending", "pending"])
    asleep = sa.update(tables.replicas).values(state=ReplicaState.DORMANT)
    database.call(lambda c: c.execute(asleep))
    assert database.call(instances.awaken, ["fixed", "scaled", "two"])
    assert not database.call(instances.awaken, ["fixed", "scaled", "two"]), "one load, however many ask"
    assert states("fixed") == ["pending", "pending"]
    assert states("scaled") == ["dormant", "dormant", "pending"]
    assert states("two") == ["dormant", "pending", "pending"]
    database.call(moves.change, "scaled", {"max_replicas": 5})
    assert len(states("scaled")) == 5
    database.call(moves.change, "scaled", {"max_replicas": 3})
    assert states("scaled") == ["dormant", "dormant", "pending"]
    database.call(moves.change, "scaled", {"max_replicas": None})
    assert states("scaled") == ["dormant", "pending"], "as many as were launched"
