"""Who leaves for those that wait, of a whole fleet (workers.steward.residency.room)."""

from typing import Any

from models.launching.placing import Placed
from models.ledger.fit import Holding, Room
from models.ledger.placement.deciding import Decision, Shortfall
from models.rows.records import PendingReplica
from workers.steward.residency.evicting import Rules
from workers.steward.residency.residents import Demand, Resident, Terms
from workers.steward.residency.room import make_room

RULES = Rules(turn_s=10, wait_s=30)


class Full:
    """A fleet in which everybody that waits lacks room on these devices."""

    def __init__(self, *short: Shortfall) -> None:
        self.short = short

    def decide(self, _: PendingReplica) -> Decision:
        return Decision(Placed((), "no room"), short=self.short)


def lacks(device: str, holder: str, node: str = "n") -> Shortfall:
    return Shortfall(20, Room(device, node, 24, 4, holdings=(Holding(f"{holder}-0", holder, 20),)))


def waits(uid: str, n_gpu: str = "1") -> PendingReplica:
    return PendingReplica(f"{uid}-0", uid, n_gpu, None, "echo", "", {}, None, None, None, None, None)


def idle(uid: str) -> Resident:
    return Resident(f"{uid}-0", uid, ("?",), 20, idle_s=99, resident_s=99)


def asked(fleet: Any, waiting: list[PendingReplica], *residents: Resident, **terms: Terms) -> Any:
    agreed = {one.uid: Terms(active=1) for one in residents} | terms
    return make_room(waiting, fleet, residents, agreed, {}, {}, RULES)


def test_for_two_devices_nobody_leaves_unless_both_can_be_made_free() -> None:
    fleet = Full(lacks("n.cuda:0", "p"), lacks("n.cuda:1", "a"))
    there = (idle("p"), idle("a"))
    found = asked(fleet, [waits("w", "2")], *there, p=Terms(pinned=True, active=1))
    assert (found.leave, found.made_for) == ({}, {})
    found = asked(fleet, [waits("w", "2")], *there)
    assert set(found.leave) == {"p-0", "a-0"}
    assert found.made_for == {"w-0": {"n.cuda:0", "n.cuda:1"}}


def test_two_devices_are_of_one_node() -> None:
    fleet = Full(lacks("m.cuda:0", "p", "m"), lacks("n.cuda:0", "a"), lacks("n.cuda:1", "b"))
    there = (idle("p"), idle("a"), idle("b"))
    found = asked(fleet, [waits("w", "2")], *there, p=Terms(pinned=True, active=1))
    assert set(found.leave) == {"a-0", "b-0"}


def test_a_model_that_was_launched_this_moment_waits_with_the_others() -> None:
    """Its row is read after those of the models: nothing is known of its load yet."""
    found = asked(Full(lacks("n.cuda:0", "a")), [waits("new")], idle("a"))
    assert found.made_for == {"new-0": {"n.cuda:0"}}


def test_what_is_made_free_is_for_one() -> None:
    fleet: Any = Full(lacks("n.cuda:0", "a"))
    found = make_room(
        [waits("v"), waits("w")],
        fleet,
        [idle("a")],
        {"a": Terms(active=1)},
        {"w": Demand(1, 9)},
        {},
        RULES,
    )
    assert found.made_for == {"w-0": {"n.cuda:0"}}
