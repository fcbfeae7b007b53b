"""Files that clients uploaded (OpenAI's Files): their rows. Their bytes are in the artifact store under ``files/``.

Conventions as in ``models.rows.jobs``.
"""

import re
import secrets
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.errors import Conflict, NotFound
from models.rows.database import now_ms
from models.rows.fetching import fetch, fetch_one
from models.rows.records import FileRow
from models.rows.states import BatchState
from models.rows.tables import batches, files

PREFIX = "files/"
FILE_ID = re.compile(r"file-[0-9a-zA-Z]{8,40}")
"""What looks like the id of a file."""

_NEEDED = sa.exists().where(
    batches.c.input_file_id == files.c.id,
    batches.c.state.in_((BatchState.VALIDATING, BatchState.IN_PROGRESS, BatchState.FINALIZING, BatchState.CANCELLING)),
)
"""Whether a batch still reads the file."""


def new_id() -> str:
    """A new file's id."""
    return f"file-{secrets.token_hex(12)}"


def artifact(file: str) -> str:
    """The artifact key of a file's bytes."""
    return f"{PREFIX}{file}"


def create(connection: Connection, **values: Any) -> FileRow:
    """Record a file whose bytes are stored.

    ``values``: columns of the table, and ``expires_s``, seconds from now, or None for a file that does not expire.
    """
    seconds = values.pop("expires_s", None)
    if seconds is not None:
        values["expires_at"] = now_ms() + int(seconds * 1000)
    [row] = fetch(connection, sa.insert(files).values(**values).returning(files), FileRow)
    return row


def get(connection: Connection, file: str, api_key_id: str | None) -> FileRow:
    """The file. Where ``api_key_id`` is None, it may be any key's.

    Raises NotFound, also where the file is another key's or has expired.
    """
    row = fetch_one(connection, sa.select(files).where(files.c.id == file, _fresh()), FileRow)
    if row is None or (api_key_id is not None and row.api_key_id != api_key_id):
        raise NotFound(f"there is no file '{file[:60]}'", param="file_id")
    return row


def listing(
    connection: Connection,
    api_key_id: str,
    *,
    purpose: str | None = None,
    after: str | None = None,
    limit: int = 10_000,
    newest_first: bool = True,
) -> list[FileRow]:
    """One page of this key's files and one row more. Raises NotFound if there is no file ``after``."""
    query = sa.select(files).where(files.c.api_key_id == api_key_id, _fresh())
    if purpose is not None:
        query = query.where(files.c.purpose == purpose)
    order = sa.tuple_(files.c.created_at, files.c.id)
    if after is not None:
        last = get(connection, after, api_key_id)
        there = sa.tuple_(sa.literal(last.created_at), sa.literal(last.id))
        query = query.where(order < there if newest_first else order > there)
    columns = (files.c.created_at, files.c.id)
    query = query.order_by(*(one.desc() if newest_first else one.asc() for one in columns)).limit(limit + 1)
    return fetch(connection, query, FileRow)


def delete(connection: Connection, file: str, api_key_id: str) -> None:
    """Delete a file's row; the caller must delete its bytes. Raises NotFound, and Conflict while a batch reads it."""
    get(connection, file, api_key_id)
    if not connection.execute(sa.delete(files).where(files.c.id == file, sa.not_(_NEEDED))).rowcount:
        raise Conflict(f"the file '{file}' is the input of a batch that is not over", param="file_id")


def purge(connection: Connection, limit: int = 200) -> list[str]:
    """Delete the rows of files that have expired and that no batch reads; returns their ids."""
    old = sa.select(files.c.id).where(files.c.expires_at < now_ms(), sa.not_(_NEEDED)).limit(limit)
    return list(connection.execute(sa.delete(files).where(files.c.id.in_(old)).returning(files.c.id)).scalars())


def known(connection: Connection, ids: Collection[str]) -> set[str]:
    """Those of these files that exist."""
    return set(connection.execute(sa.select(files.c.id).where(files.c.id.in_(ids))).scalars())


def _fresh() -> sa.ColumnElement[bool]:
    return sa.or_(files.c.expires_at.is_(None), files.c.expires_at > now_ms())
