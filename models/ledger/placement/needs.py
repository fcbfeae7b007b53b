"""What a model needs on each kind of device, as an instance's row has it: made at the launch, read when it is placed.

Pure.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from models.engines import FACTS
from models.ledger.estimate import estimate
from models.ledger.headers import Headers
from models.ledger.need import Need, Target
from models.rows.records import DeviceRow

TARGETS = {
    "cpu": Target("cpu"),
    "cuda": Target("cuda"),
    "cuda without bfloat16": Target("cuda", bfloat16=False),
    "metal": Target("metal"),
}
"""Every kind of device that makes a difference to a need."""
_NUMBERS = tuple(one.name for one in fields(Need) if one.type in (int, "int"))


def target_of(engine: str, device: DeviceRow) -> Target:
    """The kind of device that an engine computes on where it is placed on this one."""
    kind = "cpu" if FACTS[engine].cpu_only else device.kind
    return Target(kind, kind != "cuda" or float(device.details.get("capability") or 0) >= 8)


def needs_of(engine: str, headers: Headers | None, options: Mapping[str, Any]) -> dict[str, Need]:
    """What a model needs on every kind of device. ``headers``: None for an engine without weights."""
    targets = {"cpu": TARGETS["cpu"]} if FACTS[engine].cpu_only else TARGETS
    return {name: estimate(engine, headers, options, target) for name, target in targets.items()}


def to_row(needs: Mapping[str, Need] | None) -> dict[str, Any] | None:
    """The needs as JSON; None where they are not known."""
    return None if needs is None else {name: asdict(need) for name, need in needs.items()}


def need_on(row: Mapping[str, Any] | None, engine: str, device: DeviceRow) -> Need | None:
    """What a model of such a row needs on this device; None where that is not known."""
    target = target_of(engine, device)
    name = next(name for name, one in TARGETS.items() if one == target)
    found = (row or {}).get(name)
    return None if found is None else of_row(found)


def of_row(value: Mapping[str, Any]) -> Need:
    """The need of which ``to_row`` made this."""
    numbers = {name: int(value.get(name, 0)) for name in _NUMBERS}
    return Need(**numbers, dtype=str(value.get("dtype", "")), unknown=tuple(value.get("unknown", ())))
