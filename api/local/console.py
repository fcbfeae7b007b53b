"""What ``headrace up`` prints: a spinner and a table on a terminal, plain lines elsewhere."""

import contextlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from rich.status import Status

    from api.local.child import Child

MIB = 1 << 20
RUNNER, PROBE = "workers.runner", "workers.engines.probe"
"""Modules of processes that workers start. A runner's arguments are a descriptor and its model's uid."""


class Console:
    """Prints lines, and on a terminal one line at the bottom that shows what is being waited for."""

    def __init__(self) -> None:
        from rich.console import Console as Rich  # deferred: only ``up`` draws

        self._rich = Rich(highlight=False)
        self._status: Status | None = None
        self._waiting_for = ""

    def say(self, line: str = "") -> None:
        """Print a line as it is, never wrapped, so that a command in it can be copied."""
        with contextlib.suppress(OSError):  # nobody reads the output any more, or its disk is full; the service goes on
            self._rich.print(line, markup=False, soft_wrap=True)

    def waiting(self, what: str, detail: str = "") -> None:
        """Show what is being waited for; without a terminal, only once for each ``what``."""
        if not self._rich.is_terminal:
            if what != self._waiting_for:
                self.say(f"  … {what}")
        elif self._status is None:
            self._status = self._rich.status(f"{what} {detail}")
            self._status.start()
        else:
            self._status.update(f"{what} {detail}")
        self._waiting_for = what

    def idle(self) -> None:
        """Remove the line at the bottom: nothing is being waited for any more."""
        if self._status is not None:
            self._status.stop()
            self._status = None
        self._waiting_for = ""


def table(children: Iterable["Child"]) -> list[str]:
    """Each process's name, pid, state and resident memory; below it, indented, the processes that it started."""
    rows = [("process", "pid", "state", "memory")]
    for child in children:
        rows.append((child.spec.name, str(child.pid or "-"), child.state, _memory(child.pid)))
        rows.extend((f"  {_name(one)}", str(one.pid), "running", _memory(one.pid)) for one in _offspring(child.pid))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return [
        f"  {name:<{widths[0]}}  {pid:>{widths[1]}}  {state:<{widths[2]}}  {memory:>{widths[3]}}"
        for name, pid, state, memory in rows
    ]


def _offspring(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).children() if pid else []
    return []


def _name(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        words = process.cmdline()
        if RUNNER in words:
            return " ".join(["runner", *words[words.index(RUNNER) + 2 :]])
        return "asks engines" if PROBE in words else str(process.name())
    return "?"


def _memory(pid: int) -> str:
    with contextlib.suppress(psutil.Error):
        return f"{psutil.Process(pid).memory_info().rss / MIB:.0f} MiB" if pid else "-"
    return "-"
