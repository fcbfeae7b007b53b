"""Who leaves because nobody asks for it (workers.steward.residency.idling)."""

from dataclasses import replace

from workers.steward.residency.idling import SURPLUS_S, UNUSED_S, idle_replicas
from workers.steward.residency.residents import Resident, Terms

ONE = Resident("a-0", "a", idle_s=61, resident_s=1000)
MINUTE = {"a": Terms(keep_alive_s=60)}


def test_who_is_idle_for_long_enough_leaves() -> None:
    assert idle_replicas([ONE], MINUTE, ()) == ["a-0"]
    assert idle_replicas([replace(ONE, idle_s=59)], MINUTE, ()) == []
    assert idle_replicas([ONE], {"a": Terms()}, ()) == [], "by default for ever"


def test_who_is_needed_stays() -> None:
    assert idle_replicas([replace(ONE, busy=True)], MINUTE, ()) == []
    assert idle_replicas([ONE], MINUTE, {"a"}) == [], "something waits for it"
    assert idle_replicas([ONE], {"a": Terms(keep_alive_s=60, pinned=True)}, ()) == []
    assert idle_replicas([replace(ONE, leaving=True)], MINUTE, ()) == [], "it is asked once"
    assert idle_replicas([ONE], {}, ()) == [], "it was terminated"


def test_a_time_of_zero_is_after_the_answer_and_not_before_it() -> None:
    at_once = {"a": Terms(keep_alive_s=0)}
    fresh = replace(ONE, idle_s=1, resident_s=1)
    assert idle_replicas([fresh], at_once, ()) == [], "it was loaded for somebody, who comes now"
    assert idle_replicas([replace(fresh, idle_s=0.5)], at_once, ()) == ["a-0"], "it has answered"
    assert idle_replicas([replace(fresh, idle_s=UNUSED_S, resident_s=UNUSED_S)], at_once, ()) == ["a-0"]


def test_the_replicas_of_a_model_leave_together() -> None:
    other = replace(ONE, id="a-1", idle_s=5)
    assert idle_replicas([ONE, other], MINUTE, ()) == []
    assert idle_replicas([ONE, replace(other, idle_s=70)], MINUTE, ()) == ["a-0", "a-1"]


def test_of_a_model_whose_number_changes_the_idlest_leave_down_to_the_least() -> None:
    three = [replace(ONE, id=f"a-{n}", idle_s=70 + n) for n in range(3)]
    assert idle_replicas(three, {"a": Terms(60, least=1, most=3)}, ()) == ["a-2", "a-1"]
    assert idle_replicas(three, {"a": Terms(60, least=0, most=3)}, ()) == ["a-2", "a-1", "a-0"]
    assert idle_replicas(three, {"a": Terms(60, least=2, most=3)}, ()) == ["a-2"]
    assert idle_replicas([replace(three[0], busy=True), *three[1:]], {"a": Terms(60, least=1, most=3)}, ()) == [
        "a-2",
        "a-1",
    ]


def test_a_surplus_replica_leaves_also_where_the_last_stays_for_ever() -> None:
    two = [replace(ONE, id=f"a-{n}", idle_s=SURPLUS_S + 1) for n in range(2)]
    assert idle_replicas(two, {"a": Terms(least=0, most=2)}, ()) == ["a-0"]
