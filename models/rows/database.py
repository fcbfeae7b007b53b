"""The database. SQLAlchemy is used synchronously; asyncio code calls it through a small thread pool.

Where the database is away, locked or silent, every caller gets DatabaseUnavailable, after some seconds at the latest.

On SQLite, in WAL mode, write transactions begin IMMEDIATE. Deferred ones that read and then write would fail as locked
beside concurrent writers, whatever the busy timeout.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from threading import Event
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from models.errors import DatabaseUnavailable

log = logging.getLogger(__name__)

T = TypeVar("T")

DEADLOCK = "40P01"
"""https://www.postgresql.org/docs/current/errcodes-appendix.html"""
DEADLOCKS = 3
BUSY_S = 4
"""How long SQLite waits for another writer."""
PATIENCE_S = 5.0
"""How long a caller on the event loop waits, for a thread and for the database together."""
RETRY_AFTER_S = 2
_NEVER = Event()


class now_ms(FunctionElement[int]):  # its name is in lower case like a function's of SQL
    """The database's clock, Unix time in milliseconds. Leases are measured by this clock alone."""

    type = sa.BigInteger()
    inherit_cache = True


@compiles(now_ms, "sqlite")
def _now_sqlite(_element: Any, _compiler: Any, **_kw: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"


@compiles(now_ms, "postgresql")
def _now_postgresql(_element: Any, _compiler: Any, **_kw: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"


def clock(connection: sa.Connection) -> int:
    """What the database's clock says, Unix time in milliseconds."""
    now: int = connection.execute(sa.select(now_ms())).scalar_one()
    return now


def connect(url: str, *, reads_only: bool = False, statements_bounded: bool = True) -> Engine:
    """An engine for this URL, with the pool and the transaction mode that its database needs.

    With ``reads_only``, transactions of SQLite wait for no writer. Statements of PostgreSQL are bounded in time, unless
    ``statements_bounded`` is false, for migrations, which may take long.
    """
    if sa.make_url(url).get_backend_name() == "sqlite":
        return _sqlite(url, "BEGIN" if reads_only else "BEGIN IMMEDIATE")
    from models.rows import postgresql  # psycopg takes 10 MiB, of every process that would only use SQLite

    return postgresql.create_engine(url, statement_s=postgresql.STATEMENT_S if statements_bounded else None)


def _sqlite(url: str, begin: str) -> Engine:
    engine = sa.create_engine(url, pool_size=2, connect_args={"timeout": BUSY_S, "check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's BEGIN below is the only one
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={BUSY_S * 1000}", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


class Database:
    """An engine, and the thread pool through which asyncio code uses it.

    Its methods raise DatabaseUnavailable where the database does not answer. After ``run`` this means that nothing was
    or will be committed, except in one case that cannot be told apart: the answer to the COMMIT itself was lost. So
    callers must cope with a write that failed and is there nevertheless. They do so by repeating it under the same
    identity (ends of attempts, leases, responses), or by a key that the client sends (jobs).
    """

    def __init__(self, url: str, *, threads: int = 4) -> None:
        self.engine = connect(url)
        sqlite = self.engine.dialect.name == "sqlite"
        self._reader = connect(url, reads_only=True) if sqlite else self.engine
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="database")
        self.patience_s = PATIENCE_S

    def begin(self) -> AbstractContextManager[Connection]:
        """A transaction, committed at the end of the block."""
        return self.engine.begin()

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """Call ``function(connection, *args)`` in one transaction, in a thread. Raises DatabaseUnavailable."""
        return await self._off_the_loop(self._write, function, args)

    async def look(self, function: Callable[..., T], *args: Any) -> T:
        """``run`` for a function that only reads, so that on SQLite it waits for no writer."""
        return await self._off_the_loop(self._read, function, args)

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """Call ``function(connection, *args)`` in one transaction, on this thread. Raises DatabaseUnavailable.

        PostgreSQL ends a deadlock by giving up one of the transactions: the function is then called again.
        """
        return self._write(_NEVER, function, args)

    def read(self, function: Callable[..., T], *args: Any) -> T:
        """``call`` for a function that only reads, so that on SQLite it waits for no writer."""
        return self._read(_NEVER, function, args)

    def close(self) -> None:
        """Close all connections."""
        self._pool.shutdown()
        self.engine.dispose()
        self._reader.dispose()

    async def _off_the_loop(self, call: Callable[..., T], function: Callable[..., Any], args: Sequence[Any]) -> T:
        """Have a thread of the pool do it. The wait for a thread counts towards ``patience_s``.

        When that time is over, a call that still waits for a thread is taken back. One that runs cannot be stopped, but
        is not committed.
        """
        given_up = Event()
        future = self._pool.submit(call, given_up, function, args)
        patience = asyncio.timeout(self.patience_s)
        try:
            async with patience:
                return await asyncio.wrap_future(future)
        except TimeoutError:
            given_up.set()
            if patience.expired():
                raise DatabaseUnavailable(retry_after=RETRY_AFTER_S) from None
            raise

    def _write(self, given_up: Event, function: Callable[..., T], args: Sequence[Any]) -> T:
        for _ in range(DEADLOCKS):
            try:
                return _transact(self.engine, given_up, function, args)
            except DatabaseUnavailable as error:
                if not _is_deadlock(error.__cause__):
                    raise
        return _transact(self.engine, given_up, function, args)

    def _read(self, given_up: Event, function: Callable[..., T], args: Sequence[Any]) -> T:
        return _transact(self._reader, given_up, function, args)


def _transact(engine: Engine, given_up: Event, function: Callable[..., T], args: Sequence[Any]) -> T:
    """Call ``function(connection, *args)`` in one transaction, which is committed unless it was given up meanwhile."""
    try:
        with engine.begin() as connection:
            result = function(connection, *args)
            if given_up.is_set():
                raise DatabaseUnavailable(retry_after=RETRY_AFTER_S)
            return result
    except (DBAPIError, PoolTimeout) as error:
        if _is_away(error):
            log.info("the database: %s", getattr(error, "orig", error))  # without the statement and its values
            raise DatabaseUnavailable(retry_after=RETRY_AFTER_S) from error
        raise


def _is_away(error: Exception) -> bool:
    """Whether the database is at fault, and not the statement."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or isinstance(error, (OperationalError, PoolTimeout))


def _is_deadlock(error: BaseException | None) -> bool:
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == DEADLOCK
