"""Which launches can be cancelled: those of models that have never been ready (``api.routes.models.life.ending``)."""

from typing import Any

import pytest

from api.routes.models.life.ending import _delete
from models.errors import Conflict
from models.rows import instances
from models.rows.database import Database
from models.rows.instances import NewInstance
from models.rows.life.events import EventKind
from models.rows.states import ReplicaState
from tests.models.rows.test_instances import CPU


def loaded(database: Database, **values: Any) -> None:
    """A model whose replica is on a device, which reports these values."""
    database.call(lambda c: instances.create(c, NewInstance("m", "echo", "LLM", "echo"), "me"))
    database.call(lambda c: instances.see_device(c, **CPU))
    [row] = database.call(instances.pending)
    assert database.call(instances.place, row.id, "n1.cpu")
    assert database.call(lambda c: instances.report(c, row.id, "n1.cpu", **values))


def end(database: Database, kind: EventKind) -> bool:
    return database.call(_delete, "m", "me", kind, "") is not None


@pytest.mark.parametrize("state", [ReplicaState.READY, ReplicaState.LOADING])
def test_what_was_ready_is_terminated_not_cancelled(database: Database, state: ReplicaState) -> None:
    loaded(database, state=ReplicaState.READY, stage="ready", context_length=0)
    [row] = database.call(instances.replicas_of, "m")
    assert database.call(lambda c: instances.report(c, row.id, "n1.cpu", state=state))
    with pytest.raises(Conflict, match="terminate it instead"):
        end(database, EventKind.CANCELLED)
    assert end(database, EventKind.TERMINATED)


def test_what_loads_is_cancelled(database: Database) -> None:
    loaded(database, state=ReplicaState.LOADING, stage="loading")
    assert end(database, EventKind.CANCELLED)
