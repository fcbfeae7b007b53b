"""Whether a model fits on devices, and in words why not. Pure; sizes in bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Literal

from models.ledger.need import Need, gib
from models.reasons import Told, joined, told

MARGIN = 0.1
"""How far off an estimate may be: one that lies this near to what is free decides nothing."""


Rule = Literal["budget", "card", "soft"]
"""How exact a device's memory is to be kept.

A budget is kept to the byte of what is estimated. A card is kept likewise among its models; one that is alone may try,
as an estimate may be too high. The memory of a machine (soft) can be swapped and mapped: only what a model takes for
certain counts there.
"""


@dataclass(frozen=True, slots=True)
class Holding:
    """A replica's part of a device: what is reserved, and what was measured; None where that is not known.

    ``idle``: it is ready and answers nothing now; ``pinned``: it is never unloaded for others; ``mapped``: what of the
    measured are files, which a machine counts as free all the same.
    """

    replica: str
    uid: str
    reserved: int | None = None
    measured: int | None = None
    idle: bool = False
    pinned: bool = False
    mapped: int = 0

    @property
    def bytes(self) -> int:
        """What it counts for."""
        return max(self.reserved or 0, self.measured or 0)

    @property
    def owed(self) -> int:
        """What is reserved for it and not taken yet."""
        return self.bytes - (self.measured or 0)

    @property
    def regained(self) -> int:
        """How much more is measured free once it has left."""
        return self.bytes if self.measured is None else max(self.measured - self.mapped, 0)


@dataclass(frozen=True, slots=True)
class Room:
    """A device's memory. ``free``: None where it is not known for sure.

    ``idle``: what models without requests hold of it, by their uids, which could be unloaded; none that is pinned.
    ``holdings``: of all. ``ceiling``: what would be measured free without them; None where that is not known.
    """

    device: str
    node: str
    total: int
    free: int | None
    idle: Mapping[str, int] = field(default_factory=dict)
    holdings: tuple[Holding, ...] = ()
    rule: Rule = "card"
    ceiling: int | None = None

    @property
    def reserved(self) -> int:
        """What its replicas count for."""
        return sum(one.bytes for one in self.holdings)

    @property
    def reachable(self) -> int:
        """What would be free without the idle models."""
        return min(self._most, (self.free or 0) + sum(self.idle.values()))

    @property
    def emptied(self) -> int:
        """What would be free without any of our models."""
        return max(self.reachable, min(self._most, (self.free or 0) + self.reserved))

    @property
    def _most(self) -> int:
        return self.total if self.ceiling is None else min(self.total, self.ceiling)


def wanted(need: Need, room: Room, share: int = 1) -> int:
    """How many bytes of a device must be free for a model; ``share``: devices that it is divided among."""
    if room.rule == "soft" or need.unknown:
        return barely(need, share)
    return ceil(need.least / share)


def barely(need: Need, share: int = 1) -> int:
    """Without so many bytes of a device it cannot be loaded, whatever is wrong with the estimate."""
    return ceil(need.certain * (1 - MARGIN) / share)


def fits_now(need: Need, room: Room, share: int = 1) -> bool:
    """Whether the model may be placed now. Where nothing is known of what is free, it may."""
    if room.free is None or wanted(need, room, share) <= room.free:
        return True
    return room.rule == "card" and not room.holdings and barely(need, share) <= room.free


def fits_with(need: Need, room: Room, free: int, share: int = 1) -> bool:
    """Whether it may be placed once so much is free."""
    least = wanted(need, room, share) if room.rule == "budget" else barely(need, share)
    return room.free is None or least <= free


def reservation(need: Need, free: int | None, share: int = 1) -> int:
    """What to reserve of a device: all that the model is to have; less, where less is free, but what it must have."""
    whole, least = ceil(need.total / share), ceil(need.least / share)
    return whole if free is None else min(whole, max(least, free))


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


def described(room: Room) -> Told:
    """``cuda:0 has 3.1 of 24 free, 4.2 idle could be unloaded (bge-m3)``."""
    if room.free is None:
        return told(f"{room.device} does not say what it has free", "free_unknown", device=room.device)
    free = f"{room.device} has {gib(room.free)} of {gib(room.total)} GiB free"
    said = told(free, "free", device=room.device, free_bytes=room.free, total_bytes=room.total)
    if not room.idle:
        return said
    idle, models = sum(room.idle.values()), list(room.idle)[:4]
    could = f"{gib(idle)} idle could be unloaded ({', '.join(models)})"
    return joined(", ", (said, told(could, "idle", idle_bytes=idle, models=models)))
