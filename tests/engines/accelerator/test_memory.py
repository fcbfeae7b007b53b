"""How much of which card's memory a model gets, and for what."""

import pytest
import torch
import transformers
from transformers.generation.continuous_batching import cache as library

from models.errors import InvalidRequest
from tests.engines.accelerator.cards import A100, CARDS, GB10, GIB, H100, RTX_3060, RTX_4090, T4, M, less
from workers.engines.accelerator import memory
from workers.engines.accelerator.card import Card
from workers.engines.accelerator.memory import Attention, kv_tokens, pictures_at_once, share, slots

LLAMA_8B = Attention(32, 32, 8, 128, 4096, 128_256)
GEMMA_2B = Attention(26, 8, 4, 256, 2304, 256_000, 2)
QWEN_1_5B = Attention(28, 12, 2, 128, 1536, 151_936)
ALL = 32 * 4096


def tokens(card: Card, weights: float, model: Attention) -> int:
    """The cache of a model with so many GiB of weights, with the default options."""
    return kv_tokens(less(card, weights), model, 2, most=ALL, batch=2048, logits=32)


@pytest.mark.parametrize(
    ("name", "contexts_8b", "contexts_1_5b"),
    [
        ("T4", 0, 32),
        ("3060", 0, 32),
        ("4090", 10, 32),
        ("A100", 32, 32),
        ("H100", 32, 32),
        ("GB10", 32, 32),
        ("M", 0, 32),
    ],
)
def test_the_kv_cache_is_what_all_requests_need_or_what_fits(name: str, contexts_8b: int, contexts_1_5b: int) -> None:
    card = CARDS[name]
    assert tokens(card, 15, LLAMA_8B) // 4096 == contexts_8b
    assert tokens(card, 3, QWEN_1_5B) // 4096 == contexts_1_5b


def test_a_token_takes_its_place_in_the_cache_in_a_copy_and_in_the_mask() -> None:
    more = tokens(RTX_4090, 14, LLAMA_8B) - tokens(RTX_4090, 15, LLAMA_8B)

    cache, copy, mask = 2 * 32 * 8 * 128 * 2, (2 * 32 + 3 * 8) * 128 * 2 + 8, 2048 * 2
    assert more == pytest.approx(0.8 * GIB / (cache + copy + mask), abs=2)


def test_a_small_gemma_in_float32_fits_a_t4() -> None:
    assert kv_tokens(less(T4, 9.8), GEMMA_2B, 4, most=ALL, batch=2048, logits=32) > 2 * 4096


def test_a_neighbour_on_the_card_leaves_less_cache() -> None:
    assert tokens(less(H100, 55), 15, LLAMA_8B) < tokens(less(H100, 50), 15, LLAMA_8B) < ALL
    assert tokens(less(H100, 70), 15, LLAMA_8B) == 0


@pytest.mark.parametrize("card", [RTX_4090, A100, H100, less(H100, 50), GB10])
@pytest.mark.parametrize(("sliding", "keeps"), [(False, False), (False, True), (True, True)])
def test_transformers_accepts_the_kv_cache(
    card: Card, sliding: bool, keeps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own account of the memory, on a card with so much free, has room for the tokens that we ask for."""
    left = less(card, 15)
    used = left.total_bytes - left.free_bytes
    monkeypatch.setattr(
        library, "get_device_and_memory_breakdown", lambda: (torch.device("cpu"), left.total_bytes, 0, used)
    )
    config = transformers.AutoConfig.for_model(
        "llama",
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
        hidden_size=4096,
        vocab_size=128_256,
        attn_implementation="sdpa",
    )
    kinds = ["full_attention", "sliding_attention"] if sliding else ["full_attention"]
    model = Attention(32, 32, 8, 128, 4096, 128_256, len(kinds))
    asked = kv_tokens(left, model, 2, most=ALL, batch=2048, logits=32 if keeps else 2048)
    batching = transformers.ContinuousBatchingConfig(
        page_size=64, num_blocks=asked // 64, max_batch_tokens=2048, max_requests_per_batch=32, max_memory_percent=0.9
    )
    handler = library.PagedAttentionMemoryHandler(
        config=config,
        cb_config=batching,
        dtype=torch.bfloat16,
        bytes_per_sector=64 * model.token_bytes(2),
        tokens_per_sector=64,
        bytes_per_block=64 * model.token_bytes(2),
        attn_types=kinds,
        model_supports_logits_to_keep=keeps,
    )

    assert asked > 4096
    assert handler.infer_max_batch_tokens_and_num_sectors() == (2048, asked // 64)


@pytest.mark.parametrize(
    ("card", "weights", "token_bytes", "expected"),
    [
        (T4, 4.4, 57_344, 8),  # Qwen2.5 7B in Q4
        (T4, 4.6, 131_072, 8),  # Llama 8B
        (T4, 6.8, 393_216, 4),  # Gemma 3 12B
        (T4, 3.8, 524_288, 4),  # Llama 2 7B
        (RTX_3060, 6.8, 393_216, 2),
        (RTX_4090, 6.8, 393_216, 8),
        (H100, 40.0, 327_680, 8),  # Llama 70B
        (GB10, 40.0, 327_680, 8),
        (M, 4.6, 131_072, 8),
        (RTX_4090, 40.0, 327_680, 1),  # it does not fit at all: llama.cpp itself says so
    ],
)
def test_llama_cpp_gets_the_slots_that_fit(card: Card, weights: float, token_bytes: int, expected: int) -> None:
    assert slots(card, int(weights * GIB), token_bytes, context=4096, most=8) == expected


@pytest.mark.parametrize(
    ("name", "sdxl", "flux"),
    [("T4", 6, 1), ("3060", 3, 1), ("4090", 8, 1), ("A100", 8, 8), ("GB10", 8, 8), ("M", 2, 1)],
)
def test_pictures_are_drawn_together_as_far_as_they_fit(name: str, sdxl: int, flux: int) -> None:
    card = CARDS[name]
    assert pictures_at_once(less(card, 6.9), 1024 * 1024, 2, most=8) == sdxl
    assert pictures_at_once(less(card, 31.4), 1024 * 1024, 2, most=8) == flux


def test_small_pictures_are_drawn_together_where_large_ones_are_not() -> None:
    left = less(RTX_3060, 6.9)
    assert [pictures_at_once(left, side * side, 2, most=8) for side in (512, 1024, 2048)] == [8, 3, 1]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("T4", 0.92), ("3060", 0.92), ("4090", 0.92), ("A100", 0.92), ("H100", 0.92), ("GB10", 0.7917), ("M", 0.625)],
)
def test_vllm_gets_the_share_that_others_leave(name: str, expected: float) -> None:
    assert share([CARDS[name]], None) == expected


def test_the_share_is_less_beside_others_and_what_is_reserved_where_it_is() -> None:
    half = less(H100, 39)
    assert share([half], None, 20 << 30) == pytest.approx(20 / 80, abs=1e-3)
    assert share([half], None, 70 << 30) == share([half], None)
    assert share([half], None) == pytest.approx(39 / 80, abs=1e-3)  # a gibibyte of margin
    assert share([half], 20 * GIB) == 0.25
    assert share([half, less(H100, 9)], 40 * GIB) == 0.25
    assert share([less(H100, 79)], None) == 0.01
    assert share([H100], None) == memory.MOST_SHARE
    with pytest.raises(InvalidRequest, match="are free"):
        share([half], 60 * GIB)
