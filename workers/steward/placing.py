"""Decides which device a waiting replica is placed on: a pure function."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeviceCandidate:
    """A live device: its kind ("cpu" or "cuda"), and how many replicas it holds."""

    id: str
    kind: str
    load: int


def choose(n_gpu: str, candidates: Sequence[DeviceCandidate], taken: dict[str, int]) -> str | None:
    """The device for a replica that asks for ``n_gpu`` ("auto", "0", "1"); None if none fits.

    ``taken`` gives how many replicas of the same instance each device has. A GPU is preferred to a CPU, then the device
    with the fewest replicas of the same instance, then the one with the fewest replicas.
    """
    kinds = {"auto": ("cuda", "cpu"), "0": ("cpu",)}.get(n_gpu, ("cuda",))
    fitting = [one for one in candidates if one.kind in kinds]
    best = min(
        fitting,
        key=lambda one: (kinds.index(one.kind), taken.get(one.id, 0), one.load, one.id),
        default=None,
    )
    return best.id if best else None
