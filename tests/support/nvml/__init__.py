"""A stub of NVML: NVIDIA GPUs for processes on a machine that has none.

``libnvidia-ml.so.1`` is built from ``nvml_stub.c``, and ``pynvml`` finds it through ``LD_LIBRARY_PATH``. What it
answers stands in a file, which it reads at each call: a test changes it with ``FakeNvml.write`` while processes run.
The fixture ``fake_nvml`` of ``tests/conftest.py`` gives one to each test::

    fake_nvml.gpus = [rtx_4090(0), rtx_4090(1)]
    fake_nvml.write()
    subprocess.run(…, env=os.environ | fake_nvml.environment)
    fake_nvml.gpus[1].fault = "lost"
    fake_nvml.write()
"""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

SOURCE = Path(__file__).parent / "nvml_stub.c"
MIB = 1 << 20
NOT_SUPPORTED = 3

DeviceFault = Literal["lost", "forbidden", "no memory"]
InitFault = Literal["forbidden", "no driver", "no library", "mismatch"]
DEVICE_FAULTS: dict[DeviceFault, int] = {"lost": 15, "forbidden": 4}
INIT_FAULTS: dict[InitFault, int] = {"forbidden": 4, "no driver": 9, "no library": 12, "mismatch": 18}


@dataclass
class FakeInstance:
    """A MIG instance. ``profile`` is a name such as ``1g.10gb``; ``processes`` has bytes by process id."""

    profile: str
    total_mib: int
    used_mib: int = 0
    uuid: str = field(default_factory=lambda: f"MIG-{uuid.uuid4()}")
    processes: dict[int, int | None] = field(default_factory=dict)


@dataclass
class FakeGpu:
    """A card.

    ``used_mib`` is all that is in use, that of ``processes`` (bytes by process id; None: NVML does not know) included.
    ``mig`` has the instances of a card that is divided; None: the card cannot be divided; empty: it can be, or it is
    with no instance (``mig_mode``). ``fault``: ``lost`` and ``forbidden`` fail every call about the card, ``no memory``
    is a card that has no memory of its own (GB10). ``cpus`` are those near the card, of the first 64.
    """

    name: str
    total_mib: int
    used_mib: int = 0
    reserved_mib: int = 0
    capability: tuple[int, int] = (8, 9)
    uuid: str = field(default_factory=lambda: f"GPU-{uuid.uuid4()}")
    display: bool = False
    numa: int = 0
    cpus: tuple[int, ...] = ()
    utilization: tuple[int, int] = (0, 0)
    processes: dict[int, int | None] = field(default_factory=dict)
    drawing: dict[int, int | None] = field(default_factory=dict)
    fault: DeviceFault | None = None
    mig: list[FakeInstance] | None = None
    mig_mode: bool = True

    def lines(self) -> Iterator[str]:
        """The card in the words of ``nvml_stub.c``."""
        yield f"device {self.uuid}"
        yield f"name {self.name}"
        yield from (f"{key} {mib * MIB}" for key, mib in self._memory())
        yield "capability {} {}".format(*self.capability)
        yield f"display {int(self.display)}"
        yield f"numa {self.numa}"
        yield f"cpus {sum(1 << cpu for cpu in self.cpus):x}"
        yield "utilization {} {}".format(*self.utilization)
        if self.fault == "no memory":
            yield f"memory-fault {NOT_SUPPORTED}"
        elif self.fault:
            yield f"fault {DEVICE_FAULTS[self.fault]}"
        for kind, processes in (("c", self.processes), ("g", self.drawing)):
            yield from (f"process {kind} {pid} {_bytes(used)}" for pid, used in processes.items())
        if self.mig is not None:
            yield f"mig {int(self.mig_mode)}"
            for number, instance in enumerate(self.mig, 1):
                total, used = instance.total_mib * MIB, instance.used_mib * MIB
                yield f"instance {instance.uuid} {number} {total} {used} {instance.profile}"
                for pid, held in instance.processes.items():
                    yield f"instance-process {number} {pid} {_bytes(held)}"

    def _memory(self) -> Iterator[tuple[str, int]]:
        yield from (("total", self.total_mib), ("used", self.used_mib), ("reserved", self.reserved_mib))


def _bytes(used: int | None) -> str:
    return "-" if used is None else str(used)


class FakeNvml:
    """The machine that NVML sees. Change it and call ``write``; processes that run see the change at their next call.

    ``cuda`` is the newest CUDA that the driver knows, 1000 times the major and 10 times the minor version. ``init`` is
    why NVML cannot be used at all; None: it can. While it ``hangs``, no call returns.
    """

    def __init__(self, folder: Path, library: Path, gpus: list[FakeGpu] | None = None) -> None:
        """Write the description into ``folder``; ``library`` is the folder that ``build`` built into."""
        self._path = folder / "nvml.txt"
        self._library = library
        self.gpus = gpus or []
        self.driver, self.cuda = "580.95.05", 13000
        self.init: InitFault | None = None
        self.hangs = False
        self.write()

    def write(self) -> None:
        """Make it so, at once and whole."""
        lines = [f"driver {self.driver}", f"cuda {self.cuda}", f"init {INIT_FAULTS[self.init] if self.init else 0}"]
        lines += ["hang 1"] if self.hangs else []
        text = "\n".join([*lines, *(line for gpu in self.gpus for line in gpu.lines()), ""])
        new = self._path.with_suffix(".new")
        new.write_text(text, encoding="utf-8", errors="surrogateescape")
        new.replace(self._path)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to see it."""
        before = os.environ.get("LD_LIBRARY_PATH")
        library = f"{self._library}:{before}" if before else str(self._library)
        return {"LD_LIBRARY_PATH": library, "FAKE_NVML": str(self._path)}


def build(folder: Path) -> Path:
    """Build the library into ``folder``, which is returned. Raises FileNotFoundError where that cannot be done."""
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        raise FileNotFoundError("no stub of NVML: it wants Linux and a C compiler")
    target = folder / "libnvidia-ml.so.1"
    flags = ("-std=c11", "-D_GNU_SOURCE", "-O1", "-shared", "-fPIC", "-pthread")
    subprocess.run([compiler, *flags, "-o", str(target), str(SOURCE)], check=True)
    return folder


def rtx_4090(number: int = 0) -> FakeGpu:
    """A card of a workstation, whose UUID depends on ``number`` alone."""
    return FakeGpu("NVIDIA GeForce RTX 4090", 24564, 360, 400, (8, 9), uuid=_uuid(number))


def t4(number: int = 0) -> FakeGpu:
    """A card of a small server in the cloud, of a capability below 8.0."""
    return FakeGpu("Tesla T4", 15360, 3, 440, (7, 5), uuid=_uuid(number))


def h100(number: int = 0, mig: list[FakeInstance] | None = None) -> FakeGpu:
    """A card of a data centre, divided into these MIG instances if there are any."""
    return FakeGpu(
        "NVIDIA H100 80GB HBM3", 81559, 4, 600, (9, 0), uuid=_uuid(number), mig=mig or [], mig_mode=bool(mig)
    )


def gb10(number: int = 0) -> FakeGpu:
    """The GPU of a DGX Spark, which has no memory of its own."""
    return FakeGpu("NVIDIA GB10", 0, capability=(12, 1), uuid=_uuid(number), fault="no memory")


def _uuid(number: int) -> str:
    return f"GPU-{number:08x}-0000-4000-8000-000000000000"
