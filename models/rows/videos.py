"""Videos as OpenAI has them: each is a view of a job. Their ids, what is noted of them, their pages, their events.

Each function takes a connection inside a transaction.
"""

import re
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.errors import NotFound
from models.modalities import KINDS
from models.rows import jobs
from models.rows.fetching import fetch
from models.rows.records import JobRow, JobSummary
from models.rows.states import JobState
from models.rows.tables import jobs as jobs_table
from models.rows.tables import results

MODALITY = "videos"
VIDEO_KINDS = frozenset(name for name, kind in KINDS.items() if kind.modality == MODALITY)
MARK = "openai_video"
"""In a job's metadata: it was asked for by OpenAI's API. The value is the id of the video that it remixes."""
_ID = re.compile(r"video_[A-Za-z0-9-]{1,50}", re.ASCII)


@dataclass(frozen=True, slots=True)
class VideoJob:
    """A job that makes a video, and its row of ``results``; None while there is none, or not any more."""

    row: JobRow
    result: dict[str, Any] | None


def job_of(video: str) -> str:
    """The id of the job that makes this video."""
    return f"job_{video.removeprefix('video_')}"


def video_of(job: str) -> str:
    """The id of the video that this job makes."""
    return f"video_{job.removeprefix('job_')}"


def get(connection: Connection, video: str, api_key_id: str, param: str = "id") -> VideoJob:
    """The video of this id. Raises NotFound, about ``param``, if there is none, or if it is another key's."""
    try:
        row = jobs.get(connection, job_of(video), api_key_id) if _ID.fullmatch(video) else None
    except NotFound:
        row = None
    if row is None or row.kind not in VIDEO_KINDS:
        raise NotFound(f"there is no video '{video[:60]}'", param=param)
    return VideoJob(row, jobs.result(connection, row.id))


def listing(
    connection: Connection, api_key_id: str, *, after: str | None, limit: int, ascending: bool
) -> list[VideoJob]:
    """One page of this key's videos and one more, by the time at which they were asked for.

    Raises NotFound if there is no video ``after``.
    """
    order = sa.tuple_(jobs_table.c.queued_at, jobs_table.c.id)
    mine = (jobs_table.c.api_key_id == api_key_id, jobs_table.c.batch_id.is_(None))
    query = sa.select(jobs_table).where(*mine, jobs_table.c.kind.in_(sorted(VIDEO_KINDS)))
    if after is not None:
        last = get(connection, after, api_key_id, "after").row
        place = sa.tuple_(sa.literal(last.queued_at), sa.literal(last.id))
        query = query.where(order > place if ascending else order < place)
    by_time = (jobs_table.c.queued_at, jobs_table.c.id)
    query = query.order_by(*(by_time if ascending else (one.desc() for one in by_time))).limit(limit + 1)
    rows = fetch(connection, query, JobRow)
    made = sa.select(results.c.job_id, results.c.body).where(results.c.job_id.in_([row.id for row in rows]))
    bodies = {row.job_id: dict(row.body) for row in connection.execute(made)}
    return [VideoJob(row, bodies.get(row.id)) for row in rows]


def event_of(row: JobSummary) -> tuple[str, dict[str, Any]] | None:
    """The type and data of OpenAI's event for the end of this job; None if it was not asked for as a video."""
    if row.kind not in VIDEO_KINDS or MARK not in (row.metadata or {}):
        return None
    what = "completed" if row.state == JobState.SUCCEEDED else "failed"
    return f"video.{what}", {"id": video_of(row.id)}
