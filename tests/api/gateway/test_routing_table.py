"""What a gateway knows of the devices, from their snapshots alone."""

from api.gateway.routing_table import RoutingTable
from models.redis.presence import Replica, Snapshot
from models.rows.states import ReplicaState

DEVICE = "node.cpu"


class Table:
    """A routing table, and the runners that it called lost."""

    def __init__(self) -> None:
        self.lost: list[str] = []
        self.routing = RoutingTable(5, self.lost.append)

    def update(
        self, serial: int, *epochs: str, state: str = ReplicaState.READY, draining: bool = False, at: float = 0
    ) -> None:
        """A snapshot of one device's only worker, with these runners."""
        self.hear_of("worker", serial, *epochs, state=state, draining=draining, at=at)

    def hear_of(
        self,
        worker: str,
        serial: int,
        *epochs: str,
        state: str = ReplicaState.READY,
        draining: bool = False,
        at: float = 0,
    ) -> None:
        """A snapshot of a device by this worker."""
        replicas = [Replica(f"replica of {epoch}", "m", epoch, state) for epoch in epochs]
        self.routing.update(Snapshot(DEVICE, worker, serial, replicas, draining), at)

    @property
    def ready(self) -> list[str]:
        """The runners that requests may go to."""
        return [one.epoch for _, one in self.routing.ready("m")]


def test_a_snapshot_that_is_not_newer_changes_nothing() -> None:
    table = Table()
    table.update(2, "new")
    for serial in (1, 2):
        table.update(serial, "old")
    assert (table.ready, table.lost) == (["new"], [])


def test_a_new_worker_counts_anew() -> None:
    table = Table()
    table.hear_of("first", 900, "old")
    table.hear_of("second", 1, "new")
    assert (table.ready, table.lost) == (["new"], ["old"])


def test_a_runner_that_is_gone_or_stops_is_lost() -> None:
    table = Table()
    table.update(1, "a", "b")
    table.update(2, "b")
    assert table.lost == ["a"]
    table.update(3, "b", state=ReplicaState.STOPPING)
    assert table.lost == ["a", "b"]


def test_requests_go_to_what_is_ready_on_a_device_that_stays() -> None:
    table = Table()
    for serial, state in enumerate((ReplicaState.LOADING, ReplicaState.STOPPING), 1):
        table.update(serial, "a", state=state)
        assert table.ready == []
    table.update(3, "a")
    assert table.ready == ["a"]
    assert table.routing.ready("another") == []
    table.update(4, "a", draining=True)
    assert table.ready == []
    assert "a" not in table.lost[1:], "what drains still answers what it has"


def test_a_silent_device_goes_with_its_runners() -> None:
    table = Table()
    table.update(1, "a", at=10)
    table.routing.sweep(15)
    assert (table.ready, table.lost) == (["a"], [])
    table.routing.sweep(15.1)
    assert (table.ready, table.lost, table.routing.devices()) == ([], ["a"], [])


def test_who_waits_is_woken_by_the_next_report() -> None:
    table = Table()
    changed = table.routing.changed
    table.update(1, "a")
    assert changed.is_set()
    assert not table.routing.changed.is_set()


def test_a_doubted_runner_gets_no_requests_until_a_snapshot_says_ready() -> None:
    table = Table()
    table.update(1, "a", "b")
    table.routing.doubt("a")
    assert table.ready == ["b"]
    table.update(2, "a", "b", state=ReplicaState.LOADING)
    assert table.ready == []
    table.update(3, "a", "b")
    assert table.ready == ["a", "b"], "its device says that it is ready"


def test_a_replica_that_leaves_gets_no_more() -> None:
    routing = Table().routing
    replicas = [
        Replica("a", "m", "one", ReplicaState.READY, leaving=True),
        Replica("b", "m", "two", ReplicaState.READY),
    ]
    routing.update(Snapshot(DEVICE, "worker", 1, replicas), 0)
    assert [one.id for _, one in routing.ready("m")] == ["b"]


def test_room_is_what_ready_replicas_hold() -> None:
    routing = Table().routing
    replicas = [
        Replica("a", "m", "one", ReplicaState.READY, max_inflight=1024, max_waiting=192),
        Replica("b", "m", "two", ReplicaState.READY, max_inflight=8, max_waiting=2),
        Replica("c", "m", "three", ReplicaState.LOADING, max_inflight=4, max_waiting=4),
    ]
    routing.update(Snapshot(DEVICE, "worker", 1, replicas), 0)
    assert routing.room() == 1226
    assert routing.free_bytes(DEVICE) == 0
    assert routing.free_bytes("nowhere") is None
