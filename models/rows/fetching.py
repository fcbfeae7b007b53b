"""How rows of a statement's result become records.

A record is a frozen dataclass. Its fields are columns of one table, all or some, and values that a statement computes.
All records are in ``models.rows.records``.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True)
class Record:
    """Base of all records: each field is the column of the same name, in ``table`` or computed by the statement."""

    table: ClassVar[sa.Table]


R = TypeVar("R", bound=Record)


def names(record: type[Record]) -> tuple[str, ...]:
    """The names of a record's fields, in the order in which it takes them."""
    return record.__match_args__


def columns(record: type[Record]) -> list[sa.Column[Any]]:
    """The columns of its table that a record has, which a statement must select or return."""
    return [record.table.c[name] for name in names(record) if name in record.table.c]


def fetch(connection: Connection, statement: sa.Executable, record: type[R]) -> list[R]:
    """Execute a statement; returns its rows as records. The result may have more columns, and in any order."""
    return [record(*row) for row in connection.execute(statement).columns(*names(record))]


def fetch_one(connection: Connection, statement: sa.Executable, record: type[R]) -> R | None:
    """``fetch`` for a statement whose result has one row or none."""
    row = connection.execute(statement).columns(*names(record)).one_or_none()
    return None if row is None else record(*row)
