"""The answer of a job that is over: what its endpoint sends to a client that waits."""

from typing import Any

from api.gateway.gateway import Gateway
from models.errors import Cancelled, Conflict, Expired, HeadraceError, NotFound
from models.modalities.media import Answer
from models.rows import jobs
from models.rows.records import JobRow
from models.rows.states import JobState
from models.storage import secrets, signing
from models.storage.rendering import StoredArtifact, rendered


async def answer(gateway: Gateway, row: JobRow, base_url: str) -> Answer:
    """The answer of a job that has succeeded.

    Raises the error that it ended with, Conflict while it is not over, NotFound where its result is not kept any more.
    """
    match row.state:
        case JobState.SUCCEEDED:
            pass
        case JobState.FAILED:
            raise HeadraceError.from_row(row.error)
        case JobState.CANCELLED:
            raise Cancelled()
        case JobState.EXPIRED:
            raise Expired(HeadraceError.from_row(row.error).message if row.error else "")
        case _:
            raise Conflict(f"the job is {row.state}: its result is not there yet", param="id", retry_after=1)
    stored = await gateway.database.look(jobs.result, row.id)
    if stored is None:
        raise NotFound("the result of this job is not kept any more", param="id")
    return await gateway.blocking(_render, gateway, row, stored, base_url)


async def links(gateway: Gateway, row: JobRow, base_url: str) -> list[tuple[str, str]]:
    """The files that a job has made: a signed URL and the media type of each."""
    stored = await gateway.database.look(jobs.result, row.id)
    kept: dict[str, StoredArtifact] = stored["artifacts"] if stored else {}

    def signed() -> list[tuple[str, str]]:
        return [(_link(gateway, name, one, base_url), one["media_type"]) for name, one in kept.items()]

    return await gateway.blocking(signed)


def link_to(gateway: Gateway, key: str, name: str, media_type: str, base_url: str) -> str:
    """A signed URL of a file in the store, under this name. May block."""
    return signing.link(
        gateway.store,
        key,
        secret=secrets.derived(gateway.settings, signing.PURPOSE),
        base_url=base_url,
        expires_s=gateway.settings.url_ttl_s,
        media_type=media_type,
        filename=name,
    )


def _link(gateway: Gateway, name: str, kept: StoredArtifact, base_url: str) -> str:
    return link_to(gateway, kept["key"], name, kept["media_type"], base_url)


def _render(gateway: Gateway, row: JobRow, stored: dict[str, Any], base_url: str) -> Answer:
    def link(name: str, kept: StoredArtifact) -> str:
        return _link(gateway, name, kept, base_url)

    return rendered(row.kind, row.request, stored, link, lambda kept: gateway.store.read(kept["key"]))
