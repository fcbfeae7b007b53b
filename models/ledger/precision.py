"""In which number format weights are computed: decided by their own format, their family and the device."""

from collections.abc import Iterable
from typing import Literal

Dtype = Literal["float32", "bfloat16", "float16"]

BYTES: dict[str, int] = {"float64": 8, "float32": 4, "float": 4, "bfloat16": 2, "float16": 2, "half": 2}
"""What a number takes, by PyTorch's name of its format."""

_OVERFLOWING = ("gemma", "glm4", "plamo2", "qwenimage", "sana", "lumina")
"""How the names of families begin whose activations exceed float16's 65504. vLLM names the first two."""


def overflows(family: str) -> bool:
    """Whether models of this family (a ``model_type``, or the name of a class) are not to be computed in float16."""
    return family.lower().startswith(_OVERFLOWING)


def of_text(own: str | None, family: str, bfloat16: bool | None) -> Dtype:
    """For a language model. ``own`` is the format that its configuration names, ``family`` its ``model_type``.

    ``bfloat16``: whether the GPU computes that; None: there is no GPU.
    """
    if bfloat16 is None:
        return "float32"
    if not bfloat16:
        return "float32" if overflows(family) else "float16"
    return "float16" if own == "float16" and not overflows(family) else "bfloat16"


def of_encoder(own: str | None, family: str, bfloat16: bool | None) -> Dtype | Literal["auto"]:
    """For a model of embeddings or a reranker, whose float32 is kept; ``auto``: as it is stored."""
    if bfloat16 is None:
        return "float32"
    if bfloat16 or own not in ("bfloat16", "float16"):
        return "auto"
    return "float32" if overflows(family) else "float16"


def of_pictures(classes: Iterable[str], bfloat16: bool | None, *, transformer: bool) -> Dtype:
    """For a pipeline of diffusers, given the classes of its parts.

    ``transformer``: it draws with one, as newer models do, which are made for bfloat16; a UNet is made for float16.
    """
    if bfloat16 is None:
        return "float32"
    if not transformer:
        return "float16"
    if bfloat16:
        return "bfloat16"
    return "float32" if any(map(overflows, classes)) else "float16"
