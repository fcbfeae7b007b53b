"""Who is served next, and how much room there is: pure decisions, driven by arbitrary loads."""

from collections import Counter, deque
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from models.rows.jobs import BATCH_PRIORITY, PRIORITY_MS
from workers.device.fairness import QUIET_S, RECENT_S, Busyness, Shares, room, worst_normal

NOW = 1_800_000_000_000
HOUR_MS = 3_600_000


@dataclass
class Line:
    """Jobs that wait for one slot, by key, each as its rank; and who was served, in order."""

    now: int = NOW
    waiting: dict[str, deque[int]] = field(default_factory=dict)
    shares: Shares = field(default_factory=Shares)
    order: list[str] = field(default_factory=list)

    def add(self, key: str, jobs: int = 1, priority: int = 0) -> None:
        ranks = [self.now - priority * PRIORITY_MS] * jobs
        self.waiting[key] = deque(sorted([*self.waiting.get(key, ()), *ranks]))

    def serve(self, times: int = 1) -> list[str]:
        """Serve so many; their keys."""
        for _ in range(times):
            heads = {key: ranks[0] for key, ranks in self.waiting.items() if ranks}
            key = self.shares.order(heads, self.now)[0]
            self.waiting[key].popleft()
            self.shares.served(key, 1)
            self.order.append(key)
        return self.order[-times:]


def test_a_few_jobs_do_not_wait_for_a_thousand_of_another_key() -> None:
    line = Line()
    line.add("many", 1000)
    line.now += 1000
    line.add("few", 10)
    assert line.serve(20) == ["many", "few"] * 10
    assert set(line.serve(100)) == {"many"}


def test_who_joins_late_does_not_catch_up() -> None:
    line = Line()
    line.add("first", 1000)
    line.serve(500)
    line.add("late", 1000)
    assert Counter(line.serve(100)) == {"first": 50, "late": 50}


def test_who_comes_and_goes_gains_nothing() -> None:
    line = Line()
    line.add("steady", 500)
    for _ in range(100):
        line.add("now and then")
        line.serve(4)
    assert Counter(line.order)["now and then"] == 100
    line.add("now and then", 100)
    assert Counter(line.serve(40)) == {"steady": 20, "now and then": 20}


def test_low_jobs_give_way_and_earn_nothing_by_it() -> None:
    line = Line()
    line.add("batch", 100, BATCH_PRIORITY)
    assert line.serve(5) == ["batch"] * 5
    line.add("live", 300)
    assert line.serve(200) == ["live"] * 200
    line.add("other", 300)  # joins the live one, not the batch that stands far behind
    assert Counter(line.serve(100)) == {"live": 50, "other": 50}


def test_low_jobs_of_two_keys_take_turns() -> None:
    line = Line()
    line.add("one", 50, BATCH_PRIORITY)
    line.now += 60_000
    line.add("two", 50, BATCH_PRIORITY)
    assert Counter(line.serve(40)) == {"one": 20, "two": 20}


def test_a_low_job_is_served_in_the_end() -> None:
    """However many fresh jobs of other keys come: it ages until it has its turn among them, and no more than that."""
    line = Line()
    line.add("batch", 50, BATCH_PRIORITY)
    hours = 0
    while "batch" not in line.order:
        line.now += HOUR_MS
        hours += 1
        line.add("live", 10)
        line.serve(10)
        assert hours < 24
    assert hours >= 12
    line.add("live", 100)
    assert abs(Counter(line.serve(40))["batch"] - 20) <= 10


def test_of_one_key_the_best_rank_comes_first() -> None:
    shares = Shares()
    assert shares.order({"b": NOW - 1, "a": NOW, "c": worst_normal(NOW) + 1}, NOW) == ["b", "a", "c"]
    shares.served("b", 1)
    assert shares.order({"b": NOW - 1, "a": NOW, "c": worst_normal(NOW) + 1}, NOW) == ["a", "b", "c"]


def test_jobs_that_are_claimed_at_once_count_as_many_turns() -> None:
    shares, heads = Shares(), {"many": NOW - 1, "single": NOW}
    assert shares.order(heads, NOW)[0] == "many"
    shares.served("many", 3)
    for _ in range(3):
        assert shares.order(heads, NOW)[0] == "single"
        shares.served("single", 1)
    assert shares.order(heads, NOW)[0] == "many", "they stand level, and its job ranks before"


@given(
    arrivals=st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(1, 20), st.sampled_from([0, 0, 5, -99, BATCH_PRIORITY])),
        min_size=1,
        max_size=12,
    ),
    served=st.lists(st.integers(0, 15), min_size=12, max_size=12),
)
def test_keys_that_wait_on_are_served_alike(arrivals: list[tuple[str, int, int]], served: list[int]) -> None:
    line = Line()
    for (key, jobs, priority), times in zip(arrivals, served, strict=False):
        line.add(key, jobs, priority)
        worst = worst_normal(line.now)
        for _ in range(min(times, sum(map(len, line.waiting.values())))):
            normal = {one for one, ranks in line.waiting.items() if ranks and ranks[0] <= worst}
            [key] = line.serve()
            assert not normal or key in normal
    begun = len(line.order)
    patient = {one for one, ranks in line.waiting.items() if len(ranks) > 8 and ranks[8] <= worst_normal(line.now)}
    line.serve(min(8, sum(map(len, line.waiting.values()))))
    turns = Counter(line.order[begun:])
    if len(patient) > 1:
        assert max(turns[one] for one in patient) - min(turns[one] for one in patient) <= 2  # one ahead before, one now


loads = st.builds(
    Busyness,
    capacity=st.integers(1, 8) | st.integers(1, 512),
    interactive=st.integers(0, 8) | st.integers(0, 600),
    jobs=st.integers(0, 8) | st.integers(0, 600),
    low=st.integers(0, 600),
    idle_s=st.floats(0, 100),
    shared=st.booleans(),
)


@given(load=loads)
def test_room_is_never_more_than_there_is(load: Busyness) -> None:
    more, low = room(load)
    assert 0 <= low <= more <= load.capacity
    if more:
        held = load.interactive + load.jobs + more
        assert held <= load.capacity
        if load.shared and load.capacity > 1:
            assert held < load.capacity, "a slot is left for the next interactive request"


@given(load=loads)
def test_low_jobs_leave_most_of_a_shared_replica(load: Busyness) -> None:
    _, low = room(load)
    if load.shared and load.capacity > 1 and low:
        used = load.interactive > 0 or load.idle_s < RECENT_S
        part = 8 if used else 4 if load.idle_s < QUIET_S else 1
        assert load.low + low <= max(load.capacity // part, 1)
    if load.shared and load.capacity == 1 and load.idle_s < RECENT_S:
        assert low == 0


def test_an_idle_replica_is_used() -> None:
    assert room(Busyness(1, 0, 0, 0, 100.0)) == (1, 1)
    assert room(Busyness(1, 0, 0, 0, 2.9)) == (1, 0), "the next request may come at once"
    assert room(Busyness(8, 0, 0, 0, 2.9)) == (7, 1)
    assert room(Busyness(8, 0, 0, 0, 10.0)) == (7, 2)
    assert room(Busyness(8, 0, 0, 0, 100.0)) == (7, 7)
    assert room(Busyness(4, 0, 0, 0, 0.0, shared=False)) == (4, 4)
