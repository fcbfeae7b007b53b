"""Every layout of text that is tried: the type of its configuration, and what makes it tiny."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Way = Literal["manager", "stepper", "refused"]
"""What serves a layout on the transformers engine."""

_TINY: dict[str, Any] = {
    "vocab_size": 512,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "tie_word_embeddings": False,
    "initializer_range": 0.1,
}
_OLD: dict[str, Any] = {"n_embd": 64, "n_head": 4, "n_layer": 3, "n_positions": 2048, "n_inner": 96}
_MOE: dict[str, Any] = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 48}
_LOCAL: dict[str, Any] = {"num_local_experts": 4, "num_experts_per_tok": 2}
_ROUTED: dict[str, Any] = {
    "n_routed_experts": 4,
    "n_shared_experts": 1,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 48,
    "first_k_dense_replace": 1,
    "n_group": 2,
    "topk_group": 1,
    "routed_scaling_factor": 1.0,
}
_LATENT: dict[str, Any] = {
    "kv_lora_rank": 32,
    "q_lora_rank": 48,
    "qk_nope_head_dim": 16,
    "qk_rope_head_dim": 8,
    "v_head_dim": 16,
    "num_key_value_heads": 4,
}
_INDEXED: dict[str, Any] = {"index_n_heads": 4, "index_head_dim": 16, "index_topk": 32}
_DELTA: dict[str, Any] = {
    "linear_num_value_heads": 4,
    "linear_num_key_heads": 2,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
    "linear_conv_kernel_dim": 4,
    "head_dim": 16,
}
_MIX: dict[str, Any] = {
    "mamba_n_heads": 8,
    "mamba_d_state": 16,
    "mamba_d_head": 16,
    "mamba_n_groups": 1,
    "mamba_chunk_size": 16,
}
_YARN = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0, "original_max_position_embeddings": 512}
_LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 1e4,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 256,
}
_WINDOW = {"sliding_window": 32}


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout: the type of its configuration, what is set in place of the tiny defaults, and what serves it."""

    name: str
    kind: str
    way: Way
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def configuration(self) -> dict[str, Any]:
        """All settings of its configuration."""
        return {**_TINY, **self.settings}


def _of(way: Way, *rows: tuple[str, str] | tuple[str, str, Mapping[str, Any]]) -> dict[str, Layout]:
    return {row[0]: Layout(row[0], row[1], way, row[2] if len(row) > 2 else {}) for row in rows}


MANAGER = _of(
    "manager",
    ("llama", "llama"),
    ("llama31", "llama", {"rope_parameters": _LLAMA3}),
    ("llama_yarn", "llama", {"rope_parameters": _YARN}),
    ("mistral", "mistral", _WINDOW),
    ("mistral_full", "mistral", {"sliding_window": None}),
    ("ministral", "ministral", {**_WINDOW, "head_dim": 16}),
    ("ministral3", "ministral3", {"head_dim": 16}),
    ("mixtral", "mixtral", {**_LOCAL, "sliding_window": None}),
    ("qwen2", "qwen2"),
    ("qwen2_sw", "qwen2", {**_WINDOW, "use_sliding_window": True, "max_window_layers": 2}),
    ("qwen2_moe", "qwen2_moe", {**_MOE, "shared_expert_intermediate_size": 48}),
    ("qwen3", "qwen3", {"head_dim": 16}),
    ("qwen3_moe", "qwen3_moe", {**_MOE, "head_dim": 16}),
    ("gemma", "gemma", {"head_dim": 16}),
    ("gemma3_text", "gemma3_text", {**_WINDOW, "head_dim": 16, "query_pre_attn_scalar": 16}),
    (
        "gemma3n_text",
        "gemma3n_text",
        {
            **_WINDOW,
            "head_dim": 16,
            "hidden_size_per_layer_input": 16,
            "vocab_size_per_layer_input": 512,
            "num_kv_shared_layers": 0,
            "layer_types": ["sliding_attention", "full_attention"] * 2,
            "laurel_rank": 8,
            "activation_sparsity_pattern": None,
        },
    ),
    (
        "gemma4_text",
        "gemma4_text",
        {
            **_WINDOW,
            "head_dim": 16,
            "global_head_dim": 16,
            "hidden_size_per_layer_input": 16,
            "vocab_size_per_layer_input": 512,
            "num_kv_shared_layers": 0,
            "layer_types": ["sliding_attention", "full_attention"] * 2,
        },
    ),
    ("phi", "phi"),
    ("phi3", "phi3", {"sliding_window": None}),
    ("phi3_sw", "phi3", _WINDOW),
    ("phimoe", "phimoe", _LOCAL),
    ("glm", "glm", {"head_dim": 16}),
    ("glm4", "glm4", {"head_dim": 16}),
    ("glm4_moe", "glm4_moe", {**_ROUTED, "head_dim": 16}),
    ("gpt2", "gpt2", _OLD),
    ("gpt_neox", "gpt_neox"),
    ("gpt_bigcode", "gpt_bigcode", _OLD),
    ("opt", "opt", {"ffn_dim": 96, "word_embed_proj_dim": 64}),
    ("biogpt", "biogpt"),
    ("persimmon", "persimmon"),
    ("olmo", "olmo"),
    ("olmo2", "olmo2"),
    ("olmo3", "olmo3", _WINDOW),
    ("olmoe", "olmoe", {"num_experts": 4, "num_experts_per_tok": 2}),
    ("flex_olmo", "flex_olmo", {"num_experts": 4, "num_experts_per_tok": 2}),
    ("granite", "granite"),
    ("granitemoe", "granitemoe", _LOCAL),
    ("granitemoeshared", "granitemoeshared", {**_LOCAL, "shared_intermediate_size": 48}),
    (
        "granitemoehybrid_dense",
        "granitemoehybrid",
        {
            "layer_types": ["attention"] * 4,
            "num_local_experts": 0,
            "num_experts_per_tok": 0,
            "shared_intermediate_size": 96,
            "position_embedding_type": "rope",
            **_MIX,
        },
    ),
    ("cohere", "cohere"),
    ("cohere2", "cohere2", _WINDOW),
    ("starcoder2", "starcoder2", {"sliding_window": None}),
    ("smollm3", "smollm3"),
    ("exaone4", "exaone4", {**_WINDOW, "sliding_window_pattern": 4}),
    ("exaone_moe", "exaone_moe", {**_MOE, **_WINDOW, "n_group": 1, "topk_group": 1, "num_shared_experts": 1}),
    ("ernie4_5", "ernie4_5", {"head_dim": 16}),
    ("ernie4_5_moe", "ernie4_5_moe", {"moe_num_experts": 4, "moe_k": 2, "moe_intermediate_size": 48}),
    ("hunyuan_v1_dense", "hunyuan_v1_dense", {"head_dim": 16}),
    ("hunyuan_v1_moe", "hunyuan_v1_moe", {"head_dim": 16, "num_experts": 4, "moe_topk": 2}),
    ("minimax_m2", "minimax_m2", {**_LOCAL, "head_dim": 16}),
    ("bitnet", "bitnet"),
    ("seed_oss", "seed_oss", {"head_dim": 16}),
    ("internlm3", "internlm3", {"head_dim": 16}),
    ("helium", "helium", {"head_dim": 16}),
    ("arcee", "arcee"),
    ("apertus", "apertus"),
    ("nanochat", "nanochat"),
    ("dots1", "dots1", {**_ROUTED, "head_dim": 16}),
    ("solar_open", "solar_open", {**_ROUTED, "head_dim": 16}),
    ("afmoe", "afmoe", {**_MOE, **_WINDOW, "head_dim": 16, "num_dense_layers": 1}),
    ("cwm", "cwm", {**_WINDOW, "head_dim": 16, "rope_parameters": _LLAMA3}),
    ("modernbert_decoder", "modernbert-decoder", {"local_attention": 32}),
    ("bert", "bert", {"is_decoder": True}),
)
