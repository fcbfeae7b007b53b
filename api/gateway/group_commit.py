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
"""Something is wrong with one of the items, which is not the others' fault."""

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

    ``commit`` writes a batch and returns one outcome an item; an exception among them is raised to the one who waits
    for that item. If it raises one of ``FAULTY``, the items are written one by one. If it raises DatabaseUnavailable,
    they are tried again every ``again_s`` seconds; with None, and after any other error, the whole batch gets it.
    """

    def __init__(
        self,
        name: str,
        commit: Callable[[list[Item]], Awaitable[Sequence[Outcome | Exception]]],
        *,
        most: int,
        again_s: float | None = None,
    ) -> None:
        """``name``: of the items, in the plural, for the log."""
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
        """Write this item; its outcome, once it is written. It is written also where the future is cancelled."""
        waiting = _Waiting[Item, Outcome](item, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._work.set()
        return waiting.future

    async def run(self) -> None:
        """Write for ever. At the end, those who still wait get ``ShuttingDown``."""
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
        """How many of the batch are settled, from its first on."""
        outcomes: Sequence[Outcome | Exception]
        try:
            outcomes = await self._commit([one.item for one in batch])
        except Exception as error:  # noqa: BLE001  # those who wait must hear of it, and those who come next be served
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
