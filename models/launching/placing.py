"""Decides which device a replica is placed on, and says why none fits: a pure function."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

KINDS: dict[str, tuple[str, ...]] = {"auto": ("cuda", "cpu"), "0": ("cpu",)}
"""The kinds of device for each ``n_gpu``, the preferred ones first; any other number asks for GPUs."""

GPU = ("cuda",)


@dataclass(frozen=True, slots=True)
class DeviceCandidate:
    """A live device: its kind ("cpu" or "cuda"), how many replicas it holds, and which engines work on it.

    ``engines`` has an empty text for an engine that works, or the reason why it does not; an engine that is missing
    is still being asked.
    """

    id: str
    kind: str
    load: int
    engines: Mapping[str, str]


class Choice(NamedTuple):
    """The device, or None and the reason.

    ``hopeless``: no device that is here will ever do; ``by_kind``: because there is none of the kind asked for.
    """

    device: str | None
    reason: str = ""
    hopeless: bool = False
    by_kind: bool = False


def choose(n_gpu: str, engine: str, candidates: Sequence[DeviceCandidate], taken: Mapping[str, int]) -> Choice:
    """The device for a replica of this engine that asks for ``n_gpu`` ("auto", "0", "1").

    ``taken`` gives how many replicas of the same instance each device has. A GPU is preferred to a CPU, then the device
    with the fewest replicas of the same instance, then the one with the fewest replicas. A device of a preferred kind
    that still asks whether the engine works is waited for.
    """
    kinds = KINDS.get(n_gpu, GPU)
    fitting = [one for one in candidates if one.kind in kinds]
    for kind in kinds:
        these = [one for one in fitting if one.kind == kind]
        working = [one for one in these if one.engines.get(engine) == ""]
        if working:
            return Choice(min(working, key=lambda one: (taken.get(one.id, 0), one.load, one.id)).id)
        if asking := [one.id for one in these if engine not in one.engines]:
            return Choice(None, f"{' and '.join(asking)} must first find out whether the engine {engine} works there")
    if not candidates:
        return Choice(None, "no device reports: its worker is still starting, or none runs")
    if not fitting:
        return Choice(None, _no_kind(kinds, candidates), hopeless=True, by_kind=True)
    reasons = "; ".join(f"{one.id}: {one.engines[engine]}" for one in fitting)
    return Choice(None, f"the engine {engine} works on no device here. {reasons}", hopeless=True)


def _no_kind(kinds: Sequence[str], candidates: Sequence[DeviceCandidate]) -> str:
    there = ", ".join(one.id for one in candidates)
    if kinds == ("cpu",):
        return f"no CPU is a device here (there is {there}): start a worker with --device cpu"
    return f"no GPU is a device here (there is {there}): leave n_gpu out, or start a worker where there is a GPU"
