"""How a family stands on the devices that are here: whether any of it runs, with what, how much that takes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.catalogue.entries import Family
from models.ledger.ways import Cause, DeviceHere, NeedOf, WayHere, ways_here

_HOPE: tuple[Cause, ...] = ("asking", "unknown", "code", "memory", "engine", "unserved")
"""Why nothing of a family runs: of several causes the one that says most, those first that may turn out well."""


@dataclass(frozen=True, slots=True)
class Standing:
    """``cause``: why nothing of it runs; "": something does. ``engines``: what runs it here.

    ``least_bytes``: what the smallest of it needs, of what runs, or else of all; None where that is not known.
    ``whole``: that is all of what a usual launch needs; else it is what is known of it, without a cache.
    """

    cause: Cause
    engines: tuple[str, ...]
    least_bytes: int | None
    whole: bool = False


def standing(
    family: Family, devices: Sequence[DeviceHere], *, trusts: bool, usual: NeedOf = lambda *_: None
) -> Standing:
    """How a family stands. ``trusts``: a repository's own code may be run. ``usual``: as ``ways_here`` has it."""
    return summed(ways_here(family, devices, trusts=trusts, usual=usual))


def summed(ways: Sequence[WayHere]) -> Standing:
    """The same of the ways to launch it."""
    able = [one for one in ways if one.runs]
    least = min((one.need for one in able or ways if one.need is not None), key=lambda one: one.total, default=None)
    causes = {one.cause for one in ways}
    return Standing(
        "" if able else next((one for one in _HOPE if one in causes), "unknown"),
        tuple(dict.fromkeys(one.engine for one in able if one.engine)),
        None if least is None else least.total,
        least is not None and not least.unknown,
    )
