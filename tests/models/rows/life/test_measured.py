"""``models.rows.life.measured``: the most of the last days counts, and what is old is forgotten."""

import sqlalchemy as sa

from models.rows import tables
from models.rows.database import Database
from models.rows.life import measured


def keep(database: Database, key: str, memory_bytes: int) -> None:
    database.call(measured.keep, key, memory_bytes)


def ages(database: Database, by_ms: int) -> None:
    database.call(lambda c: c.execute(sa.update(tables.measured).values(at=tables.measured.c.at - by_ms)))


def test_the_most_counts_until_it_is_old(database: Database) -> None:
    keep(database, "a", 5 << 30)
    keep(database, "a", 4 << 30)
    keep(database, "b", 1)
    assert database.call(measured.recall, {"a", "b", "c"}) == {"a": 5 << 30, "b": 1}
    keep(database, "a", 6 << 30)
    assert database.call(measured.recall, {"a"}) == {"a": 6 << 30}
    ages(database, measured.PEAK_MS + 1000)
    assert database.call(measured.recall, {"a"}) == {"a": 6 << 30}
    keep(database, "a", 2 << 30)
    assert database.call(measured.recall, {"a"}) == {"a": 2 << 30}


def test_many_are_recalled_and_the_old_forgotten(database: Database) -> None:
    keys = {f"k{number}" for number in range(520)}
    for key in keys:
        keep(database, key, 7)
    assert database.call(measured.recall, keys) == dict.fromkeys(keys, 7)
    ages(database, measured.KEPT_MS + 1000)
    keep(database, "k0", 8)
    database.call(measured.purge)
    assert database.call(measured.recall, keys) == {"k0": 8}
