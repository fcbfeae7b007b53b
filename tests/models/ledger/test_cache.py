"""``models.ledger.cache``: what past tokens take, by the arithmetic of each layout."""

from typing import Any

import pytest

from models.ledger.cache import CacheLayout, of_config, of_gguf, text_config

QWEN3_8B = {
    "model_type": "qwen3",
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "hidden_size": 4096,
}
DEEPSEEK = {
    "num_hidden_layers": 61,
    "num_attention_heads": 128,
    "num_key_value_heads": 128,
    "hidden_size": 7168,
    "kv_lora_rank": 512,
    "qk_rope_head_dim": 64,
    "qk_nope_head_dim": 128,
    "v_head_dim": 128,
}
GEMMA = QWEN3_8B | {
    "layer_types": ["sliding_attention"] * 30 + ["full_attention"] * 6,
    "sliding_window": 1024,
}
QWEN3_NEXT = {
    "num_hidden_layers": 48,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "head_dim": 256,
    "layer_types": (["linear_attention"] * 3 + ["full_attention"]) * 12,
    "hidden_size": 2048,
    "linear_num_key_heads": 16,
    "linear_num_value_heads": 32,
    "linear_key_head_dim": 128,
    "linear_value_head_dim": 128,
    "linear_conv_kernel_dim": 4,
}


def layout(config: dict[str, Any], *, latent: bool = False, windows: bool = False) -> CacheLayout:
    found = of_config(config, 2, latent=latent, windows=windows)
    assert found is not None
    return found


def test_keys_and_values_of_the_heads_that_have_them() -> None:
    assert layout(QWEN3_8B).of(32_768, 4) == 4 * 32_768 * 36 * 2 * 8 * 128 * 2
    assert layout({"n_layer": 2, "n_head": 4, "n_embd": 64}).token_bytes == 2 * 2 * 4 * 16 * 2
    assert layout({"n_layer": 2, "n_head": 4, "n_embd": 64, "multi_query": True}).token_bytes == 2 * 2 * 16 * 2


def test_a_latent_vector_is_kept_where_the_engine_keeps_that() -> None:
    assert layout(DEEPSEEK, latent=True).token_bytes == 61 * (512 + 64) * 2
    assert layout(DEEPSEEK).token_bytes == 61 * 128 * (128 + 64 + 128) * 2


def test_layers_with_a_window_keep_no_more_where_the_engine_knows_it() -> None:
    one = 2 * 8 * 128 * 2
    assert layout(GEMMA, windows=True).of(8192, 3) == 3 * one * (6 * 8192 + 30 * 1024)
    assert layout(GEMMA, windows=True).of(512, 1) == one * 36 * 512
    assert layout(GEMMA).of(8192, 1) == one * 36 * 8192


def test_layers_with_states_take_as_much_whatever_the_context() -> None:
    found = layout(QWEN3_NEXT)
    state = 36 * (32 * 128 * 128 * 4 + (2 * 16 * 128 + 32 * 128) * 4 * 2)
    assert found.of(1000, 2) == 2 * (1000 * 12 * 2 * 2 * 256 * 2 + state)


def test_layers_that_are_not_known_are_not_guessed() -> None:
    assert of_config(QWEN3_8B | {"layer_types": ["something_new"] * 36}, 2, latent=False, windows=False) is None


@pytest.mark.parametrize(
    "broken",
    [
        {"num_hidden_layers": -36},
        {"num_hidden_layers": 1 << 60},
        {"num_attention_heads": 0},
        {"num_attention_heads": "32"},
        {"num_hidden_layers": True},
    ],
)
def test_numbers_that_no_network_has_give_no_layout(broken: dict[str, Any]) -> None:
    assert of_config(QWEN3_8B | broken, 2, latent=False, windows=False) is None


def test_the_network_of_text_is_found_within_others() -> None:
    inner = {"hidden_size": 8}
    assert text_config({"thinker_config": {"text_config": inner}})["hidden_size"] == 8
    assert text_config({"text_config": inner, "dtype": "float16"})["dtype"] == "float16"
    assert text_config(inner) == inner


def gguf(**facts: Any) -> dict[str, Any]:
    return {"general.architecture": "x"} | {f"x.{name.replace('__', '.')}": value for name, value in facts.items()}


def test_a_gguf_file_says_what_its_states_are() -> None:
    facts = gguf(
        block_count=4,
        embedding_length=64,
        attention__head_count=4,
        attention__head_count_kv=(0, 2, 0, 2),
        ssm__conv_kernel=4,
        ssm__inner_size=128,
        ssm__state_size=16,
        ssm__group_count=1,
    )
    found = of_gguf(facts, "f16", "f16")
    assert found == CacheLayout(4 * 2 * 16 * 2, 2 * (3 * (128 + 2 * 16) + 16 * 128) * 4)


@pytest.mark.parametrize("broken", [{"block_count": -4}, {"block_count": "4"}, {"attention__head_count": (-1,)}])
def test_a_gguf_file_with_absurd_numbers_has_no_layout(broken: dict[str, Any]) -> None:
    facts = gguf(**{"block_count": 4, "embedding_length": 64, "attention__head_count": 4} | broken)
    assert of_gguf(facts, "f16", "f16") is None
