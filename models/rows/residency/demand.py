"""What of the rows tells which models are needed."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.rows.database import now_ms
from models.rows.states import JobState
from models.rows.tables import jobs


def waiting_jobs(connection: Connection) -> dict[str, tuple[int, float]]:
    """For each model the jobs that wait for it: how many, and for how many seconds the first has waited.

    Those that rank low wait only once their turn among others would have come.
    """
    since = sa.case((jobs.c.rank > jobs.c.queued_at, jobs.c.rank), else_=jobs.c.queued_at)
    waited = sa.func.max(now_ms() - since)
    query = sa.select(jobs.c.uid, sa.func.count(), waited).group_by(jobs.c.uid)
    rows = connection.execute(query.where(jobs.c.state == JobState.QUEUED, jobs.c.run_after <= now_ms()))
    return {uid: (count, max(float(ms) / 1000, 0.0)) for uid, count, ms in rows}
