"""The webhook of a job, which is stored for delivery in the same transaction that ends the job."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.engine import Connection

from models.errors import HeadraceError
from models.rows import jobs, videos, webhooks
from models.rows.records import JobRow, JobSummary
from models.rows.states import FINAL, JobState
from models.rows.webhooks import WebhookEvent
from models.shapes import JobError, PublicJob


def notify(connection: Connection, moved: Iterable[JobSummary]) -> None:
    """Store the webhooks of those of these jobs that are over."""
    over = (row for row in moved if row.state in FINAL)
    webhooks.enqueue(connection, [_event(row, row.webhook) for row in over if row.webhook])


def _event(row: JobSummary, url: str) -> WebhookEvent:
    """The event of a job's end; OpenAI's, if it was asked for as a video of its API."""
    kind, data = videos.event_of(row) or (f"job.{row.state}", dict[str, Any](public(row)))
    return WebhookEvent(row.id, url, kind, data)


def cancel(connection: Connection, job: str) -> JobRow | None:
    """``jobs.cancel``; if that ends the job, also store its webhook."""
    row = jobs.cancel(connection, job)
    if row is not None:
        notify(connection, [row])
    return row


def public(row: JobSummary) -> PublicJob:
    """A job as clients see it, without the fields that depend on the gateway. Times are Unix seconds."""
    error = HeadraceError.from_row(row.error) if row.error and row.state != JobState.SUCCEEDED else None
    return {
        "id": row.id,
        "object": "job",
        "kind": row.kind,
        "model": row.uid,
        "state": row.state,
        "priority": row.priority,
        "progress": round(row.progress, 4),
        "attempt": row.attempt,
        "max_attempts": row.max_attempts,
        "created_at": row.queued_at // 1000,
        "started_at": _seconds(row.started_at),
        "finished_at": _seconds(row.finished_at),
        "deadline": _seconds(row.deadline),
        "error": None if error is None else _told(error),
        "metadata": row.metadata or {},
        "webhook": row.webhook,
    }


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def _told(error: HeadraceError) -> JobError:
    return {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
