"""What of the rows tells which models are needed, and where they are."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.rows.database import now_ms
from models.rows.states import JobState, ReplicaState
from models.rows.tables import devices, instances, jobs, replicas


def waiting_jobs(connection: Connection) -> dict[str, tuple[int, float]]:
    """For each model the jobs that wait for it: how many, and for how many seconds the first has waited.

    Those that rank low wait only once their turn among others would have come. One that pauses before another attempt
    waits as well: its model would be loaded anew a moment later.
    """
    since = sa.case((jobs.c.rank > jobs.c.queued_at, jobs.c.rank), else_=jobs.c.queued_at)
    waited = sa.func.max(now_ms() - since)
    query = sa.select(jobs.c.uid, sa.func.count(), waited).group_by(jobs.c.uid)
    rows = connection.execute(query.where(jobs.c.state == JobState.QUEUED))
    return {uid: (count, max(float(ms) / 1000, 0.0)) for uid, count, ms in rows}


def pinned(connection: Connection) -> set[str]:
    """The uids of the models that are never unloaded for others."""
    return set(connection.execute(sa.select(instances.c.uid).where(instances.c.pinned)).scalars())


def loaded_at(connection: Connection) -> dict[str, set[str]]:
    """The nodes on which each source of weights is loaded now."""
    there = sa.join(replicas, instances, instances.c.uid == replicas.c.uid).join(
        devices, devices.c.id == replicas.c.device
    )
    query = sa.select(instances.c.source, devices.c.node).select_from(there).distinct()
    found: dict[str, set[str]] = {}
    for source, node in connection.execute(query.where(replicas.c.state == ReplicaState.READY)):
        found.setdefault(source, set()).add(node)
    return found
