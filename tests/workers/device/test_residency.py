"""What a device holds, and what follows a runner's death: pure decisions."""

from models.rows.states import ReplicaState
from workers.device.residency import Act, Deaths, after_death, plan

READY, STOPPING, FAILED, ASSIGNED = (
    ReplicaState.READY,
    ReplicaState.STOPPING,
    ReplicaState.FAILED,
    ReplicaState.ASSIGNED,
)


def test_the_plan_starts_stops_and_forgets() -> None:
    wanted = {"new": ASSIGNED, "kept": READY, "going": STOPPING, "gone": STOPPING, "broken": FAILED, "lost": READY}
    acts = plan(wanted, {"kept", "going", "stray"}, {}, now=0)
    assert acts == [
        (Act.STOP, "going"),
        (Act.STOP, "stray"),
        (Act.FORGET, "gone"),
        (Act.START, "new"),
        (Act.START, "lost"),
    ]


def test_a_replica_that_is_placed_anew_gets_a_new_runner() -> None:
    assert plan({"a": ASSIGNED}, {"a"}, {}, now=0) == [(Act.STOP, "a")]
    assert plan({"a": ASSIGNED}, set(), {}, now=0) == [(Act.START, "a")]


def test_the_important_are_loaded_first() -> None:
    order, wanted = {"a": 100, "b": 100, "z": 1}, {"z": ASSIGNED, "a": ASSIGNED, "b": ASSIGNED}
    assert plan(wanted, set(), {}, 0, order) == [(Act.START, "z")]
    assert plan(wanted, {"z"}, {}, 0, order, {"z"}) == [(Act.STOP, "z")]  # placed anew
    wanted["z"] = READY
    assert plan(wanted, {"z"}, {}, 0, order, {"z"}) == []
    assert plan(wanted, {"z"}, {}, 0, order) == [(Act.START, "a"), (Act.START, "b")]
    assert plan(wanted, {"a", "b"}, {}, 0, order, {"a"})[-1] == (Act.START, "z")
    waiting = {"z": Deaths(deaths=1, not_before=5)}
    assert plan(wanted, set(), waiting, 4, order) == [(Act.START, "a"), (Act.START, "b")]


def test_a_replica_that_died_waits_for_its_pause() -> None:
    deaths = {"a": Deaths(deaths=1, not_before=5)}
    assert plan({"a": READY}, set(), deaths, now=4) == []
    assert plan({"a": READY}, set(), deaths, now=5) == [(Act.START, "a")]


def test_a_runner_that_served_is_loaded_again_at_once_then_with_pauses() -> None:
    deaths = Deaths()
    pauses = []
    for _ in range(9):
        assert after_death(deaths, served_s=1, permanent=False, now=100)
        pauses.append(deaths.not_before - 100)
    assert pauses == [0, 1, 2, 4, 8, 16, 30, 30, 30]
    assert after_death(deaths, served_s=61, permanent=False, now=100)
    assert deaths.not_before == 100


def test_a_load_that_keeps_failing_is_given_up() -> None:
    deaths = Deaths()
    assert [after_death(deaths, served_s=None, permanent=False, now=0) for _ in range(3)] == [True, True, False]
    assert not after_death(Deaths(), served_s=None, permanent=True, now=0)


def test_a_hub_that_does_not_answer_is_asked_once_a_try() -> None:
    assert not after_death(Deaths(), served_s=None, permanent=False, now=0, unreachable=True)
