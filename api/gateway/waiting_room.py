"""Requests of this gateway that wait for models to be loaded; other gateways and the steward are told of them."""

import asyncio
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import redis.asyncio as redis
from redis.exceptions import RedisError

from models.redis import waiting
from models.redis.presence import STEWARD

REPORT_EVERY_S = 0.5
NOTED_S = 15.0
"""A request that was refused while its model loads counts as one that waits for this long: it is to come again."""


class WaitingRoom:
    """Which requests wait, and since when."""

    def __init__(self, gateway_id: str, client: redis.Redis) -> None:
        self._gateway_id = gateway_id
        self._client = client
        self._since: dict[object, tuple[str, float]] = {}
        self._noted: dict[str, tuple[float, float]] = {}
        self._all: dict[str, list[float]] = {}
        self._ahead_s = 0.0  # Redis' clock before ours, which is monotonic
        self._entered = asyncio.Event()
        self._reported = False

    @contextmanager
    def waits(self, uid: str) -> Iterator[float]:
        """Count a request as waiting for this model, as long as the block runs; since when (monotonic seconds)."""
        token, now = object(), time.monotonic()
        self._since[token] = (uid, now)
        self._entered.set()
        try:
            yield now
        finally:
            del self._since[token]

    def note(self, uid: str) -> None:
        """Count a request for this model as waiting for some time, although it was refused."""
        now = time.monotonic()
        first, until = self._noted.get(uid, (now, 0.0))
        self._noted[uid] = (first if until > now else now, now + NOTED_S)
        self._entered.set()

    def position(self, uid: str, since: float) -> int:
        """The place of a request that waits since then among all of its model, from 1; at most a second old."""
        return bisect_left(self._all.get(uid, []), since + self._ahead_s) + 1

    def report(self, now: float, ahead_s: float = 0.0) -> waiting.Report:
        """What waits here. ``now``: monotonic seconds, before which Redis' clock is ``ahead_s``."""
        self._noted = {uid: one for uid, one in self._noted.items() if one[1] > now}
        found: dict[str, list[float]] = {uid: [first + ahead_s] for uid, (first, _) in self._noted.items()}
        for uid, since in self._since.values():
            found.setdefault(uid, []).append(since + ahead_s)
        return waiting.Report(now + ahead_s, found)

    async def run(self) -> None:
        """Report for ever, while anything waits."""
        while True:
            await self._entered.wait()
            with suppress(RedisError, OSError):
                await self._report()
            if not (self._since or self._noted or self._reported):
                self._entered.clear()
            await asyncio.sleep(REPORT_EVERY_S)

    async def _report(self) -> None:
        before = time.monotonic()
        at, now = waiting.clock(await self._client.time()), time.monotonic()
        ahead_s = min(max(self._ahead_s, at - now), at - before)  # as before where that may be: places stay as they are
        report = self.report(now, ahead_s)
        pipeline = self._client.pipeline(transaction=False)
        if report.since:
            pipeline.hset(waiting.KEY, self._gateway_id, waiting.encode(report))
        else:
            pipeline.hdel(waiting.KEY, self._gateway_id)
        pipeline.hgetall(waiting.KEY)
        if report.since and not self._reported:
            pipeline.publish(STEWARD, b"")  # it need not wait for its next look
        self._reported = bool(report.since)
        _, fields, *_ = await pipeline.execute()
        self._all, self._ahead_s = waiting.merged(fields, at), ahead_s
