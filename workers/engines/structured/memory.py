"""A bound on the memory of a process that may be given anything: the kernel's where it has one, else a watch.

Linux bounds a process's address space (``RLIMIT_AS``). On Apple silicon a bound below some 390 GiB is refused, since a
process has that much address space from its start. There the parent reads how much memory its child really uses, and
kills it. The child cannot do so itself: a library may hold the interpreter for as long as it computes.
"""

import contextlib
import resource
import subprocess
import threading

EVERY_S = 0.05
"""Time between two looks. In it a process can take some 200 MB more."""


def limit_memory(size: int) -> bool:
    """Have the kernel bound this process's address space, in bytes. Returns whether it does."""
    try:
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    except (ValueError, OSError):
        return False
    return True


class MemoryWatch:
    """Kills a child process once its resident memory exceeds ``most`` bytes, from a thread of its own.

    Call ``stop`` when it has ended, or when its kernel bounds it.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", most: int) -> None:
        self.exceeded = False
        self._process = process
        self._most = most
        self._over = threading.Event()
        threading.Thread(target=self._run, name="memory-watch", daemon=True).start()

    def stop(self) -> None:
        """Watch no more."""
        self._over.set()

    def _run(self) -> None:
        import psutil  # not at the top: the children that are bounded import this file, too

        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended
            watched = psutil.Process(self._process.pid)
            while not self._over.wait(EVERY_S):
                if watched.memory_info().rss > self._most:
                    self.exceeded = True
                    self._process.kill()
                    return
