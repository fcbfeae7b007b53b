"""What is said of an entry of the catalogue. Pure. The fields are Xinference's, and beside them what only we know."""

from typing import Any, cast

import msgspec

from api.shapes.registrations import HubPlace, ModelSpec, Registration, RegistrationLength, SpecPlace
from models.catalogue import SPECS, Spec
from models.catalogue.describing import in_chinese, in_english
from models.catalogue.entries import Family, Place, Weights
from models.catalogue.registering.given import GivenModel
from models.engines import FACTS, ModelType
from models.launching.about import abilities_of
from models.rows.life.history import without_secrets
from models.rows.records import RegistrationRow

_BESIDE = (GivenModel.model_fields.keys() | {*Family.__struct_fields__}) - {"virtualenv", "name", "specs"}
"""What of a description is told: the fields that it may have, without how an environment is installed."""
_PLACES = ("model_uri", "options")
"""What may name paths on our machines."""


def spoken_of(family: Family) -> Registration:
    """A family of the hubs. ``unserved`` says why none of our engines runs it."""
    written: RegistrationLength = {"context_length": family.context}
    length: RegistrationLength = written if family.type == "LLM" else {"max_tokens": family.context}
    return {
        "version": 2,
        "model_name": family.name,
        "model_type": family.type,
        "model_description": in_english(family),
        "model_description_zh": in_chinese(family),
        "model_ability": list(family.abilities),
        "model_lang": list(family.languages),
        **length,
        "dimensions": family.dimensions,
        "licences": list(family.licences),
        "aliases": list(family.aliases),
        "engines": list(family.engines),
        "unserved": family.unserved or None,
        "options": family.options,
        "is_builtin": True,
        "model_specs": [_spec(one) for one in family.specs],
    }


def family_of(row: RegistrationRow) -> Family:
    """The entry of a model that is registered."""
    return msgspec.convert(row.family, Family)


def own_of(row: RegistrationRow, *, paths: bool) -> Registration:
    """A model that is registered, with what only its description says, such as its chat template.

    What looks like a secret is hidden. ``paths``: whether what may name paths on our machines is told.
    """
    said = spoken_of(family_of(row))
    beside = {name: value for name, value in row.given.items() if name in _BESIDE and name not in said}
    if "model_description" in row.given:
        beside["model_description"] = row.given["model_description"]
    told: dict[str, Any] = without_secrets({**said, **beside, "is_builtin": False})
    return cast(Registration, told if paths else _without_places(told))


def _without_places(told: dict[str, Any]) -> dict[str, Any]:
    specs = [{name: value for name, value in one.items() if name not in _PLACES} for one in told["model_specs"]]
    return {name: value for name, value in told.items() if name not in _PLACES} | {"model_specs": specs}


def shipped_of(model_type: ModelType) -> dict[str, Registration]:
    """The models of this type that come with Headrace, by name."""
    specs: dict[str, list[Spec]] = {}
    for one in SPECS:
        if (one.model_type or FACTS[one.engine].model_types[0]) == model_type:
            specs.setdefault(one.name, []).append(one)
    return {name: _shipped(name, model_type, some) for name, some in specs.items()}


def _shipped(name: str, model_type: ModelType, specs: list[Spec]) -> Registration:
    return {
        "version": 2,
        "model_name": name,
        "model_type": model_type,
        "model_description": f"{name} comes with Headrace.",
        "model_description_zh": f"{name} 随 Headrace 提供。",
        "model_ability": abilities_of(specs[0].engine, model_type),
        "engines": list(dict.fromkeys(one.engine for one in specs)),
        "is_builtin": True,
        "model_specs": [
            {
                "model_format": one.model_format,
                "quantizations": [one.quantization],
                "model_uri": one.source,
                "engines": [one.engine],
            }
            for one in specs
        ],
    }


def _spec(weights: Weights) -> ModelSpec:
    hub, place = next(iter(weights.places().items()), (None, Place("")))
    where: SpecPlace = {"model_uri": weights.uri} if weights.uri else {}
    return {
        **where,
        "model_format": weights.format,
        "model_size_in_billions": weights.size,
        "activated_size_in_billions": weights.activated,
        "quantizations": list(weights.quantizations),
        "model_hub": hub,
        "model_id": place.repo or None,
        "model_revision": place.revision or None,
        "model_src": {name: _place(one) for name, one in weights.places().items()},
        "engines": list(weights.engines),
        "needs_code": list(weights.code),
        "base": weights.of or None,
    }


def _place(place: Place) -> HubPlace:
    """A place on a hub, by Xinference's names."""
    return {
        "model_id": place.repo,
        "model_revision": place.revision or None,
        "model_file_name_template": place.file or None,
        "model_file_name_split_template": place.split or None,
        "quantization_parts": msgspec.to_builtins(place.parts),
        "multimodal_projectors": [place.projector] if place.projector else [],
        "quantizations": list(place.quantizations) or None,
    }
