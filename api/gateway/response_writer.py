"""Responses on their way into the database: many at once in one transaction, before their clients have read them.

An answer is worth more than its copy: where the database goes away after it was asked, the answer is not held up for
long, and its copy is tried again until the database is back, or the gateway ends.
"""

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from models.errors import DatabaseUnavailable
from models.rows import responses
from models.rows.database import Database
from models.rows.responses import Kept

log = logging.getLogger(__name__)

MOST_AT_ONCE = 64
MOST_WAITING = 1000
HELD_UP_S = 2.0
AGAIN_S = 1.0


@dataclass(eq=False, slots=True)
class _Waiting:
    row: Kept
    aging: list[str]
    done: asyncio.Event = field(default_factory=asyncio.Event)


class ResponseWriter:
    """Gathers what is to be kept while a transaction is under way into the next one."""

    def __init__(self, database: Database, retention_s: float) -> None:
        self.retention_ms = int(retention_s * 1000)
        self._database = database
        self._waiting: list[_Waiting] = []
        self._work = asyncio.Event()

    async def keep(self, row: Kept, aging: list[str]) -> None:
        """Keep a response, and for longer those of its predecessors that are ``aging``.

        It is kept when this returns, unless the database does not answer for ``HELD_UP_S``.
        """
        one = _Waiting(row, aging)
        if len(self._waiting) >= MOST_WAITING:
            log.warning("the response %s is not kept: too many wait", row.id)
            return
        self._waiting.append(one)
        self._work.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HELD_UP_S):
                await one.done.wait()

    async def run(self) -> None:
        """Keep for ever."""
        while True:
            await self._work.wait()
            batch = self._waiting[:MOST_AT_ONCE]
            try:
                await self._database.run(_keep, batch, self.retention_ms)
            except DatabaseUnavailable as error:
                log.warning("responses cannot be kept, trying again: %s", error)
                await asyncio.sleep(AGAIN_S)
                continue
            except SQLAlchemyError as error:
                log.warning("a response cannot be kept: %s", error)
                if len(batch) > 1:  # it is one of them: one by one
                    batch = await self._each(batch)
            for one in batch:
                one.done.set()
            self._waiting = self._waiting[len(batch) :]
            if not self._waiting:
                self._work.clear()

    async def _each(self, batch: list[_Waiting]) -> list[_Waiting]:
        """Keep them one by one; those that were tried."""
        for number, one in enumerate(batch):
            try:
                await self._database.run(_keep, [one], self.retention_ms)
            except DatabaseUnavailable:
                return batch[:number]
            except SQLAlchemyError as error:
                log.warning("the response %s is not kept: %s", one.row.id, error)
        return batch


def _keep(connection: Connection, batch: list[_Waiting], retention_ms: int) -> None:
    responses.keep(connection, [one.row for one in batch], retention_ms)
    if aging := sorted({response for one in batch for response in one.aging}):
        responses.renew(connection, aging, retention_ms)
