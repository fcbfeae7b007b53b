"""Engines and sessions. SQLAlchemy is used synchronously; asyncio code calls it through a small thread pool.

SQLite writes begin IMMEDIATE under WAL: with deferred transactions, read-then-write fails as locked under
concurrent writers whatever the busy timeout.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

T = TypeVar("T")

DEADLOCK = "40P01"
"""https://www.postgresql.org/docs/current/errcodes-appendix.html"""
DEADLOCKS = 3


class now_ms(FunctionElement[int]):  # reads as SQL
    """The database's clock, Unix time in milliseconds: the only clock that leases are measured by."""

    type = sa.BigInteger()
    inherit_cache = True


@compiles(now_ms, "sqlite")
def _now_sqlite(_element: Any, _compiler: Any, **_kw: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"


@compiles(now_ms, "postgresql")
def _now_postgresql(_element: Any, _compiler: Any, **_kw: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"


def connect(url: str, *, reads_only: bool = False) -> Engine:
    """An engine for this URL, with the pool and the transaction mode that its database needs.

    Where SQLite ``reads_only``, a transaction waits for no writer.
    """
    if sa.make_url(url).get_backend_name() == "sqlite":
        return _sqlite(url, "BEGIN" if reads_only else "BEGIN IMMEDIATE")
    url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    options = "-c statement_timeout=10000 -c idle_in_transaction_session_timeout=30000"
    return sa.create_engine(
        url,
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=5,
        connect_args={"options": options, "connect_timeout": 5},
    )


def _sqlite(url: str, begin: str) -> Engine:
    engine = sa.create_engine(url, pool_size=2, connect_args={"timeout": 10, "check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's BEGIN below is the only one
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


class Database:
    """An engine, and the thread pool through which asyncio code uses it."""

    def __init__(self, url: str, *, threads: int = 4) -> None:
        self.engine = connect(url)
        self._reader = connect(url, reads_only=True) if self.engine.dialect.name == "sqlite" else self.engine
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="database")

    def begin(self) -> AbstractContextManager[Connection]:
        """A transaction, committed at the end of the block."""
        return self.engine.begin()

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """``function(connection, *args)`` in one transaction, off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.call, function, *args)

    async def look(self, function: Callable[..., T], *args: Any) -> T:
        """``run`` for a function that only reads: it waits for no writer."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._look, function, *args)

    def _look(self, function: Callable[..., T], *args: Any) -> T:
        with self._reader.begin() as connection:
            return function(connection, *args)

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """``function(connection, *args)`` in one transaction, on this thread.

        PostgreSQL breaks a deadlock by giving up one of the transactions: the function is then called again.
        """
        for _ in range(DEADLOCKS):
            try:
                with self.engine.begin() as connection:
                    return function(connection, *args)
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) != DEADLOCK:
                    raise
        with self.engine.begin() as connection:
            return function(connection, *args)

    def close(self) -> None:
        """Close all connections."""
        self._pool.shutdown()
        self.engine.dispose()
        self._reader.dispose()
