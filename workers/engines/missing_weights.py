"""Refuses weights that lack tensors: transformers would fill those with random numbers, and serve noise."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors

from models.errors import InvalidRequest

_NAMED = 3
_POOLER = re.compile(r"(?:^|\.)pooler\.")
_LAYER = re.compile(r"(.*\.(?:layers|layer|h|blocks))\.(\d+)\.")
_TOWER = re.compile(r"vision|visual|audio|speech")
_ABSURD = 4
"""So many times more layers than the weights have are no family's way to share them."""


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


def refuse_half(model: Any, info: Mapping[str, Any]) -> None:
    """Raise InvalidRequest where weights have more layers than a network of transformers, which would do without them.

    Layers that only guess further tokens may be left over. A tower that sees or hears may leave out its last layers.
    """
    there, spare = _highest(model.state_dict()), _guessing(model.config.get_text_config())
    over = {layer for stack, layer in _layers(info["unexpected_keys"]) if layer > there.get(stack, layer)}
    if len(over) > spare:
        raise InvalidRequest(
            f"the weights have {len(over)} more layers than config.json says, without which "
            f"{type(model).__name__} answers at random: fetch both anew",
            param="model_path",
        )


def refuse_absurd(layers: Any, folder: Path) -> None:
    """Raise InvalidRequest where config.json says far more layers than a folder's safetensors have.

    What is missing would be told after the load, which for so many takes too long.
    """
    names: set[str] = set()
    for path in folder.glob("*.safetensors"):
        with safetensors.safe_open(path, "pt") as file:
            names.update(file.keys())
    found = max(_highest(names).values(), default=-1) + 1
    if isinstance(layers, int) and found and layers > _ABSURD * found:
        raise InvalidRequest(
            f"config.json says {layers} layers (num_hidden_layers), and the weights have {found}: fetch both anew",
            param="model_path",
        )


def _guessing(config: Any) -> int:
    return getattr(config, "num_nextn_predict_layers", None) or 0


def _highest(names: Iterable[str]) -> dict[str, int]:
    """The number of the last layer of each stack."""
    found: dict[str, int] = {}
    for stack, layer in _layers(names):
        found[stack] = max(layer, found.get(stack, 0))
    return found


def _layers(names: Iterable[str]) -> Iterator[tuple[str, int]]:
    for name in names:
        layer = _LAYER.match(name)
        if layer and not _TOWER.search(layer[1]):
            yield layer[1], int(layer[2])


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
