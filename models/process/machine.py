"""The machine that a process runs on, and the release of Headrace that it runs."""

import platform
import shutil
import socket
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import psutil

RELEASE = version("headrace")
"""The release whose code this process runs. Read at its start: an upgrade may replace the files under it."""


class MachineReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a process says of itself and its machine. Sizes are in bytes; None: not known.

    ``host``: the machine's name, which need not be the node's; ``system``: its operating system and processor.
    ``load``: how many processes ran or waited for a processor, the average of a minute. ``disk_*``: of the disk that
    its home folder is on.
    """

    release: str = ""
    python: str = ""
    host: str = ""
    system: str = ""
    cpu_count: int | None = None
    load: float | None = None
    memory_bytes: int | None = None
    memory_free_bytes: int | None = None
    disk_bytes: int | None = None
    disk_free_bytes: int | None = None


def look(home: Path) -> MachineReport:
    """The machine as it is now. Blocks where the disk of ``home`` does."""
    memory, disk = psutil.virtual_memory(), None
    with suppress(OSError):
        disk = shutil.disk_usage(home)
    return MachineReport(
        release=RELEASE,
        python=platform.python_version(),
        host=socket.gethostname(),
        system=f"{platform.system()} {platform.release()}, {platform.machine()}",
        cpu_count=psutil.cpu_count(),
        load=round(psutil.getloadavg()[0], 2),
        memory_bytes=memory.total,
        memory_free_bytes=memory.available,
        disk_bytes=disk.total if disk else None,
        disk_free_bytes=disk.free if disk else None,
    )


def read(told: Any) -> MachineReport:
    """What a process told, as ``msgspec.to_builtins`` wrote it. Of what another release wrote differently, nothing."""
    with suppress(msgspec.ValidationError):
        return msgspec.convert(told, MachineReport)
    return MachineReport()
