"""What computes a model's answers, decided by its configuration before any weights are read.

transformers' own batching has one cache for all, of pages, and shares prefixes; but it takes attention alone, and gives
other tokens than the library's ``generate`` for many networks that it takes. So it has those for which it is proven
(``tests/families/test_text.py``), and the Stepper has the others.
"""

import logging
from dataclasses import dataclass
from typing import Any, Literal

from models.launching.options.context import POSITIONS, known_positions

log = logging.getLogger(__name__)

PROVEN = frozenset(
    [
        *("afmoe", "apertus", "arcee", "bert", "biogpt", "bitnet", "cohere", "cohere2", "cwm", "dots1", "ernie4_5"),
        *("ernie4_5_moe", "exaone4", "exaone_moe", "flex_olmo", "gemma", "gemma3_text", "gemma3n_text", "gemma4_text"),
        *("glm", "glm4", "glm4_moe", "gpt2", "gpt_bigcode", "gpt_neox", "granite", "granitemoe", "granitemoehybrid"),
        *("granitemoeshared", "helium", "hunyuan_v1_dense", "hunyuan_v1_moe", "internlm3", "llama", "minimax_m2"),
        *("ministral", "ministral3", "mistral", "mixtral", "modernbert-decoder", "nanochat", "olmo", "olmo2", "olmo3"),
        *("olmoe", "opt", "persimmon", "phi", "phi3", "phimoe", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "seed_oss"),
        *("smollm3", "solar_open", "starcoder2"),
    ]
)
"""Types of networks, as their configurations name them, for which transformers' own batching is exact."""

_LAYERS = frozenset(["full_attention", "sliding_attention"])
"""The kinds of layers that it takes; networks of one type may have others, too."""


@dataclass(frozen=True, slots=True)
class Way:
    """What computes the answers of a model, and why it is not transformers' own batching where it is not."""

    batching: Literal["manager", "stepper"]
    why: str = ""


def way_of(config: Any, attention: str | None, *, multimodal: bool) -> Way:
    """What computes a model of this configuration, with this implementation of attention (None: its own default)."""
    text = config.get_text_config()
    others = sorted({*(getattr(text, "layer_types", None) or ())} - _LAYERS)
    if multimodal:
        return Way("stepper", "it sees or hears")
    if attention == "eager":
        return Way("stepper", "transformers' own batching is not exact with eager attention")
    if others:
        return Way("stepper", f"it has layers of {', '.join(others)}")
    if config.model_type not in PROVEN:
        return Way("stepper", f"transformers' own batching is not proven for {config.model_type}")
    return Way("manager")


def settle_positions(config: Any, n_ctx: int) -> bool:
    """Let a network with LongRoPE count positions in one way, whatever the lengths of the prompts in a batch are.

    It has two sets of factors, for contexts below and above a border, and transformers takes one for a whole batch. So
    the set is the context's. Returns whether the configuration was changed.
    """
    text = config.get_text_config()
    rope = getattr(text, "rope_parameters", None) or {}
    if rope.get("rope_type") != "longrope":
        return False
    border = rope.get("original_max_position_embeddings") or getattr(text, "original_max_position_embeddings", None)
    if border is None or context_of(text, n_ctx) <= border:
        return False
    log.info("a context above %d tokens: positions of all requests are counted with the long factors", border)
    rope["short_factor"] = rope["long_factor"]
    return True


def context_of(text: Any, n_ctx: int) -> int:
    """The tokens of a request: as asked for, within the positions that the network knows."""
    return min(n_ctx, known_positions({name: getattr(text, name, None) for name in POSITIONS}) or n_ctx)
