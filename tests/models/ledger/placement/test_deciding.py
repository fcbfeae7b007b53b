"""``models.ledger.placement.deciding``: where a replica goes by memory, what it waits for, and in which words."""

from dataclasses import replace

import pytest

from models.launching.placing import DeviceCandidate, Wish
from models.ledger.fit import Holding, Room, Rule
from models.ledger.need import GIB, Need
from models.ledger.placement.deciding import Offer, decide

NEED = Need(weights=2 * GIB, overhead=GIB, cache=GIB, least_cache=GIB, context=4096, requests=4, certain=3 * GIB)
WISH = Wish("llama_cpp")


def offer(
    name: str,
    free: int | None,
    *,
    total: int = 8,
    idle: int = 0,
    busy: int = 0,
    load: int = 0,
    node: str = "a",
    need: Need | None = NEED,
    rule: Rule | None = None,
) -> Offer:
    kind = name.partition(":")[0]
    held = [Holding("i-0", "idle", idle * GIB, idle=True)] if idle else []
    held += [Holding("b-0", "busy", busy * GIB)] if busy else []
    room = Room(
        f"{node}.{name}",
        node,
        total * GIB,
        None if free is None else free * GIB,
        {"idle": idle * GIB} if idle else {},
        tuple(held),
        rule or ("card" if kind == "cuda" else "budget"),
    )
    return Offer(DeviceCandidate(f"{node}.{name}", node, kind, load, {"llama_cpp": ""}), room, need)


@pytest.mark.parametrize(
    ("offers", "chosen", "reserved"),
    [
        ([offer("cpu:0", 3, busy=1), offer("cpu:1", 4, load=3)], ("a.cpu:1",), 4),
        ([offer("cpu:0", 5), offer("cpu:1", 8, load=1)], ("a.cpu:0",), 4),
        ([offer("cuda:0", 3, busy=5), offer("cuda:1", 4, load=3)], ("a.cuda:1",), 4),
        ([offer("cuda:0", 3, total=3)], ("a.cuda:0",), 4),
        ([offer("cuda:0", 3, busy=5), offer("cpu", 8)], ("a.cpu",), 4),
        ([offer("cuda:0", None)], ("a.cuda:0",), 4),
    ],
)
def test_what_has_room_now_is_taken(offers: list[Offer], chosen: tuple[str, ...], reserved: int) -> None:
    found = decide("m", WISH, offers, {})
    assert found.placed.devices == chosen
    assert found.reserved == reserved * GIB


def test_where_the_need_is_not_known_memory_does_not_count() -> None:
    found = decide("m", WISH, [offer("cpu:0", 0, busy=8, need=None), offer("cpu:1", 8, load=1, need=None)], {})
    assert (found.placed.devices, found.reserved) == (("a.cpu:0",), None)


def test_what_would_fit_if_others_left_waits_with_the_numbers() -> None:
    offers = [offer("cpu:0", 1, busy=7), offer("cpu:1", 2, total=6, idle=4), offer("cpu:2", 2, total=2)]
    found = decide("qwen", WISH, offers, {})
    assert found.placed.devices == ()
    assert not found.placed.hopeless
    assert found.possible
    assert found.placed.reason == (
        "qwen needs 4.0 GiB (2.0 weights, 1.0 KV cache for 4,096 × 4, 1.0 overhead); "  # noqa: RUF001
        "a.cpu:0 has 1.0 of 8.0 GiB free; a.cpu:1 has 2.0 of 6.0 GiB free, 4.0 idle could be unloaded (idle); "
        "a.cpu:2 has 2.0 of 2.0 GiB free"
    )
    assert [(one.room.device, one.wanted) for one in found.short] == [("a.cpu:0", 4 * GIB), ("a.cpu:1", 4 * GIB)]


def test_what_fits_nowhere_has_no_hope() -> None:
    found = decide("m", WISH, [offer("cpu:0", 3, total=3), offer("cpu:1", 1, total=2, idle=1)], {})
    assert found.placed.hopeless
    assert found.placed.param == "model_path"
    assert not found.possible
    assert found.short == ()


def test_memory_that_strangers_hold_is_waited_for() -> None:
    found = decide("m", WISH, [offer("cuda:0", 2, total=24)], {})
    assert not found.placed.hopeless
    assert not found.possible


def test_a_model_on_several_devices_takes_a_part_of_each() -> None:
    wish = Wish("llama_cpp", "2")
    offers = [offer("cuda:0", 2), offer("cuda:1", 1, busy=7), offer("cuda:2", 2, load=5)]
    found = decide("m", wish, offers, {})
    assert found.placed.devices == ("a.cuda:0", "a.cuda:2")
    assert found.reserved == 2 * GIB
    waits = decide("m", wish, offers[:2], {})
    assert waits.placed.reason.startswith("m needs 4.0 GiB")
    assert "divided among 2 devices; a.cuda:0" in waits.placed.reason
    assert [one.wanted for one in waits.short] == [2 * GIB]


def test_a_better_kind_is_waited_for_where_idle_models_are_unloaded() -> None:
    offers = [offer("cuda:0", 1, idle=3, busy=4), offer("cpu", 8)]
    assert decide("m", WISH, offers, {}).placed.devices == ("a.cpu",)
    found = decide("m", WISH, offers, {}, unloads=True)
    assert found.placed.devices == ()
    assert [one.room.device for one in found.short] == ["a.cuda:0"]
    too_few = [offer("cuda:0", 1, idle=2, busy=5), offer("cpu", 8)]
    assert decide("m", WISH, too_few, {}, unloads=True).placed.devices == ("a.cpu",)


def test_what_an_engine_cannot_do_is_said_as_before() -> None:
    broken = replace(offer("cpu:0", 8).candidate, engines={"llama_cpp": "it is not installed"})
    found = decide("m", WISH, [replace(offer("cpu:0", 8), candidate=broken)], {})
    assert found.placed.hopeless
    assert found.placed.param == "model_engine"
