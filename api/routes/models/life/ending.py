"""The end of a model: terminated, or its launch cancelled. The answer comes when its memory is free again."""

import asyncio
from collections.abc import Collection
from contextlib import suppress

from fastapi import APIRouter, Depends, Request
from redis.exceptions import RedisError
from sqlalchemy.engine import Connection

from api.edge.caller import admin_only, caller_of
from api.gateway.gateway import Gateway, gateway_of
from api.routes.models.uids import Uid
from api.shapes.as_written import AsWritten
from api.shapes.life import EndedModel, FreedMemory
from models.errors import Conflict, ModelNotFound
from models.launching.launch import was_uid
from models.reasons import told
from models.redis import logs
from models.rows import instances
from models.rows.life import events
from models.rows.life.events import EventKind
from models.rows.records import EventRow
from models.rows.states import ReplicaState

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=AsWritten)

TERMINATE_WAIT_S = 60.0
CANCELLED = told("its launch was cancelled", "cancelled")
CANCEL_WAIT_S = 20.0


@router.post("/{uid:uid}/cancel", summary="Cancel a launch", dependencies=[Depends(admin_only)])
async def cancel_launch(request: Request, uid: Uid) -> EndedModel:
    """End a launch at any stage, and forget it: what is being fetched stays, and another launch goes on there.

    The answer is that of terminating. 409 where the model has taken requests, 404 where there is none.
    """
    gateway = gateway_of(request)
    if gateway.routing_table.ready(uid):
        raise Conflict(f"the model '{uid}' takes requests already: terminate it instead", param="uid")
    by = caller_of(request).key
    return await _end(gateway, uid, by, EventKind.CANCELLED, CANCELLED, CANCEL_WAIT_S)


@router.delete("/{uid:uid}", summary="Terminate a model", dependencies=[Depends(admin_only)])
async def terminate_model(request: Request, uid: Uid) -> EndedModel:
    """Unload a model and forget it. The answer comes when its processes are gone and its memory is free again.

    ``memory_freed`` says whether that is so, ``freed_bytes`` how much of its devices' memory it held as far as that is
    known; after a minute the answer comes all the same, with ``message`` about what is left.
    """
    by = caller_of(request).key
    return await _end(gateway_of(request), uid, by, EventKind.TERMINATED, "terminated", TERMINATE_WAIT_S)


async def _end(gateway: Gateway, uid: str, by: str, kind: EventKind, why: str, wait_s: float) -> EndedModel:
    ended = await gateway.database.run(_delete, uid, by, kind, why) if was_uid(uid) else None
    if ended is None:
        raise ModelNotFound(f"the model '{uid}' does not exist", param="uid")
    ids, asleep, since = ended
    gateway.known_models.forget()
    await gateway.wake_devices()
    loop = asyncio.get_running_loop()
    over = loop.time() + wait_s
    while (left := await _left(gateway, uid, ids, asleep)) and loop.time() < over:
        await gateway.routing_table.change(gateway.routing_table.changed, 0.1)
    with suppress(RedisError, OSError):
        await gateway.stream_client.delete(logs.log_key(uid))
    unloaded = await gateway.database.look(_unloaded, uid, since, ids)
    return {"model_uid": uid, **freed(unloaded, left, wait_s)}


Ended = tuple[set[str], set[str], int]


def _delete(connection: Connection, uid: str, by: str, kind: EventKind, why: str) -> Ended | None:
    """Take an instance out of desired state. None: there is none.

    Its replicas, those of them that were dormant, and the event that tells of it.
    """
    rows = instances.replicas_of(connection, uid)
    if kind == EventKind.CANCELLED:
        if any(row.state == ReplicaState.READY for row in rows):
            raise Conflict(f"the model '{uid}' takes requests already: terminate it instead", param="uid")
        if any(row.context_length is not None for row in rows):  # it was ready, and is asleep, or loaded again
            raise Conflict(f"the launch of '{uid}' is over: terminate it instead", param="uid")
    if not instances.delete(connection, uid, by, kind, why):
        return None
    [told] = events.listing(connection, uid, limit=1)
    return {row.id for row in rows}, {row.id for row in rows if row.state == ReplicaState.DORMANT}, told.id


async def _left(gateway: Gateway, uid: str, ids: Collection[str], asleep: Collection[str]) -> set[str]:
    """Those of these replicas that are not gone. The uid may have been launched anew meanwhile.

    Of those that were dormant the rows are gone, but the runner of one that has just left may not have ended yet.
    """
    ends = {one.id for _, one in gateway.routing_table.replicas() if one.id in asleep}
    return ends | {row.id for row in await gateway.database.look(instances.replicas_of, uid) if row.id in ids}


def _unloaded(connection: Connection, uid: str, since: int, ids: Collection[str]) -> list[EventRow]:
    rows = events.listing(connection, uid, after=since, limit=1000)
    return [row for row in rows if row.kind == EventKind.UNLOADED and row.replica in ids]


def freed(unloaded: Collection[EventRow], left: Collection[str], wait_s: float) -> FreedMemory:
    """What became of the memory of replicas that were unloaded, and of those that are ``left``. Pure."""
    kept = [row.text for row in unloaded if not row.data["memory_is_back"]]
    if left:
        kept.append(f"{', '.join(sorted(left))} did not end within {wait_s:g} s; it is still being ended")
    held = sum(row.data["memory_bytes"] or 0 for row in unloaded if row.data["memory_is_back"])
    return {"memory_freed": not kept, "freed_bytes": held, "message": "; ".join(kept) or None}
