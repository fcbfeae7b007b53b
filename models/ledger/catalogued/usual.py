"""What a usual launch needs of weights that come with Headrace: by the headers of their files, as an estimate has it.

Of weights on a hub nothing is read, so that a list of a thousand families asks nobody. Reads a few kilobytes, once.
"""

from functools import cache

from models.catalogue import SPECS
from models.catalogue.entries import Family, Weights
from models.engines import FACTS
from models.errors import HeadraceError
from models.launching import hub
from models.launching.peek import peek_at
from models.ledger import headers
from models.ledger.estimate import estimate
from models.ledger.headers import Headers
from models.ledger.need import Need, Target


def usual_need(family: Family, weights: Weights, quantization: str, engine: str, target: Target) -> Need | None:
    """What a launch needs that sets no option; None where the files do not come with Headrace, or cannot be read."""
    spec = next(
        (
            one
            for one in SPECS
            if (one.name, one.engine, one.model_format, one.quantization, one.source)
            == (family.name, engine, weights.format, quantization, weights.uri)
        ),
        None,
    )
    if spec is None or weights.places():
        return None
    facts = FACTS[engine]
    options = {**spec.options, **facts.type_options.get(family.type, {})}
    if not spec.source:
        return estimate(engine, None, options, target)
    found = _headers(engine, spec.source, target.on_gpu)
    return None if found is None else estimate(engine, found, options, target)


@cache
def _headers(engine: str, text: str, half: bool) -> Headers | None:
    """The headers of weights in a package. ``half``: half precision is preferred, as on a GPU."""
    source = hub.parse(text)
    try:
        seen = peek_at(hub.in_package(source))
        return headers.read(engine, source, seen, half=half)
    except (HeadraceError, OSError, ValueError):  # the package is not here, as one of another environment
        return None
