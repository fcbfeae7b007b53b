"""One look serves all who ask at about the same time (``api.gateway.following.shared``)."""

import asyncio

import pytest

from api.gateway.following.shared import Shared, SharedLook
from models.errors import DatabaseUnavailable


class Asked:
    """Counts how often it is asked, and answers when it is let."""

    def __init__(self) -> None:
        self.times = 0
        self.at_once = 0
        self.may = asyncio.Event()
        self.fails = False

    async def look(self) -> int:
        self.times += 1
        self.at_once += 1
        assert self.at_once == 1, "one look at a time"
        number = self.times
        await self.may.wait()
        self.at_once -= 1
        if self.fails:
            raise DatabaseUnavailable
        return number


async def test_all_who_ask_at_the_same_time_have_one_answer() -> None:
    asked = Asked()
    looks = SharedLook(asked.look)
    waiting = [asyncio.create_task(looks.within(60)) for _ in range(50)]
    await asyncio.sleep(0)
    asked.may.set()
    assert set(await asyncio.gather(*waiting)) == {1}
    assert (await looks.within(60), asked.times) == (1, 1)


async def test_who_wants_a_younger_answer_than_the_one_that_comes_waits_for_the_next() -> None:
    asked = Asked()
    looks = SharedLook(asked.look)
    first = asyncio.create_task(looks.within(60))
    await asyncio.sleep(0.01)  # the clock of the event loop goes on
    later = [asyncio.create_task(looks.within(0)) for _ in range(5)]
    await asyncio.sleep(0)
    asked.may.set()
    assert (await first, await asyncio.gather(*later), asked.times) == (1, [2] * 5, 2)


async def test_who_leaves_takes_the_answer_from_nobody() -> None:
    asked = Asked()
    looks = SharedLook(asked.look)
    first, second = (asyncio.create_task(looks.within(60)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    asked.may.set()
    assert await second == 1


async def test_all_hear_of_a_look_that_failed_and_the_next_is_another() -> None:
    asked = Asked()
    asked.fails = True
    asked.may.set()
    looks = SharedLook(asked.look)
    answers = await asyncio.gather(*(looks.within(60) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in answers] == [DatabaseUnavailable] * 3
    asked.fails = False
    assert (await looks.within(0), asked.times) == (2, 2)


def test_what_is_followed_is_held_until_the_last_has_left() -> None:
    shared = Shared()
    with shared.of("a", list[int]) as first:
        with shared.of("a", list[int]) as second, shared.of("b", list[int]) as other:
            assert first is second
            assert other is not first
        with shared.of("a", list[int]) as third:
            assert third is first
    assert len(shared) == 0
