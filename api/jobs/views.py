"""A job as the job API shows it."""

from sqlalchemy.engine import Connection

from api.gateway.gateway import Gateway
from api.shapes.jobs import Job, JobLinks, JobPlace, PlacedJob
from models.rows import jobs
from models.rows.jobs import NewJob, Submitted
from models.rows.outbox import public
from models.rows.records import JobSummary
from models.rows.states import JobState


async def shown(gateway: Gateway, row: JobSummary, base_url: str) -> Job:
    """The job, with the URLs of its status, events, cancellation and, once it has one, its result."""
    url = f"{base_url}/v1/jobs/{row.id}"
    links: JobLinks = {"status_url": url, "events_url": f"{url}/events", "cancel_url": f"{url}/cancel"}
    if row.state == JobState.SUCCEEDED:
        links["result_url"] = f"{url}/result"
    return {**public(row), **links}


async def shown_with_place(gateway: Gateway, row: JobSummary, base_url: str) -> PlacedJob:
    """The job, with its place in the queue and the seconds until it should be done; null where it does not wait."""
    position, eta_s = await gateway.database.look(place_and_eta, row)
    return {**await shown(gateway, row, base_url), "position": position, "eta_s": eta_s}


async def shown_after_submission(gateway: Gateway, job: NewJob, done: Submitted, base_url: str) -> PlacedJob:
    """``shown_with_place`` of the job that a submission made or found. ``done`` is the outcome of that submission.

    All that is shown of a new job without a priority is known already, so that the database is not asked.
    """
    if not done.created or job.priority:
        return await shown_with_place(gateway, await gateway.database.look(jobs.get, done.id, None), base_url)
    row = jobs.as_queued(job, done.queued_at)
    place = _place(done.ahead, await gateway.throughput.of(job.uid))
    return {**await shown(gateway, row, base_url), **place}


def place_and_eta(connection: Connection, row: JobSummary) -> tuple[int | None, float | None]:
    """The place in the queue, from 1, and the seconds until it should be done; None where it does not wait."""
    if row.state != JobState.QUEUED:
        return None, None
    found = _place(jobs.ahead(connection, row), jobs.rate(connection, row.uid))
    return found["position"], found["eta_s"]


def _place(ahead: int, rate: float) -> JobPlace:
    return {"position": ahead + 1, "eta_s": round((ahead + 1) / rate, 1) if rate else None}
