"""When more replicas are loaded (workers.steward.residency.scaling)."""

from workers.steward.residency.residents import Demand, Terms
from workers.steward.residency.scaling import Copies, more

TERMS = Terms(least=1, most=3)
NOTHING = Demand()
LATE = Demand(5, 11)


def test_a_queue_that_lasts_loads_one_more() -> None:
    assert more(Copies(2, 0, (11,)), TERMS, NOTHING, 10) == 1
    assert more(Copies(2, 0, (9,)), TERMS, NOTHING, 10) == 0, "a burst"
    assert more(Copies(1, 0, (11, 3)), TERMS, NOTHING, 10) == 0, "the newest has room"
    assert more(Copies(2, 0, (0,)), TERMS, LATE, 10) == 1, "jobs wait"
    assert more(Copies(2, 0, (0,)), TERMS, Demand(5, 9), 10) == 0


def test_one_comes_at_a_time_and_no_more_than_there_may_be() -> None:
    assert more(Copies(1, 1, (11,)), TERMS, LATE, 10) == 0
    assert more(Copies(0, 0, (11, 11, 11)), TERMS, LATE, 10) == 0
    assert more(Copies(1, 0, (11, 11)), Terms(least=1, most=2), LATE, 10) == 0


def test_what_has_left_of_a_fixed_number_comes_back_for_a_queue() -> None:
    assert more(Copies(2, 0, (11,)), Terms(), LATE, 10) == 2
    assert more(Copies(2, 0, (0,)), Terms(), Demand(), 10) == 0
    assert more(Copies(2, 0, ()), Terms(), LATE, 10) == 0, "all are asleep: a request wakes them"
    assert more(Copies(3, 0, ()), Terms(least=0, most=3), LATE, 10) == 0, "who asks a dormant model awakens it"


def test_the_least_number_is_kept() -> None:
    assert more(Copies(3, 0, ()), Terms(least=2, most=3), NOTHING, 10) == 2
    assert more(Copies(1, 1, ()), Terms(least=2, most=3), NOTHING, 10) == 1
    assert more(Copies(0, 0, ()), Terms(least=2, most=3), NOTHING, 10) == 0, "the others have failed"
    assert more(Copies(3, 0, (), failed=1), Terms(least=2, most=4), NOTHING, 10) == 1, "one has failed, as all would"
    assert more(Copies(3, 0, (), failed=2), Terms(least=2, most=4), NOTHING, 10) == 0
