"""Whether a model fits on devices, and in words why not. Pure; sizes in bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from models.ledger.need import Need, gib, in_words

MARGIN = 0.1
"""How far off an estimate may be: one that lies this near to what is free decides nothing."""


@dataclass(frozen=True, slots=True)
class Room:
    """A device's memory. ``free``: None where it is not known for sure.

    ``idle``: what models without requests hold of it, by their uids, which could be unloaded.
    """

    device: str
    node: str
    total: int
    free: int | None
    idle: Mapping[str, int] = field(default_factory=dict)

    @property
    def reachable(self) -> int:
        """What would be free without the idle models."""
        return (self.free or 0) + sum(self.idle.values())


def fits(need: Need, room: Room, share: int = 1) -> bool | None:
    """Whether the model fits now, with a smaller cache where it has one; ``share``: devices that it is divided among.

    None: what is free is not known, or lies within the margin of the estimate, or a part of the need is not known.
    """
    if room.free is None:
        return None
    wanted = need.least / share
    if wanted * (1 + MARGIN) <= room.free:
        return None if need.unknown else True
    return False if wanted * (1 - MARGIN) > room.free else None


def refusal(name: str, need: Need, rooms: Sequence[Room], count: int = 1) -> str | None:
    """Why no device has room, with the numbers; None where one may have.

    Only what the model takes for certain counts, less the margin, and only devices of which it is known what they have
    free. ``rooms`` are those that the launch may have, of which it takes ``count`` on one node.
    """
    if not rooms or not need.certain or any(room.free is None for room in rooms):
        return None
    nodes: dict[str, list[int]] = {}
    for room in rooms:
        nodes.setdefault(room.node, []).append(room.reachable)
    most = max(sum(sorted(free)[-count:]) for free in nodes.values())
    if need.certain * (1 - MARGIN) <= most:
        return None
    return f"{in_words(name, need)}; {'; '.join(described(room) for room in rooms[:8])}"


def described(room: Room) -> str:
    """``cuda:0 has 3.1 of 24 free, 4.2 idle could be unloaded (bge-m3)``."""
    if room.free is None:
        return f"{room.device} does not say what it has free"
    said = f"{room.device} has {gib(room.free)} of {gib(room.total)} GiB free"
    if room.idle:
        said += f", {gib(sum(room.idle.values()))} idle could be unloaded ({', '.join(list(room.idle)[:4])})"
    return said
