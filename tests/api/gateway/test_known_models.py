"""What a gateway knows of models that are not ready (api.gateway.known_models)."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from api.gateway.known_models import _read
from models.errors import ModelNotReady, NoDevice
from models.rows import instances, tables
from models.rows.database import Database, now_ms
from models.rows.residency import moves
from models.rows.states import Leaving, ReplicaState
from tests.models.rows.test_instances import ECHO


@pytest.mark.parametrize("other", ReplicaState)
def test_a_model_has_no_hope_where_all_that_would_be_loaded_have_none(database: Database, other: ReplicaState) -> None:
    """Who sleeps, or has failed, serves no request, and need not be waited for."""
    database.call(lambda c: instances.create(c, replace(ECHO, replica=2)))
    first, second = database.call(instances.pending)
    database.call(lambda c: instances.hold_back(c, first.id, NoDevice("no node has a GPU")))
    long_ago = now_ms() - instances.SETTLED_MS - 1000
    aged = sa.update(tables.replicas).values(updated_at=long_ago)
    device = None if other in (ReplicaState.DORMANT, ReplicaState.PENDING) else "n1.cpu"
    changed = sa.update(tables.replicas).where(tables.replicas.c.id == second.id).values(state=other, device=device)
    database.call(lambda c: [c.execute(one) for one in (changed, aged)])
    known = database.call(_read)["echo"]
    expected = other in (ReplicaState.DORMANT, ReplicaState.FAILED, ReplicaState.PENDING)
    assert (known.hopeless, bool(known.waits)) == (expected, expected)


def test_one_that_waits_for_room_has_hope(database: Database) -> None:
    database.call(lambda c: instances.create(c, replace(ECHO, replica=1)))
    [row] = database.call(instances.pending)
    database.call(lambda c: instances.hold_back(c, row.id, ModelNotReady("cuda:0 has 3 of 24 GiB free")))
    known = database.call(_read)["echo"]
    assert (known.hopeless, known.waits) == (False, "cuda:0 has 3 of 24 GiB free")


def test_what_a_device_loads_goes_on(database: Database) -> None:
    database.call(lambda c: instances.create(c, replace(ECHO, replica=1)))
    [row] = database.call(instances.pending)
    assert not database.call(_read)["echo"].goes_on
    assert database.call(instances.place, row.id, "n1.cpu")
    for state in (ReplicaState.ASSIGNED, ReplicaState.LOADING):
        database.call(lambda c, state=state: instances.report(c, row.id, "n1.cpu", state=state))
        assert database.call(_read)["echo"].goes_on
    database.call(lambda c: instances.report(c, row.id, "n1.cpu", state=ReplicaState.READY))
    assert not database.call(_read)["echo"].goes_on


def test_who_waits_while_another_leaves_goes_on(database: Database) -> None:
    for uid in ("echo", "other"):
        database.call(lambda c, uid=uid: instances.create(c, replace(ECHO, uid=uid, replica=1)))
    [other] = database.call(instances.replicas_of, "other")
    assert database.call(instances.place, other.id, "n1.cpu")
    database.call(lambda c: instances.report(c, other.id, "n1.cpu", state=ReplicaState.READY))
    assert not database.call(_read)["echo"].goes_on
    database.call(moves.ask_to_leave, {other.id: Leaving.DRAINED})
    known = database.call(_read)
    assert (known["echo"].goes_on, known["other"].goes_on) == (True, False)
