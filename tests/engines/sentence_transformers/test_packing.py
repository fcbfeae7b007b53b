"""Which sequences share a batch, and whose turn it is."""

from hypothesis import given
from hypothesis import strategies as st

from workers.engines.sentence_transformers.packing import SLACK, batch_of_first, round_due, share, worthwhile

LENGTHS = st.lists(st.integers(1, 600), min_size=1, max_size=80)


@given(LENGTHS, st.integers(64, 4096), st.integers(1, 64))
def test_a_batch_has_the_first_and_keeps_its_bounds(lengths: list[int], budget: int, most: int) -> None:
    batch = batch_of_first(lengths, budget, most)

    assert 0 in batch
    assert len(set(batch)) == len(batch) <= most
    chosen = [lengths[index] for index in batch]
    assert chosen == sorted(chosen, reverse=True)
    padded = len(batch) * chosen[0]
    assert len(batch) == 1 or padded <= budget
    assert padded - sum(chosen) <= max(SLACK, sum(chosen) // 8)


@given(LENGTHS)
def test_batch_after_batch_all_are_computed(lengths: list[int]) -> None:
    left, rounds = list(lengths), 0
    while left:
        taken = set(batch_of_first(left, 1024, 16))
        left = [length for index, length in enumerate(left) if index not in taken]
        rounds += 1
    assert rounds <= len(lengths)


def test_sequences_of_one_length_make_one_batch() -> None:
    assert len(batch_of_first([12] * 300, 4096, 256)) == 256
    assert len(batch_of_first([256, *[12] * 200], 4096, 256)) == 1, "they are not padded to the long one"
    assert batch_of_first([5], 4, 1) == [0], "a single one may be longer than the budget"


def test_lanes_share_what_waits() -> None:
    assert share(10_000, 0, 4096) == 4096
    assert share(3000, 1, 4096) == 1500
    assert share(200, 3, 4096) == 128, "too little is not divided"
    assert worthwhile(5, 0, 0)
    assert not worthwhile(127, 512, 1), "the lane that is busy will take them together"
    assert worthwhile(128, 512, 1)
    assert worthwhile(32, 64, 1), "the busy lane computes not much more"
    assert not worthwhile(31, 64, 1)
    assert worthwhile(32, 128, 2)


def test_a_request_has_a_quarter_of_a_batch_a_round() -> None:
    assert [round_due(7, before, 4000) for before in (0, 999, 1000, 8000)] == [7, 7, 8, 15]
