"""Whether weights are on this machine already. Pure, but for packages and paths, which it looks for."""

from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path

from models.catalogue.entries import Family, HubName, Place, Weights
from models.catalogue.files import says
from models.engines import FACTS
from models.errors import InvalidRequest
from models.hubs.holdings import Held
from models.launching import hub

_WEIGHTS = (".safetensors", ".bin", ".gguf", ".pt", ".pth", ".onnx")
_SCHEMES: dict[HubName, str] = {"huggingface": "hf", "modelscope": "modelscope"}


def here(family: Family, held: Held) -> bool:
    """Whether any of its weights are here."""
    return any(is_here(one, name, held) for one in family.specs for name in one.quantizations)


def is_here(weights: Weights, quantization: str, held: Held) -> bool:
    """Whether a launch of these weights fetches nothing. ``held``: what lies in the caches of hubs."""
    places = weights.places()
    if not places:
        return _is_at(weights.uri.format(quantization=quantization), weights.engines, held)
    if not held:
        return False
    return any(
        _has(
            held.get(f"{_SCHEMES[name]}:{place.repo.format(quantization=quantization)}", frozenset()),
            place,
            quantization,
        )
        for name, place in places.items()
        if place.has(quantization)
    )


def _has(files: frozenset[str], place: Place, quantization: str) -> bool:
    """Whether files of a repository are the weights: the one of the quantisation, or else any."""
    there = list(_weights_among(files))
    wanted = place.file_of(quantization)
    if not wanted:
        return bool(there)
    return any(one == wanted or fnmatchcase(one, wanted) or says(one, quantization) for one in there)


def _weights_among(files: frozenset[str]) -> Iterator[str]:
    return (one for one in files if one.endswith(_WEIGHTS) and "mmproj" not in one.lower())


def _is_at(uri: str, engines: tuple[str, ...], held: Held) -> bool:
    """Whether weights that are not on a hub of the catalogue are here. Some need none at all."""
    if not uri:
        return True
    with suppress(InvalidRequest, OSError, ValueError):
        source = hub.parse(uri)
        if source.kind == "path":
            return Path(source.name).exists()
        if source.kind == "package":
            # Its package lies beside the engine, perhaps in an environment that cannot be seen from here.
            return any(FACTS[one].own_environment for one in engines) or hub.in_package(source).exists()
        files = held.get(f"{_SCHEMES[source.kind]}:{source.name}", frozenset())
        return source.file in files if source.file else any(_weights_among(files))
    return False
