"""When the steward takes a device for lost: not while it is heard, and not when the database itself was away."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
import sqlalchemy as sa
from redis.exceptions import RedisError

from models.errors import HeadraceError, ModelNotReady, NoDevice
from models.redis import presence
from models.rows import instances, tables
from models.rows.database import Database, now_ms
from models.rows.life import events
from tests.models.rows.test_instances import CPU, ECHO
from tests.support.servers import Valkey
from workers.steward import __main__
from workers.steward.__main__ import Steward
from workers.steward.residency.residents import Demand
from workers.steward.residency.turn import Residency

DEVICE = str(CPU["id"])


@pytest.fixture
def unseen(database: Database) -> None:
    """A device with two replicas that the database has not seen for longer than a minute."""
    database.call(lambda c: instances.create(c, ECHO))
    database.call(lambda c: instances.see_device(c, **CPU))
    for row in database.call(instances.pending):
        assert database.call(instances.place, row.id, DEVICE)
    long_ago = now_ms() - 61_000
    database.call(lambda c: c.execute(sa.update(tables.devices).values(seen_at=long_ago)))


@pytest.fixture
def leader(database: Database, private_valkey: Valkey) -> Iterator[Steward]:
    """A steward whose turns the test takes, and which has looked for long."""
    client = private_valkey.client()
    steward = Steward(database, client, client)
    steward._misses_at = 0.0
    yield steward
    client.close()


@pytest.fixture
def shared(database: Database) -> None:
    """A replica on two GPUs of one node."""
    for number in range(2):
        database.call(lambda c, n=number: instances.see_device(c, **_gpu(n)))
    database.call(lambda c: instances.create(c, replace(ECHO, replica=1, n_gpu="2")))
    [row] = database.call(instances.pending)
    assert database.call(instances.place, row.id, "n1.cuda:0", ["n1.cuda:1"])


def _gpu(number: int, **details: Any) -> dict[str, Any]:
    return CPU | {"id": f"n1.cuda:{number}", "kind": "cuda", "details": {"uuid": f"GPU-{number}", **details}}


def _turn(leader: Steward, database: Database) -> set[str]:
    """One turn; where the replicas are after it."""
    leader._turn()
    return {row.device or "" for row in database.call(instances.replicas_of)}


@pytest.mark.usefixtures("unseen")
def test_a_device_that_nobody_hears_loses_its_replicas(leader: Steward, database: Database) -> None:
    leader._lost_ms = 120_000
    assert _turn(leader, database) == {DEVICE}
    leader._lost_ms = 60_000
    assert _turn(leader, database) == {""}


@pytest.mark.usefixtures("unseen")
def test_a_device_that_redis_hears_keeps_its_replicas(
    leader: Steward, database: Database, private_valkey: Valkey
) -> None:
    with private_valkey.client() as client:
        client.set(presence.device_key(DEVICE), b"{}")
        assert _turn(leader, database) == {DEVICE}
        client.delete(presence.device_key(DEVICE))
        assert _turn(leader, database) == {""}


@pytest.mark.usefixtures("unseen")
def test_without_redis_no_device_is_lost(leader: Steward, database: Database, private_valkey: Valkey) -> None:
    private_valkey.stop()
    assert _turn(leader, database) == {DEVICE}


@pytest.mark.usefixtures("unseen")
def test_workers_have_time_to_be_seen_after_the_database_was_away(leader: Steward, database: Database) -> None:
    leader._lost_ms = 1000
    leader._looked_at -= 6
    assert _turn(leader, database) == {DEVICE}
    assert leader._misses_at - leader._looked_at == pytest.approx(__main__.SETTLE_S, abs=4)
    assert not leader._judges()
    leader._misses_at = 0.0
    assert _turn(leader, database) == {""}


@pytest.mark.usefixtures("unseen")
def test_workers_have_as_long_to_be_seen_as_all_was_off(leader: Steward, database: Database) -> None:
    leader._looked_at -= 40
    assert _turn(leader, database) == {DEVICE}
    assert leader._judges_at - leader._looked_at == pytest.approx(__main__.SETTLE_S)
    assert leader._misses_at - leader._looked_at == pytest.approx(40, abs=5)
    leader._looked_at -= 4000
    assert _turn(leader, database) == {DEVICE}
    assert leader._misses_at - leader._looked_at == pytest.approx(60), "no longer than a device may be silent"


@pytest.mark.usefixtures("unseen")
def test_a_steward_that_begins_takes_nobody_for_lost_who_may_just_begin_too(
    database: Database, private_valkey: Valkey
) -> None:
    """As after a machine was off for longer than a minute: its workers need a moment to be heard."""
    with private_valkey.client() as client:
        begun = Steward(database, client, client, lost_ms=60_000)
        assert _turn(begun, database) == {DEVICE}
        begun._misses_at -= 61
        assert _turn(begun, database) == {""}


@pytest.mark.usefixtures("unseen")
def test_a_device_that_this_start_has_not_is_lost_at_once(database: Database, private_valkey: Valkey) -> None:
    database.call(instances.unsee, "n1", [])
    with private_valkey.client() as client:
        assert _turn(Steward(database, client, client), database) == {""}


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.usefixtures("shared")
def test_a_replica_waits_as_soon_as_any_of_its_gpus_is_lost(leader: Steward, database: Database, number: int) -> None:
    assert _turn(leader, database) == {"n1.cuda:0"}
    fault = "lost (GPU is lost): restart the machine"
    database.call(lambda c: instances.see_device(c, **_gpu(number, fault=fault, gone=True)))
    assert _turn(leader, database) == {""}
    [row] = database.call(instances.pending)
    why = HeadraceError.from_row(row.error)
    assert isinstance(why, NoDevice)
    assert f"n1.cuda:{number} is {fault}" in why.message
    database.call(lambda c: instances.see_device(c, **_gpu(number)))
    assert _turn(leader, database) == {"n1.cuda:0"}


@pytest.mark.usefixtures("shared")
def test_what_runs_on_a_gpu_that_does_not_answer_goes_on(leader: Steward, database: Database) -> None:
    database.call(lambda c: instances.see_device(c, **_gpu(1, fault="without an answer", gone=False)))
    assert _turn(leader, database) == {"n1.cuda:0"}


@pytest.mark.parametrize("seen", ["n1.other", DEVICE])
@pytest.mark.usefixtures("unseen")
def test_redis_is_asked_while_nobody_waits_for_the_database(
    leader: Steward, database: Database, monkeypatch: pytest.MonkeyPatch, seen: str
) -> None:
    """On SQLite one transaction writes at a time: this one would wait in vain. Who is seen meanwhile is not lost."""
    mget, asked = leader._client.mget, []

    def slow(keys: list[str]) -> Any:
        database.call(lambda c: instances.see_device(c, **CPU | {"id": seen}))
        asked.extend(keys)
        return mget(keys)

    monkeypatch.setattr(leader._client, "mget", slow)
    leader._turn()
    assert asked == [presence.device_key(DEVICE)]
    assert {row.device for row in database.call(instances.replicas_of)} == {seen}
    told = [row.kind for row in database.call(events.listing)]
    assert ("lost" in told) == (seen != DEVICE)


def test_a_replica_that_waits_for_an_answer_may_hope(leader: Steward, database: Database) -> None:
    database.call(lambda c: instances.create(c, replace(ECHO, replica=1, engine="vllm")))
    database.call(lambda c: instances.see_device(c, **_gpu(0) | {"engines": {}}))
    leader._turn()
    [row] = database.call(instances.pending)
    assert type(HeadraceError.from_row(row.error)) is ModelNotReady


class Failing:
    """A decision of who stays loaded that fails: always as the last time, or each time by another error."""

    def __init__(self, leader: Steward, errors: list[Exception]) -> None:
        self.demands, self.freeing = {"other": Demand(1, 99.0)}, {"x": {DEVICE}}
        self._leader = leader
        self._errors = errors

    def turn(self) -> None:
        error = self._errors.pop(0)
        if not self._errors:
            self._leader.over.set()
        self._leader.wake.set()
        raise error

    def forget(self) -> None:
        Residency.forget(cast(Residency, self))


def test_placing_does_not_depend_on_who_stays_loaded(
    leader: Steward, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    failing = Failing(leader, [KeyError("m"), ValueError("n"), ValueError("n"), RedisError("away"), KeyError("m")])
    leader._residency = cast(Residency, failing)
    leader._judges_at = 0.0
    database.call(lambda c: instances.see_device(c, **CPU))
    database.call(lambda c: instances.create(c, ECHO))
    leader.run()
    assert {row.device for row in database.call(instances.replicas_of)} == {DEVICE}
    assert (failing.demands, failing.freeing) == ({}, {}), "nobody is kept off a device for what was true once"
    told = [row for row in caplog.records if "stay loaded" in row.message]
    kinds = [row.exc_info and row.exc_info[0] for row in told]
    assert kinds == [KeyError, ValueError, KeyError], "with where it happened, and the same once"
