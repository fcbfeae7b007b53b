"""How statements' rows become records.

A record is a frozen dataclass whose fields are columns of one table, or some of them, and what a statement computes
besides. ``models.rows.records`` has them all.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True)
class Record:
    """Base of all records: each field is the column of its name, in ``table`` or in the statement's own result."""

    table: ClassVar[sa.Table]


R = TypeVar("R", bound=Record)


def names(record: type[Record]) -> tuple[str, ...]:
    """The names of a record's fields, in the order in which it takes them."""
    return record.__match_args__


def columns(record: type[Record]) -> list[sa.Column[Any]]:
    """The columns of its table that a record has: what a statement must select or return."""
    return [record.table.c[name] for name in names(record) if name in record.table.c]


def fetch(connection: Connection, statement: sa.Executable, record: type[R]) -> list[R]:
    """Execute a statement; its rows as records. Its result may have more columns, and in any order."""
    return [record(*row) for row in connection.execute(statement).columns(*names(record))]


def fetch_one(connection: Connection, statement: sa.Executable, record: type[R]) -> R | None:
    """``fetch`` for a statement that finds one row or none."""
    row = connection.execute(statement).columns(*names(record)).one_or_none()
    return None if row is None else record(*row)
