"""Jobs by the protocols of hosters: submitted for a model by its name, and with their files as URLs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from api.bodies.fields import FieldRule
from api.edge.caller import caller_of
from api.gateway.gateway import Gateway, gateway_of
from api.jobs import results
from api.jobs.hosted_wire import endpoint_body, file_ids, said_as, text_of
from api.jobs.preparation import JobTerms, prepare, public_url
from api.jobs.request_files import RequestFiles, folder
from api.jobs.waiting import submit_job
from models.errors import Cancelled, HeadraceError, InvalidRequest, ModelNotFound, ShuttingDown
from models.launching.about import serves
from models.modalities import KINDS, MODALITIES
from models.rows import jobs
from models.rows.records import JobRow
from models.rows.states import JobState


@dataclass(frozen=True, slots=True)
class Output:
    """What a job made: its files (URL, media type), or else a value."""

    files: list[tuple[str, str]]
    value: Any = None


async def submit(
    request: Request,
    names: Sequence[str],
    given: dict[str, Any],
    rule: FieldRule,
    terms: JobTerms,
    inside: str = "",
) -> JobRow:
    """Submit a job for the first of these models that there is. Raises what its endpoint would.

    ``inside`` is where the client wrote the input: the beginning of an error's ``param``.
    """
    gateway, caller = gateway_of(request), caller_of(request)
    if gateway.dispatcher.closed:
        raise ShuttingDown()
    known = [one for name in names if (one := await gateway.known_models.find(name)) is not None]
    if not known:
        raise ModelNotFound(f"the model '{names[0][:200]}' does not exist", param="model")
    modalities = serves(known[0].engine, known[0].model_type)
    kind, body = endpoint_body(modalities, file_ids(given, public_url(gateway, str(request.base_url))))
    body["model"] = known[0].uid
    try:
        async with folder() as into:
            uploads = await RequestFiles(gateway, caller, into).take_named(KINDS[kind], body)
            prepared = await prepare(gateway, caller, kind, body, uploads, terms, rule)
    except InvalidRequest as error:
        raise said_as(error, modalities, given, inside) from error
    done = await submit_job(gateway, prepared.job)
    return await gateway.database.look(jobs.get, done.id, caller.key)


async def output(gateway: Gateway, request: Request, row: JobRow) -> Output:
    """What a job that succeeded has made. Raises as ``results.answer`` does."""
    base = public_url(gateway, str(request.base_url))
    answer = await results.answer(gateway, row, base)
    if MODALITIES[KINDS[row.kind].modality].media and (files := await results.links(gateway, row, base)):
        return Output(files)
    return Output([], text_of(row.kind, answer))


def failure(row: JobRow) -> HeadraceError | None:
    """The error that a job ended with, if it did."""
    if row.state == JobState.CANCELLED:
        return Cancelled()
    ended = row.error if row.state in (JobState.FAILED, JobState.EXPIRED) else None
    return HeadraceError.from_row(ended) if ended else None
