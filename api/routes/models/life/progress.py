"""How far a launch is, once or as server-sent events until it is over."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy.engine import Connection
from sse_starlette import ServerSentEvent

from api.bodies.documents import followed
from api.gateway.following.shared import SharedLook
from api.gateway.gateway import Gateway, gateway_of
from api.requests.server_sent import ServerSent
from api.routes.models.finding import found
from api.routes.models.uids import Uid
from api.routes.models.views import enough_of, progress_of, state_of
from api.shapes.as_written import AsWritten
from api.shapes.life import ModelProgress, ModelsUnderway, ModelUnderway
from models.errors import DatabaseUnavailable, ModelNotFound
from models.hubs.progress import DownloadProgress
from models.rows import instances
from models.rows.records import InstanceRow, ReplicaRow

router = APIRouter(prefix="/v1", tags=["models"], route_class=AsWritten)

LOOK_S = 0.25
OVER = ("ready", "failed", "dormant")


@router.get("/progress", summary="Progress of all launches")
async def all_progress(request: Request) -> ModelsUnderway:
    """Every model that loads, waits for a device or failed: how far it is, and why it waits, as ``/progress`` of it.

    Those that take requests and those that sleep are not among them.
    """
    gateway = gateway_of(request)
    rows, replicas, hopeless = await gateway.database.look(_everything)
    downloads = _downloads(gateway)
    data: list[ModelUnderway] = []
    for row in rows:
        mine = replicas.get(row.uid, [])
        ready = {one.id for _, one in gateway.routing_table.ready(row.uid)}
        now = progress_of(mine, ready, hopeless, downloads, enough=enough_of(row))
        if one := underway(row, mine, now, ready=bool(ready)):
            data.append(one)
    return {"object": "list", "data": data}


@router.get(
    "/models/{uid:uid}/progress",
    summary="Progress of a launch",
    response_model=ModelProgress,
    responses=followed(ModelProgress),
)
async def model_progress(
    request: Request,
    uid: Uid,
    follow: Annotated[bool, Query(description="tell of every change until it is over, as server-sent events")] = False,
) -> ModelProgress | Response:
    """How far the launch is: ``progress`` from 0 to 1 over the replicas to be loaded, and the stage of each.

    ``info`` is why a replica waits or failed; ``hopeless``, that it waits and no device that is here will ever do;
    ``next_try_at``, when a failed one is tried again, in seconds since 1970, or null. ``download`` is how far its
    download is: bytes, bytes a second and seconds left, of all and of each file that comes; ``download_files`` has
    them by Xinference's names. With ``follow`` the stream ends when it is ready, has failed, or is gone.
    """
    gateway = gateway_of(request)
    now = await _now(gateway, uid)
    if follow:
        content = _follow(gateway, uid, now)
        return ServerSent(content)
    return now


async def _now(gateway: Gateway, uid: str) -> ModelProgress:
    row, replicas = await found(gateway, uid)
    hopeless = await gateway.database.look(instances.hopeless, uid)
    ready = {one.id for _, one in gateway.routing_table.ready(uid)}
    return progress_of(replicas, ready, hopeless, _downloads(gateway), enough=enough_of(row))


def _downloads(gateway: Gateway) -> dict[str, DownloadProgress]:
    return {one.id: one.download for _, one in gateway.routing_table.replicas() if one.download}


def _everything(connection: Connection) -> tuple[list[InstanceRow], dict[str, list[ReplicaRow]], set[str]]:
    replicas: dict[str, list[ReplicaRow]] = {}
    for row in instances.replicas_of(connection):
        replicas.setdefault(row.uid, []).append(row)
    return instances.listing(connection), replicas, instances.hopeless(connection)


def underway(row: InstanceRow, replicas: list[ReplicaRow], now: ModelProgress, *, ready: bool) -> ModelUnderway | None:
    """A model in the list of those that take no requests yet; None where it is none of them. Pure.

    ``ready``: a replica of it takes requests.
    """
    state = state_of(replicas)
    if ready or state == "dormant" or state == "ready":
        return None
    devices = sorted({name for one in replicas for name in instances.held_devices(one)})
    return {"model_uid": row.uid, "created": row.created_at // 1000, "state": state, "devices": devices, **now}


async def _follow(gateway: Gateway, uid: str, now: ModelProgress) -> AsyncIterator[ServerSentEvent]:
    before: ModelProgress | None = None
    held = gateway.shared.of(("progress", uid), lambda: SharedLook(partial(_now, gateway, uid)))
    with suppress(ModelNotFound, DatabaseUnavailable), held as looks:  # it is gone: who wants to know more asks again
        while True:
            if now != before:
                yield ServerSentEvent(json.dumps(now), event="progress")
            if is_over(now):
                yield ServerSentEvent(json.dumps({"stage": now["stage"]}), event="done")
                return
            before = now
            await asyncio.sleep(LOOK_S)
            now = await looks.within(LOOK_S)
        return
    yield ServerSentEvent(json.dumps({"stage": "gone"}), event="done")


def is_over(now: ModelProgress) -> bool:
    """Whether nothing more is to come: enough replicas are ready, or all have failed for good, or wait in vain."""
    return now["stage"] == "ready" or all(
        one["hopeless"] or (one["stage"] in OVER and one["next_try_at"] is None) for one in now["replicas"]
    )
