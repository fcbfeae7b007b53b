"""The replicas of a model: listed, added, removed. Paths and names are Xinference's."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.bodies import fields
from api.bodies.documents import json_body
from api.edge.caller import admin_only, caller_of
from api.gateway.gateway import Gateway, gateway_of
from api.routes.models.finding import found
from api.routes.models.uids import Uid
from api.routes.models.views import unreported
from api.shapes.as_written import AsWritten
from api.shapes.life import AddedReplica, AddedReplicas, RemovedReplicas, Replica
from models.errors import HeadraceError, NotFound, UnsupportedParameter
from models.modalities.base import Int
from models.reasons import as_told
from models.redis.presence import STEWARD
from models.rows import instances
from models.rows.life import scaling
from models.rows.records import InstanceRow

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=AsWritten)

REMOVE_WAIT_S = 60.0


class MoreReplicas(BaseModel):
    """Body of ``POST /v1/models/{uid}/replicas``. Replicas are placed as the launch of their model says."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    replica: Annotated[Int, Field(ge=1, le=scaling.MOST_REPLICAS)] = 1
    replica_config: dict[str, Any] | list[dict[str, Any]] | None = None
    model_engine: str | None = Field(None, max_length=40)
    n_gpu: Literal["auto", "None"] | Annotated[Int, Field(ge=0, le=64)] | None = None


@router.get("/{uid:uid}/replicas", summary="Replicas of a model")
async def list_replicas(request: Request, uid: Uid) -> list[Replica]:
    """Each replica's device, state, runner and memory in bytes.

    ``memory_bytes`` is what it holds of its device's memory, null where that is not known; ``host_memory_bytes`` what
    its processes hold of the machine's. ``next_try_ts`` is when a failed one is tried again, null where it is not.
    """
    gateway = gateway_of(request)
    _, replicas = await found(gateway, uid)
    live = {one.id: one for _, one in gateway.routing_table.replicas()}
    return [
        {
            "replica_id": row.id,
            "replica_index": scaling.number_of(row.id),
            "replica_model_uid": row.id,
            "worker_address": row.device,
            "device": row.device,
            "devices": instances.held_devices(row),
            "state": live[row.id].state if row.id in live else unreported(row.state),
            "stage": row.stage,
            "pid": live[row.id].pid if row.id in live else None,
            "memory_bytes": live[row.id].memory_bytes or None if row.id in live else None,
            "host_memory_bytes": live[row.id].host_bytes if row.id in live else None,
            "inflight": live[row.id].inflight if row.id in live else 0,
            "created_ts": row.created_at // 1000,
            "error_message": HeadraceError.from_row(row.error).message if row.error else None,
            "reasons": as_told(HeadraceError.from_row(row.error).told) if row.error else [],
            "failures": row.failures,
            "next_try_ts": row.next_try_at // 1000 if row.next_try_at else None,
        }
        for row in replicas
    ]


@router.post(
    "/{uid:uid}/replicas",
    summary="Add replicas",
    dependencies=[Depends(admin_only)],
    openapi_extra=json_body(MoreReplicas),
)
async def add_replicas(request: Request, uid: Uid) -> AddedReplicas:
    """Add replicas to a model that runs; the answer does not wait until they are loaded.

    It is one replica, or ``replicas`` where more were asked for, as Xinference answers.
    """
    gateway = gateway_of(request)
    row, _ = await found(gateway, uid)
    more = await fields.read(request, MoreReplicas)
    _refuse_others(row, more)
    ids = await gateway.database.run(scaling.add, uid, more.replica, caller_of(request).key)
    gateway.known_models.forget()
    await gateway.publish(STEWARD)
    added: list[AddedReplica] = [
        {"replica_id": one, "replica_index": scaling.number_of(one), "replica_model_uid": one, "status": "CREATING"}
        for one in ids
    ]
    total: AddedReplicas = {"model_uid": uid, "total_replicas": row.replica + len(ids)}
    return {**total, **added[0]} if more.replica == 1 else {**total, "replica": len(added), "replicas": added}


@router.delete("/{uid:uid}/replicas", summary="Remove replicas", dependencies=[Depends(admin_only)])
async def remove_replicas(
    request: Request, uid: Uid, replica: Annotated[int, Query(ge=1, le=scaling.MOST_REPLICAS)] = 1
) -> RemovedReplicas:
    """Remove so many replicas: those that do nothing first. What those do that leave is finished.

    The answer comes when they are gone, or after a minute: ``leaving`` names those that still finish their requests.
    """
    gateway = gateway_of(request)
    _, rows = await found(gateway, uid)
    work = {one.id: one.inflight for _, one in gateway.routing_table.ready(uid)}
    return await _remove(request, gateway, uid, scaling.leaving(rows, work, replica))


@router.delete("/{uid:uid}/replicas/{replica_id:uid}", summary="Remove a replica", dependencies=[Depends(admin_only)])
async def remove_replica(
    request: Request, uid: Uid, replica_id: Annotated[str, Path(max_length=120, description="its id, or its number")]
) -> RemovedReplicas:
    """Remove one replica, which finishes what it does first. As with the others, one must be left."""
    gateway = gateway_of(request)
    _, rows = await found(gateway, uid)
    named = [one.id for one in rows if replica_id in (one.id, str(scaling.number_of(one.id)))]
    if not named:
        raise NotFound(f"the model '{uid}' has no replica '{replica_id}'", param="replica_id")
    return await _remove(request, gateway, uid, named)


async def _remove(request: Request, gateway: Gateway, uid: str, ids: list[str]) -> RemovedReplicas:
    left = await gateway.database.run(scaling.remove, uid, ids, caller_of(request).key)
    gateway.known_models.forget()
    await gateway.wake_devices()
    loop = asyncio.get_running_loop()
    over = loop.time() + REMOVE_WAIT_S
    still = ids
    while still and loop.time() < over:
        changed = gateway.routing_table.changed
        here = {row.id for row in await gateway.database.look(instances.replicas_of, uid)}
        still = [one for one in ids if one in here]
        if still:
            await gateway.routing_table.change(changed, 0.1)
    return {"model_uid": uid, "removed": ids, "leaving": still, "remaining_replicas": left}


def _refuse_others(row: InstanceRow, more: MoreReplicas) -> None:
    """Raise UnsupportedParameter for what would make these replicas unlike the others."""
    given = more.replica_config if isinstance(more.replica_config, list) else [more.replica_config or {}]
    if any(one.get("devices") for one in given):
        raise UnsupportedParameter("replicas go where the launch of their model says", param="replica_config")
    if more.model_engine not in (None, "", row.engine):
        raise UnsupportedParameter(f"all replicas of '{row.uid}' are on {row.engine}", param="model_engine")
    gpus = {"None": "0", "auto": row.n_gpu}.get(str(more.n_gpu), str(more.n_gpu))
    if more.n_gpu is not None and gpus != row.n_gpu:
        raise UnsupportedParameter(f"all replicas of '{row.uid}' have n_gpu {row.n_gpu}", param="n_gpu")
