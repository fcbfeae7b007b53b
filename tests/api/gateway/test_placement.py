"""Which replica a request goes to, and when to come again: pure decisions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.gateway.placement import Candidate, order, retry_after


def test_the_replica_with_the_fewest_outstanding_tokens_is_first() -> None:
    assert order([Candidate("a", 9), Candidate("b", 3), Candidate("c", 5)], "p") == ["b", "c", "a"]


@given(st.text())
def test_equal_replicas_are_chosen_by_prefix_and_a_lost_one_moves_only_its_own(prefix: str) -> None:
    names = ["a", "b", "c", "d"]
    first, *rest = order([Candidate(name, 0) for name in names], prefix)
    lost = rest[0]
    assert order([Candidate(name, 0) for name in names if name != lost], prefix)[0] == first


def test_prefixes_spread() -> None:
    candidates = [Candidate(name, 0) for name in "abcd"]
    firsts = [order(candidates, str(number))[0] for number in range(400)]
    assert all(firsts.count(name) > 40 for name in "abcd")


@pytest.mark.parametrize(
    ("waiting", "service", "inflight", "seconds"),
    [(0, 1, 1, 1), (10, 2, 4, 5), (11, 2, 4, 6), (9999, 60, 1, 30), (5, 0, 0, 1)],
)
def test_retry_after_is_the_queue_over_the_rate(waiting: int, service: float, inflight: int, seconds: int) -> None:
    assert retry_after(waiting, service, inflight) == seconds
