"""Connections to PostgreSQL on which no caller waits for long, even if the network drops every packet.

There are three bounds. The kernel ends a connection whose packets are not acknowledged (``TCP_USER_TIMEOUT``, and
keepalives while nothing is sent). The client ends an exchange that the server does not answer; so it also notices a
peer that acknowledges packets and does nothing else, such as a proxy that has lost the server. The server ends a
session whose client is lost, so that its locks are free when the client comes back.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy.engine import Engine

log = logging.getLogger(__name__)

CONNECT_S = 2
"""Longest that connecting to each address of the host takes; libpq allows no shorter time."""
PING_S = 2.0
"""Longest that a connection from the pool may take to show that it works."""
STATEMENT_S = 6.0
"""Longest that one exchange takes. The server ends a statement one second earlier, and reports that as an error."""
LOST_S = 5
"""How long either end waits for packets to be acknowledged, and the server for the next statement of a transaction."""
PAUSE_S = 1.0
"""For this long after a connect that failed, further ones are refused without being tried."""
MOST_CONNECTIONS = 10

_CLIENT = {
    "connect_timeout": CONNECT_S,
    "tcp_user_timeout": LOST_S * 1000,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
}
_SERVER = {
    "idle_in_transaction_session_timeout": LOST_S * 1000,
    "tcp_user_timeout": LOST_S * 1000,
    "tcp_keepalives_idle": 2,
    "tcp_keepalives_interval": 1,
    "tcp_keepalives_count": 3,
}


class Bounded(psycopg.Connection[Any]):
    """A connection that is closed when the server does not answer within ``bound_s``; None: there is no bound."""

    bound_s: float | None = STATEMENT_S

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """See ``psycopg.Connection``: every exchange with the server goes through this method."""
        try:
            return super().wait(gen, interval, self.bound_s if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:  # its answer is still to come
                self.pgconn.finish()
            raise

    @contextmanager
    def within(self, bound_s: float) -> Iterator[None]:
        """Let each exchange take this long at most, while the block runs."""
        usual, self.bound_s = self.bound_s, bound_s
        try:
            yield
        finally:
            self.bound_s = usual


class Connector:
    """Makes connections. While the server is away, one is tried at a time, and all others are refused at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._away = False
        self._trying = False
        self._again_at = 0.0

    def connect(self, **parameters: Any) -> Bounded:
        """Connect, within ``CONNECT_S``. Raises psycopg.OperationalError."""
        with self._lock:
            if self._away and (self._trying or time.monotonic() < self._again_at):
                raise psycopg.OperationalError("the server did not answer a moment ago")
            self._trying = True
        try:
            connection = Bounded.connect(**parameters)
        except psycopg.Error as error:
            self._ended(away=True)
            log.warning("PostgreSQL cannot be reached: %s", error)
            raise
        self._ended(away=False)
        return connection

    def _ended(self, *, away: bool) -> None:
        with self._lock:
            self._away, self._trying = away, False
            self._again_at = time.monotonic() + PAUSE_S


def create_engine(url: str, *, statement_s: float | None = STATEMENT_S) -> Engine:
    """An engine whose connects, statements and waits for a connection are bounded.

    ``statement_s`` is the bound on a statement, in seconds; None: there is none.
    """
    bounds = _SERVER | {"statement_timeout": 0 if statement_s is None else int((statement_s - 1) * 1000)}
    options = " ".join(f"-c {name}={value}" for name, value in bounds.items())
    engine = sa.create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=MOST_CONNECTIONS // 2,
        max_overflow=MOST_CONNECTIONS // 2,
        pool_timeout=LOST_S,
        connect_args=_CLIENT | {"options": options},
    )
    connector = Connector()

    @sa.event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, _args: Any, parameters: dict[str, Any]) -> Bounded:
        connection = connector.connect(**parameters)
        connection.bound_s = statement_s
        return connection

    @sa.event.listens_for(engine, "checkout")
    def _ping(connection: Bounded, record: Any, _proxy: Any) -> None:
        """Have the pool replace a connection that does not work."""
        if not record.info.pop("new", False):
            try:
                with connection.within(PING_S):
                    engine.dialect.do_ping(connection)  # type: ignore[arg-type]
            except psycopg.Error as error:
                raise sa.exc.InvalidatePoolError(str(error)) from error

    @sa.event.listens_for(engine, "connect")
    def _made(_connection: Bounded, record: Any) -> None:
        record.info["new"] = True

    return engine
