"""A database that does not answer: what is asked of it fails within seconds, and says so; nothing is half done."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from models.errors import DatabaseUnavailable
from models.rows import postgresql
from models.rows.database import BUSY_S, PATIENCE_S, Database
from tests.support.proxy import Proxy
from tests.support.servers import wait_for

CREATE = sa.text("CREATE TABLE IF NOT EXISTS cuts (name VARCHAR(40) PRIMARY KEY)")


def add(connection: sa.Connection, name: str) -> None:
    connection.execute(sa.text("INSERT INTO cuts VALUES (:name)"), {"name": name})


def names(connection: sa.Connection) -> set[str]:
    return set(connection.execute(sa.text("SELECT name FROM cuts")).scalars())


def ask(connection: sa.Connection) -> int:
    return int(connection.execute(sa.text("SELECT 1")).scalar_one())


@pytest.fixture
def wire(postgres_url: str) -> Iterator[Proxy]:
    """The wire to PostgreSQL."""
    port = sa.make_url(postgres_url).port
    assert port is not None
    with Proxy(port) as proxy:
        yield proxy


@pytest.fixture
def cut(wire: Proxy, postgres_url: str) -> Iterator[Database]:
    """A database at the far end of that wire, with an empty table."""
    url = sa.make_url(postgres_url).set(port=wire.port).render_as_string(hide_password=False)
    database = Database(url)
    database.call(lambda connection: connection.execute(CREATE))
    yield database
    wire.heal()
    database.close()
    direct = Database(postgres_url)
    direct.call(lambda connection: connection.execute(sa.text("DROP TABLE cuts")))
    direct.close()


# ---- silence -----------------------------------------------------------------------------------------------


async def test_a_silent_database_is_unavailable_and_then_well_again(wire: Proxy, cut: Database) -> None:
    assert await cut.look(ask) == 1
    wire.silence()
    for verb in (cut.run, cut.look):
        with pytest.raises(DatabaseUnavailable) as caught:
            await verb(ask)
        assert caught.value.retry_after == 2
    wire.heal()
    await asyncio.to_thread(wait_for, lambda: _answers(cut), 60)


def test_a_thread_of_its_own_is_not_held_by_a_silent_database(wire: Proxy, cut: Database) -> None:
    wire.silence()
    with pytest.raises(DatabaseUnavailable):
        cut.call(ask)
    wire.heal()
    wait_for(lambda: _answers(cut), 60)


def test_a_wire_that_is_cut_amid_a_transaction_ends_it(wire: Proxy, cut: Database) -> None:
    def broken_off(connection: sa.Connection) -> None:
        add(connection, "half")
        wire.silence()
        add(connection, "rest")

    with pytest.raises(DatabaseUnavailable):
        cut.call(broken_off)
    wire.heal()
    wait_for(lambda: _answers(cut), 60)
    assert cut.call(names) == set()
    cut.call(add, "half")  # what was held by the session that was lost is free again


def test_connections_that_are_mute_for_ever_are_replaced(wire: Proxy, cut: Database) -> None:
    """As after a NAT's idle timeout: nobody is told that they are gone."""
    cut.call(ask)
    wire.forget()
    assert cut.call(ask) == 1


def test_connections_that_are_reset_are_replaced(wire: Proxy, cut: Database) -> None:
    cut.call(ask)
    assert wire.reset() > 0
    assert cut.call(ask) == 1


def test_after_a_failed_connect_others_are_refused_without_trying(
    wire: Proxy, cut: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "PAUSE_S", 3600.0)
    wire.silence()
    with pytest.raises(DatabaseUnavailable):
        cut.call(ask)
    tried = wire.connections
    for _ in range(100):
        with pytest.raises(DatabaseUnavailable):
            cut.call(ask)
    assert wire.connections == tried


def test_while_it_is_away_one_at_a_time_tries_to_connect(wire: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "PAUSE_S", 0.0)
    connector = postgresql.Connector()
    parameters = {"host": "127.0.0.1", "port": wire.port, "user": "headrace", "dbname": "postgres"}
    wire.silence()

    def connect() -> None:
        with pytest.raises(psycopg.OperationalError):
            connector.connect(**parameters, connect_timeout=2)

    connect()
    tried = wire.connections
    threads = [threading.Thread(target=connect) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wire.connections == tried + 1


# ---- giving up ---------------------------------------------------------------------------------------------


@pytest.fixture
def hurried(database_url: str) -> Iterator[Database]:
    """A database with one thread, whose callers wait for half a second."""
    database = Database(database_url, threads=1)
    database.patience_s = 0.5
    database.call(lambda connection: connection.execute(CREATE))
    yield database
    database.call(lambda connection: connection.execute(sa.text("DROP TABLE cuts")))
    database.close()


async def test_what_its_caller_gave_up_is_not_committed(hurried: Database) -> None:
    over, ended = threading.Event(), threading.Event()

    def slow(connection: sa.Connection) -> None:
        add(connection, "given up")
        over.wait(60)
        ended.set()

    with pytest.raises(DatabaseUnavailable):
        await hurried.run(slow)
    over.set()
    assert await asyncio.to_thread(ended.wait, 60)
    await asyncio.to_thread(wait_for, lambda: _answers(hurried), 60)  # its only thread is free
    assert await hurried.look(names) == set()


async def test_what_waited_for_a_thread_in_vain_never_begins(hurried: Database) -> None:
    occupied, over, begun = threading.Event(), threading.Event(), threading.Event()

    def slow(_: sa.Connection) -> None:
        occupied.set()
        over.wait(60)

    def late(_: sa.Connection) -> None:
        begun.set()

    first = asyncio.create_task(hurried.run(slow))
    await asyncio.to_thread(occupied.wait, 60)
    with pytest.raises(DatabaseUnavailable):
        await hurried.run(late)
    with pytest.raises(DatabaseUnavailable):
        await first
    over.set()
    hurried.patience_s = 60
    assert await hurried.look(ask) == 1  # whatever waited before it has had its turn
    assert not begun.is_set()


def test_a_locked_database_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.rows.database.BUSY_S", 1)
    database = Database(f"sqlite:///{tmp_path / 'locked.db'}")
    with database.begin() as held:
        held.execute(CREATE)
        with pytest.raises(DatabaseUnavailable):
            database.call(ask)
    database.close()


async def test_who_waits_for_a_locked_database_waits_as_long_as_for_one_that_is_away(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'locked.db'}")
    with database.begin() as held:
        held.execute(CREATE)
        begun = time.monotonic()
        with pytest.raises(DatabaseUnavailable):
            await database.run(ask)
        assert BUSY_S - 1 < time.monotonic() - begun < PATIENCE_S + 2
        assert await database.look(ask) == 1
    assert await database.run(ask) == 1
    database.close()


def test_sqlite_needs_nothing_of_postgresql() -> None:
    """psycopg takes 10 MiB of every process that has it."""
    script = "import sys, api.app, workers.device, models.rows.database as d; d.connect('sqlite://'); "
    found = subprocess.run(
        [sys.executable, "-c", script + "print('psycopg' in sys.modules)"], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "False"


def _answers(database: Database) -> bool:
    try:
        return database.call(ask) == 1
    except DatabaseUnavailable:
        return False
