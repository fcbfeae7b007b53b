"""What somebody who has launched nothing yet may try: models that chat, fit here, and are here or small. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from msgspec.structs import replace

from models.catalogue.entries import Family
from models.catalogue.names import Named
from models.catalogue.plans import Asked, Machine, plan
from models.errors import InvalidRequest
from models.hubs.holdings import Held
from models.ledger.catalogued.presence import is_here
from models.ledger.catalogued.usual import usual_need
from models.ledger.need import GIB
from models.ledger.parameters import stored_bytes
from models.ledger.ways import DeviceHere, WayHere, ways_here

MOST = 3
"""So many are suggested."""
_SHIPPED = ("smollm2",)
"""Of the models that come with Headrace, those that are more than a test of it."""
_ON_HUBS = ("qwen2.5-instruct", "Llama-3.2-Instruct", "qwen3")
"""What is suggested to be fetched, the best first: it answers at once, and asks for no account."""
_MOST_BYTES = {"cpu": int(1.5 * GIB), "gpu": 6 * GIB}
"""So much is fetched for a first try at most, by where it runs: some minutes."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A model to begin with. ``source``: comes with Headrace, was fetched, or is on a hub.

    ``repository`` is as ``models.launching.hub`` reads it, "" but on a hub; ``download_bytes`` what is fetched, 0 where
    nothing is.
    """

    family: Family
    way: WayHere
    source: Literal["package", "cache", "hub"]
    repository: str = ""
    download_bytes: int = 0


def suggestions(
    shipped: Sequence[Family], known: Sequence[Family], devices: Sequence[DeviceHere], held: Held, *, trusts: bool
) -> list[Suggestion]:
    """What to begin with: what is here before what is fetched."""
    named = {one.name: one for one in (*known, *shipped)}
    own = [_first(named[name], devices, held, "package", trusts) for name in _SHIPPED if name in named]
    fetched = islice(_fetched(known, devices, held, trusts), MOST - 1)
    here = [one for one in (*own, *fetched) if one is not None]
    there = (_on_hub(named[name], devices, trusts) for name in _ON_HUBS if name in named)
    taken = {one.family.name for one in here}
    far = (one for one in there if one is not None and one.family.name not in taken)
    return [*here, *far][:MOST]


def _fetched(known: Sequence[Family], devices: Sequence[DeviceHere], held: Held, trusts: bool) -> Iterator[Suggestion]:
    """Families that chat, of which something lies in a cache."""
    for family in known if held else ():
        if "chat" in family.abilities and (found := _first(family, devices, held, "cache", trusts)):
            yield found


def _first(
    family: Family, devices: Sequence[DeviceHere], held: Held, source: Literal["package", "cache"], trusts: bool
) -> Suggestion | None:
    """The first way to launch what is here of a family."""
    for weights in family.specs:
        for name in weights.quantizations:
            if is_here(weights, name, held):
                one = replace(family, specs=(replace(weights, quantizations=(name,)),))
                for way in ways_here(one, devices, trusts=trusts, usual=usual_need):
                    if way.runs and way.fits_now is not False:
                        return Suggestion(family, way, source)
    return None


def _on_hub(family: Family, devices: Sequence[DeviceHere], trusts: bool) -> Suggestion | None:
    """The largest of a family that may be fetched for a try, as a launch by its name and size would choose it."""
    machine = Machine(frozenset(name for one in devices for name, why in one.engines.items() if not why))
    ways = ways_here(family, devices, trusts=trusts)
    for size in reversed(family.sizes):
        try:
            made = plan(Named(family, family.specs), Asked(size=size), machine)
        except InvalidRequest:
            continue
        for way in ways:
            same = (way.size, way.model_format, way.quantization, way.engine)
            if same == (made.size, made.model_format, made.quantization, made.engine) and way.runs:
                weights = next(one for one in family.specs if (one.size, one.format) == (size, made.model_format))
                stored = stored_bytes(family, weights, made.quantization)
                if stored is not None and stored <= _limit(way, devices) and way.fits_now is not False:
                    return Suggestion(family, way, "hub", made.repository, stored)
    return None


def _limit(way: WayHere, devices: Sequence[DeviceHere]) -> int:
    on_gpu = any(one.target.on_gpu for one in devices if one.room.device in way.devices)
    return _MOST_BYTES["gpu" if on_gpu else "cpu"]
