"""A plugin of pytest that gives memory back between tests.

Networks of PyTorch are in cycles of references, which Python seldom looks for, since few objects hold all the bytes.
And the C library keeps what was freed between what is still used.
"""

import contextlib
import ctypes
import gc
import os
from collections.abc import Generator
from pathlib import Path

import pytest

GROWTH_BYTES = 192 << 20
"""By so much the process may grow between two looks."""
_PAGE = os.sysconf("SC_PAGE_SIZE")
_STATM = Path("/proc/self/statm")


class GivingBack:
    """Looks after each test whether the process has grown."""

    def __init__(self) -> None:
        self._floor = 0
        self.times = 0

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None]:
        """After the fixtures of the test, and of its file if it was the last one, are gone."""
        yield
        if _resident() > self._floor + GROWTH_BYTES:
            self.times += 1
            gc.collect()
            with contextlib.suppress(AttributeError):  # only the GNU library has it
                ctypes.CDLL(None).malloc_trim(0)
            self._floor = _resident()


def _resident() -> int:
    """The bytes of this process in memory; 0 where only other systems' ways would tell."""
    try:
        return int(_STATM.read_text().split()[1]) * _PAGE
    except FileNotFoundError:
        return 0


def pytest_configure(config: pytest.Config) -> None:
    """Called by pytest."""
    config.pluginmanager.register(GivingBack(), "giving-back")
