"""The log of a model: what its runners write to stderr. It may name files of the machine: for administrators alone."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Annotated

import redis.asyncio as redis
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from redis.exceptions import RedisError
from sse_starlette import ServerSentEvent

from api.bodies.documents import followed
from api.edge.caller import admin_only
from api.gateway.following.shared import SharedLook
from api.gateway.gateway import Gateway, gateway_of
from api.requests.server_sent import ServerSent
from api.routes.models.finding import found
from api.routes.models.uids import Uid
from api.shapes.as_written import AsWritten
from api.shapes.life import LogLine, LogPage
from models.errors import DatabaseUnavailable, ModelNotFound, Unavailable
from models.redis import logs
from models.redis.logs import MOST_LINES, Line
from models.rows.records import ReplicaRow

router = APIRouter(route_class=AsWritten)

LOOK_S = 0.5


@router.get(
    "/{uid:uid}/logs",
    summary="Log of a model",
    dependencies=[Depends(admin_only)],
    response_model=LogPage,
    responses=followed(LogLine),
)
async def model_logs(
    request: Request,
    uid: Uid,
    lines: Annotated[int, Query(ge=1, le=MOST_LINES, description="how many of the last lines")] = 200,
    follow: Annotated[bool, Query(description="go on with new lines, as server-sent events")] = False,
) -> LogPage | Response:
    """What the model's runners wrote to stderr, oldest first, also where it could not be loaded.

    Of a failure the last 200 lines are in its row, too: they outlive Redis, and bear the time of the failure.

    With ``follow`` each line is an event, until the model is terminated.
    """
    gateway = gateway_of(request)
    written = await _all(gateway.stream_client, uid)
    entries = (await _with_kept(gateway, uid, written or []))[-lines:]
    if written is None and (follow or not entries):
        raise Unavailable("the log cannot be read: Redis does not answer")
    if follow:
        content = _follow(gateway, uid, entries)
        return ServerSent(content)
    return {"object": "list", "data": [_shown(line) for _, line in entries]}


def _its_own(replicas: Sequence[ReplicaRow], entries: list[tuple[str, Line]]) -> list[tuple[str, Line]]:
    """Those of the model's replicas, without what earlier launches under this uid wrote."""
    ids = {row.id for row in replicas}
    return [entry for entry in entries if entry[1].replica in ids]


async def _with_kept(gateway: Gateway, uid: str, entries: list[tuple[str, Line]]) -> list[tuple[str, Line]]:
    """Those of the model's replicas, and before them what rows keep of failures of which Redis has nothing any more.

    Raises ModelNotFound.
    """
    _, replicas = await found(gateway, uid)
    told = {line.replica for _, line in entries}
    lost = [row for row in replicas if row.log and row.id not in told]
    kept = [("0", Line(row.id, row.updated_at, text)) for row in lost for text in row.log or ()]
    return kept + _its_own(replicas, entries)


async def _all(client: redis.Redis, uid: str) -> list[tuple[str, Line]] | None:
    """What Redis has; None where it does not answer."""
    try:
        return logs.read(await client.xrange(logs.log_key(uid)))
    except (RedisError, OSError):
        return None


async def _follow(gateway: Gateway, uid: str, entries: list[tuple[str, Line]]) -> AsyncIterator[ServerSentEvent]:
    last = "0"
    held = gateway.shared.of(("rows", uid), lambda: SharedLook(partial(found, gateway, uid)))
    # Who wants to know more asks again.
    with suppress(ModelNotFound, DatabaseUnavailable, RedisError, OSError), held as rows:
        while True:
            for last, line in entries:
                yield ServerSentEvent(json.dumps(_shown(line)), event="log", id=last)
            await asyncio.sleep(LOOK_S)
            new = logs.read(await gateway.stream_client.xrange(logs.log_key(uid), min=f"({last}"))
            _, replicas = await rows.within(LOOK_S)
            entries = _its_own(replicas, new)


def _shown(line: Line) -> LogLine:
    return {"time": line.at_ms / 1000, "replica_id": line.replica, "text": line.text}
