"""Group commit without a database: what is written together, in which order, and who gets which error."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from api.gateway.group_commit import GroupCommit
from models.errors import DatabaseUnavailable, ShuttingDown


class Log:
    """What was committed, batch by batch. ``before`` is called with each batch, and may raise."""

    def __init__(self, before: Callable[[list[str]], None] = lambda _: None) -> None:
        self.batches: list[list[str]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.begun = asyncio.Event()
        self._before = before

    async def commit(self, batch: list[str]) -> list[str | Exception]:
        self.begun.set()
        await self.open.wait()
        self._before(batch)
        self.batches.append(batch)
        return [one.upper() if one != "refused" else KeyError(one) for one in batch]


@asynccontextmanager
async def running(log: Log, *, again_s: float | None = None) -> AsyncIterator[GroupCommit[str, str]]:
    made = GroupCommit("items", log.commit, most=3, again_s=again_s)
    task = asyncio.create_task(made.run())
    try:
        async with asyncio.timeout(60):
            yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_comes_during_a_transaction_goes_into_the_next() -> None:
    log = Log()
    log.open.clear()
    async with running(log) as commits:
        first = commits.add("a")
        await log.begun.wait()
        later = [commits.add(one) for one in "bcde"]
        assert commits.waiting == 5
        log.open.set()
        assert await asyncio.gather(first, *later) == list("ABCDE")
    assert log.batches == [["a"], ["b", "c", "d"], ["e"]]


async def test_an_item_that_is_refused_or_faulty_is_nobody_elses_fault() -> None:
    def before(batch: list[str]) -> None:
        if "bad" in batch:
            raise ValueError(batch)

    log = Log(before)
    async with running(log) as commits:
        futures = [commits.add(one) for one in ("a", "bad", "refused")]
        found = await asyncio.gather(*futures, return_exceptions=True)
    assert found[0] == "A"
    assert [type(one) for one in found[1:]] == [ValueError, KeyError]
    assert log.batches == [["a"], ["refused"]]


async def test_an_outage_while_items_are_written_one_by_one_loses_and_repeats_none() -> None:
    outages = iter([True, False])

    def before(batch: list[str]) -> None:
        if "bad" in batch and len(batch) > 1:
            raise ValueError(batch)
        if batch == ["b"] and next(outages):
            raise DatabaseUnavailable()

    log = Log(before)
    async with running(log, again_s=0.01) as commits:
        futures = [commits.add(one) for one in ("a", "b", "bad")]
        assert await asyncio.gather(*futures) == ["A", "B", "BAD"]
        assert commits.waiting == 0
    assert log.batches == [["a"], ["b"], ["bad"]]


async def test_without_another_try_an_outage_is_told_to_all_at_once() -> None:
    def before(batch: list[str]) -> None:
        raise DatabaseUnavailable()

    log = Log(before)
    async with running(log) as commits:
        futures = [commits.add(one) for one in "ab"]
        found = await asyncio.gather(*futures, return_exceptions=True)
    assert found[0] is found[1]
    assert isinstance(found[0], DatabaseUnavailable)


async def test_an_item_is_written_though_its_client_has_hung_up_and_the_end_is_told_to_the_others() -> None:
    log = Log()
    log.open.clear()
    async with running(log) as commits:
        commits.add("a").cancel()
        await log.begun.wait()
        log.open.set()
        await commits.add("b")
        log.open.clear()
        late = [commits.add(one) for one in "cd"]
        await asyncio.sleep(0)
    for one in late:
        with pytest.raises(ShuttingDown):
            await one
    assert log.batches == [["a"], ["b"]]
