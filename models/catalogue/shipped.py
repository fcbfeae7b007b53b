"""The models that come with Headrace as entries of the catalogue: what is said of those holds of them, too."""

from functools import cache

from models.catalogue import SPECS, Spec
from models.catalogue.entries import Family, Weights
from models.engines import FACTS, ModelType
from models.launching.about import abilities_of


@cache
def shipped_families() -> tuple[Family, ...]:
    """An entry for each name and type. Where its weights are, their ``uri`` says; "" for none."""
    named: dict[tuple[str, ModelType], list[Spec]] = {}
    for one in SPECS:
        named.setdefault((one.name, type_of(one)), []).append(one)
    return tuple(_family(name, kind, some) for (name, kind), some in named.items())


def shipped_family(name: str, model_type: ModelType | None) -> Family | None:
    """The model of this name and type that comes with Headrace; None: there is none."""
    return next((one for one in shipped_families() if one.name == name and model_type in (None, one.type)), None)


def type_of(spec: Spec) -> ModelType:
    """The type of a model: that of its engine, where it says no other."""
    return spec.model_type or FACTS[spec.engine].model_types[0]


def _family(name: str, model_type: ModelType, specs: list[Spec]) -> Family:
    """The entry; what several engines run is there once."""
    engines: dict[tuple[str, float | None, str, str], list[str]] = {}
    for one in specs:
        engines.setdefault((one.model_format, one.size, one.quantization, one.source), []).append(one.engine)
    weights = [
        Weights(form, size=size, quantizations=(quantization,), engines=tuple(some), uri=source)
        for (form, size, quantization, source), some in engines.items()
    ]
    abilities = specs[0].abilities or tuple(abilities_of(specs[0].engine, model_type))
    return Family(name, model_type, tuple(weights), abilities)
