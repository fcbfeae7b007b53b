"""Records against the tables that their rows come from, and rows of both databases as records."""

from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import sqlalchemy as sa

from models.rows import jobs, records
from models.rows.database import Database
from models.rows.fetching import Record, columns, fetch, fetch_one, names
from models.rows.jobs import NewJob
from models.rows.records import JobRow, JobStatus, JobSummary
from models.rows.states import JobState
from models.rows.tables import jobs as table
from models.rows.tables import metadata


def all_records() -> Iterator[type[Record]]:
    """Every record that the module defines."""
    for found in vars(records).values():
        if isinstance(found, type) and issubclass(found, Record) and found is not Record:
            yield found


COMPUTED: dict[str, dict[str, Any]] = {
    "PendingReplica": {
        "n_gpu": str,
        "gpu_idx": list[int] | None,
        "engine": str,
        "source": str,
        "options": dict[str, Any],
        "need": dict[str, Any] | None,
        "node": str | None,
        "replica_config": list[dict[str, Any]] | None,
    },
    "LoadedDevice": {"load": int},
    "PlacedReplica": {"priority": int},
    "OpenBatch": {"unfinished": int, "now": int},
    "BatchLine": {"body": dict[str, Any] | None},
    "DueDelivery": {"now": int},
}
"""What statements give to records beyond the columns of their tables."""

WHOLE = {
    "InstanceRow": "instances",
    "ReplicaRow": "replicas",
    "DeviceRow": "devices",
    "EventRow": "events",
    "JobRow": "jobs",
    "BatchRow": "batches",
    "FileRow": "files",
    "DeliveryRow": "deliveries",
    "ResponseRow": "responses",
    "RegistrationRow": "registrations",
}
"""The records that have every column of a table."""

NEVER_NONE = {("BatchLine", "line")}
"""Fields that the statement's condition leaves no None in."""

UNPASSED = {"leases", "measured", "results"}
"""Tables whose rows no function returns."""

every_record = pytest.mark.parametrize("record", list(all_records()), ids=lambda record: record.__name__)


@every_record
def test_fields_are_columns_of_the_same_types(record: type[Record]) -> None:
    hints, computed = get_type_hints(record), COMPUTED.get(record.__name__, {})
    for name in names(record):
        if name in computed:
            assert name not in record.table.c
            assert hints[name] == computed[name]
            continue
        column = record.table.c[name]
        kind, nullable = without_none(hints[name])
        assert nullable == column.nullable or (record.__name__, name) in NEVER_NONE, (
            f"{record.__name__}.{name} may be None, or may not"
        )
        assert holds(column, kind), f"{record.__name__}.{name} is {kind}, its column {column.type!r}"


def without_none(hint: Any) -> tuple[Any, bool]:
    """The type apart from None, and whether None is allowed."""
    kinds = [one for one in get_args(hint) if one is not NoneType] if isinstance(hint, UnionType) else [hint]
    assert len(kinds) == 1, hint
    return kinds[0], isinstance(hint, UnionType)


def holds(column: sa.Column[Any], kind: Any) -> bool:
    """Whether values of this column are of this type."""
    if isinstance(column.type, sa.JSON):
        return get_origin(kind) in (dict, list)
    return kind is column.type.python_type


def test_every_table_has_a_whole_record() -> None:
    whole = (record for record in all_records() if set(names(record)) == set(record.table.c.keys()))
    assert {record.__name__: record.table.name for record in whole} == WHOLE
    assert set(WHOLE.values()) | UNPASSED == set(metadata.tables)


def test_states_are_known_to_the_database() -> None:
    """The members of a column's type are those that the table's check allows."""
    for one in metadata.tables.values():
        if "state" not in one.c or one.name == "batches":
            continue
        kind = one.c.state.type.python_type
        assert issubclass(kind, StrEnum)
        [check] = [c for c in one.constraints if isinstance(c, sa.CheckConstraint) and "state_known" in str(c.name)]
        assert str(check.sqltext) == f"state IN ({', '.join(repr(state.value) for state in kind)})"


def test_a_job_comes_as_it_was_submitted(database: Database) -> None:
    new = NewJob("job_1", "completions", "m", {"prompt": "hi"}, "key", {"a": "jobs/job_1/a"}, 2, 60.0, line=7)
    [done] = database.call(jobs.submit, [new], None)
    assert isinstance(done, jobs.Submitted)
    row = database.call(jobs.get, "job_1", "key")
    assert row == jobs.as_queued(new, done.queued_at)
    assert row.state is JobState.QUEUED
    assert (row.rank, row.deadline) == (done.queued_at - 120_000, done.queued_at + 60_000)
    with pytest.raises(FrozenInstanceError):
        row.state = JobState.RUNNING  # type: ignore[misc]


def test_a_record_takes_columns_by_name(database: Database) -> None:
    database.call(jobs.submit, [NewJob("job_1", "completions", "m", {})], None)
    backwards = sa.select(*reversed(table.c))
    with database.begin() as connection:
        [row] = fetch(connection, backwards, JobRow)
        assert row == jobs.get(connection, "job_1", None)
        assert fetch_one(connection, backwards, JobStatus) == JobStatus("job_1", JobState.QUEUED, 0, 0.0, None)
        assert fetch_one(connection, backwards.where(sa.false()), JobStatus) is None
        with pytest.raises(sa.exc.NoSuchColumnError):
            fetch(connection, sa.select(*columns(JobSummary)), JobRow)
