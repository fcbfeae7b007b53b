"""Whether an entry is whole, and each way to ask for it is one thing to fetch. Pure.

Asked of entries that come from outside: what is registered, and a catalogue that is newer than ours.
"""

import re

from models.catalogue.entries import Family, Place, Weights
from models.catalogue.names import Named
from models.catalogue.plans import Asked, Machine, plan
from models.engines import FACTS
from models.errors import HeadraceError, InvalidRequest
from models.launching import hub
from models.launching.options.schemas import check_options

_TRUSTED = Machine(trusts=True)
_FIELDS = re.compile(r"\{(?:quantization|part)\}")


def fault(family: Family) -> str:
    """What is wrong with an entry, in words; "": nothing."""
    if not family.specs:
        return "it has no weights"
    engines = {*family.engines, *family.options}
    if unknown := sorted(engines - FACTS.keys()):
        return f"there is no engine '{unknown[0]}'"
    for engine, options in family.options.items():
        try:
            check_options(engine, family.type, options, trusted=False)
        except InvalidRequest as error:
            return f"its options on {engine}: {error.message}"
    for spec in family.specs:
        if said := _fault_of(spec, family):
            return said
    return _ambiguous(family) or ("" if family.unserved else _unplanned(family))


def _fault_of(spec: Weights, family: Family) -> str:
    """What is wrong with weights by themselves."""
    places = list(spec.places().values())
    if not spec.quantizations:
        return f"its weights in the format {spec.format} have no quantisation"
    if not places and not spec.uri:
        return f"where its weights in the format {spec.format} are is not said"
    for text in (spec.uri, *(one for place in places for one in (place.repo, place.file, place.split))):
        if "{" in (rest := _FIELDS.sub("", text)) or "}" in rest:
            return f"'{text}' has braces around other words than quantization and part"
    if not {*spec.code} <= {*spec.engines}:
        return "engines that need code are none of its engines"
    wrong = next((name for name in spec.engines if family.type not in FACTS[name].serves), None)
    if wrong is not None:
        return f"the engine {wrong} serves no models of type {family.type}"
    return next((said for place in places if (said := _lost(place, spec))), "")


def _lost(place: Place, spec: Weights) -> str:
    """What a hub is said to have, and the weights are not."""
    lost = sorted({*place.quantizations, *place.parts} - {*spec.quantizations})
    return f"{place.repo} has a quantisation '{lost[0]}' that the weights have not" if lost else ""


def _ambiguous(family: Family) -> str:
    """Two weights that would be asked for in the same way."""
    taken = set()
    for spec in family.specs:
        for quantization in spec.quantizations:
            key = (spec.size, spec.format, quantization.lower())
            if key in taken:
                size = "" if spec.size is None else f" of {spec.size:g} billion parameters"
                return f"the quantisation '{quantization}' in the format {spec.format}{size} is there twice"
            taken.add(key)
    return ""


def _unplanned(family: Family) -> str:
    """A size, format and quantisation for which there is no plan, or another one's."""
    found = Named(family, family.specs)
    for spec in family.specs:
        for quantization in spec.quantizations:
            try:
                made = plan(found, Asked(spec.size, spec.format, quantization), _TRUSTED)
                hub.parse(made.source)
            except HeadraceError as error:
                return error.message
            if (made.size, made.model_format, made.quantization) != (spec.size, spec.format, quantization):
                return f"to ask for {spec.format} {quantization} is to get {made.model_format} {made.quantization}"
    return ""
