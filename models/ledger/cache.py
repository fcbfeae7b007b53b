"""What the memory of a model's past tokens takes: keys and values, latent vectors, states. Pure; sizes in bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_BLOCKS = {"q8_0": 34, "q5_1": 24, "q5_0": 22, "q4_1": 20, "q4_0": 18}  # bytes of 32 numbers
GGML_BYTES = {"f32": 4.0, "f16": 2.0, "bf16": 2.0} | {name: size / 32 for name, size in _BLOCKS.items()}
"""What a number takes in a cache of llama.cpp of this type."""

_MOST = 1 << 24
"""Most of any number of a configuration that is believed."""


@dataclass(frozen=True, slots=True)
class CacheLayout:
    """``token_bytes`` for each token of a request, in all layers; ``state_bytes`` once for each request.

    ``window_bytes`` for each token of the last ``window`` of a request, in the layers that see no more.
    """

    token_bytes: int = 0
    state_bytes: int = 0
    window_bytes: int = 0
    window: int = 0

    def of(self, context: int, requests: int) -> int:
        """What so many requests of so many tokens take."""
        seen = min(context, self.window) if self.window else context
        return requests * (context * self.token_bytes + seen * self.window_bytes + self.state_bytes)


def of_gguf(facts: Mapping[str, Any], key_type: str, value_type: str) -> CacheLayout | None:
    """llama.cpp's cache, from the header of a GGUF file; None where the file does not say it.

    Layers that see a window alone count as if they saw all, which is more than llama.cpp takes.
    """
    token = gguf_token_bytes(facts, key_type, value_type)
    state = _gguf_state(facts)
    return None if token is None and not state else CacheLayout(token or 0, state)


def gguf_token_bytes(facts: Mapping[str, Any], key_type: str, value_type: str) -> int | None:
    """What one token of llama.cpp's KV cache takes, in all layers; None where the file does not say it."""
    prefix = facts.get("general.architecture")
    layers, heads = facts.get(f"{prefix}.block_count"), facts.get(f"{prefix}.attention.head_count")
    kv_heads = facts.get(f"{prefix}.attention.head_count_kv", heads)
    if not _number(layers) or not layers or not _sane(heads, kv_heads) or not heads or not kv_heads:
        return None
    most = max(heads) if isinstance(heads, tuple) else heads
    width = facts.get(f"{prefix}.embedding_length", 0)
    size = width // most if _number(width) and most else 0
    key, value = (facts.get(f"{prefix}.attention.{name}_length", size) for name in ("key", "value"))
    if not _number(key) or not _number(value):
        return None
    taken = key * GGML_BYTES[key_type]
    taken += value * GGML_BYTES[value_type]
    return int((sum(kv_heads) if isinstance(kv_heads, tuple) else layers * kv_heads) * taken) or None


def _gguf_state(facts: Mapping[str, Any]) -> int:
    """What llama.cpp keeps of a request in the layers with states, in float32; 0 where there are none."""
    prefix = facts.get("general.architecture")
    named = ("conv_kernel", "inner_size", "state_size", "group_count")
    kernel, inner, state, groups = (facts.get(f"{prefix}.ssm.{name}", 0) for name in named)
    layers, kv_heads = facts.get(f"{prefix}.block_count"), facts.get(f"{prefix}.attention.head_count_kv")
    if not all(map(_number, (layers, kernel, inner, state, groups))) or not (layers and kernel and inner and state):
        return 0
    count = kv_heads.count(0) if isinstance(kv_heads, tuple) else layers
    return int(count * ((kernel - 1) * (inner + 2 * groups * state) + state * inner) * 4)


def _sane(*values: Any) -> bool:
    """Whether these are numbers that a network may have, or tuples of such."""
    return all(_number(one) for value in values for one in (value if isinstance(value, tuple) else (value,)))


def _number(value: Any) -> bool:
    """Whether this is one number that a network may have."""
    return isinstance(value, int) and 0 <= value <= _MOST


def text_config(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of a configuration that is about the network of text: all of it, or an inner one."""
    for name in ("thinker_config", "text_config", "llm_config", "language_config"):
        if isinstance(inner := config.get(name), dict):
            return text_config({"torch_dtype": config.get("torch_dtype"), "dtype": config.get("dtype"), **inner})
    return config


def of_config(config: Mapping[str, Any], number: float, *, latent: bool, windows: bool) -> CacheLayout | None:
    """The cache of a network of transformers, from its configuration; None where that does not say it.

    ``number``: bytes of a number. ``latent``: where keys and values come from one latent vector, that is what is kept
    (as vLLM does). ``windows``: of layers with a sliding window no more than that is kept.
    """
    text = text_config(config)
    layers = _first(text, "num_hidden_layers", "n_layer", "n_layers", "num_layers")
    heads = _first(text, "num_attention_heads", "n_head", "n_heads")
    width = _first(text, "hidden_size", "n_embd", "d_model")
    if not layers or not heads or layers > 10_000:
        return None
    kinds = _kinds(text, layers)
    full, sliding = kinds.count("full_attention"), kinds.count("sliding_attention")
    window = _first(text, "sliding_window")
    if not windows or not window:
        full, sliding = full + sliding, 0
    one = _layer_numbers(text, heads, width, latent=latent)
    others = [kind for kind in kinds if kind not in ("full_attention", "sliding_attention")]
    states = [_state(text, kind, number) for kind in others]
    if one is None or None in states:
        return None
    return CacheLayout(
        int(full * one * number), sum(one or 0 for one in states), int(sliding * one * number), window if sliding else 0
    )


def _kinds(text: Mapping[str, Any], layers: int) -> list[str]:
    """The kind of each layer."""
    named = text.get("layer_types") or text.get("layers_block_type")
    if isinstance(named, list) and len(named) >= layers:
        full = {"attention": "full_attention"}
        return [full.get(str(one), str(one)) for one in named[:layers]]
    return ["full_attention"] * layers


def _layer_numbers(text: Mapping[str, Any], heads: int, width: int, *, latent: bool) -> int | None:
    """How many numbers a layer keeps of a token."""
    rank = _first(text, "kv_lora_rank")
    if rank and latent:
        return rank + _first(text, "qk_rope_head_dim")
    head = _first(text, "head_dim", "qk_head_dim") or (width // heads if width else 0)
    if rank:
        key = _first(text, "qk_nope_head_dim") + _first(text, "qk_rope_head_dim") or head
        return heads * (key + (_first(text, "v_head_dim") or head)) or None
    kv_heads = _first(text, "num_key_value_heads", "multi_query_group_num")
    if not kv_heads:
        kv_heads = 1 if text.get("multi_query") is True else heads
    return 2 * kv_heads * head or None


def _state(text: Mapping[str, Any], kind: str, number: float) -> int | None:
    """What a layer with a state keeps of a request; None for kinds that are not known."""
    if kind == "linear_attention":
        keys, values = _first(text, "linear_num_key_heads"), _first(text, "linear_num_value_heads")
        size, width = _first(text, "linear_key_head_dim"), _first(text, "linear_value_head_dim")
        mixed = (2 * keys * size + values * width) * (_first(text, "linear_conv_kernel_dim") or 4)
        return int(values * size * width * 4 + mixed * number) if values and size and width else None
    if kind == "mamba":
        heads, size, states = (_first(text, f"mamba_{name}") for name in ("n_heads", "d_head", "d_state"))
        inner = heads * size or _first(text, "mamba_expand") * _first(text, "hidden_size")
        mixed = (inner + 2 * _first(text, "mamba_n_groups") * states) * (_first(text, "mamba_d_conv") or 4)
        return int((inner * states + mixed) * number) if inner and states else None
    return None


def _first(config: Mapping[str, Any], *names: str) -> int:
    """The first of these that is a sane number; 0 where there is none."""
    found = (config.get(name) for name in names)
    return next((one for one in found if isinstance(one, int) and not isinstance(one, bool) and 0 < one <= _MOST), 0)
