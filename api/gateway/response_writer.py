"""Responses on their way into the database: many at once in one transaction, before their clients have read them.

The answer to the client matters more than its copy in the database. Where the database goes away after the response
was begun, the answer waits for ``HELD_UP_S`` at most, and writing is tried again until the database is back, or the
gateway ends.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.engine import Connection

from api.gateway.group_commit import GroupCommit
from models.rows import responses
from models.rows.database import Database
from models.rows.responses import NewResponse

log = logging.getLogger(__name__)

MOST_AT_ONCE = 64
MOST_WAITING = 1000
HELD_UP_S = 2.0
AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class _Entry:
    row: NewResponse
    aging: list[str]


class ResponseWriter:
    """Writes responses to the database, many in one transaction."""

    def __init__(self, database: Database, retention_s: float) -> None:
        self.retention_ms = int(retention_s * 1000)
        self._database = database
        self._writes = GroupCommit("responses", self._commit, most=MOST_AT_ONCE, again_s=AGAIN_S)

    async def keep(self, row: NewResponse, aging: list[str]) -> None:
        """Keep a response, and keep those of its predecessors that are ``aging`` for longer.

        It is in the database when this returns, unless the database does not answer for ``HELD_UP_S``.
        """
        if self._writes.waiting >= MOST_WAITING:
            log.warning("the response %s is not kept: too many wait", row.id)
            return
        future = self._writes.add(_Entry(row, aging))
        future.add_done_callback(partial(_report, row.id))
        await asyncio.wait([future], timeout=HELD_UP_S)

    async def run(self) -> None:
        """Write until cancelled."""
        await self._writes.run()

    async def _commit(self, batch: list[_Entry]) -> Sequence[None]:
        await self._database.run(_keep, batch, self.retention_ms)
        return [None] * len(batch)


def _report(id: str, future: "asyncio.Future[None]") -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        log.warning("the response %s is not kept: %s", id, error)


def _keep(connection: Connection, batch: list[_Entry], retention_ms: int) -> None:
    responses.keep(connection, [one.row for one in batch], retention_ms)
    if aging := sorted({response for one in batch for response in one.aging}):
        responses.renew(connection, aging, retention_ms)
