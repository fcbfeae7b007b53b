"""Rows that a transaction has locked on PostgreSQL, seen from another connection, without waiting for a lock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.rows.database import Database

T = TypeVar("T")


def free(database: Database, column: sa.Column[Any]) -> set[Any]:
    """The values of this column in all rows that no other transaction has locked."""
    query = sa.select(column).with_for_update(skip_locked=True)
    return set(database.call(lambda connection: list(connection.execute(query).scalars())))


@contextmanager
def locked(database: Database, *conditions: sa.ColumnElement[bool]) -> Iterator[None]:
    """Another transaction, that has locked the rows which meet these conditions, while the block runs."""
    with database.begin() as connection:
        assert connection.execute(sa.select(sa.literal(1)).where(*conditions).with_for_update()).all()
        yield


def at_once(function: Callable[..., T]) -> Callable[..., T]:
    """The function, which fails where it would have to wait for a lock."""

    def call(connection: Connection, *args: Any) -> T:
        connection.execute(sa.text("SET LOCAL lock_timeout = '1s'"))
        return function(connection, *args)

    return call


def before(verb: str, act: Callable[[], None], function: Callable[..., T]) -> Callable[..., T]:
    """The function, amid which something is done: once, before its first statement that begins with this word."""

    def call(connection: Connection, *args: Any) -> T:
        pending = [act]

        @sa.event.listens_for(connection, "before_cursor_execute")
        def look(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if pending and statement.startswith(verb):
                pending.pop()()

        result = function(connection, *args)
        assert not pending, f"there was no {verb}"
        return result

    return call
