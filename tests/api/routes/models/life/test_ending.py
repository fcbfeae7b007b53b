"""Which launches can be cancelled: those of models that have never been ready (``api.routes.models.life.ending``)."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api.gateway.gateway import Gateway
from api.gateway.routing_table import RoutingTable
from api.routes.models.finding import found
from api.routes.models.life.ending import _delete, _left
from models.errors import Conflict, ModelNotFound
from models.launching.launch import is_uid
from models.redis.presence import Replica, Snapshot
from models.rows import instances
from models.rows.database import Database
from models.rows.instances import NewInstance
from models.rows.life.events import EventKind
from models.rows.residency import moves
from models.rows.states import Leaving, ReplicaState
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


async def test_a_model_that_sleeps_is_gone_when_its_runner_is(database: Database) -> None:
    """It had just become dormant: its row goes at once, and its memory is free a moment later."""
    loaded(database, state=ReplicaState.READY, stage="ready")
    [row] = database.call(instances.replicas_of, "m")
    database.call(moves.ask_to_leave, {row.id: Leaving.DRAINED})
    assert database.call(moves.sleep, row.id, "n1.cpu")
    table = RoutingTable(60.0, lambda _: None)
    table.update(Snapshot("n1.cpu", "w", 1, [Replica(row.id, "m", "e", "stopping")]), 0.0)
    gateway = cast(Gateway, SimpleNamespace(database=database, routing_table=table))
    ended = database.call(_delete, "m", "me", EventKind.TERMINATED, "")
    assert ended is not None
    ids, asleep, _ = ended
    assert await _left(gateway, "m", ids, asleep) == {row.id}
    table.update(Snapshot("n1.cpu", "w", 2, []), 1.0)
    assert await _left(gateway, "m", ids, asleep) == set()


def test_what_loads_is_cancelled(database: Database) -> None:
    loaded(database, state=ReplicaState.LOADING, stage="loading")
    assert end(database, EventKind.CANCELLED)


@pytest.mark.parametrize("uid", ["a/events", "a/cancel", "vllm-supported"])
def test_a_model_whose_uid_has_become_a_path_is_found_and_ended(database: Database, uid: str) -> None:
    database.call(lambda c: instances.create(c, NewInstance(uid, "echo", "LLM", "echo"), "me"))
    gateway = cast(Gateway, SimpleNamespace(database=database))
    row, _ = asyncio.run(found(gateway, uid))
    assert row.uid == uid
    assert not is_uid(uid)
    with pytest.raises(ModelNotFound):
        asyncio.run(found(gateway, "a\0"))
