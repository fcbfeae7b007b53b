"""The GPU of a Mac: whether there is one that engines can use, and how much memory it may take."""

import contextlib
import platform
import subprocess
import sys
from typing import Literal, NamedTuple

import msgspec
import psutil

OLDEST = (14, 0)
"""The oldest macOS for which PyTorch and llama.cpp have wheels."""
_GIB = 1 << 30
_MIB = 1 << 20
_SMALL = 36 * _GIB
_ASK_S = 5.0


class Mac(NamedTuple):
    """What is known of a machine. Sizes in bytes.

    ``system`` as ``sys.platform`` has it, ``machine`` the processor that Python was built for, ``release`` the version
    of macOS, such as "14.5", and ``chip`` the processor's own name. ``translated``: Rosetta translates this Python.
    ``wired_limit_mb`` is what ``sysctl iogpu.wired_limit_mb`` says; 0: the owner has not set it.
    """

    system: str
    machine: str
    release: str
    ram_bytes: int
    chip: str = ""
    translated: bool = False
    wired_limit_mb: int = 0


class MetalDevice(msgspec.Struct, frozen=True):
    """The GPU of a Mac. Its memory is the machine's own, of which it may take ``total_bytes``."""

    label: str
    total_bytes: int
    name: str = "metal"
    kind: Literal["metal"] = "metal"


def find() -> tuple[MetalDevice | None, str]:
    """The GPU of this machine, if it has one; else why a Mac's cannot be used, empty where this is no Mac."""
    mac = _this_machine()
    return device(mac), why_not(mac)


def device(mac: Mac) -> MetalDevice | None:
    """The GPU of such a machine; None where it is no Mac, or one that engines cannot use."""
    if mac.system != "darwin" or why_not(mac):
        return None
    return MetalDevice(f"{mac.chip or 'Apple silicon'} (Metal)", working_set(mac.ram_bytes, mac.wired_limit_mb))


def why_not(mac: Mac) -> str:
    """Why the GPU of a Mac cannot be used; empty where it can, or where this is no Mac."""
    if mac.system != "darwin":
        return ""
    if mac.translated:
        return "this Python is built for Intel, and runs under Rosetta: the GPU needs one for arm64"
    if mac.machine != "arm64":
        return "the GPU of a Mac with an Intel processor cannot be used"
    if _version(mac.release) < OLDEST:
        return f"macOS {mac.release} is too old: the GPU needs macOS {OLDEST[0]}"
    return ""


def working_set(ram_bytes: int, wired_limit_mb: int) -> int:
    """How many bytes the GPU may have resident.

    It is what the owner has set, else what Metal recommends at least: two thirds of a memory of up to 36 GiB, three
    quarters of a larger one.
    """
    if wired_limit_mb > 0:
        return min(wired_limit_mb * _MIB, ram_bytes)
    return ram_bytes * 2 // 3 if ram_bytes <= _SMALL else ram_bytes * 3 // 4


def _version(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split(".") if part.isdigit())


def _this_machine() -> Mac:
    ram = int(psutil.virtual_memory().total)
    if sys.platform != "darwin":
        return Mac(sys.platform, platform.machine(), "", ram)
    return Mac(
        sys.platform,
        platform.machine(),
        platform.mac_ver()[0],
        ram,
        chip=ask("machdep.cpu.brand_string"),
        translated=ask("sysctl.proc_translated") == "1",
        wired_limit_mb=int(ask("iogpu.wired_limit_mb") or 0),
    )


def ask(name: str, program: str = "/usr/sbin/sysctl") -> str:
    """What ``sysctl`` says of this name; empty where it does not know it, or is not there."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        asked = [program, "-n", name]
        return subprocess.run(asked, capture_output=True, text=True, timeout=_ASK_S, check=True).stdout.strip()
    return ""
