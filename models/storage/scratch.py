"""Folders for files on their way. They go with what needed them; what a killed process left, the next one clears.

A folder's owner holds a lock on it, which the kernel takes away when the owner dies, in whichever container.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "headrace-files-"


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A new folder, removed at the end of the block."""
    path = Path(tempfile.mkdtemp(prefix=_PREFIX))
    held = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(held)


def clear() -> None:
    """Remove the folders whose owners are gone."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # somebody else's, or held
            found = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path)
            finally:
                os.close(found)
