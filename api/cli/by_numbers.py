"""What a model needs by its numbers alone: how many parameters, in how many bits. No file is read. Pure."""

from typing import TYPE_CHECKING, Any

from models.engines import FACTS, engine_named
from models.errors import InvalidRequest

if TYPE_CHECKING:
    from models.catalogue.plans import Plan
    from models.ledger.need import Need, Target

_CACHES: dict[str, dict[str, dict[str, Any]]] = {
    "llama_cpp": {
        bits: {f"cache_type_{which}": name for which in "kv"}
        for bits, name in (("8", "q8_0"), ("16", "f16"), ("32", "f32"))
    },
    "vllm": {"8": {"kv_cache_dtype": "fp8"}, "16": {}},
}
"""The options for a KV cache in numbers of so many bits, by engine; others keep it in the numbers they compute in."""


def cache_options(engine: str, bits: str | None) -> dict[str, Any]:
    """Xinference's ``--kv-cache-dtype`` as options of this engine. Raises InvalidRequest where it has no such cache."""
    if bits is None:
        return {}
    known = _CACHES.get(engine, {"16": {}})
    if bits not in known:
        raise InvalidRequest(
            f"--kv-cache-dtype {bits[:20]}: on {engine} give {' or '.join(known)}", param="kv_cache_dtype"
        )
    return known[bits]


def of_plan(made: "Plan", target: "Target") -> "tuple[str, Need | None]":
    """The engine, and what a model of the catalogue needs there; None where its size is not known."""
    from models.ledger.parameters import need_of

    wanted = made.quantization.lower()
    fitting = [
        one
        for one in made.family.specs
        if (one.format, one.size) == (made.model_format, made.size) and wanted in map(str.lower, one.quantizations)
    ]
    engine = made.engine or next((name for one in fitting for name in one.engines), "")
    return engine, need_of(made.family, fitting[0], made.quantization, engine, target) if fitting else None


def of_nobody(
    size: float | None, model_format: str | None, quantization: str | None, engine: str | None, target: "Target"
) -> "tuple[str, str, Need]":
    """What it is called, its engine, and what a language model needs of which the size and format are known alone.

    Raises InvalidRequest.
    """
    from models.catalogue.entries import Family, Weights
    from models.catalogue.plans import format_named
    from models.ledger.parameters import need_of

    if size is None or model_format is None:
        raise InvalidRequest("give --model-name or --model-path, or --size-in-billions and --model-format")
    name = f"a model of {size:g} billion parameters"
    written = format_named(model_format, Family(name, "LLM", ()))
    usual = {"ggufv2": "llama_cpp", "pytorch": "transformers"}.get(written, "vllm")
    found = engine_named(engine or usual)
    if found is None:
        raise InvalidRequest(f"there is no engine '{engine}'; there are {', '.join(sorted(FACTS))}", param="engine")
    weights = Weights(written, size, quantizations=(quantization or "none",), engines=(found.name,))
    need = need_of(Family(name, "LLM", (weights,)), weights, quantization or "none", found.name, target)
    assert need is not None  # its size is known
    return name, found.name, need
