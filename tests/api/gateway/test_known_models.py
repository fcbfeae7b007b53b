"""What a gateway knows of models that are not ready (api.gateway.known_models)."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from api.gateway.known_models import _read
from models.errors import ModelNotReady, NoDevice
from models.rows import instances, tables
from models.rows.database import Database, now_ms
from models.rows.states import ReplicaState
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
