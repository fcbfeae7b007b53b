"""Which family a name means: its own, one that people type, a repository's, or one with a tag, ``qwen2.5:7b``. Pure.

Each is looked for exactly before case and punctuation are ignored.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from string import punctuation

from msgspec.structs import replace

from models.catalogue import SPECS
from models.catalogue.entries import Family, Weights, families, kept
from models.engines import ModelType
from models.errors import ModelNotFound

_SIZE = re.compile(r"(\d+(?:\.\d+)?)(b|m)")
_EXACT = re.compile(r"fp16|bf16|fp32")
_VARIANTS = ("-instruct", "-chat", "-it", "-distill-qwen", "-distill-llama")
"""What a name with a tag leaves out: ``qwen2.5:7b`` is the model that chats."""
_SAYS_NOTHING = ("latest", "instruct", "chat", "it", "text")
_SILENT = str.maketrans("", "", f"{punctuation} ")
_NEAREST = 5
_LONGEST = 100
"""Characters of a name that is not known which are compared, and repeated in a message."""
_SIZED = re.compile(r"[-_ ]\d+(?:\.\d+)?[bm]\b", re.IGNORECASE)
"""A size within a name."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a name means. ``specs`` are the weights that it may be, ``quantization`` and ``size`` what its tag or its
    repository says besides."""

    family: Family
    specs: tuple[Weights, ...]
    size: float | None = None
    quantization: str | None = None


def named(name: str, model_type: ModelType | None = None, own: Iterable[str] = ()) -> Named:
    """What a name means, among models of a type. Raises ModelNotFound, which suggests the nearest names.

    ``own``: names that are registered, which are suggested, too.
    """
    found = _tagged(name, model_type) or _of_catalogue(name, model_type)
    if found is None:
        raise ModelNotFound(_unknown(name, model_type, own), param="model_name")
    return found


def is_known(name: str) -> bool:
    """Whether a launch by this very name means a model: one that comes with Headrace, or a family or an alias."""
    return any(one.name == name for one in SPECS) or name in _names()


def meant(found: Named) -> tuple[Weights, ...]:
    """The weights of the size and the quantisation that a tag says; all of them where there are no such."""
    some = [one for one in found.specs if found.size is None or one.size is None or abs(one.size - found.size) < 1e-6]
    if (wanted := found.quantization) is not None:
        some = [replace(one, quantizations=(wanted,)) for one in some if wanted in one.quantizations]
    return tuple(some) or found.specs


def nearest(name: str, model_type: ModelType | None = None, own: Iterable[str] = ()) -> list[str]:
    """The names that are most like this one, the nearest first, of the catalogue and of those that are registered."""
    known = list(families(model_type))
    spelled = {folded(other): one.name for one in reversed(known) for other in (one.name, *one.aliases)}
    if model_type is None:
        spelled |= {folded(one.name): one.name for one in SPECS}
    spelled |= {folded(one): one for one in own}
    base = name[:_LONGEST].rpartition("/")[2].partition(":")[0]
    exact, wanted = folded(base), folded(_SIZED.sub("", base))  # of qwen3-8b it is qwen3 that is nearest, not qwen3.8
    close = get_close_matches(wanted, spelled, _NEAREST, 0.5)
    begins = sorted((one for one in spelled if wanted and one.startswith((exact, wanted))), key=len)
    return list(dict.fromkeys(spelled[one] for one in [*begins[:2], *close]))[:_NEAREST]


def folded(name: str) -> str:
    """A name without case and punctuation."""
    return name.lower().translate(_SILENT)


def _of_catalogue(name: str, model_type: ModelType | None) -> Named | None:
    for table, key in ((_names, name), (_repositories, name), (_alike, folded(name))):
        fitting = [one for one in table().get(key, ()) if model_type in (None, one.family.type)]
        if fitting:
            return fitting[0]
    return None


def _tagged(name: str, model_type: ModelType | None) -> Named | None:
    """What ``name:tag`` means, as Ollama writes it; None where it is not so written, or no family has that."""
    base, colon, tag = name.partition(":")
    if not colon or not tag:
        return None
    found = [one for end in ("", *_VARIANTS) if (one := _of_catalogue(base + end, model_type)) is not None]
    found.sort(key=lambda one: one.family.type == "LLM" and "chat" not in one.family.abilities)
    made = [one for family in found if (one := _narrowed(family, tag)) is not None]
    return next((one for one in made if one.size in (None, *one.family.sizes)), made[0] if made else None)


def _narrowed(found: Named, tag: str) -> Named | None:
    """A family with the size and the quantisation of a tag such as ``7b-instruct-q4_K_M``; None: it says else."""
    size = quantization = None
    offered = {folded(name): name for one in found.specs for name in one.quantizations}
    for word in tag.lower().split("-"):
        if number := _SIZE.fullmatch(word):
            size = float(number[1]) / (1000 if number[2] == "m" else 1)
        elif folded(word) in offered:
            quantization = offered[folded(word)]
        elif _EXACT.fullmatch(word):
            quantization = "none"
        elif word not in _SAYS_NOTHING:
            return None
    return Named(found.family, found.specs, size, quantization)


Table = dict[str, list[Named]]


@kept
def _names() -> Table:
    """The entries by their names, then by their aliases."""
    return _table((*_by_name(families()), *_by_alias(families())))


@kept
def _repositories() -> Table:
    """The entries by their repositories. This takes longer than names alone, which are most often enough."""
    return _table(_by_repository(families()))


@kept
def _alike() -> Table:
    """The entries by all of these, folded; names come before repositories."""
    return _table((folded(name), one) for table in (_names(), _repositories()) for name in table for one in table[name])


def _table(pairs: Iterable[tuple[str, Named]]) -> Table:
    made: Table = defaultdict(list)
    for name, one in pairs:
        made[name].append(one)
    return made


def _by_name(known: Iterable[Family]) -> Iterator[tuple[str, Named]]:
    for family in known:
        yield family.name, Named(family, family.specs)


def _by_alias(known: Iterable[Family]) -> Iterator[tuple[str, Named]]:
    for family in known:
        for alias in family.aliases:
            yield alias, Named(family, family.specs)


def _by_repository(known: Iterable[Family]) -> Iterator[tuple[str, Named]]:
    """Each repository by its whole name, and without its owner."""
    for family in known:
        for spec in family.specs:
            for place in spec.places().values():
                for quantization in spec.quantizations if "{quantization}" in place.repo else (None,):
                    repository = place.repo.format(quantization=quantization)
                    one = Named(family, (spec,), spec.size, quantization)
                    yield repository, one
                    yield repository.rpartition("/")[2], one


def _unknown(name: str, model_type: ModelType | None, own: Iterable[str]) -> str:
    like = nearest(name, model_type, own)
    kind = f" of type {model_type}" if model_type else ""
    hint = f"the nearest are {', '.join(like)}" if like else "`headrace registrations` lists what it has"
    return f"the catalogue has no model '{name[:_LONGEST]}'{kind}: {hint}; give model_path (hf:…, a path) for your own"
