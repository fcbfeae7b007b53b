"""A family of the catalogue as JSON. Pure, but for whether packages and paths are here."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from api.shapes.catalogue import CatalogueEntry, CatalogueModel, CatalogueWeights, Origin
from models.catalogue.describing import in_chinese, in_english
from models.catalogue.entries import Family, Weights
from models.hubs.holdings import Held
from models.ledger.catalogued.presence import here, is_here
from models.ledger.catalogued.standing import Standing, summed
from models.ledger.catalogued.usual import usual_need
from models.ledger.parameters import stored_bytes
from models.ledger.shapes import Way
from models.ledger.ways import DeviceHere, ways_here
from models.ledger.ways_wire import described

NOTHING: Mapping[str, Any] = MappingProxyType({})
MOST_SAID = 300
"""Characters of a description that the list has."""


def entry(
    family: Family, origin: Origin, stands: Standing, held: Held, given: Mapping[str, Any] = NOTHING
) -> CatalogueEntry:
    """What the list says of a family. ``given``: how somebody described it, who registered it."""
    said = str(given.get("model_description") or "")
    return {
        "name": family.name,
        "type": family.type,
        "origin": origin,
        "abilities": list(family.abilities),
        "languages": list(family.languages),
        "licences": list(family.licences),
        "aliases": list(family.aliases),
        "context_length": family.context,
        "dimensions": family.dimensions,
        "sizes": list(family.sizes),
        "formats": list(dict.fromkeys(one.format for one in family.specs)),
        "engines": list(stands.engines),
        "cause": stands.cause or None,
        "least_bytes": stands.least_bytes,
        "least_of": None if stands.least_bytes is None else "launch" if stands.whole else "weights",
        "cached": here(family, held),
        "said": said[:MOST_SAID] or None,
    }


def model(
    family: Family, origin: Origin, devices: Sequence[DeviceHere], held: Held, given: dict[str, Any], *, trusts: bool
) -> CatalogueModel:
    """All of a family. ``given``: how somebody described it, who registered it."""
    ways = ways_here(family, devices, trusts=trusts, usual=usual_need)
    told = [described(one, devices) for one in ways]
    said = given.get("model_description")
    return {
        **entry(family, origin, summed(ways), held, given),
        "description": str(said or in_english(family)),
        "description_zh": None if said else in_chinese(family),
        "unserved": family.unserved or None,
        "weights": [
            _weights(family, one, name, told, held) for one in _distinct(family.specs) for name in one.quantizations
        ],
    }


def _distinct(specs: Sequence[Weights]) -> list[Weights]:
    """The weights, each size and format in the order of sizes."""
    return sorted(specs, key=lambda one: (one.size is None, one.size or 0))


def _weights(family: Family, weights: Weights, quantization: str, ways: Sequence[Way], held: Held) -> CatalogueWeights:
    which = (weights.size, weights.format, quantization)
    return {
        "model_size_in_billions": weights.size,
        "activated_size_in_billions": weights.activated,
        "model_format": weights.format,
        "quantization": quantization,
        "download_bytes": stored_bytes(family, weights, quantization),
        "cached": is_here(weights, quantization, held),
        "repositories": {
            hub: place.repo.format(quantization=quantization)
            for hub, place in weights.places().items()
            if place.has(quantization)
        },
        "ways": [
            one
            for one in ways
            if (one["model_size_in_billions"], one["model_format"], one["quantization"]) == which
            and (one["engine"] in weights.engines or not weights.engines)
        ],
    }
