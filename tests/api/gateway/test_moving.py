"""Requests that wait at one replica go to another that would begin them sooner, and none goes forth and back."""

from hypothesis import given
from hypothesis import strategies as st

from api.gateway.dispatch import line_of
from api.gateway.inbox import Inbox
from api.gateway.placement import InLine, Line, moves
from models.redis.presence import Replica
from models.redis.stream import Frame, FrameKind


def line(epoch: str, busy: int, *waiting: int, reported: int = 0) -> Line:
    return Line(epoch, busy, [InLine(f"{epoch}{n}", tokens) for n, tokens in enumerate(waiting)], reported)


def after(lines: list[Line], moved: dict[str, str]) -> list[Line]:
    """The lines once those have gone."""
    all_ = {one.rid: one for each in lines for one in each.waiting}
    return [
        Line(
            each.epoch,
            each.busy,
            [
                *(one for one in each.waiting if one.rid not in moved),
                *(all_[rid] for rid, epoch in moved.items() if epoch == each.epoch),
            ],
            each.reported,
        )
        for each in lines
    ]


def test_those_that_wait_are_divided_once_another_replica_comes() -> None:
    moved = moves([line("a", 60, *[60] * 5), line("b", 0)])
    assert moved == {"a1": "b", "a3": "b"}, "every second one, so that who came first is served first"
    moved = moves([line("a", 60, *[60] * 20), line("b", 60, *[60] * 20), line("c", 0)])
    assert set(moved.values()) == {"c"}
    assert 12 <= len(moved) <= 14


def test_where_nothing_waits_nothing_moves() -> None:
    assert moves([line("a", 600), line("b", 0)]) == {}
    assert moves([]) == moves([line("a", 60, 60, 60)]) == {}


def test_who_would_wait_longer_elsewhere_stays() -> None:
    """A long answer is written there: those that wait here are short."""
    assert moves([line("a", 10, 10, 10), line("b", 1000)]) == {}
    assert moves([line("a", 1000, 10), line("b", 30)]) == {"a0": "b"}


def test_a_replica_that_others_use_is_left_to_them() -> None:
    assert moves([line("a", 60, 60, 60, 60), line("b", 0, reported=5000)]) == {}
    assert moves([line("a", 60, 60, 60, 60, reported=9000), line("b", 0, reported=5000)]) != {}


LINES = st.lists(
    st.tuples(st.integers(0, 500), st.lists(st.integers(1, 100), max_size=12), st.sampled_from([0, 0, 300, 2000])),
    min_size=2,
    max_size=4,
)


@given(LINES)
def test_all_find_their_place(given_: list[tuple[int, list[int], int]]) -> None:
    lines = [line(f"r{n}-", busy, *waiting, reported=said) for n, (busy, waiting, said) in enumerate(given_)]
    for _ in range(30):
        moved = moves(lines)
        later = after(lines, moved)
        if not any(one.reported for one in lines):
            assert max(one.tokens for one in later) <= max(one.tokens for one in lines), "the busiest gets no busier"
        lines = later
    assert moved == {}, "they go forth and back"


def inbox(rid: str, *, budget: int = 60) -> Inbox:
    return Inbox(rid, "m", "a", "d", [], 0.0, 1 << 20, budget=budget)


def test_what_is_computed_or_has_begun_stays() -> None:
    replica = Replica("m-0", "m", "a", "ready", max_inflight=2, outstanding_tokens=300)
    inboxes = [inbox(f"r{n}") for n in range(5)]
    inboxes[3].feed(Frame("r3", 0, FrameKind.EVENTS, b"x"), 0.0)
    found = line_of(replica, inboxes)
    assert [one.rid for one in found.waiting] == ["r2", "r4"]
    assert (found.busy, found.tokens, found.reported) == (179, 299, 300)
