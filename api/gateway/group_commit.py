"""Group commit: what is to be written while a transaction is under way goes into the next one, many at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy.exc import StatementError

from models.errors import DatabaseUnavailable, ShuttingDown

log = logging.getLogger(__name__)

FAULTY = (StatementError, TypeError, ValueError)
"""Errors that say that one of the items is wrong. The others of its batch can still be written."""

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(eq=False, slots=True)
class _Waiting(Generic[Item, Outcome]):
    item: Item
    future: "asyncio.Future[Outcome]"

    def settle(self, outcome: Outcome | Exception) -> None:
        if self.future.done():  # who waited for it has hung up
            return
        if isinstance(outcome, Exception):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)


class GroupCommit(Generic[Item, Outcome]):
    """Writes items in the order in which they come, at most ``most`` in one transaction.

    ``commit`` writes a batch and returns one outcome for each item; where an outcome is an exception, it is raised in
    the task that waits for that item. If ``commit`` raises one of ``FAULTY``, the items are written one by one. If it
    raises DatabaseUnavailable, they are tried again every ``again_s`` seconds. Where ``again_s`` is None, and after any
    other error, that error is raised to all who wait for this batch.
    """

    def __init__(
        self,
        name: str,
        commit: Callable[[list[Item]], Awaitable[Sequence[Outcome | Exception]]],
        *,
        most: int,
        again_s: float | None = None,
    ) -> None:
        """``name``: what the items are, in the plural, for the log."""
        self._name = name
        self._commit = commit
        self._most = most
        self._again_s = again_s
        self._waiting: list[_Waiting[Item, Outcome]] = []
        self._work = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Items that are not written yet."""
        return len(self._waiting)

    def add(self, item: Item) -> "asyncio.Future[Outcome]":
        """Write this item; the future gets its outcome once it is written. Cancelling the future does not stop that."""
        waiting = _Waiting[Item, Outcome](item, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._work.set()
        return waiting.future

    async def run(self) -> None:
        """Write until cancelled. Then ``ShuttingDown`` is raised to those who still wait."""
        try:
            while True:
                await self._work.wait()
                settled = await self._write(self._waiting[: self._most])
                del self._waiting[:settled]
                if not self._waiting:
                    self._work.clear()
        finally:
            for one in self._waiting:
                one.settle(ShuttingDown())

    async def _write(self, batch: list[_Waiting[Item, Outcome]]) -> int:
        """Write a batch; returns how many of its items, from the first on, have their outcome now."""
        outcomes: Sequence[Outcome | Exception]
        try:
            outcomes = await self._commit([one.item for one in batch])
        except Exception as error:  # noqa: BLE001  # those who wait must get it, and those who come next be served
            if isinstance(error, DatabaseUnavailable) and self._again_s is not None:
                log.warning("%s cannot be written, trying again: %s", self._name, error)
                await asyncio.sleep(self._again_s)
                return 0
            if len(batch) > 1 and isinstance(error, FAULTY):
                return await self._write_each(batch)
            outcomes = [error] * len(batch)
        for one, outcome in zip(batch, outcomes, strict=True):
            one.settle(outcome)
        return len(batch)

    async def _write_each(self, batch: list[_Waiting[Item, Outcome]]) -> int:
        for number, one in enumerate(batch):
            if not await self._write([one]):
                return number
        return len(batch)
