"""The directory that holds all state: private to its user, locked by one supervisor, cleaned after a killed one.

run/        sockets, the server's configuration, the list of processes; removed by a clean stop
logs/       one file for each process, and its last few predecessors
redis/      the embedded server's working directory, in which it writes nothing
node        the name of this machine in device names
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from models.errors import Conflict
from models.process import processes

LEFTOVER_GRACE_S = 5.0


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Lock ``home`` while the block runs, with an empty ``run/`` that is removed at the end.

    Raises Conflict if another process has locked it. The lock is on the directory itself. A lock file could never be
    removed: if another process waited for it, two would then have the lock. The kernel drops the lock however this
    process ends.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = recorded(home).get("supervisor")
            who = f" (process {holder[0]})" if holder else ""
            raise Conflict(f"another headrace is running on {home}{who}: stop it, or use another --home") from error
        end_leftovers(home)
        shutil.rmtree(home / "run", ignore_errors=True)
        (home / "run").mkdir(mode=0o700)
        try:
            record(home, {})
            yield
        finally:
            shutil.rmtree(home / "run", ignore_errors=True)
    finally:
        os.close(descriptor)


def node(home: Path, name: str) -> str:
    """The name of this machine in device names: ``name`` at first, and that same one ever after.

    A host's name may change with the network it is in. The devices of another name would be lost ones, and what they
    held would have to wait until that is noticed.
    """
    path = home / "node"
    with contextlib.suppress(FileNotFoundError):
        if kept := path.read_text(encoding="utf-8").strip():
            return kept
    path.write_text(name, encoding="utf-8")
    return name


def record(home: Path, running: Mapping[str, int]) -> None:
    """Write down which processes run, by name, pid and start time. A pid alone may belong to another process later."""
    entries: dict[str, tuple[int, float]] = {}
    for name, pid in {"supervisor": os.getpid(), **running}.items():
        with contextlib.suppress(psutil.NoSuchProcess):
            entries[name] = (pid, psutil.Process(pid).create_time())
    path = home / "run" / "processes.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(entries), encoding="utf-8")
    os.replace(fresh, path)


def end_leftovers(home: Path) -> None:
    """End the processes of a supervisor that was killed. They should be ending already, so they first get some time."""
    left = [
        process for pid, born in recorded(home).values() if (process := _same(pid, born)) and process.pid != os.getpid()
    ]
    _gone, alive = psutil.wait_procs(left, timeout=LEFTOVER_GRACE_S)
    for process in alive:
        processes.end(process.pid)
    psutil.wait_procs(alive, timeout=LEFTOVER_GRACE_S)


def _same(pid: int, born: float) -> psutil.Process | None:
    """The process that was recorded; None if it has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if abs(process.create_time() - born) < 1:
            return process
    return None


def recorded(home: Path) -> dict[str, tuple[int, float]]:
    """What ``record`` has written down last, by name: pid, and start in Unix time; empty where that cannot be read."""
    try:
        entries = json.loads((home / "run" / "processes.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): (int(pid), float(born)) for name, (pid, born) in entries.items()}
