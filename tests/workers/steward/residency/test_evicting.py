"""Which models leave for others (workers.steward.residency.evicting), also over minutes of traffic, simulated."""

from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from workers.steward.residency.evicting import Rules, Shelf, Wanted, plan
from workers.steward.residency.residents import Demand, Resident, Terms

RULES = Rules(turn_s=10, wait_s=30)
GIB = 1 << 30
OLD = Resident("old-0", "old", ("d",), 4 * GIB, idle_s=500, resident_s=900, reload_s=10)
NEW = Resident("new-0", "new", ("d",), 4 * GIB, idle_s=20, resident_s=900, reload_s=10)
LAUNCHED = Wanted("w", Demand())
TERMS = {"old": Terms(active=1), "new": Terms(active=1)}


def leaves(missing: int, *residents: Resident, wanted: Wanted = LAUNCHED, **terms: Terms) -> tuple[str, ...]:
    return plan(wanted, [Shelf("d", missing, residents)], {**TERMS, **terms}, RULES).idle


def test_who_was_not_used_for_longest_leaves() -> None:
    assert leaves(3 * GIB, NEW, OLD) == ("old-0",)
    assert leaves(5 * GIB, NEW, OLD) == ("old-0", "new-0")


def test_what_is_quick_to_load_again_leaves_rather() -> None:
    assert leaves(3 * GIB, replace(NEW, idle_s=400, reload_s=2), OLD) == ("new-0",)


def test_nobody_leaves_who_need_not() -> None:
    small = replace(OLD, id="small-0", uid="small", bytes=GIB, idle_s=800)
    assert leaves(4 * GIB, small, OLD, NEW, small=Terms(active=1)) == ("old-0",)


def test_the_device_where_the_least_is_lost_is_taken() -> None:
    shelves = [Shelf("d", GIB, [replace(OLD, reload_s=60)]), Shelf("e", GIB, [NEW])]
    assert plan(LAUNCHED, shelves, TERMS, RULES).idle == ("new-0",)


@pytest.mark.parametrize("terms", [Terms(pinned=True, active=1), Terms(least=1, most=2, active=1)])
def test_who_must_stay_stays(terms: Terms) -> None:
    found = plan(Wanted("w", Demand(9, 1e6)), [Shelf("d", GIB, [OLD])], {"old": terms}, RULES)
    assert (found.idle, found.drained, found.hopeless) == ((), (), True)
    assert leaves(GIB, OLD, old=Terms(least=1, most=2, active=2)) == ("old-0",)


def test_what_was_loaded_a_moment_ago_has_its_turn() -> None:
    fresh = replace(OLD, resident_s=9, idle_s=9)
    found = plan(Wanted("w", Demand(1, 1e6)), [Shelf("d", GIB, [fresh])], TERMS, RULES)
    assert (found.idle, found.drained, found.hopeless) == ((), (), False)
    assert "d are in use" in found.reason


def test_who_is_busy_is_drained_once_others_have_waited_long_enough() -> None:
    busy = replace(OLD, busy=True, idle_s=0)
    shelf = [Shelf("d", GIB, [busy])]
    for demand, drained in ((Demand(1, 19), ()), (Demand(1, 20), ("old-0",)), (Demand(0, 99), ())):
        found = plan(Wanted("w", demand, load_s=10), shelf, TERMS, RULES)
        assert (found.idle, found.drained) == ((), drained)
    assert plan(Wanted("w", Demand(1, 99)), [Shelf("d", GIB, [busy, NEW])], TERMS, RULES).idle == ("new-0",)


def test_who_leaves_already_is_waited_for() -> None:
    gone = replace(OLD, leaving=True, busy=True)
    found = plan(Wanted("w", Demand(1, 99)), [Shelf("d", 3 * GIB, [gone, NEW])], TERMS, RULES)
    assert (found.idle, found.drained, found.going) == ((), (), ("old-0",))
    found = plan(Wanted("w", Demand(1, 99)), [Shelf("d", 5 * GIB, [gone, NEW])], TERMS, RULES)
    assert (found.idle, found.going) == ((), ("old-0",)), "an idle one serves until the busy one has left"
    ended = replace(gone, busy=False)
    assert plan(Wanted("w", Demand(1, 99)), [Shelf("d", 5 * GIB, [ended, NEW])], TERMS, RULES).idle == ("new-0",)


def test_what_takes_long_to_load_serves_for_as_long() -> None:
    slow = replace(OLD, busy=True, idle_s=0, reload_s=60, resident_s=50)
    wanted = Wanted("w", Demand(1, 99), load_s=60)
    assert plan(wanted, [Shelf("d", GIB, [slow])], TERMS, RULES).drained == ()
    assert plan(wanted, [Shelf("d", GIB, [replace(slow, resident_s=60)])], TERMS, RULES).drained == ("old-0",)
    soon = Wanted("w", Demand(1, 9), load_s=60)
    assert plan(soon, [Shelf("d", GIB, [replace(slow, resident_s=60)])], TERMS, RULES).drained == ()


def test_for_a_batch_nobody_leaves_who_was_idle_for_a_breath() -> None:
    batch = Wanted("w", Demand(100, 0))
    breath = replace(OLD, idle_s=1)
    assert plan(batch, [Shelf("d", GIB, [breath])], TERMS, RULES).idle == ()
    assert plan(batch, [Shelf("d", GIB, [replace(OLD, idle_s=31)])], TERMS, RULES).idle == ("old-0",)
    assert plan(LAUNCHED, [Shelf("d", GIB, [breath])], TERMS, RULES).idle == ("old-0",)


def test_of_several_replicas_the_least_number_stays() -> None:
    second = replace(OLD, id="old-1")
    terms = {"old": Terms(least=1, most=3, active=2)}
    shelf = [Shelf("d", 5 * GIB, [OLD, second])]
    assert plan(LAUNCHED, shelf, terms, RULES).hopeless, "only one of them may leave"
    assert leaves(3 * GIB, OLD, second, old=terms["old"]) == ("old-0",)


def test_nobody_leaves_where_that_would_not_be_enough() -> None:
    assert leaves(9 * GIB, OLD, NEW) == ()


# ---- over time ---------------------------------------------------------------------------------------------

STEP = 0.5


@dataclass
class Device:
    """A device that holds one of several models, of which each takes ``load_s`` to load. Times are in seconds."""

    load_s: float
    service_s: float
    now: float = 0.0
    resident: str = ""
    ready_at: float = 0.0
    used_at: float = 0.0
    leaving: bool = False
    running: list[float] = field(default_factory=list)
    waiting: dict[str, list[float]] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)

    def ask(self, uid: str) -> None:
        """A request comes."""
        self.waiting.setdefault(uid, []).append(self.now)

    def step(self, rules: Rules) -> None:
        """One turn of gateway, worker and steward."""
        self.now += STEP
        self.running = [end for end in self.running if end > self.now]
        if self.running:
            self.used_at = self.now
        if self.resident and self.now >= self.ready_at and not self.leaving:
            for since in self.waiting.pop(self.resident, []):
                self.waits.append(self.now - since)
                self.running.append(self.now + self.service_s)
                self.used_at = self.now
        if self.leaving and not self.running:
            self.resident, self.leaving = "", False
        others = {uid: one[0] for uid, one in self.waiting.items() if (one and uid != self.resident) or self.leaving}
        if not others:
            return
        uid = min(others, key=lambda one: others[one])
        if not self.resident:
            self.resident, self.ready_at = uid, self.now + self.load_s
            self.used_at = self.ready_at
            self.loads.append(self.now)
        elif self.now >= self.ready_at:
            self._make_room(uid, rules)

    def _make_room(self, uid: str, rules: Rules) -> None:
        there = Resident(
            "there",
            self.resident,
            ("d",),
            1,
            busy=bool(self.running),
            idle_s=self.now - self.used_at,
            resident_s=self.now - self.ready_at,
            reload_s=self.load_s,
            leaving=self.leaving,
        )
        demand = Demand(len(self.waiting[uid]), self.now - self.waiting[uid][0])
        found = plan(Wanted(uid, demand, self.load_s), [Shelf("d", 1, [there])], {}, rules)
        self.leaving = self.leaving or bool(found.idle or found.drained)


@pytest.mark.parametrize("every_s", [0.5, 2.0, 7.0])
@pytest.mark.parametrize("service_s", [0.2, 3.0])
@pytest.mark.parametrize("load_s", [2.0, 8.0])
def test_two_models_that_do_not_fit_together_take_turns(every_s: float, service_s: float, load_s: float) -> None:
    device = Device(load_s, service_s)
    asked = 0
    while device.now < 1200:
        while asked * every_s <= device.now:
            device.ask("ab"[asked % 2])
            asked += 1
        device.step(RULES)
    for _ in range(200):
        device.step(RULES)

    assert len(device.waits) == asked, "each is answered"
    assert max(device.waits) <= RULES.wait_s + service_s + 3 * STEP
    between = [later - before for before, later in pairwise(device.loads)]
    assert min(between) >= load_s + RULES.turn_s, "no model leaves before it had its turn"
    if every_s <= 2:
        assert asked / len(device.loads) > 5, "requests are served in runs"


def test_of_three_models_each_has_its_turn() -> None:
    device = Device(4.0, 1.0)
    for second in range(1200):
        device.now = float(second)
        device.ask("abc"[second % 3])
        for _ in range(2):
            device.step(RULES)
            device.now -= STEP
    assert max(device.waits) <= 2 * (RULES.wait_s + 4.0), "each further one adds a turn"
