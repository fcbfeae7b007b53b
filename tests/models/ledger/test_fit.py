"""``models.ledger.fit`` and its words: whether a model fits, and the numbers of a refusal."""

from dataclasses import replace

from models.ledger.fit import Holding, Room, described, fits, fits_now, fits_with, reservation
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


def test_a_device_is_said_with_what_it_has() -> None:
    said = described(CARD)
    assert said == "box.cuda:0 has 3.1 of 24.0 GiB free, 2.2 idle could be unloaded (bge-m3, whisper)"
    assert described(replace(CARD, free=None)) == "box.cuda:0 does not say what it has free"


def test_a_budget_is_kept_to_the_byte() -> None:
    room = Room("box.cpu:0", "box", 24 * GIB, QWEN.least, rule="budget")
    assert fits_now(QWEN, room)
    assert not fits_now(QWEN, replace(room, free=QWEN.least - 1))
    assert fits_now(QWEN, replace(room, free=QWEN.least // 2 + 1), share=2)
    assert fits_with(QWEN, room, QWEN.least)
    assert not fits_with(QWEN, room, QWEN.least - 1)


def test_what_is_alone_on_a_card_may_try_within_the_margin() -> None:
    room = replace(CARD, idle={}, free=7 * GIB)
    assert fits_now(QWEN, room)
    assert not fits_now(QWEN, replace(room, holdings=(Holding("r", "m", GIB),)))
    assert not fits_now(QWEN, replace(room, free=6 * GIB))
    assert fits_with(QWEN, room, 7 * GIB)
    assert not fits_with(QWEN, room, 6 * GIB)


def test_of_the_machines_memory_only_what_is_certain_counts() -> None:
    room = replace(CARD, free=7 * GIB, holdings=(Holding("r", "m", GIB),), rule="soft")
    assert fits_now(QWEN, room)
    assert not fits_now(QWEN, replace(room, free=6 * GIB))
    partly = replace(QWEN, unknown=("the cache",))
    assert fits_now(partly, replace(room, rule="budget"))


def test_where_nothing_is_known_of_a_device_it_may_be_placed() -> None:
    room = replace(CARD, free=None)
    assert fits_now(QWEN, room)
    assert fits_with(QWEN, room, 0)


def test_as_much_is_reserved_as_there_is() -> None:
    need = replace(QWEN, weights=4 * GIB, overhead=GIB, cache=5 * GIB, least_cache=GIB)
    assert reservation(need, 24 * GIB) == 10 * GIB
    assert reservation(need, 8 * GIB) == 8 * GIB
    assert reservation(need, 3 * GIB) == 6 * GIB
    assert reservation(need, None, share=2) == 5 * GIB


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
