"""The list of models that take no requests yet (``GET /v1/progress``)."""

import time
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi import Request

from api.gateway.routing_table import RoutingTable
from api.routes.models.life.progress import all_progress
from models.errors import NoDevice
from models.redis import presence
from models.rows import instances
from models.rows.database import Database
from models.rows.instances import NewInstance
from models.rows.states import ReplicaState
from tests.models.rows.test_instances import CPU

DEVICE = str(CPU["id"])
pytestmark = pytest.mark.anyio


@pytest.fixture
def table() -> RoutingTable:
    return RoutingTable(60, lambda epoch: None)


@pytest.fixture
def request_(database: Database, table: RoutingTable) -> Request:
    gateway = SimpleNamespace(database=database, routing_table=table)
    return cast(Request, SimpleNamespace(app=SimpleNamespace(state=SimpleNamespace(gateway=gateway))))


def launch(database: Database, uid: str) -> str:
    """A model whose one replica waits for a device; its id."""
    database.call(lambda c: instances.create(c, NewInstance(uid, "echo", "LLM", "echo"), "me"))
    [row] = database.call(lambda c: instances.replicas_of(c, uid))
    return row.id


async def test_it_has_those_that_wait_load_or_failed_with_their_reasons(
    database: Database, table: RoutingTable, request_: Request
) -> None:
    ids = {uid: launch(database, uid) for uid in ("waits", "loads", "failed", "ready")}
    database.call(lambda c: instances.create(c, NewInstance("asleep", "echo", "LLM", "echo", load_on_request=True), ""))
    database.call(lambda c: instances.see_device(c, **CPU))
    database.call(lambda c: instances.hold_back(c, ids["waits"], NoDevice("no room")))
    for uid in ("loads", "failed", "ready"):
        database.call(partial(instances.place, replica=ids[uid], device=DEVICE))
    states: dict[str, dict[str, Any]] = {
        "loads": {"state": ReplicaState.LOADING, "stage": "loading", "progress": 0.5},
        "failed": {"state": ReplicaState.FAILED, "error": NoDevice("no such file").to_row()},
    }
    for uid, values in states.items():
        database.call(partial(instances.report, replica=ids[uid], device=DEVICE, **values))
    ready = presence.Replica(ids["ready"], "ready", "epoch", "ready", max_inflight=1)
    table.update(presence.Snapshot(DEVICE, "worker", 1, [ready]), time.monotonic())

    found = {one["model_uid"]: one for one in (await all_progress(request_))["data"]}

    assert {uid: one["state"] for uid, one in found.items()} == {
        "waits": "waiting",
        "loads": "loading",
        "failed": "failed",
    }
    assert (found["waits"]["devices"], found["loads"]["devices"]) == ([], [DEVICE])
    assert [one["info"] for one in found["waits"]["replicas"]] == ["no room"]
    assert [one["info"] for one in found["failed"]["replicas"]] == ["no such file"]
    assert found["loads"]["progress"] == pytest.approx(0.7)
