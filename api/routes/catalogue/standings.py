"""How the families of the catalogue stand on the devices that are here. It is computed once for the same devices."""

from collections.abc import Sequence
from typing import Any

from models.catalogue.entries import families, kept
from models.catalogue.shipped import shipped_families
from models.ledger.catalogued.standing import Standing, standing
from models.ledger.catalogued.usual import usual_need
from models.ledger.ways import DeviceHere

_MOST = 4
"""So many sets of devices are remembered: they change when a worker comes or goes."""


def standings(devices: Sequence[DeviceHere], *, trusts: bool) -> Sequence[Standing]:
    """How each family stands, those that come with Headrace first. Takes up to 0.1 s at the first call."""
    held, key = _held(), (trusts, tuple(_lasting(one) for one in devices))
    found = held.get(key)
    if found is None:
        if len(held) >= _MOST:
            held.clear()
        known = (*shipped_families(), *families())
        found = held[key] = tuple(standing(one, devices, trusts=trusts, usual=usual_need) for one in known)
    return found


@kept
def _held() -> dict[Any, Sequence[Standing]]:
    return {}


def _lasting(one: DeviceHere) -> tuple[object, ...]:
    """What of a device decides whether models run on it, but not what is free now."""
    return one.room.device, one.room.node, one.room.total, one.target, tuple(sorted(one.engines.items()))
