"""Replicas that leave a device: how they are closed, and what that costs (workers.device.staying.departures)."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pytest

from models.launching import devices
from models.rows import instances
from models.rows.claims import Lease
from models.rows.database import Database
from models.rows.residency import moves
from models.rows.states import Leaving, ReplicaState
from models.settings import Settings
from models.storage.artifacts import open_store
from tests.models.rows.test_instances import CPU
from tests.models.rows.test_instances import ECHO as TWO
from tests.support.servers import Valkey
from workers.device.claimer import Claimer
from workers.device.host import DeviceHost
from workers.device.probing import Probing
from workers.device.runner_process import Phase, RunnerProcess

T = TypeVar("T")
DEVICE = str(CPU["id"])


class Counted(Database):
    """A database that counts its transactions."""

    written = looked = 0

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """See ``Database``."""
        self.written += 1
        return super().call(function, *args)

    def read(self, function: Callable[..., T], *args: Any) -> T:
        """See ``Database``."""
        self.looked += 1
        return super().read(function, *args)


class Runner:
    """What is looked at of a runner. It is ``busy`` for so many looks."""

    phase, leaving, ready_at, visible, limit, stage = Phase.READY, False, 0.0, (), None, "ready"

    def __init__(self, replica: str, busy: int) -> None:
        self.epoch = f"epoch-of-{replica}"
        self.load = SimpleNamespace(replica=replica, uid="echo")
        self.stats = SimpleNamespace(memory_bytes=0)
        self.busy = busy
        self.stopped = False

    @property
    def inflight(self) -> int:
        self.busy -= 1
        return int(self.busy >= 0)

    def stop(self) -> None:
        self.stopped = True

    def abandoned(self) -> list[Any]:
        return []


@pytest.fixture
def counted(database: Database, database_url: str) -> Any:
    found = Counted(database_url)
    yield found
    found.close()


@pytest.fixture
def host(counted: Counted, valkey: Valkey, tmp_path: Path) -> Any:
    """The owner of a CPU with two replicas, none of which was asked to leave. Its thread is the test's."""
    settings = Settings(home=tmp_path, node="n1", redis_url=valkey.url)
    client: Any = valkey.client()
    client.flushall()

    def claimer(device: str, owner: str, runners: Any) -> Claimer:
        store = open_store((tmp_path / "store").as_uri())
        return Claimer(Lease(owner, device, 60_000), counted, store, client, runners, 60)

    probing = cast(Probing, SimpleNamespace(usable=dict, libraries={}, over=threading.Event()))
    made = DeviceHost(settings, devices.parse("cpu"), counted, client, client, claimer=claimer, probing=probing)
    counted.call(lambda c: instances.create(c, TWO))
    for row in counted.call(instances.pending):
        assert counted.call(instances.place, row.id, DEVICE)
        counted.call(lambda c, one=row.id: instances.report(c, one, DEVICE, state=ReplicaState.READY))
        made._runners[row.id] = cast(RunnerProcess, Runner(row.id, 0))
    yield made
    client.close()


def states(database: Database) -> dict[str, ReplicaState]:
    return {row.id: row.state for row in database.call(instances.replicas_of)}


def test_while_one_that_leaves_is_busy_the_database_has_rest(host: DeviceHost, counted: Counted) -> None:
    """For a video that may be an hour; each look was a write."""
    first, second = host._runners
    runner = cast(Runner, host._runners[first])
    runner.busy = 5
    counted.call(moves.ask_to_leave, {first: Leaving.DRAINED})
    host._reconcile()
    before = counted.written, counted.looked
    host._rest()
    assert (counted.written, counted.looked) == (before[0] + 1, before[1]), "the one that makes it dormant"
    assert runner.stopped
    assert states(counted) == {first: ReplicaState.DORMANT, second: ReplicaState.READY}
    assert host._wake.is_set(), "its row is looked at anew at once"


def test_one_that_was_to_leave_if_idle_and_is_not_is_open_again_once(host: DeviceHost, counted: Counted) -> None:
    first, second = host._runners
    for replica, how in ((first, Leaving.IF_IDLE), (second, Leaving.DRAINED)):
        cast(Runner, host._runners[replica]).busy = 1000
        counted.call(moves.ask_to_leave, {replica: how})
    host._reconcile()
    assert [one.leaving for one in host._runners.values()] == [False, True]
    before = counted.written
    host._rest()
    assert counted.written == before
    assert [one.leaving for one in host._runners.values()] == [False, True]


def test_who_is_asked_no_more_is_open_again(host: DeviceHost, counted: Counted) -> None:
    first, _ = host._runners
    cast(Runner, host._runners[first]).busy = 1000
    counted.call(moves.ask_to_leave, {first: Leaving.DRAINED})
    host._reconcile()
    assert host._departures.epochs == {f"epoch-of-{first}"}
    counted.call(moves.let_stay, first)
    host._reconcile()
    assert host._departures.epochs == set()
    assert not host._runners[first].leaving
