"""Delivers webhooks, off the path of jobs. Any number of deliverers may run; each delivery is one's at a time."""

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from models.errors import DatabaseUnavailable
from models.rows import webhooks
from models.rows.database import Database
from models.rows.records import DueDelivery
from models.storage.outbound import Outbound

log = logging.getLogger("workers.steward.webhook_delivery")

AT_ONCE = 20
TIMEOUT_S = 10.0
HOLD_MS = 60_000
"""A delivery whose deliverer died is due again after this long."""
EVERY_S = 1.0
DRAIN_S = 3.0
"""What is under way when we stop may take this long; then it is cut off, and delivered after the next start."""
RECORDINGS = 3


class Deliverer:
    """The loop. It starts what is due, at most ``AT_ONCE``, of them at most ``webhooks.PER_HOST`` to one host."""

    def __init__(
        self,
        database: Database,
        outbound: Outbound,
        secrets: Sequence[str],
        *,
        pause: webhooks.Pause = webhooks.pause_s,
        timeout_s: float = TIMEOUT_S,
        hold_ms: int = HOLD_MS,
        every_s: float = EVERY_S,
    ) -> None:
        self._database = database
        self._outbound = outbound
        self._secrets = secrets
        self._pause = pause
        self._timeout_s = timeout_s
        self._hold_ms = hold_ms
        self._every_s = every_s
        self._running: dict[asyncio.Task[None], str] = {}

    def run(self, over: threading.Event, wake: threading.Event) -> None:
        """Deliver until ``over`` is set, on this thread. ``wake``, set and cleared, says that there may be more."""
        asyncio.run(self._run(over, wake))

    async def _run(self, over: threading.Event, wake: threading.Event) -> None:
        loop = asyncio.get_running_loop()
        nap: asyncio.Future[bool] | None = None
        while not over.is_set():
            if await self._start_due():
                continue
            nap = nap or loop.run_in_executor(None, wake.wait, self._every_s)
            pending: set[asyncio.Future[Any]] = {nap, *self._running}
            done, _ = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            if nap in done:
                wake.clear()
                nap = None
        await self._drain()

    async def _start_due(self) -> bool:
        """Claim and start what is due and has room; whether there was any."""
        room = AT_ONCE - len(self._running)
        if not room:
            return False
        busy = Counter(self._running.values())
        try:
            rows = await self._database.run(webhooks.claim_due, room, self._hold_ms, busy)
        except (SQLAlchemyError, DatabaseUnavailable) as error:
            log.warning("cannot look for webhooks, trying again: %s", _brief(error))
            return False
        for row in rows:
            task = asyncio.create_task(self._deliver(row))
            self._running[task] = webhooks.origin(row.url)
            task.add_done_callback(self._forget)
        return bool(rows)

    async def _deliver(self, row: DueDelivery) -> None:
        began = time.monotonic()
        headers = webhooks.headers(self._secrets, row.id, row.body, row.now)
        response = await self._outbound.post(row.url, row.body.encode(), headers, self._timeout_s)
        took_ms = int((time.monotonic() - began) * 1000)
        outcome = webhooks.judge(response, row.attempts, self._pause)
        said = outcome.status or response.error
        log.info("webhook %s, attempt %d: %s, %s", row.id, row.attempts, said, outcome.state)
        for _ in range(RECORDINGS):
            try:
                await self._database.run(webhooks.record, row.id, row.attempts, outcome, took_ms)
                return
            except (SQLAlchemyError, DatabaseUnavailable) as error:
                log.warning("cannot record webhook %s, trying again: %s", row.id, _brief(error))
                await asyncio.sleep(self._every_s)
        log.error("webhook %s could not be recorded, and will be tried again", row.id)

    def _forget(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if not task.cancelled() and (error := task.exception()):
            log.error("a webhook was not delivered", exc_info=error)

    async def _drain(self) -> None:
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=DRAIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


def _brief(error: Exception) -> BaseException:
    """The error without its statement and parameters, which hold what a receiver said."""
    return error.orig or error if isinstance(error, DBAPIError) else error
