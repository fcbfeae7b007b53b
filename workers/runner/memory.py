"""What a runner holds of the machine's memory, and how much of that the machine counts as available all the same."""

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

_OF_FILES = re.compile(r"^RssFile:\s*(\d+) kB", re.MULTILINE)


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process and those that it started."""
    return [process, *process.children(recursive=True)]


def held(processes: Iterable[psutil.Process]) -> tuple[int, int]:
    """Resident bytes of these, and how many of them are of files, as mapped weights; 0 where no system says that."""
    total = mapped = 0
    for member in processes:
        with suppress(psutil.Error, OSError):  # it has just ended
            total += int(member.memory_info().rss)
            if found := _OF_FILES.search(Path(f"/proc/{member.pid}/status").read_text()):
                mapped += int(found[1]) * 1024
    return total, mapped
