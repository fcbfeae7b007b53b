"""When the steward takes a device for lost: not while it is heard, and not when the database itself was away."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from models.redis import presence
from models.rows import instances, tables
from models.rows.database import Database, now_ms
from tests.models.rows.test_instances import CPU, ECHO
from tests.support.servers import Valkey, wait_for
from workers.steward import __main__
from workers.steward.__main__ import Steward

DEVICE = str(CPU["id"])


@pytest.fixture
def unseen(database: Database) -> None:
    """A device with two replicas that the database has not seen for longer than ``LOST_MS``."""
    database.call(lambda c: instances.create(c, ECHO))
    database.call(lambda c: instances.see_device(c, **CPU))
    for row in database.call(instances.pending):
        assert database.call(instances.place, row.id, DEVICE)
    long_ago = now_ms() - __main__.LOST_MS - 1000
    database.call(lambda c: c.execute(sa.update(tables.devices).values(seen_at=long_ago)))


@pytest.fixture
def leader(database: Database, private_valkey: Valkey) -> Iterator[Steward]:
    """A steward whose turns the test takes."""
    client = private_valkey.client()
    yield Steward(database, client, client)
    client.close()


def _turn(leader: Steward, database: Database) -> set[str]:
    """One turn; where the replicas are after it."""
    database.call(leader._turn)
    return {row.device or "" for row in database.call(instances.replicas_of)}


@pytest.mark.usefixtures("unseen")
def test_a_device_that_nobody_hears_loses_its_replicas(leader: Steward, database: Database) -> None:
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
def test_workers_have_time_to_be_seen_after_the_database_was_away(
    leader: Steward, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(__main__, "AWAY_S", -1.0)  # as if each turn came late
    monkeypatch.setattr(__main__, "SETTLE_S", 3600.0)
    assert _turn(leader, database) == {DEVICE}
    monkeypatch.setattr(__main__, "SETTLE_S", 0.0)
    assert wait_for(lambda: _turn(leader, database) == {""}, 20)
