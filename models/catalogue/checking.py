"""Whether an entry is whole, and each way to ask for it is one thing to fetch. Pure.

Asked of entries that come from outside: what is registered, and a catalogue that is newer than ours.
"""

import re
from collections.abc import Iterator, Sequence

from models.catalogue.entries import Family, Place, Weights
from models.catalogue.names import Named
from models.catalogue.plans import Asked, Machine, plan
from models.engines import FACTS
from models.errors import HeadraceError, InvalidRequest
from models.launching import hub
from models.launching.options.schemas import check_options

_TRUSTED = Machine(trusts=True)
_FIELD = re.compile(r"\{quantization\}")
_FIELD_OR_PART = re.compile(r"\{(?:quantization|part)\}")
_MOST_WAYS = 1000
"""Most ways to launch an entry: each is planned beside all others. The largest of the catalogue has 228."""
_MOST_SIZE = 100_000
"""Billions of parameters."""


def fault(family: Family) -> str:
    """What is wrong with an entry, in words; "": nothing."""
    if not family.specs:
        return "it has no weights"
    if sum(len(one.quantizations) * max(1, len(one.engines)) for one in family.specs) > _MOST_WAYS:
        return f"it has more than {_MOST_WAYS} ways to be launched"
    if unseen := next((text for text in _texts(family) if not text.isprintable()), None):
        return f"{unseen[:100]!a} has characters that cannot be seen"
    engines = {*family.engines, *family.options}
    if unknown := sorted(engines - FACTS.keys()):
        return f"there is no engine '{unknown[0][:40]}'"
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
    if any(size is not None and not 0 < size <= _MOST_SIZE for size in (spec.size, spec.activated)):
        return f"a size is not within 0 and {_MOST_SIZE} billion parameters"
    if said := _in_braces(spec, places):
        return said
    if not {*spec.code} <= {*spec.engines}:
        return "engines that need code are none of its engines"
    wrong = next((name for name in spec.engines if family.type not in FACTS[name].serves), None)
    if wrong is not None:
        return f"the engine {wrong} serves no models of type {family.type}"
    return next((said for place in places if (said := _lost(place, spec))), "")


def _in_braces(spec: Weights, places: Sequence[Place]) -> str:
    """What stands in braces and is not known there: a part is of a file's parts alone."""
    whole = [(text, _FIELD) for text in (spec.uri, *(one for place in places for one in (place.repo, place.file)))]
    for text, known in (*whole, *((place.split, _FIELD_OR_PART) for place in places)):
        if "{" in (rest := known.sub("", text)) or "}" in rest:
            also = " and part" if known is _FIELD_OR_PART else ""
            return f"'{text[:200]}' has braces around other words than quantization{also}"
    return ""


def _texts(family: Family) -> Iterator[str]:
    """What is written of an entry where people read it."""
    yield from (family.name, family.unserved)
    yield from (*family.aliases, *family.abilities, *family.languages, *family.licences)
    for spec in family.specs:
        yield from (spec.format, spec.uri, spec.of, *spec.quantizations)
        for place in spec.places().values():
            yield from (place.repo, place.revision, place.file, place.split, place.projector)


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
