"""Whose work is next: those who wait take turns, however much each has brought."""

import threading
from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class RoundRobin(Generic[T]):
    """Tasks of several owners, for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: deque[deque[T]] = deque()

    def add(self, tasks: Iterable[T]) -> None:
        """One owner's tasks, at least one, in their order."""
        with self._lock:
            self._owners.append(deque(tasks))

    def take(self) -> T:
        """The next task. There must be one."""
        with self._lock:
            owner = self._owners.popleft()
            task = owner.popleft()
            if owner:
                self._owners.append(owner)
            return task
