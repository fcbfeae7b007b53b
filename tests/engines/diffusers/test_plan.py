"""What a request is worth in steps."""

import pytest

from workers.engines.diffusers.plan import steps_for


@pytest.mark.parametrize(
    ("usual", "effort", "strength", "steps"),
    [
        (30, 1.0, None, 30),
        (30, 1.5, None, 45),
        (30, 0.5, None, 15),
        (200, 1.5, None, 250),
        (1, 0.5, None, 1),
        (4, 0.5, None, 2),
        (4, 0.5, 0.3, 4),  # two steps of which 0.3 are done are none
        (20, 0.5, 0.1, 10),
        (30, 1.0, 0.01, 30),
    ],
)
def test_effort_changes_the_steps_within_bounds(usual: int, effort: float, strength: float | None, steps: int) -> None:
    assert steps_for(usual, effort, strength) == steps
