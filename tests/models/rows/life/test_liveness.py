"""Which devices are told of as lost, and for how long they were silent (``models.rows.life.liveness``)."""

import pytest
import sqlalchemy as sa

from models.rows import instances, tables
from models.rows.database import Database, now_ms
from models.rows.life import liveness
from tests.models.rows.test_instances import CPU


@pytest.fixture
def seen(database: Database) -> Database:
    """Devices that were seen just now, a minute ago and a day ago, and one that was taken away."""
    for id, ago_ms in {"n.new": 0, "n.lost": 60_000, "n.old": 86_400_000}.items():
        database.call(lambda c, id=id: instances.see_device(c, **CPU | {"id": id, "node": "n"}))
        mine, then = tables.devices.c.id == id, now_ms() - ago_ms
        database.call(lambda c, w=mine, v=then: c.execute(sa.update(tables.devices).where(w).values(seen_at=v)))
    database.call(lambda c: instances.see_device(c, **CPU | {"id": "away.cpu", "node": "away"}))
    database.call(instances.unsee, "away", [])
    return database


def test_lost_are_those_that_were_here_lately(seen: Database) -> None:
    lost = seen.call(liveness.silent_devices, 15_000, 3_600_000)
    assert [row.id for row in lost] == ["n.lost"]


def test_a_silence_is_counted_by_the_databases_clock(seen: Database) -> None:
    silent = seen.call(liveness.silences)
    assert silent.keys() == {"n.new", "n.lost", "n.old"}
    assert silent["n.new"] < 30_000 < 60_000 <= silent["n.lost"] < 90_000
