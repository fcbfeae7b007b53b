"""How fast models finish jobs, from which a job's position in the queue becomes an estimate in seconds."""

import asyncio

from models.rows import jobs
from models.rows.database import Database

FRESH_S = 1.0


class Throughput:
    """How fast each model finishes jobs, measured at most once a second for each."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, tuple[float, float]] = {}

    async def of(self, uid: str) -> float:
        """Jobs a second; 0 where none is known."""
        now = asyncio.get_running_loop().time()
        rate, read_at = self._known.get(uid, (0.0, float("-inf")))
        if now - read_at > FRESH_S:
            self._known[uid] = (rate, now)  # those who ask meanwhile get the old figure, and ask no database
            rate = await self._database.look(jobs.rate, uid)
            self._known[uid] = (rate, now)
        return rate
