"""Decides which devices a replica is placed on, and says why none fits: pure functions."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from models.engines import FACTS
from models.launching.devices import named
from models.reasons import Reason, Told, joined, of_devices, told
from models.rows.records import DeviceRow

GPUS = ("cuda", "metal")
"""The kinds of device that count as GPUs."""
CPU, AUTO = "0", "auto"
"""What ``n_gpu`` may be beside a number of GPUs: the CPU alone; one GPU where there is one, else the CPU."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a launch says of devices: ``n_gpu``, the engine, the indices of the GPUs and the node if it names them."""

    engine: str
    n_gpu: str = AUTO
    gpu_idx: tuple[int, ...] = ()
    node: str = ""

    @property
    def count(self) -> int:
        """How many devices a replica holds."""
        return len(self.gpu_idx) or (int(self.n_gpu) if self.n_gpu.isdigit() else 1) or 1

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of device, the preferred ones first."""
        if self.n_gpu == CPU:
            return ("cpu",)
        if self.n_gpu != AUTO or self.gpu_idx:
            return GPUS
        return ("cpu", *GPUS) if FACTS[self.engine].cpu_only else (*GPUS, "cpu")


@dataclass(frozen=True, slots=True)
class DeviceCandidate:
    """A live device: its node, its kind (cpu, cuda or metal), how many replicas use it, and which engines work on it.

    ``id`` is the node and the device's name, such as ``box.cuda:0``. ``engines`` has an empty text for an engine that
    works, or the reason why it does not; an engine that is missing is still being asked. ``fault`` is what is wrong
    with a GPU that was here and cannot be used; ``notes`` what is to be said of other GPUs of the node. ``has_files``:
    what is to be loaded need not be fetched there.
    """

    id: str
    node: str
    kind: str
    load: int
    engines: Mapping[str, str]
    fault: str = ""
    notes: tuple[str, ...] = ()
    has_files: bool = False

    @property
    def index(self) -> str:
        """The index of a GPU, ``0`` or ``0.1``; empty for a CPU."""
        return self.id.removeprefix(f"{self.node}.").partition(":")[2]


def candidate(row: DeviceRow, load: int, nodes: Collection[str] = ()) -> DeviceCandidate:
    """The device of a row, as ``choose`` looks at it. ``nodes``: those that have the files."""
    details = row.details
    notes = tuple(details.get("notes", ()))
    return DeviceCandidate(
        row.id, row.node, row.kind, load, row.told, details.get("fault", ""), notes, row.node in nodes
    )


class Placed(NamedTuple):
    """The devices, all of one node; where there are none, the reason.

    ``hopeless``: no device that is here will ever do. ``param``: what of the launch asks for too much.
    """

    devices: tuple[str, ...]
    reason: str = ""
    hopeless: bool = False
    param: str = ""


def choose(wish: Wish, candidates: Sequence[DeviceCandidate], taken: Mapping[str, int]) -> Placed:
    """The devices for one replica.

    ``taken`` gives how many replicas of the same instance each device has. A GPU is preferred to a CPU, then the device
    with the fewest replicas of the same instance, then the one with the fewest replicas, then one whose machine has the
    files. A device of a preferred kind
    that still asks whether the engine works is waited for, if its answer can decide. MIG instances are never given
    together: a process can use one of them alone.
    """
    for kind in wish.kinds:
        these = [one for one in candidates if one.kind == kind and _fits(one, wish)]
        nodes = _by_node(these).values()
        sets = [found for one in nodes if (found := _best(wish, one, taken))]
        if sets:
            return Placed(tuple(_ids(min(sets, key=lambda found: _use(found, taken)))))
        if asking := [one.id for of_node in nodes for one in _asking(wish, of_node)]:
            names = " and ".join(asking)
            return Placed((), _asked_first(wish.engine, asking, names))
    return _none(wish, candidates)


def fitting(wish: Wish, candidates: Sequence[DeviceCandidate]) -> frozenset[str]:
    """The devices that a replica may have, of which ``choose`` takes some; empty where none will do yet."""
    for kind in wish.kinds:
        these = [one for one in candidates if one.kind == kind and _fits(one, wish)]
        sets = [of for of in _by_node(_working(wish, these)).values() if len(of) >= wish.count]
        if sets or any(wish.engine not in one.engines for one in these):
            return frozenset(one.id for of_node in sets for one in of_node)
    return frozenset()


def _best(wish: Wish, of_node: Sequence[DeviceCandidate], taken: Mapping[str, int]) -> list[DeviceCandidate]:
    """The least used devices of a node on which the engine works, as many as are asked for; [] if there are fewer."""
    working = sorted(_working(wish, of_node), key=lambda one: _order(one, taken))
    return working[: wish.count] if len(working) >= wish.count else []


def _working(wish: Wish, devices: Iterable[DeviceCandidate]) -> list[DeviceCandidate]:
    return [one for one in devices if one.engines.get(wish.engine) == ""]


def _asking(wish: Wish, of_node: Sequence[DeviceCandidate]) -> list[DeviceCandidate]:
    """The devices of a node that still ask whether the engine works; [] where even with them there are too few."""
    hopeful = [one for one in of_node if not one.engines.get(wish.engine)]
    return [one for one in hopeful if wish.engine not in one.engines] if len(hopeful) >= wish.count else []


def _use(devices: Sequence[DeviceCandidate], taken: Mapping[str, int]) -> tuple[int, int, bool, list[str]]:
    """How much a set of devices of one node is used, and whether files must be fetched there."""
    load = sum(one.load for one in devices)
    return sum(taken.get(one.id, 0) for one in devices), load, not devices[0].has_files, _ids(devices)


def _ids(devices: Sequence[DeviceCandidate]) -> list[str]:
    return sorted((one.id for one in devices), key=lambda name: (len(name), name))


def _order(device: DeviceCandidate, taken: Mapping[str, int]) -> tuple[int, int, str]:
    return taken.get(device.id, 0), device.load, device.id


def _by_node(candidates: Sequence[DeviceCandidate]) -> dict[str, list[DeviceCandidate]]:
    nodes: dict[str, list[DeviceCandidate]] = defaultdict(list)
    for one in candidates:
        nodes[one.node].append(one)
    return nodes


def _fits(device: DeviceCandidate, wish: Wish) -> bool:
    """Whether a device may be part of what a launch asks for, whatever works on it."""
    if device.fault or (wish.count > 1 and "." in device.index) or wish.node not in ("", device.node):
        return False
    return not wish.gpu_idx or device.index in {str(index) for index in wish.gpu_idx}


def _none(wish: Wish, candidates: Sequence[DeviceCandidate]) -> Placed:
    """Why no device will do."""
    if not candidates:
        return Placed((), told("no device reports: its worker is still starting, or none runs", "no_device_reports"))
    fitting = [one for one in candidates if one.kind in wish.kinds and _fits(one, wish)]
    most = max(map(len, _by_node(fitting).values()), default=0)
    if most < wish.count:
        param = "gpu_idx" if wish.gpu_idx else "n_gpu"
        return Placed((), _too_few(wish, candidates), hopeless=True, param=param)
    working = max(sum(one.engines.get(wish.engine) == "" for one in of) for of in _by_node(fitting).values())
    return Placed((), joined(". ", (_works_on(wish, working), _reasons(wish, fitting))), True, "model_engine")


def _asked_first(engine: str, devices: list[str], names: str) -> Told:
    text = f"{names} must first find out whether the engine {engine} works there"
    return Told(text, (Reason("engine_asked_first", {"engine": engine}, devices),))


def _works_on(wish: Wish, working: int) -> Told:
    """On how many of the devices that are asked for the engine works."""
    its = f"the engine {wish.engine} works on"
    if not working:
        return told(f"{its} no device that it may have", "engine_nowhere", engine=wish.engine)
    text = f"{its} {working} of the {wish.count} devices that are asked for"
    return told(text, "engine_on_some", engine=wish.engine, working=working, number=wish.count)


def _too_few(wish: Wish, candidates: Sequence[DeviceCandidate]) -> str:
    """That no node has the devices, what there is instead, what is wrong with others, and what to do."""
    candidates = [one for one in candidates if wish.node in ("", one.node)]
    if not candidates:
        return told(f"no device of the node {wish.node} reports", "node_silent", node=wish.node)
    here = [one.id for one in candidates if not one.fault]
    there = ", ".join(here) or "nothing else"
    if wish.n_gpu == CPU:
        text = f"no CPU is a device here (there is {there}): start a worker with --device cpu"
        return told(text, "no_cpu", there=here)
    instances = [one for one in candidates if "." in one.index and not one.fault]
    none = [_no_gpus(wish, here, there)]
    if any(one.kind == "cpu" for one in candidates):
        none.append(told("n_gpu None (--n-gpu None) uses the CPU", "cpu_instead"))
    faults = [
        Told(f"{one.id} is {one.fault}", (Reason("text", {"text": one.fault}, [one.id]),))
        for one in candidates
        if one.fault
    ]
    notes = dict.fromkeys(of_devices([one.node], note) for one in candidates for note in one.notes)
    alone = "a process can use one MIG instance alone: n_gpu 1 (--n-gpu 1) gives it the least used one"
    mig = [told(alone, "mig_alone")] if instances else []
    return joined(". ", (joined("; ", none), *faults, *notes, *mig))


def _no_gpus(wish: Wish, here: list[str], there: str) -> Told:
    """That no node has the GPUs that are asked for, and what there is."""
    indices = [str(index) for index in wish.gpu_idx]
    if indices:
        text = f"no node has {named(indices)} (there is {there})"
        return told(text, "no_such_gpus", indices=indices, there=here)
    return told(f"no node has {_gpus(wish.count)} (there is {there})", "too_few_gpus", number=wish.count, there=here)


def _reasons(wish: Wish, devices: Iterable[DeviceCandidate]) -> str:
    """Why the engine does not work, each reason once, with the devices of which it is true."""
    by_reason: dict[str, list[str]] = {}
    for one in devices:
        if why := one.engines.get(wish.engine):
            by_reason.setdefault(why, []).append(one.id)
    return joined("; ", (of_devices(ids, why) for why, ids in by_reason.items()))


def _gpus(count: int) -> str:
    return "a GPU" if count == 1 else f"{count} GPUs"
