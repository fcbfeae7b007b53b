"""What is said of a batch's progress."""

from dataclasses import fields
from typing import Any

import pytest

from api.routes.batches import eta_s, shown
from models.rows.records import BatchRow
from models.rows.states import BatchState, JobState


def row(**known: Any) -> BatchRow:
    """A batch of 100 lines that began at 10 s."""
    nothing: dict[str, Any] = dict.fromkeys(field.name for field in fields(BatchRow))
    began = {"state": BatchState.IN_PROGRESS, "total": 100, "created_at": 5_000, "expires_at": 90_000}
    return BatchRow(**nothing | began | {"in_progress_at": 10_000} | known)


@pytest.mark.parametrize(
    ("done", "now", "eta"),
    [(0, 20_000, None), (10, 20_000, 90.0), (40, 30_000, 30.0), (100, 30_000, 0.0), (10, 9_000, 0.0)],
)
def test_it_goes_on_at_its_pace(done: int, now: int, eta: float | None) -> None:
    assert eta_s(row(), done, now) == eta


@pytest.mark.parametrize("state", [BatchState.FINALIZING, BatchState.CANCELLING, BatchState.COMPLETED])
def test_one_that_answers_no_more_has_no_eta(state: BatchState) -> None:
    assert eta_s(row(state=state), 10, 20_000) is None


def test_failed_lines_are_done_too() -> None:
    told = shown(row(), {JobState.SUCCEEDED: 6, JobState.FAILED: 3, JobState.EXPIRED: 1, JobState.RUNNING: 4}, 20_000)
    assert told["request_counts"] == {"total": 100, "completed": 6, "failed": 4}
    assert told["eta_s"] == 90.0
