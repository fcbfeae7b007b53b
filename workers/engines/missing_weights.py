"""Refuses weights that lack tensors: transformers would fill those with random numbers, and serve noise."""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from models.errors import InvalidRequest

_NAMED = 3
_POOLER = re.compile(r"(?:^|\.)pooler\.")


def refuse_missing(network: str, info: Mapping[str, Any], *, pooled: bool = True) -> None:
    """Raise InvalidRequest where weights lack tensors of a network, or have them in another shape.

    ``info`` is what transformers tells of a load (``output_loading_info``); tied tensors are not among it. A network
    that is not ``pooled`` does without the tensors of its pooler.
    """
    lacking = {*info["missing_keys"], *(name for name, *_ in info["mismatched_keys"])}
    if not pooled:
        lacking = {name for name in lacking if not _POOLER.search(name)}
    if lacking:
        raise InvalidRequest(
            f"the weights lack {_named(sorted(lacking, key=_depth))}, without which {network} answers at random: "
            f"fetch them whole, or give the model_type that they are made for",
            param="model_path",
        )


def _depth(name: str) -> tuple[int, str]:
    """Heads come before what lies deep in a network."""
    return name.count("."), name


def _named(names: Collection[str]) -> str:
    first = ", ".join(list(names)[:_NAMED])
    return first if len(names) <= _NAMED else f"{first} and {len(names) - _NAMED} more"


@contextmanager
def loading_infos() -> Iterator[list[tuple[str, Mapping[str, Any]]]]:
    """Collect the class and the loading info of every network that is loaded within it, by whichever library.

    Libraries that load networks of transformers keep these to themselves.
    """
    from transformers import PreTrainedModel

    base: Any = PreTrainedModel
    original, infos = base.__dict__["from_pretrained"], list[tuple[str, Mapping[str, Any]]]()

    @classmethod  # type: ignore[misc]
    def from_pretrained(cls: Any, *given: Any, output_loading_info: bool = False, **named: Any) -> Any:
        named |= {"ignore_mismatched_sizes": True, "output_loading_info": True}
        network, info = original.__get__(None, cls)(*given, **named)
        infos.append((cls.__name__, info))
        return (network, info) if output_loading_info else network

    base.from_pretrained = from_pretrained
    try:
        yield infos
    finally:
        base.from_pretrained = original
