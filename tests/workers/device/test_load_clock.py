"""When a load takes too long."""

from workers.device.load_clock import LoadClock


def test_what_fetches_must_go_on() -> None:
    clock = LoadClock(now=100)
    assert not clock.overdue(10, now=110)
    assert "fetching the weights did not go on for HEADRACE_LOAD_TIMEOUT_S (10 s)" in clock.overdue(10, now=111)
    clock.went_on(0.1, now=109)
    assert not clock.overdue(10, now=119)
    clock.went_on(0.1, now=119)
    assert clock.overdue(10, now=120), "to say the same again is no progress"


def test_the_wait_for_a_turn_counts_nothing() -> None:
    clock = LoadClock(now=100)
    clock.waits()
    assert not clock.overdue(10, now=1000)
    clock.begins(now=1000)
    assert not clock.overdue(10, now=1010)
    clock.went_on(0.5, now=1009)
    assert clock.overdue(10, now=1011) == "the load took longer than HEADRACE_LOAD_TIMEOUT_S (10 s)"
