"""One look at what changes serves all who follow it: the database is read once an interval, however many they are."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SharedLook(Generic[T]):
    """A question whose answer all may have who ask at about the same time."""

    def __init__(self, look: Callable[[], Awaitable[T]]) -> None:
        self._look = look
        self._began = 0.0
        self._task: asyncio.Task[T] | None = None

    async def within(self, age_s: float) -> T:
        """The answer of a look that began ``age_s`` seconds ago at most: the last one, or a new one.

        Raises what the look raised. No two looks run at once, and none ends because one who waits for it has left.
        """
        oldest = asyncio.get_running_loop().time() - age_s
        while self._task is None or self._began < oldest:
            if self._task is None or self._task.done():
                self._task = self._begin()
            else:
                await asyncio.wait([self._task])
        return await asyncio.shield(self._task)

    def _begin(self) -> "asyncio.Task[T]":
        self._began = asyncio.get_running_loop().time()
        task = asyncio.ensure_future(self._look())
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # all who waited may have left
        return task


@dataclass
class _Held:
    what: Any
    followers: int = 0


class Shared:
    """What is followed through this gateway now, by key."""

    def __init__(self) -> None:
        self._held: dict[Hashable, _Held] = {}

    def __len__(self) -> int:
        return len(self._held)

    @contextmanager
    def of(self, key: Hashable, make: Callable[[], T]) -> Iterator[T]:
        """What ``make`` has made for the first of those who follow this now; it is held until the last has left."""
        if key not in self._held:
            self._held[key] = _Held(make())
        held = self._held[key]
        held.followers += 1
        try:
            yield held.what
        finally:
            held.followers -= 1
            if not held.followers:
                del self._held[key]
