"""``headrace up --verbose``: prints the logs of all processes as they grow, each line after its process's name."""

import asyncio
from collections.abc import Callable
from pathlib import Path

EVERY_S = 0.2


class Tails:
    """Follows log files. They are files rather than pipes, so that no process waits for a reader or dies with one."""

    def __init__(self, logs: Path, say: Callable[[str], None]) -> None:
        self._logs = logs
        self._say = say
        self._read: dict[Path, int] = {}

    async def follow(self) -> None:
        """Print the lines that are added, until cancelled."""
        while True:
            self.step()
            await asyncio.sleep(EVERY_S)

    def step(self) -> None:
        """Print the complete lines that were added since the last time."""
        for path in sorted(self._logs.glob("*.log")):
            with open(path, "rb") as file:
                begin = self._read.get(path, 0)
                if begin > file.seek(0, 2):  # it was rotated meanwhile
                    begin = 0
                file.seek(begin)
                complete, newline, _rest = file.read().rpartition(b"\n")
            self._read[path] = begin + len(complete) + len(newline)
            for line in complete.decode(errors="replace").splitlines():
                self._say(f"{path.stem:<12} | {line}")
