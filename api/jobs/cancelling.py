"""Cancelling jobs, for whichever protocol asks. It is at once while a job waits, within a step while it runs."""

from api.gateway.gateway import Gateway
from models.errors import Conflict
from models.rows import jobs, outbox
from models.rows.records import JobRow
from models.rows.states import JobState


async def stop(gateway: Gateway, job: str) -> bool:
    """Cancel a job that is not over, and notify the worker that runs it. Returns whether there was one to cancel."""
    row = await gateway.database.run(outbox.cancel, job)
    if row is not None:
        await gateway.publish_cancelled(row)
    return row is not None


async def cancel(gateway: Gateway, job: str, owner: str) -> JobRow:
    """Cancel a job of this key; how it is then. Raises Conflict if it has ended in another way."""
    stopped = await stop(gateway, job)
    row = await gateway.database.look(jobs.get, job, owner)
    if not stopped and row.state != JobState.CANCELLED:
        raise Conflict(f"the job is over: it {row.state}", param="id")
    return row
