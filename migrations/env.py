"""Alembic's environment: one connection, under a lock, so that of processes that start together only one migrates."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import context

from models.rows import tables
from models.rows.database import connect

LOCK = 4_841_127_301_946_177  # any number, the same everywhere


@contextmanager
def _exclusive(connection: sa.Connection) -> Iterator[None]:
    """Let no other process migrate this database while the block runs."""
    if connection.dialect.name == "postgresql":
        # One transaction of many statements: a busy machine may stand still between two of them for seconds.
        connection.execute(sa.text("SET idle_in_transaction_session_timeout = 0"))
        connection.execute(sa.text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        connection.commit()
        try:
            yield
        finally:
            connection.execute(sa.text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
            connection.commit()
        return
    name = connection.engine.url.database
    if not name or name == ":memory:":
        yield
        return
    with Path(name + ".migrating").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run() -> None:
    """Migrate the database that the configuration names."""
    engine = connect(context.config.attributes["url"], statements_bounded=False)  # the lock may take long, too
    with engine.connect() as connection, _exclusive(connection):
        context.configure(
            connection=connection,
            target_metadata=tables.metadata,
            render_as_batch=True,
            compare_type=True,
            compare_server_default=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        if connection.in_transaction():
            connection.commit()
    engine.dispose()


run()
