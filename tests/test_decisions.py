"""The decisions, each a pure function: where a request goes, where a replica goes, what a device holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.gateway.placement import Candidate, order, retry_after
from models.rows.tables import ReplicaState
from workers.device.residency import Act, Deaths, after_death, plan
from workers.steward import placing

READY, STOPPING, FAILED, ASSIGNED = (
    ReplicaState.READY,
    ReplicaState.STOPPING,
    ReplicaState.FAILED,
    ReplicaState.ASSIGNED,
)


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


def test_a_gpu_goes_before_the_cpu_and_an_empty_device_before_a_full_one() -> None:
    devices = [
        placing.DeviceCandidate("cpu", "cpu", 0),
        placing.DeviceCandidate("g0", "cuda", 2),
        placing.DeviceCandidate("g1", "cuda", 1),
    ]
    assert placing.choose("auto", devices, {}) == "g1"
    assert placing.choose("auto", devices, {"g1": 1}) == "g0"
    assert placing.choose("0", devices, {}) == "cpu"
    assert placing.choose("1", devices[:1], {}) is None
    assert placing.choose("auto", [], {}) is None


def test_the_plan_starts_stops_and_forgets() -> None:
    wanted = {"new": ASSIGNED, "kept": READY, "going": STOPPING, "gone": STOPPING, "broken": FAILED, "lost": READY}
    acts = plan(wanted, {"kept", "going", "stray"}, {}, now=0)
    assert acts == [
        (Act.STOP, "going"),
        (Act.STOP, "stray"),
        (Act.START, "new"),
        (Act.FORGET, "gone"),
        (Act.START, "lost"),
    ]


def test_a_replica_that_died_waits_for_its_pause() -> None:
    attempts = {"a": Deaths(deaths=1, not_before=5)}
    assert plan({"a": READY}, set(), attempts, now=4) == []
    assert plan({"a": READY}, set(), attempts, now=5) == [(Act.START, "a")]


def test_a_runner_that_served_is_loaded_again_at_once_then_with_pauses() -> None:
    attempts = Deaths()
    pauses = []
    for _ in range(9):
        assert after_death(attempts, served_s=1, permanent=False, now=100)
        pauses.append(attempts.not_before - 100)
    assert pauses == [0, 1, 2, 4, 8, 16, 30, 30, 30]
    assert after_death(attempts, served_s=61, permanent=False, now=100)
    assert attempts.not_before == 100


def test_a_load_that_keeps_failing_is_given_up() -> None:
    attempts = Deaths()
    assert [after_death(attempts, served_s=None, permanent=False, now=0) for _ in range(3)] == [True, True, False]
    assert not after_death(Deaths(), served_s=None, permanent=True, now=0)
