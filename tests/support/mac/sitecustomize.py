"""Python imports this as it starts (see ``tests.support.mac``). It takes away what macOS does not have.

psutil may go on reading ``/proc``: its version for macOS does not.
"""

import fcntl
import os
import resource
import select
import signal
import socket
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

ABSENT: dict[ModuleType, str] = {
    os: "sched_getaffinity sched_setaffinity memfd_create eventfd pidfd_open pipe2 fdatasync waitid splice "
    "copy_file_range posix_fadvise posix_fallocate setns unshare getrandom O_PATH O_TMPFILE O_DIRECT",
    socket: "TCP_KEEPIDLE TCP_USER_TIMEOUT TCP_QUICKACK SO_PEERCRED SO_BINDTODEVICE AF_NETLINK SOCK_CLOEXEC "
    "SOCK_NONBLOCK",
    signal: "SIGPWR SIGSTKFLT SIGPOLL SIGRTMIN SIGRTMAX pidfd_send_signal sigtimedwait sigwaitinfo",
    select: "epoll",
    resource: "prlimit RUSAGE_THREAD",
    fcntl: "F_SETPIPE_SZ F_GETPIPE_SZ F_ADD_SEALS",
    time: "CLOCK_BOOTTIME",
}
RESERVED = 390 << 30
"""Bytes of address space that a process on Apple silicon has from its start: a lower bound is refused."""
FOLDERS = ("/proc", "/sys/")

_set_limit = resource.setrlimit
_switches = Path(os.environ["MAC_SWITCHES"])
_unlimited = (_switches / "no-limits").exists()


def set_limit(which: int, limits: tuple[int, int]) -> None:
    """As macOS does it, and Python on it."""
    if _unlimited or (which == resource.RLIMIT_AS and 0 <= limits[0] < RESERVED):
        raise ValueError("current limit exceeds maximum limit")
    _set_limit(which, limits)


def hide(event: str, arguments: tuple[Any, ...]) -> None:
    """There is no /proc and no prctl."""
    if event in ("open", "os.listdir", "os.scandir"):
        if str(arguments[0]).startswith(FOLDERS) and not asked_by_psutil():
            raise FileNotFoundError(2, "No such file or directory", arguments[0])
    elif event == "ctypes.dlsym" and arguments[1] == "prctl":
        raise AttributeError("symbol not found: prctl")


def asked_by_psutil() -> bool:
    frame = sys._getframe(2)
    while frame is not None and "psutil" not in frame.f_code.co_filename:
        frame = frame.f_back  # type: ignore[assignment]
    return frame is not None


for module, names in ABSENT.items():
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
socket.TCP_KEEPALIVE = 4  # type: ignore[attr-defined]  # so is Linux's TCP_KEEPIDLE, under macOS's name
resource.setrlimit = set_limit
sys.addaudithook(hide)
