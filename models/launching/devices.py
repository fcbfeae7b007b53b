"""The devices of this machine: its GPUs and its CPU. What is known and cannot be used is told."""

import contextlib
import os
import platform
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import psutil

from models.errors import InvalidRequest
from models.launching import metal, nvml, rocm

_NAME = re.compile(r"cpu|metal|cuda:(?:0|[1-9]\d{0,2})(?:\.\d{1,2})?")
_PART_OF_CPU = re.compile(r"(cpu(?::(?:0|[1-9]\d?))?)(=.*)?")
DEVICE_GONE = 74
"""Exit code of a worker whose device is not there: lost, removed, or out of reach of its driver."""
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?) ?([KMGT]i?B?|B?)", re.IGNORECASE)
_UNITS = {"": 1, "b": 1}
_UNITS |= {f"{letter}{end}": 1 << 10 * power for power, letter in enumerate("kmgt", 1) for end in ("", "i", "ib")}
_UNITS |= {f"{letter}b": 1000**power for power, letter in enumerate("kmgt", 1)}
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class Device(msgspec.Struct, frozen=True):
    """One GPU of this machine, an instance of one in MIG mode (``cuda:0.1``), a Mac's GPU (``metal``), or the CPU.

    ``name`` is what ``--device`` takes. ``total_bytes``: of its memory, which is the machine's own where
    ``shares_memory``, and what was declared where it is a ``budget``. ``capability`` is CUDA's, such as "8.9";
    ``driver`` the version of NVIDIA's driver, and ``cuda`` the newest CUDA that this driver serves, such as "12.8". All
    three are empty for others.
    """

    name: str
    kind: Literal["cpu", "cuda", "metal"]
    label: str
    total_bytes: int
    uuid: str = ""
    """What to put into ``CUDA_VISIBLE_DEVICES``. Unlike an index, it means the same card to NVML and to CUDA."""
    capability: str = ""
    driver: str = ""
    cuda: str = ""
    shares_memory: bool = False
    budget: bool = False

    @property
    def argument(self) -> str:
        """What ``--device`` takes for this device, its budget included."""
        return f"{self.name}={self.total_bytes}" if self.budget else self.name


class Survey(NamedTuple):
    """The devices of this machine, and what is to be said of those that cannot be used."""

    devices: list[Device]
    notes: list[str]


def survey() -> Survey:
    """The devices that get a worker each: every visible GPU, then the CPU.

    Raises InvalidRequest where ``CUDA_VISIBLE_DEVICES`` names none of the GPUs that are there.
    """
    gpus, notes = _gpus()
    apple, reason = metal.find()
    notes += [note for note in (reason, rocm.note()) if note]
    return Survey([*gpus, *_metal(apple), _cpu()], notes)


def notes() -> list[str]:
    """What is to be said of those GPUs of this machine that cannot be used."""
    try:
        return survey().notes
    except InvalidRequest as error:
        return [error.message]


def gpu_names(found: Survey) -> list[str]:
    """The names of NVIDIA's GPUs among the devices."""
    return [one.name for one in found.devices if one.kind == "cuda"]


def is_name(name: str) -> bool:
    """Whether this is how a device is called, be it there or not."""
    return _NAME.fullmatch(name) is not None


def parse(name: str) -> Device:
    """The device of that name, or of a name and a budget, as ``cpu:0=4GiB``: a part of the machine's memory.

    Raises InvalidRequest if it is no device name, or if this machine has no such device.
    """
    if part := _PART_OF_CPU.fullmatch(name):
        return _part_of_cpu(part[1], part[2])
    if not is_name(name):
        raise InvalidRequest(f"{name!r} is not a device: say cpu, cpu:0=4GiB, or cuda:0, cuda:1, …", param="device")
    if name == "metal":
        return _metal_or_refuse()
    gpus, notes = _gpus()
    for gpu in gpus:
        if gpu.name == name:
            return gpu
    present = "; ".join([", ".join(gpu.name for gpu in gpus) or "no GPU", *notes])
    raise InvalidRequest(f"this machine has no {name} (NVML sees {present})", param="device")


def _metal(found: metal.MetalDevice | None) -> list[Device]:
    return [] if found is None else [Device(found.name, found.kind, found.label, found.total_bytes, shares_memory=True)]


def _metal_or_refuse() -> Device:
    found, reason = metal.find()
    if found is None:
        raise InvalidRequest(f"this machine has no metal: {reason or 'it is no Mac'}", param="device")
    return _metal(found)[0]


def _cpu() -> Device:
    return Device("cpu", "cpu", _cpu_label(), _ram_bytes())


def _part_of_cpu(name: str, budget_of: str | None) -> Device:
    """The CPU, whole or with a budget, given as ``=4GiB``. Raises InvalidRequest."""
    if budget_of is None:
        if name == "cpu":
            return _cpu()
        raise InvalidRequest(f"{name} needs a budget: say how much memory it has, as {name}=4GiB", param="device")
    total, size = _ram_bytes(), budget_of.removeprefix("=")
    budget = parse_size(size)
    if budget is None or budget <= 0:
        raise InvalidRequest(f"'{size}' is no size: say 512MiB, 4GiB or a number of bytes", param="device")
    if budget > total:
        raise InvalidRequest(f"{name} is to have {budget} bytes, and this machine has {total}", param="device")
    return Device(name, "cpu", _cpu_label(), budget, budget=True)


def parse_size(text: str) -> int | None:
    """A size in bytes, of a text such as ``4GiB``, ``1.5GB`` or ``1048576``; None where it is none."""
    found = _SIZE.fullmatch(text.strip())
    return int(float(found[1]) * _UNITS[found[2].lower()]) if found else None


def _cpu_label() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _ram_bytes() -> int:
    """What this process may use: the machine's memory, or the container's limit where that is less."""
    total = int(psutil.virtual_memory().total)
    for path in _CGROUP_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # absent, or "max"
            total = min(total, int(Path(path).read_text(encoding="ascii")))
    return total


def _gpus() -> tuple[list[Device], list[str]]:
    """The visible GPUs, and what is wrong with others. Raises InvalidRequest."""
    found = nvml.find()
    wanted = os.environ.get("CUDA_VISIBLE_DEVICES")
    chosen, unknown = (found.cards, "") if wanted is None else _visible(found, wanted)
    visible = [card for card in found.cards if card in chosen]
    return [_gpu(card, found) for card in visible], [*found.faults, *_hidden(found, visible, wanted, unknown)]


def _visible(found: nvml.Found, wanted: str) -> tuple[list[nvml.Card], str]:
    """The cards that ``CUDA_VISIBLE_DEVICES`` names, and the first entry that names none, empty without.

    As CUDA reads it, the list ends at such an entry, or at a number below zero. Cards that are left out may be named:
    they are passed over. Raises InvalidRequest where a card is named twice, with which CUDA would use none, or where
    none is named.
    """
    cards: list[nvml.Card] = []
    passed_over = False
    for entry in _entries(wanted):
        if _is_end(entry):
            return cards, ""
        named_here = _named_by(entry, found)
        if any(card in cards for card in named_here):
            raise InvalidRequest(
                f"CUDA_VISIBLE_DEVICES={wanted} names a GPU twice: CUDA uses none then", param="device"
            )
        cards += named_here
        if not named_here and not _is_left_out(entry, found):
            if found.cards and not cards and not passed_over:
                raise InvalidRequest(_names_none(wanted, entry, found), param="device")
            return cards, entry
        passed_over = passed_over or not named_here
    return cards, ""


def _names_none(wanted: str, entry: str, found: nvml.Found) -> str:
    """What is wrong with the variable where its first entry names no GPU."""
    there = ", ".join(f"{card.index} ({card.uuid})" for card in found.cards)
    what = f"CUDA_VISIBLE_DEVICES={wanted}"
    if entry == wanted.strip():
        return f"{what} is none of the GPUs {there}"
    return f"{what}: {entry} is none of the GPUs {there}, and CUDA uses none that stands behind it"


def _hidden(found: nvml.Found, visible: list[nvml.Card], wanted: str | None, unknown: str) -> list[str]:
    """What ``CUDA_VISIBLE_DEVICES`` hides, and what of it names no GPU."""
    if wanted is None:
        return []
    hidden = [card.index for card in found.cards if card not in visible]
    there = f"CUDA_VISIBLE_DEVICES={shlex.quote(wanted)}"
    notes = [f"{named(hidden)} {'is' if len(hidden) == 1 else 'are'} hidden by {there}"] if hidden else []
    return notes + ([f"{unknown} in {there} names no GPU: it ends the list"] if unknown and found.cards else [])


def named(indices: Sequence[str]) -> str:
    """GPUs by their indices, in words: ``GPU 0``, ``GPUs 0 and 1``."""
    *most, last = indices
    return f"GPUs {', '.join(most)} and {last}" if most else f"GPU {last}"


def _gpu(card: nvml.Card, found: nvml.Found) -> Device:
    return Device(
        name=f"cuda:{card.index}",
        kind="cuda",
        label=card.label,
        total_bytes=_ram_bytes() if card.total_bytes is None else card.total_bytes,
        uuid=card.uuid,
        capability=card.capability,
        driver=found.driver,
        cuda=found.cuda,
        shares_memory=card.total_bytes is None,
    )


def _named_by(entry: str, found: nvml.Found) -> list[nvml.Card]:
    """The card of an index or of the beginning of a UUID; all instances of a card in MIG mode by that card's index."""
    if entry.startswith(("GPU-", "MIG-")):
        begun = [card for card in found.cards if card.uuid.startswith(entry)]
        return begun if len(begun) == 1 else []  # it must tell them apart
    return [card for card in found.cards if entry in (card.index, card.index.partition(".")[0])]


def _is_left_out(entry: str, found: nvml.Found) -> bool:
    """Whether the entry names, or may name, a card that cannot be used. The UUID of such a card is not known."""
    return entry in found.left_out or (bool(found.left_out) and entry.startswith(("GPU-", "MIG-")))


def _entries(wanted: str) -> list[str]:
    return [part.strip() for part in wanted.split(",")]


def _is_end(entry: str) -> bool:
    """Whether it asks for no more GPUs: nothing, numbers below zero, and a few words are the usual ways to do so."""
    return not entry or entry.startswith("-") or entry.lower() in ("none", "nodevfiles", "void")
