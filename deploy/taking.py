"""How a new environment takes the place of the one that is there: at once, and never under a process that runs."""

import ctypes
import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

_HERE = -100
"""AT_FDCWD of fcntl.h."""
_EXCHANGE = 2
"""RENAME_EXCHANGE of linux/fs.h."""


def running_from(place: Path) -> list[int]:
    """The processes whose program or libraries are files of this folder, as far as Linux's /proc tells us.

    A Python that runs imports much of its libraries late, so it would read those of the new environment.
    """
    folders = {f"{place}/".encode(), f"{place.resolve()}/".encode()}
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is another user's
            words = (process / "cmdline").read_bytes() + b"\n" + (process / "maps").read_bytes()
            if int(process.name) != os.getpid() and any(folder in words for folder in folders):
                found.append(int(process.name))
    return sorted(found)


def take(new: Path, place: Path, old: Path) -> None:
    """Give the folder ``new`` the name ``place``, and delete the one that had it.

    On Linux both change their names at once. Elsewhere, and on file systems that cannot, there is a moment in which
    only ``old`` is there: ``recover`` and ``Settings.interpreter`` find it.
    """
    shutil.rmtree(old, ignore_errors=True)
    if place.exists() and _exchange(new, place):
        new.rename(old)
    else:
        if place.exists():
            place.rename(old)
        new.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def recover(place: Path, old: Path) -> None:
    """Give back its name to the environment that a kill left without it."""
    if old.exists() and not place.exists():
        old.rename(place)


def _exchange(one: Path, other: Path) -> bool:
    """Whether these two have exchanged their names. Raises OSError where they may not."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number), str(other))
