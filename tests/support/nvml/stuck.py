"""A process that does not end although it is killed, as one that is stuck in a driver.

Another process traces it: until that one ends, the kernel keeps the end from the parent.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers import wait_for

PROGRAM = """
import ctypes, os, time
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(0x59616D61, ctypes.c_ulong(2**64 - 1), 0, 0, 0)  # PR_SET_PTRACER: any process may trace this one
traced, ready = os.getpid(), os.pipe()
if not os.fork():
    os.setsid()  # not of the group that is killed
    error = libc.ptrace(0x4206, traced, None, None) and ctypes.get_errno()  # PTRACE_SEIZE
    with open({path!r}, "w") as file:
        file.write(f"{{os.getpid()}} {{error}}\\n")
    os.write(ready[1], b"x")
    time.sleep(600)
    os._exit(0)
os.read(ready[0], 1)
"""


class Stuck:
    """``program`` makes the process that runs it one that cannot be ended, until ``release``."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "tracer"
        self.program = PROGRAM.format(path=str(self._path))

    def is_stuck(self) -> bool:
        """Whether a process has run the program; skips the test where the system does not let it be traced."""
        with contextlib.suppress(FileNotFoundError):
            tracer, _, error = self._path.read_text().partition(" ")
            if tracer and error.strip() not in ("", "0"):
                pytest.skip("processes may not trace others here")
            return error.endswith("\n")
        return False

    def release(self) -> None:
        """Let it end."""
        if self.is_stuck():
            os.kill(int(self._path.read_text().split()[0]), signal.SIGKILL)


@contextlib.contextmanager
def stuck(folder: Path) -> Iterator[Stuck]:
    """A process that cannot be ended while the block runs. Linux alone has what it takes."""
    if sys.platform != "linux":
        pytest.skip("only Linux has PTRACE_SEIZE")
    made = Stuck(folder)
    try:
        yield made
    finally:
        made.release()


def until_stuck(made: Stuck) -> None:
    """Wait until a process has run the program."""
    wait_for(made.is_stuck, 60)
