"""The event that a job has changed its state, made from its row; the runner, which has no database, sends none."""

import redis
import redis.asyncio

from models.errors import HeadraceError
from models.redis import events
from models.rows.records import JobSummary
from models.rows.states import JobState


def publish_moved(pipeline: "redis.client.Pipeline | redis.asyncio.client.Pipeline", row: JobSummary) -> None:
    """Add to the pipeline the event that a job has the state of this row; and why, where it is to be tried again."""
    if row.state == JobState.QUEUED and row.error:
        why = HeadraceError.from_row(row.error).message
        events.publish_event(
            pipeline,
            row.id,
            events.Event(events.LOG, row.fence, {"message": f"attempt {row.attempt} ended: {why}; tried again"}),
        )
    events.publish_event(pipeline, row.id, events.Event(events.STATE, row.fence, {"state": row.state}))
