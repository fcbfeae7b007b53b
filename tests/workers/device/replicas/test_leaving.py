"""Replicas that end, whose memory is waited for (workers.device.replicas.leaving)."""

from types import SimpleNamespace
from typing import Any, cast

from models.rows.records import ReplicaRow
from models.rows.states import ReplicaState
from tests.models.ledger.placement.test_rooms import row
from workers.device.memory import DeviceMemory
from workers.device.replicas.leaving import STUCK, Leaving
from workers.device.runner_process import RunnerProcess

MEMORY = cast(DeviceMemory, SimpleNamespace(is_back=lambda uuids: True))
RUNNER = cast(RunnerProcess, SimpleNamespace(visible=(), stuck=True))


def wanted(leaving: Leaving, *rows: ReplicaRow) -> None:
    leaving.wanted({one.id: one for one in rows}, cast(dict[str, Any], {}), 0.0)


def test_what_becomes_of_its_memory_is_known_while_its_row_is_here() -> None:
    leaving = Leaving(MEMORY, lambda _: False, 1.0)
    leaving.ended("a", RUNNER)
    wanted(leaving, row("a", ReplicaState.STOPPING, None))
    assert leaving.kept("a") == STUCK
    assert leaving.kept("a") == "", "it was said"


def test_a_runner_is_not_remembered_for_a_replica_that_sleeps_or_is_elsewhere() -> None:
    leaving = Leaving(MEMORY, lambda _: False, 1.0)
    leaving.ended("a", RUNNER)
    wanted(leaving, row("b", ReplicaState.READY, None))
    assert leaving._ended == {}
