"""Turns at loading: of all runners of a machine, one at a time loads weights onto a GPU.

Each measures what is free before it loads, so two at once would both count on the same memory. A turn is a lock on one
file for each GPU: runners of several workers share it, and it ends with the process that holds it.
"""

import fcntl
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path


class Turns:
    """The turns at some GPUs. ``folder`` is the same for all workers of a machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, uuids: Sequence[str]) -> ExitStack | None:
        """A turn at all of these GPUs, until it is closed; None while another runner loads onto one of them.

        Raises OSError where the folder cannot be used.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as turn:
            for uuid in sorted(uuids):  # one order for all, though nobody waits
                file = turn.enter_context(self._file(uuid).open("ab"))
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return None
            return turn.pop_all()

    def _file(self, uuid: str) -> Path:
        """Older drivers have slashes in the UUIDs of MIG instances."""
        return self._folder / f"{uuid.replace('/', '_')}.lock"
