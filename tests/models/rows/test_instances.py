"""Desired state in the database: every transition, and who wins when two want one."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa

from models.errors import Conflict, ModelNotReady, NoDevice
from models.rows import instances, tables
from models.rows.database import Database, now_ms
from models.rows.instances import NewInstance
from models.rows.states import ReplicaState

ECHO = NewInstance("echo", "echo", "LLM", "echo", replica=2, options={"step_ms": 1})
CPU = {
    "id": "n1.cpu",
    "node": "n1",
    "kind": "cpu",
    "label": "a CPU",
    "total_bytes": 1 << 34,
    "details": {"driver": ""},
    "engines": {"echo": "", "vllm": "it is not installed"},
}


def _placed(database: Database) -> list[str]:
    database.call(lambda c: instances.create(c, ECHO))
    database.call(lambda c: instances.see_device(c, **CPU))
    ids = [row.id for row in database.call(instances.pending)]
    for replica in ids:
        assert database.call(instances.place, replica, "n1.cpu")
    return ids


def _states(database: Database) -> list[str]:
    return [row.state for row in database.call(instances.replicas_of, "echo")]


def test_a_launch_is_an_instance_and_its_waiting_replicas(database: Database) -> None:
    database.call(lambda c: instances.create(c, ECHO))

    [row] = database.call(instances.listing)
    assert (row.uid, row.options, row.replica) == ("echo", {"step_ms": 1}, 2)
    assert abs(row.created_at - database.call(lambda c: c.execute(sa.select(now_ms())).scalar_one())) < 10_000
    assert _states(database) == ["pending", "pending"]


def test_a_uid_in_use_is_a_conflict_that_changes_nothing(database: Database) -> None:
    database.call(lambda c: instances.create(c, ECHO))
    with pytest.raises(Conflict) as caught:
        database.call(lambda c: instances.create(c, replace(ECHO, replica=5)))

    assert caught.value.param == "model_uid"
    assert len(_states(database)) == 2


def test_a_replica_is_placed_once(database: Database) -> None:
    first, _ = _placed(database)
    assert not database.call(instances.place, first, "n2.cpu")
    assert database.call(instances.pending) == []
    assert {row.device for row in database.call(instances.replicas_of)} == {"n1.cpu"}


def test_a_report_counts_only_from_the_device_that_holds_the_replica(database: Database) -> None:
    first, _ = _placed(database)
    assert not database.call(lambda c: instances.report(c, first, "n2.cpu", state=ReplicaState.READY))
    assert database.call(lambda c: instances.report(c, first, "n1.cpu", state=ReplicaState.READY))
    assert sorted(_states(database)) == ["assigned", "ready"]


def test_what_waits_for_a_device_that_is_not_here_is_hopeless_once_that_is_settled(database: Database) -> None:
    database.call(lambda c: instances.create(c, replace(ECHO, uid="other", replica=1)))
    database.call(lambda c: instances.create(c, ECHO))
    rows = {row.uid: row.id for row in database.call(instances.pending)}
    database.call(lambda c: instances.hold_back(c, rows["echo"], NoDevice("no node has a GPU")))
    database.call(lambda c: instances.hold_back(c, rows["other"], ModelNotReady("it is still asked")))
    assert database.call(instances.hopeless) == set()
    long_ago = now_ms() - instances.SETTLED_MS - 1000
    database.call(lambda c: c.execute(sa.update(tables.replicas).values(updated_at=long_ago)))
    assert database.call(instances.hopeless) == {rows["echo"]}
    assert database.call(instances.hopeless, "other") == set()
    assert database.call(instances.place, rows["echo"], "n1.cpu")
    assert database.call(instances.hopeless, "echo") == set()


def _see_gpu(database: Database, number: int, uuid: str) -> None:
    row = CPU | {"id": f"n1.cuda:{number}", "kind": "cuda", "details": {"uuid": uuid}}
    database.call(lambda c: instances.see_device(c, **row))


def test_the_gpus_of_a_replica_are_those_that_were_seen_lately(database: Database) -> None:
    def uuids(own: str) -> list[str]:
        return database.call(lambda c: instances.uuids_beside(c, own, ["n1.cuda:1", "n1.cuda:2"]))

    _see_gpu(database, 1, "GPU-1")
    with pytest.raises(ModelNotReady, match=r"no worker has reported n1\.cuda:2 lately"):
        uuids("GPU-0")
    _see_gpu(database, 2, "GPU-2")
    assert uuids("GPU-0") == ["GPU-0", "GPU-1", "GPU-2"]
    with pytest.raises(ModelNotReady, match="the GPUs have other indices than before"):
        uuids("GPU-2")  # it and cuda:0 have changed places, and the worker of cuda:2 has not said so yet
    _see_gpu(database, 2, "GPU-0")
    assert uuids("GPU-2") == ["GPU-2", "GPU-1", "GPU-0"]
    long_ago = now_ms() - instances.ALIVE_MS - 1000
    stale = sa.update(tables.devices).where(tables.devices.c.id == "n1.cuda:1").values(seen_at=long_ago)
    database.call(lambda c: c.execute(stale))
    with pytest.raises(ModelNotReady, match=r"no worker has reported n1\.cuda:1 lately"):
        uuids("GPU-2")
    assert database.call(lambda c: instances.uuids_beside(c, "GPU-2", ())) == ["GPU-2"]


def test_deleting_stops_what_is_placed_and_drops_what_waits(database: Database) -> None:
    first, _ = _placed(database)
    assert database.call(instances.delete, "echo")
    assert not database.call(instances.delete, "echo")

    assert _states(database) == ["stopping", "stopping"]
    assert not database.call(lambda c: instances.report(c, first, "n1.cpu", state=ReplicaState.READY))
    rows = database.call(instances.of_device, "n1.cpu")
    assert len(rows) == 2
    for row in rows:
        database.call(instances.forget, row.id, "n1.cpu")
    assert _states(database) == []


def test_a_replica_that_is_wanted_cannot_be_forgotten(database: Database) -> None:
    first, _ = _placed(database)
    database.call(instances.forget, first, "n1.cpu")
    assert len(_states(database)) == 2


def test_replicas_of_a_lost_device_wait_again(database: Database) -> None:
    first, _ = _placed(database)
    database.call(lambda c: instances.report(c, first, "n1.cpu", state=ReplicaState.FAILED))
    assert database.call(instances.lost_devices, 60_000) == []
    database.call(lambda c: c.execute(sa.update(tables.devices).values(seen_at=now_ms() - 61_000)))

    assert database.call(instances.lost_devices, 60_000) == ["n1.cpu"]
    assert database.call(instances.release, ["n1.cpu"]) == 1
    assert sorted(_states(database)) == ["failed", "pending"]
    assert database.call(instances.lost_devices, 60_000) == [], "what has failed holds nothing"
    assert database.call(instances.alive_devices, 60_000) == []


@pytest.mark.parametrize("lost", ["n1.cpu", "n1.cuda:1"])
def test_a_replica_on_several_devices_waits_where_any_of_them_is_lost(database: Database, lost: str) -> None:
    database.call(lambda c: instances.create(c, replace(ECHO, replica=1)))
    for name in ("n1.cpu", "n1.cuda:1", "n2.cuda:0"):
        database.call(lambda c, n=name: instances.see_device(c, **CPU | {"id": n, "node": n[:2]}))
    [row] = database.call(instances.pending)
    assert database.call(instances.place, row.id, "n1.cpu", ["n1.cuda:1"])
    left = {"n1.cpu", "n1.cuda:1"} - {lost}
    database.call(instances.unsee, "n1", left)

    assert database.call(instances.lost_devices, 60_000) == [lost]
    assert {one.id for one in database.call(instances.alive_devices, 60_000)} == {*left, "n2.cuda:0"}
    assert database.call(instances.release, [lost]) == 1
    assert _states(database) == ["pending"]


def test_a_replica_that_ends_is_forgotten_by_the_device_that_has_it(database: Database) -> None:
    _placed(database)
    database.call(instances.delete, "echo")
    assert database.call(instances.release, ["n1.cuda:1"]) == 0
    assert _states(database) == ["stopping", "stopping"]
    database.call(instances.release, ["n1.cpu"])
    assert _states(database) == []


def test_a_wrong_state_cannot_be_written(database: Database) -> None:
    first, _ = _placed(database)
    for values in ({"state": "asleep"}, {"device": None}, {"state": "pending"}):
        with pytest.raises(sa.exc.IntegrityError):
            database.call(
                lambda c, v=values: c.execute(
                    sa.update(tables.replicas).where(tables.replicas.c.id == first).values(**v)
                )
            )


def test_one_of_many_holds_the_lease(database: Database) -> None:
    def take(owner: str) -> bool:
        return database.call(instances.hold_lease, "steward", owner, 10_000)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, "abcdefgh")) == 1
    [owner] = database.call(lambda c: c.execute(sa.select(tables.leases.c.owner)).scalars().all())
    assert take(owner)
    database.call(instances.drop_lease, "steward", owner)
    assert take("next")


def test_a_lapsed_lease_is_free(database: Database) -> None:
    assert database.call(instances.hold_lease, "steward", "a", -1)
    assert database.call(instances.hold_lease, "steward", "b", 10_000)
    assert not database.call(instances.hold_lease, "steward", "a", 10_000)


def test_deleting_while_the_steward_releases_a_lost_device(database: Database) -> None:
    for _ in range(20):
        first, second = _placed(database)
        database.call(lambda c: c.execute(sa.update(tables.devices).values(seen_at=0)))
        with ThreadPoolExecutor(2) as pool:
            deleted = pool.submit(database.call, instances.delete, "echo")
            pool.submit(database.call, instances.release, ["n1.cpu"]).result()
            assert deleted.result()
        database.call(instances.release, ["n1.cpu"])
        assert _states(database) == [], (first, second)
