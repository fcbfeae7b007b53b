"""An estimate as JSON: the answer of ``POST /v1/models/estimate``, and what the command line prints of one. Pure."""

from collections.abc import Sequence

from models.ledger.fit import MARGIN, Room, described, fits
from models.ledger.headers import Headers
from models.ledger.need import Need, in_words
from models.ledger.placement.deciding import Decision
from models.ledger.shapes import Estimates, NeededParts, PlacementNow, ShortDevice
from models.reasons import as_told


def answer(
    name: str, engine: str, model_type: str, headers: Headers | None, per_device: Sequence[tuple[Need, Room]]
) -> Estimates:
    """The estimate for each device on which the model may be launched; sizes are in bytes."""
    return {
        "object": "estimate",
        "model_name": name,
        "model_engine": engine,
        "model_type": model_type,
        "download_bytes": headers.download if headers else 0,
        "margin": MARGIN,
        "devices": [
            {
                "device": room.device,
                "total_bytes": room.total,
                "free_bytes": room.free,
                "idle_bytes": sum(room.idle.values()),
                "idle": sorted(room.idle),
                "needs": needs(need),
                "fits": fits(need, room),
                "message": f"{in_words(name, need)}; {described(room)}",
            }
            for need, room in per_device
        ],
    }


def needs(need: Need) -> NeededParts:
    """What a model needs, part by part."""
    return {
        "total_bytes": need.total,
        "least_bytes": need.least,
        "weights_bytes": need.weights,
        "kv_cache_bytes": need.cache,
        "overhead_bytes": need.overhead,
        "measured_bytes": need.measured or None,
        "correction_bytes": need.correction,
        "context_length": need.context or None,
        "requests": need.requests or None,
        "dtype": need.dtype or None,
        "unknown": list(need.unknown),
    }


def placement(made: Decision) -> PlacementNow:
    """Where a replica would go, or what it would wait for."""
    placed = made.placed
    short: list[ShortDevice] = [
        {
            "device": one.room.device,
            "wanted_bytes": one.wanted,
            "available_bytes": one.room.free,
            "holders": [{"model_uid": held.uid, "bytes": held.bytes, "idle": held.idle} for held in one.room.holdings],
        }
        for one in made.short
    ]
    waits = made.possible and not placed.hopeless
    return {
        "placement": {
            "state": "fits" if placed.devices else "waits" if waits else "refused",
            "devices": list(placed.devices),
            "reserved_bytes": made.reserved,
            "reason": placed.reason,
            "reasons": as_told(placed.reason),
            "to_leave": short,
        }
    }
