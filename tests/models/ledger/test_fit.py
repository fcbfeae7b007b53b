"""``models.ledger.fit`` and its words: whether a model fits, and the numbers of a refusal."""

from dataclasses import replace

from models.ledger.fit import Room, fits, refusal
from models.ledger.need import GIB, Need, in_words

QWEN = Need(
    weights=int(5.4 * GIB),
    overhead=int(0.6 * GIB),
    cache=int(1.9 * GIB),
    least_cache=int(1.9 * GIB),
    context=32_768,
    requests=4,
    certain=int(7.3 * GIB),
)
CARD = Room("box.cuda:0", "box", 24 * GIB, int(3.1 * GIB), {"bge-m3": int(1.2 * GIB), "whisper": GIB})


def test_a_need_is_said_with_its_parts() -> None:
    said = in_words("qwen3 8B awq", QWEN)
    assert said == "qwen3 8B awq needs 7.9 GiB (5.4 weights, 1.9 KV cache for 32,768 × 4, 0.60 overhead)"  # noqa: RUF001


def test_a_refusal_has_the_numbers() -> None:
    said = refusal("qwen3", QWEN, [CARD])
    assert said is not None
    assert said.startswith("qwen3 needs 7.9 GiB (5.4 weights, 1.9 KV cache")
    assert said.endswith("; box.cuda:0 has 3.1 of 24.0 GiB free, 2.2 idle could be unloaded (bge-m3, whisper)")


def test_what_idle_models_hold_counts_as_free() -> None:
    assert refusal("qwen3", replace(QWEN, certain=int(5.2 * GIB)), [CARD]) is None
    assert refusal("qwen3", replace(QWEN, certain=int(5.2 * GIB)), [replace(CARD, idle={})]) is not None


def test_an_estimate_within_its_margin_refuses_nothing() -> None:
    alone = replace(CARD, idle={}, free=10 * GIB)
    assert refusal("m", replace(QWEN, certain=int(11.0 * GIB)), [alone]) is None
    assert refusal("m", replace(QWEN, certain=int(11.2 * GIB)), [alone]) is not None
    assert refusal("m", replace(QWEN, certain=0), [replace(alone, free=0)]) is None


def test_a_device_that_does_not_say_what_is_free_refuses_nothing() -> None:
    unknown = Room("box.metal", "box", 24 * GIB, None)
    assert refusal("m", QWEN, [CARD, unknown]) is None
    assert refusal("m", QWEN, []) is None


def test_the_devices_of_one_node_are_taken_together() -> None:
    both = [CARD, replace(CARD, device="box.cuda:1")]
    elsewhere = [CARD, replace(CARD, device="other.cuda:0", node="other")]
    assert refusal("m", QWEN, both, count=2) is None
    assert refusal("m", QWEN, elsewhere, count=2) is not None
    assert refusal("m", QWEN, both, count=1) is not None


def test_it_fits_where_it_does_whatever_the_margin() -> None:
    need = replace(QWEN, weights=8 * GIB, cache=4 * GIB, least_cache=GIB, overhead=GIB)
    assert fits(need, replace(CARD, free=12 * GIB)) is True
    assert fits(need, replace(CARD, free=8 * GIB)) is False
    assert fits(need, replace(CARD, free=10 * GIB)) is None
    assert fits(need, replace(CARD, free=None)) is None
    assert fits(need, replace(CARD, free=6 * GIB), share=2) is True
    partly = replace(need, unknown=("the cache",))
    assert fits(partly, replace(CARD, free=12 * GIB)) is None
    assert fits(partly, replace(CARD, free=8 * GIB)) is False
