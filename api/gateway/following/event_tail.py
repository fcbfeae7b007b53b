"""The events that come, of one model or of all, for all who follow them through this gateway."""

from collections import deque

from api.gateway.following.shared import SharedLook
from models.rows.database import Database
from models.rows.life import events
from models.rows.records import EventRow

PAGE = 200
"""Events that are read at once."""
KEPT = 1000
"""Events that are kept for those who are slow; who is slower still reads them by itself."""


class EventTail:
    """The last events since somebody began to follow. ``uid``: of this model; None: of all."""

    def __init__(self, database: Database, uid: str | None) -> None:
        self._database = database
        self._uid = uid
        self._rows: deque[EventRow] = deque()
        self._newest: int | None = None
        self._from = 0
        """All events with a greater id that were read are among the rows."""
        self._look = SharedLook(self._read)

    async def newest(self) -> int:
        """The id of the last event that was read, 0 where there is none: ``after`` takes it, or a greater one.

        Raises DatabaseUnavailable.
        """
        if self._newest is None:
            await self._look.within(0)
        return self._newest or 0

    async def after(self, last: int, age_s: float) -> list[EventRow]:
        """The events that came after the one of this id, oldest first, as they were known ``age_s`` ago or later.

        Raises DatabaseUnavailable.
        """
        await self._look.within(age_s)
        if last < self._from:
            return await self.before(last)
        return [row for row in self._rows if row.id > last]

    async def before(self, after: int) -> list[EventRow]:
        """A page of events after this id, read for one who is behind, oldest first. Raises DatabaseUnavailable."""
        return await self._database.look(lambda c: events.listing(c, self._uid, after=after, limit=PAGE))

    async def _read(self) -> None:
        if self._newest is None:
            rows = await self._database.look(lambda c: events.listing(c, self._uid, limit=1))
            self._newest = self._from = rows[-1].id if rows else 0
            return
        rows = await self.before(self._newest)
        for row in rows:
            self._rows.append(row)
            self._newest = row.id
        while len(self._rows) > KEPT:
            self._from = self._rows.popleft().id
