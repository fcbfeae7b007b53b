"""The NVIDIA cards of this machine, as NVML tells of them: workers and the command line need no torch for that.

A card that cannot be used is left out, and why is said; it never ends the process that asks.
"""

import contextlib
import ctypes
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

ANSWER_S = 10.0
"""How long NVML may take to answer; usually it takes some milliseconds, and a cold driver a few seconds."""
_END_S = 1.0
_MOST_BYTES = 1 << 56
"""No card has as much. What is more is nonsense, and a database would not hold it."""


@dataclass(frozen=True, slots=True)
class Card:
    """A card, or an instance of one in MIG mode. ``index`` is NVML's, "0" or "0.1" for an instance."""

    index: str
    label: str
    uuid: str
    total_bytes: int | None
    """None: it has no memory of its own, and uses the machine's."""
    capability: str
    """CUDA's compute capability, such as "8.9"; empty where it is not told."""


@dataclass(slots=True)
class Found:
    """All usable cards, the driver's version, the newest CUDA that it serves ("12.8"), and what is wrong, in words.

    ``left_out`` are the indices of the cards that are there and cannot be used.
    """

    cards: list[Card] = field(default_factory=list)
    driver: str = ""
    cuda: str = ""
    faults: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a card cannot be used, with what to do; ``gone``: what runs on it cannot go on either."""

    words: str
    gone: bool


def find() -> Found:
    """Ask NVML, in a process of its own: a call may hang for as long as the driver likes.

    Takes a fifth of a second where there is a driver. Nothing is found where it cannot be asked.
    """
    from models.process.processes import end_within, spawn  # deferred: this file is also run by itself

    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return Found()
    process = spawn([sys.executable, "-P", __file__], stdout=subprocess.PIPE)
    try:
        said, _ = process.communicate(timeout=ANSWER_S)
    except subprocess.TimeoutExpired:
        end_within(process, _END_S)
        if process.stdout:
            process.stdout.close()
        silence = f"NVIDIA's driver does not answer: nothing came within {ANSWER_S:g} s (see what nvidia-smi says)"
        return Found(faults=[silence])
    return _decoded(said, process.returncode)


def _decoded(said: bytes, code: int) -> Found:
    try:
        found = json.loads(said)
        return Found(**found | {"cards": [Card(**card) for card in found["cards"]]})
    except ValueError:
        return Found(faults=[f"NVIDIA's driver cannot be used: the process that asked it ended with code {code}"])


def _find() -> Found:
    import pynvml  # deferred, so that importing this module stays fast

    found = Found()
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        if error.value != pynvml.NVML_ERROR_LIBRARY_NOT_FOUND:
            found.faults.append(_of_driver(error))
        return found
    try:
        found.driver = _text(pynvml.nvmlSystemGetDriverVersion)
        version = int(pynvml.nvmlSystemGetCudaDriverVersion_v2())
        found.cuda = f"{version // 1000}.{version % 1000 // 10}"
        for index in range(pynvml.nvmlDeviceGetCount()):
            _read(index, found)
    except pynvml.NVMLError as error:
        found.faults.append(_of_driver(error))
    finally:
        pynvml.nvmlShutdown()
    return found


@dataclass(frozen=True, slots=True)
class CardMemory:
    """A card's memory in bytes, and how much of it each process holds, by its pid in NVML's own pid namespace."""

    total_bytes: int
    free_bytes: int
    by_pid: dict[int, int]


class Meter:
    """Reads the memory of one card, again and again. ``close`` ends it.

    ``fault`` is what the last reading found to be wrong with the card; None: nothing. ``utilization`` is the part of
    the time before it in which the card computed, from 0 to 1; None: not known, as of an instance in MIG mode.
    """

    def __init__(self, uuid: str) -> None:
        import pynvml

        self.fault: Fault | None = None
        self.utilization: float | None = None
        self._uuid = uuid
        self._library = pynvml
        self._ready = False

    def read(self) -> CardMemory | None:
        """The memory as it is now; None where NVML cannot say, also when the card is lost."""
        self.utilization = None
        try:
            if not self._ready:
                self._library.nvmlInit()
                self._ready = True
            handle = self._library.nvmlDeviceGetHandleByUUID(self._uuid)
            self.fault = None
            self.utilization = self._computed(handle)
            memory = self._library.nvmlDeviceGetMemoryInfo(handle)
            return CardMemory(_bytes(memory.total), _bytes(memory.free), self._by_pid(handle))
        except self._library.NVMLError_NotSupported:  # it has no memory of its own
            return None
        except self._library.NVMLError as error:
            self.fault = _of_card(error)
            self.close()
            return None

    def close(self) -> None:
        """Let go of NVML."""
        if self._ready:
            self._ready = False
            with contextlib.suppress(self._library.NVMLError):
                self._library.nvmlShutdown()

    def _computed(self, handle: Any) -> float | None:
        with contextlib.suppress(self._library.NVMLError):
            return min(float(self._library.nvmlDeviceGetUtilizationRates(handle).gpu) / 100, 1.0)
        return None

    def _by_pid(self, handle: Any) -> dict[int, int]:
        used: dict[int, int] = {}
        for ask in (
            self._library.nvmlDeviceGetComputeRunningProcesses,
            self._library.nvmlDeviceGetGraphicsRunningProcesses,
        ):
            with contextlib.suppress(self._library.NVMLError):
                for process in ask(handle):
                    used[process.pid] = max(used.get(process.pid, 0), _bytes(process.usedGpuMemory or 0))
        return used


def _read(index: int, found: Found) -> None:
    """Add the card of this index, or its instances where it is in MIG mode, or what is wrong with it."""
    import pynvml

    try:
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        if not _is_partitioned(handle):
            found.cards.append(_card(str(index), handle, handle))
            return
        instances = _instances(handle)
        found.cards += [_card(f"{index}.{place}", one, handle) for place, one in instances]
        if not instances:
            found.left_out.append(str(index))
            found.faults.append(
                f"GPU {index} is in MIG mode and has no instances: it is left out. Make some (sudo nvidia-smi mig "
                f"-i {index} -cgi PROFILE -C), or end the mode (sudo nvidia-smi -i {index} -mig 0)"
            )
    except pynvml.NVMLError as error:
        found.left_out.append(str(index))
        found.faults.append(f"GPU {index} is left out: {_of_card(error).words}")


_ACCESS = "this user must be able to read and write /dev/nvidia*, and a container needs an option such as --gpus all"


def _of_card(error: Any) -> Fault:
    """What an error of NVML's about a card means."""
    import pynvml

    match error.value:
        case pynvml.NVML_ERROR_GPU_IS_LOST:
            return Fault(f"lost ({error}): restart the machine", gone=True)
        case pynvml.NVML_ERROR_NOT_FOUND:
            return Fault(f"gone ({error}): restart Headrace, it looks for GPUs at its start", gone=True)
        case pynvml.NVML_ERROR_NO_PERMISSION:
            return Fault(f"forbidden ({error}): {_ACCESS}", gone=False)
    return Fault(f"without an answer from its driver ({error}): see what nvidia-smi says", gone=False)


def _of_driver(error: Any) -> str:
    """What an error of NVML's about the driver means."""
    import pynvml

    remedies = {
        pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "restart the machine, as after every update of the driver",
        pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "install it, or load it with: sudo modprobe nvidia",
        pynvml.NVML_ERROR_NO_PERMISSION: _ACCESS,
    }
    remedy = remedies.get(error.value, "see what nvidia-smi says")
    return f"NVIDIA's driver cannot be used: {error} ({remedy})"


def _card(index: str, handle: Any, whole: Any) -> Card:
    import pynvml

    return Card(
        index=index,
        label=_text(pynvml.nvmlDeviceGetName, handle),
        uuid=_text(pynvml.nvmlDeviceGetUUID, handle),
        total_bytes=_total_bytes(handle),
        capability=_capability(whole),
    )


def _total_bytes(handle: Any) -> int | None:
    import pynvml

    try:
        return _bytes(pynvml.nvmlDeviceGetMemoryInfo(handle).total) or None
    except pynvml.NVMLError_NotSupported:  # GB10, Jetson: the card uses the machine's memory
        return None


def _bytes(number: int) -> int:
    return min(int(number), _MOST_BYTES)


def _capability(handle: Any) -> str:
    import pynvml

    try:
        major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
    except pynvml.NVMLError:
        return ""
    return f"{major}.{minor}"


def _is_partitioned(handle: Any) -> bool:
    import pynvml

    try:
        current, _pending = pynvml.nvmlDeviceGetMigMode(handle)
    except pynvml.NVMLError:  # cards that cannot be partitioned
        return False
    return bool(current == pynvml.NVML_DEVICE_MIG_ENABLE)


def _instances(handle: Any) -> list[tuple[int, Any]]:
    """The MIG instances of a card with their places."""
    import pynvml

    instances = []
    for place in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        try:
            instances.append((place, pynvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, place)))
        except pynvml.NVMLError_NotFound:  # no instance has this place
            continue
    return instances


def _text(ask: Callable[..., str | bytes], *handle: Any) -> str:
    """A string of NVML's as text. What is no UTF-8 in it is replaced; the binding's own decoding would raise."""
    value = getattr(ask, "__wrapped__", ask)(*handle)
    return value.decode(errors="replace") if isinstance(value, bytes) else value


if __name__ == "__main__":
    print(json.dumps(asdict(_find())))
