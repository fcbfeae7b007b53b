"""In which number format a model is computed: pure decisions over the model's own format, its family and the card."""

from collections.abc import Iterable
from typing import Literal

from workers.engines.accelerator.card import Card

Dtype = Literal["float32", "bfloat16", "float16"]

_OVERFLOWING = ("gemma", "glm4", "plamo2", "qwenimage", "sana", "lumina")
"""How the names of families begin whose activations exceed float16's 65504. vLLM names the first two."""


def overflows(family: str) -> bool:
    """Whether models of this family (a ``model_type``, or the name of a class) are not to be computed in float16."""
    return family.lower().startswith(_OVERFLOWING)


def text_dtype(own: str | None, family: str, card: Card | None) -> Dtype:
    """For a language model. ``own`` is the format that its configuration names, ``family`` its ``model_type``."""
    if card is None:
        return "float32"
    if not card.computes_bfloat16:
        return "float32" if overflows(family) else "float16"
    return "float16" if own == "float16" and not overflows(family) else "bfloat16"


def encoder_dtype(own: str | None, family: str, card: Card | None) -> Dtype | Literal["auto"]:
    """For a model of embeddings or a reranker, whose float32 is kept; ``auto``: as it is stored."""
    if card is None:
        return "float32"
    if card.computes_bfloat16 or own not in ("bfloat16", "float16"):
        return "auto"
    return "float32" if overflows(family) else "float16"


def picture_dtype(classes: Iterable[str], card: Card | None, *, transformer: bool) -> Dtype:
    """For a pipeline of diffusers, given the classes of its parts.

    ``transformer``: it draws with one, as newer models do, which are made for bfloat16; a UNet is made for float16.
    """
    if card is None:
        return "float32"
    if not transformer:
        return "float16"
    if card.computes_bfloat16:
        return "bfloat16"
    return "float32" if any(map(overflows, classes)) else "float16"
