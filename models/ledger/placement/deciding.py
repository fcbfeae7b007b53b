"""Decides which devices a replica is placed on, by their memory too: ``placing.choose`` among those with room. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from models.launching.placing import DeviceCandidate, Placed, Wish, choose, fitting
from models.ledger.fit import Room, described, fits_now, fits_with, reservation, wanted
from models.ledger.need import Need, in_words
from models.reasons import Told, joined, told

PARAM = "model_path"
"""What of a launch asks for too much memory."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A live device, what it has free, and what the model needs on it; None where that is not known."""

    candidate: DeviceCandidate
    room: Room
    need: Need | None


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A device on which the model would fit if others left it: ``wanted`` bytes must be free, ``room`` has less."""

    wanted: int
    room: Room


class Decision(NamedTuple):
    """Where a replica goes, and what to reserve of each device; where there is none, what to wait for.

    ``possible``: it fits once our other models are gone, of which ``short`` has those on each device that would do.
    ``placed.hopeless``: no device that is here has so much.
    """

    placed: Placed
    reserved: int | None = None
    possible: bool = True
    short: tuple[Shortfall, ...] = ()


def decide(
    name: str, wish: Wish, offers: Sequence[Offer], taken: Mapping[str, int], *, unloads: bool = False
) -> Decision:
    """The devices for one replica of the model of this name.

    ``taken`` is as ``choose`` has it. A device where it fits now is taken before another, be it of a kind that is
    preferred; where idle models are unloaded for others (``unloads``), that kind is waited for.
    """
    everywhere = choose(wish, [one.candidate for one in offers], taken)
    if not everywhere.devices:
        return Decision(everywhere)
    now = _among(wish, offers, taken, lambda need, room: fits_now(need, room, wish.count))
    short = shortfalls(wish, offers)
    if now and not (unloads and _is_better(wish, offers, short, now)):
        return Decision(Placed(now), _reserved(wish, offers, now))
    possible = _among(wish, offers, taken, lambda need, room: fits_with(need, room, room.emptied, wish.count))
    ever = _among(wish, offers, taken, lambda need, room: fits_with(need, room, room.total, wish.count))
    placed = Placed((), _words(name, wish, offers), hopeless=not ever, param="" if ever else PARAM)
    return Decision(placed, possible=bool(possible), short=short)


def shortfalls(wish: Wish, offers: Sequence[Offer]) -> tuple[Shortfall, ...]:
    """The devices that the launch may have and that lack room which our other models hold, the preferred kind first."""
    kinds = list(wish.kinds)
    found = []
    for one in sorted(_usable(wish, offers), key=lambda one: kinds.index(one.candidate.kind)):
        if one.need is None or fits_now(one.need, one.room, wish.count):
            continue
        if fits_with(one.need, one.room, one.room.emptied, wish.count):
            most = min(wanted(one.need, one.room, wish.count), one.room.emptied)  # an empty card is tried
            found.append(Shortfall(most, one.room))
    return tuple(found)


def _among(
    wish: Wish, offers: Sequence[Offer], taken: Mapping[str, int], fits: Callable[[Need, Room], bool]
) -> tuple[str, ...]:
    """What ``choose`` takes of the devices where it fits."""
    those = [one.candidate for one in offers if one.need is None or fits(one.need, one.room)]
    return choose(wish, those, taken).devices


def _is_better(wish: Wish, offers: Sequence[Offer], short: Sequence[Shortfall], now: Sequence[str]) -> bool:
    """Whether idle models could be unloaded on enough devices of a kind that is preferred to that of ``now``."""
    kinds = {
        one.candidate.id: wish.kinds.index(one.candidate.kind) for one in offers if one.candidate.kind in wish.kinds
    }
    by_node: dict[str, int] = {}
    for one in short:
        if kinds[one.room.device] < kinds[now[0]] and one.wanted <= one.room.reachable:
            by_node[one.room.node] = by_node.get(one.room.node, 0) + 1
    return max(by_node.values(), default=0) >= wish.count


def _reserved(wish: Wish, offers: Sequence[Offer], chosen: Sequence[str]) -> int | None:
    these = [one for one in offers if one.candidate.id in chosen]
    known = [(one.need, one.room) for one in these if one.need is not None]
    return min((reservation(need, room.free, wish.count) for need, room in known), default=None)


def _usable(wish: Wish, offers: Sequence[Offer]) -> list[Offer]:
    """The devices that a launch may have, of every kind."""
    found = []
    for kind in wish.kinds:
        these = [one for one in offers if one.candidate.kind == kind]
        ids = fitting(wish, [one.candidate for one in these])
        found += [one for one in these if one.candidate.id in ids]
    return found


def _words(name: str, wish: Wish, offers: Sequence[Offer]) -> str:
    """``qwen3 needs 7.9 GiB (…); cuda:0 has 3.1 of 24 GiB free; …``: each need with the devices that it is true of."""
    said: dict[Told, list[str]] = {}
    for one in _usable(wish, offers):
        if one.need is not None:
            said.setdefault(in_words(name, one.need), []).append(described(one.room))
    among = told(f"divided among {wish.count} devices", "divided", number=wish.count)
    divided = (among,) if wish.count > 1 else ()
    each = ((joined(", ", (need, *divided)), *rooms[:8]) for need, rooms in said.items())
    return joined(". ", (joined("; ", parts) for parts in each))
