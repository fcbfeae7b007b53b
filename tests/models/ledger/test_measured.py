"""``models.ledger.measured``: how far what was measured corrects an estimate."""

from dataclasses import replace

import pytest

from models.ledger.measured import corrected
from models.ledger.need import GIB, Need, in_words

NEED = Need(
    weights=4 * GIB, overhead=2 * GIB, cache=2 * GIB, least_cache=2 * GIB, context=4096, requests=4, certain=3 * GIB
)


@pytest.mark.parametrize(
    ("measured", "on_gpu", "total"),
    [
        (9, True, 9),  # more than was estimated
        (9, False, 9),
        (8, True, 8),
        (7, True, 7),  # less
        (7, False, 7),
        (5, True, 5),
        (5, False, 6),  # weights and cache may not have been touched yet
        (1, True, 3),  # the headers are certain of so much
    ],
)
def test_an_estimate_becomes_what_was_measured_within_what_is_known(measured: int, on_gpu: bool, total: int) -> None:
    found = corrected(NEED, measured * GIB, on_gpu=on_gpu)
    assert (found.total, found.least, found.measured) == (total * GIB, total * GIB, measured * GIB)
    assert replace(found, measured=0, correction=0) == NEED


def test_what_may_have_been_a_smaller_cache_lowers_nothing() -> None:
    fits_itself = replace(NEED, least_cache=GIB)
    assert corrected(fits_itself, 5 * GIB, on_gpu=True).total == 8 * GIB
    raised = corrected(fits_itself, 9 * GIB, on_gpu=True)
    assert (raised.total, raised.least) == (9 * GIB, 8 * GIB)


def test_what_was_measured_as_a_whole_has_no_unknown_part() -> None:
    assert corrected(replace(NEED, unknown=("the cache",)), 9 * GIB, on_gpu=True).unknown == ()


def test_the_words_say_that_it_was_measured() -> None:
    assert in_words("m", corrected(NEED, 9 * GIB, on_gpu=True)).endswith("2.0 overhead, 1.0 more, as it was measured)")
    assert in_words("m", corrected(NEED, 7 * GIB, on_gpu=True)).endswith("2.0 overhead, 1.0 less, as it was measured)")
    assert in_words("m", corrected(NEED, 8 * GIB, on_gpu=True)).endswith("2.0 overhead)")
