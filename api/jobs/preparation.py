"""From what a client sent to a job that can be submitted: it is checked, its files are stored, its deadline is set."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Header

from api.bodies.fields import FieldRule
from api.edge.caller import Caller
from api.gateway.gateway import Gateway
from api.gateway.known_models import KnownModel
from models.errors import InvalidRequest, ModelFailed, ModelNotFound
from models.launching.about import serves
from models.modalities import KINDS, MODALITIES, modality
from models.modalities.media import MediaRequest
from models.modalities.videos import Request as Video
from models.modalities.videos.limits import refuse_beyond
from models.rows.jobs import NewJob, digest, new_id

MAX_DAYS = 30

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]
"""The header by which a repeated submission gets the job of the first."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a request, on this machine's disk. ``digest``: SHA-256 of its content, in hex."""

    path: Path
    media_type: str
    digest: str


@dataclass(frozen=True, slots=True)
class JobTerms:
    """How a job is to be done: what a client sets beside the request itself. ``deadline_s``: seconds from now."""

    priority: int = 0
    deadline_s: float | None = None
    idempotency_key: str | None = None
    metadata: dict[str, Any] | None = None
    webhook: str | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A job ready to be submitted, and its request as the modality reads it."""

    job: NewJob
    request: Any
    uploads: Mapping[str, Upload] = field(default_factory=dict)


async def prepare(
    gateway: Gateway,
    caller: Caller,
    kind: str,
    body: dict[str, Any],
    uploads: Mapping[str, Upload],
    terms: JobTerms,
    rule: FieldRule,
) -> Prepared:
    """Check a job of this kind and store its files. Raises an error that names the parameter which is wrong."""
    about = KINDS[kind]
    for name, needed in about.files.items():
        if needed and name not in uploads:
            raise InvalidRequest(f"missing the file '{name}'", param=name)
    shape = modality(about.modality)
    request = rule.check(shape.request, body | about.fixed)
    if isinstance(request, MediaRequest):
        request.check_files(uploads.keys())
    else:
        request.inner()  # raises where the engine cannot be asked this
    known = await check_model(gateway, request.model, about.modality)
    if isinstance(request, Video):
        refuse_beyond(known.limits, known.video_modes, request, uploads.keys(), known.video_grid)
    job = new_id()
    files = {}
    for name, upload in uploads.items():
        files[name] = f"jobs/{job}/input/{name}"
        await gateway.blocking(gateway.store.put, files[name], upload.path, upload.media_type)
    sent = request.model_dump(mode="json", exclude_unset=True)
    digests = {name: one.digest for name, one in uploads.items()}
    asked = [kind, sent, digests, terms.priority, terms.webhook, terms.metadata]
    new = NewJob(
        id=job,
        kind=kind,
        uid=request.model,
        request=sent,
        api_key_id=caller.key,
        files=files,
        priority=terms.priority,
        deadline_s=terms.deadline_s,
        max_attempts=gateway.settings.job_attempts,
        key_bound=caller.limits.job_queue,
        idempotency_key=terms.idempotency_key,
        digest=digest(*asked) if terms.idempotency_key else "",
        metadata=terms.metadata,
        webhook=terms.webhook,
    )
    return Prepared(new, request, uploads)


async def check_model(gateway: Gateway, uid: str, name: str) -> KnownModel:
    """What is known of a model. Refuses one that does not exist, cannot be loaded, or does not serve this modality.

    Raises ModelNotFound, ModelFailed or InvalidRequest.
    """
    known = await gateway.known_models.find(uid)
    if known is None:
        raise ModelNotFound(f"the model '{uid}' does not exist", param="model")
    if known.failed:
        raise ModelFailed(f"the model '{uid}' could not be loaded: {known.failed}", param="model")
    deaf = name == "transcription" and known.abilities and MODALITIES[name].ability not in known.abilities
    if deaf or name not in serves(known.engine, known.model_type):
        raise InvalidRequest(f"the model '{uid}' does not serve {name}", param="model")
    return known


def seconds_until(deadline: datetime | None, *, again: bool) -> float | None:
    """Seconds from now to a deadline. Raises InvalidRequest for one that has passed, or lies too far ahead.

    ``again``: the request may be a repeated one. Then its deadline may have passed: its job has expired, or soon will.
    """
    if deadline is None:
        return None
    left = deadline.timestamp() - time.time()
    if (left <= 0 and not again) or left > MAX_DAYS * 86400:
        raise InvalidRequest(f"'deadline' must lie ahead, by {MAX_DAYS} days at most", param="deadline")
    return left


def public_url(gateway: Gateway, base_url: str) -> str:
    """The beginning of the URLs that clients are given."""
    return (gateway.settings.public_url or base_url).rstrip("/")
