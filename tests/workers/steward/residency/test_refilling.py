"""Which replicas come back that have left for another model (workers.steward.residency.refilling)."""

from types import SimpleNamespace
from typing import Any

import pytest

from models.rows.states import Leaving
from workers.steward.residency.refilling import missed
from workers.steward.residency.residents import Terms


def rows(*states: str, leaving: Leaving | None = None) -> Any:
    """Replicas of one model."""
    return [SimpleNamespace(id=f"m-{n}", uid="m", state=state, leaving=leaving) for n, state in enumerate(states)]


def test_one_at_a_time_comes_back_while_others_serve() -> None:
    assert missed(rows("dormant", "ready", "dormant"), {"m": Terms()}) == ["m-0"]
    assert missed(rows("ready", "ready"), {"m": Terms()}) == []


@pytest.mark.parametrize("states", [("dormant", "dormant"), ("dormant", "pending"), ("dormant", "ready", "loading")])
def test_what_sleeps_as_a_whole_or_is_being_loaded_is_left_alone(states: tuple[str, ...]) -> None:
    assert missed(rows(*states), {"m": Terms()}) == []


def test_nobody_comes_where_another_has_failed_or_leaves() -> None:
    assert missed(rows("dormant", "ready", "failed"), {"m": Terms()}) == []
    assert missed(rows("dormant", "ready", leaving=Leaving.IF_IDLE), {"m": Terms()}) == []


def test_of_a_number_that_changes_the_queue_decides() -> None:
    assert missed(rows("dormant", "ready"), {"m": Terms(least=1, most=2)}) == []
    assert missed(rows("dormant", "ready"), {}) == []
