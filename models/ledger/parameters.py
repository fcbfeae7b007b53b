"""What a model of the catalogue needs, from its parameters alone: how many, in how many bits. Pure; nothing is read.

It is less exact than ``estimate``, which reads the headers of the files: what a cache takes only they tell.
"""

import re

from models.catalogue.entries import Family, Weights
from models.ledger import precision
from models.ledger.estimate import CONTEXT_BYTES, LIBRARIES
from models.ledger.need import Need, Target
from models.ledger.shapes import WayNeeds

_GGUF_BITS = {1: 2.0, 2: 3.0, 3: 3.9, 4: 4.85, 5: 5.7, 6: 6.6, 8: 8.5, 16: 16.0, 32: 32.0}
"""Bits of a parameter by the number in the name of a quantisation: blocks have scales, and some tensors more bits."""
_BITS = {4: 4.5, 8: 8.25, 16: 16.0, 32: 32.0}
"""The same of quantised safetensors."""
_USUAL = {"fp8": 8, "int8": 8, "awq": 4, "gptq": 4, "fp4": 4, "mxfp4": 4, "int4": 4, "bnb": 4}
"""Bits of a format where the name of the quantisation does not say them."""
_CACHE = "the KV cache, of which the headers of its files tell"
_SMALL = 1.0
"""Encoders of fewer billions of parameters are usually stored in float32."""


def need_of(family: Family, weights: Weights, quantization: str, engine: str, target: Target) -> Need | None:
    """What the weights need on an engine; None where nobody says how many parameters they have."""
    if weights.size is None:
        return None
    taken = int(weights.size * 1e9 * _bytes(family, weights, quantization, engine, target))
    beside = CONTEXT_BYTES if target.on_gpu else LIBRARIES.get(engine, 0)
    unknown = [_CACHE] if family.type == "LLM" else []
    unknown += [f"the rest of the pipeline, which is {weights.of}"] if weights.of else []
    return Need(taken, beside, certain=taken, unknown=tuple(unknown))


def stored_bytes(family: Family, weights: Weights, quantization: str) -> int | None:
    """About how many bytes the files of the weights have; None where nobody says how many parameters they have."""
    if weights.size is None:
        return None
    if weights.format == "ggufv2":
        bits = _named_bits(quantization, _GGUF_BITS, 16)
    elif weights.format in _USUAL:
        bits = _named_bits(quantization, _BITS, _USUAL[weights.format])
    else:
        bits = 32 if family.type in ("embedding", "rerank") and weights.size < _SMALL else 16
    return int(weights.size * 1e9 * bits / 8)


def as_json(need: Need | None) -> WayNeeds | None:
    """The bytes that are known to be needed, and what is not known."""
    if need is None:
        return None
    return {"total_bytes": need.total, "weights_bytes": need.weights, "unknown": list(need.unknown)}


def _bytes(family: Family, weights: Weights, quantization: str, engine: str, target: Target) -> float:
    """What a parameter takes, once it is loaded."""
    if weights.format == "ggufv2" and engine != "transformers":
        return _named_bits(quantization, _GGUF_BITS, 16) / 8
    if weights.format in _USUAL or (re.search(r"\d", quantization) and weights.format == "pytorch"):
        return _named_bits(quantization, _BITS, _USUAL.get(weights.format, 16)) / 8
    match engine:
        case "faster_whisper":
            return 2 if target.on_gpu else 1
        case "sentence_transformers":
            dtype = precision.of_encoder(None, family.name, target.computes)
            return precision.BYTES.get(dtype, 4 if (weights.size or 0) < _SMALL else 2)
        case "diffusers":
            return precision.BYTES[precision.of_pictures((), target.computes, transformer=True)]
        case "transformers":
            return precision.BYTES[precision.of_text("bfloat16", family.name, target.computes)]
        case _:
            return 2


def _named_bits(quantization: str, known: dict[int, float], usual: int) -> float:
    """The bits that the name of a quantisation says: those of its first number that is known."""
    numbers = [int(one) for one in re.findall(r"\d+", quantization)]
    return known[next((one for one in numbers if one in known), usual)]
