"""A queue in which owners take turns, however many items each of them has."""

import threading
from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class RoundRobin(Generic[T]):
    """The items of several owners. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: deque[deque[T]] = deque()

    def add(self, items: Iterable[T]) -> None:
        """Add one owner's items, at least one, in their order."""
        with self._lock:
            self._owners.append(deque(items))

    def take(self) -> T:
        """Take the next item. There must be one."""
        with self._lock:
            owner = self._owners.popleft()
            item = owner.popleft()
            if owner:
                self._owners.append(owner)
            return item
