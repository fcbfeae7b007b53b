"""Models: list, describe, launch and terminate them, and follow a launch. Paths and names are Xinference's."""

import asyncio
import time
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy.engine import Connection

from api.bodies import fields
from api.bodies.documents import json_body
from api.edge.caller import admin_only, caller_of
from api.gateway.gateway import Gateway, gateway_of
from api.routes.models import by_name
from api.routes.models.finding import found, found_or_how
from api.routes.models.life import again
from api.routes.models.logs import router as log_router
from api.routes.models.memory import needs, refuse_by_name, refuse_without_room
from api.routes.models.preparing import PreparedLaunch, prepared
from api.routes.models.staying import router as staying_router
from api.routes.models.uids import Uid
from api.routes.models.views import described, instance_of, state_of
from api.shapes.as_written import AsWritten
from api.shapes.models import Launched, Model, ModelInstance, ModelList
from models.errors import (
    Cancelled,
    HeadraceError,
    ModelFailed,
    ModelNotFound,
    ModelNotReady,
    NoDevice,
    UnsupportedParameter,
)
from models.launching.launch import Launch
from models.ledger.placement.needs import to_row
from models.reasons import told
from models.redis.presence import STEWARD
from models.rows import instances
from models.rows.instances import NewInstance
from models.rows.records import InstanceRow, ReplicaRow
from models.rows.states import ReplicaState

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=AsWritten)

LAUNCH_WAIT_S = 1800.0


@router.get("", summary="List models")
async def list_models(request: Request) -> ModelList:
    """Every model that was launched, whatever its state."""
    gateway = gateway_of(request)
    rows, replicas = await gateway.database.look(_everything)
    ready = gateway.routing_table.ready
    data = [described(row, replicas.get(row.uid, []), ready=bool(ready(row.uid))) for row in rows]
    return {"object": "list", "data": data}


@router.post("", summary="Launch a model", dependencies=[Depends(admin_only)], openapi_extra=json_body(Launch))
async def launch_model(request: Request, wait_ready: Annotated[bool, Query()] = True) -> Launched:
    """Launch a model under a uid. With ``wait_ready`` the answer comes when the model serves requests.

    A name of the catalogue without a ``model_path`` is launched by that: the answer says what it is, and why.
    Without ``wait_ready``, ``/progress`` shows how far it is. A launch that failed stays listed, with its log, until it
    is terminated; its uid, and that of a model that waits for a device that is not here, may be launched again.
    """
    gateway = gateway_of(request)
    body = await fields.read(request, Launch)
    launch = await begin(gateway, body, caller_of(request).key)
    new = launch.new
    if wait_ready and not body.load_on_request:
        await _until_ready(gateway, new.uid)
        gateway.known_models.forget()  # loaded, more is known
    told = by_name.told(launch.plan, new) if launch.plan else by_name.told_of_shipped(body, new)
    named: Launched = {"model_uid": new.uid, "model_engine": new.engine}
    return {**named, **told} if told else named


async def begin(gateway: Gateway, body: Launch, by: str) -> PreparedLaunch:
    """Launch a model, and wait for nothing. ``by``: the caller's key, hashed. Raises what a launch is refused with."""
    launch = await prepared(gateway, body)
    needed = await needs(gateway, launch.devices, launch.new, launch.seen)
    new = replace(launch.new, need=to_row(needed))
    await refuse_without_room(gateway, launch.devices, new)
    if needed is None:
        await refuse_by_name(gateway, launch)
    await gateway.database.run(_create, new, by, body.model_dump(exclude_unset=True, exclude_none=True))
    gateway.known_models.forget()
    await gateway.publish(STEWARD)
    return replace(launch, new=new)


@router.get("/instances", summary="Models and how far they are, as Xinference's command line asks")
async def list_instances(request: Request, model_name: str = "", model_uid: str = "") -> list[ModelInstance]:
    """Every model that was launched, or those of this name and uid, with the states of its replicas."""
    gateway = gateway_of(request)
    rows, replicas = await gateway.database.look(_everything)
    ready = gateway.routing_table.ready
    return [
        instance_of(row, replicas.get(row.uid, []), {one.id for _, one in ready(row.uid)})
        for row in rows
        if model_name in ("", row.model_name) and model_uid in ("", row.uid)
    ]


router.include_router(staying_router)
router.include_router(log_router)  # before what takes all that is left of a path


@router.get("/{uid:uid}", summary="Describe a model")
async def describe_model(request: Request, uid: Uid) -> Model:
    """One model. 404 if it was not launched."""
    gateway = gateway_of(request)
    row, replicas = await found_or_how(gateway, uid)
    return described(row, replicas, ready=bool(gateway.routing_table.ready(uid)))


async def _until_ready(gateway: Gateway, uid: str) -> None:
    """Wait until a replica takes requests. Raises the error of the first one where all have failed or have no hope."""
    loop = asyncio.get_running_loop()
    over = loop.time() + LAUNCH_WAIT_S
    while loop.time() < over:
        changed = gateway.routing_table.changed
        if gateway.routing_table.ready(uid):
            return
        try:
            _, replicas = await found(gateway, uid)
        except ModelNotFound:
            raise Cancelled(f"the launch of '{uid}' was cancelled", param="model_uid") from None
        hopeless = await gateway.database.look(instances.hopeless, uid)
        if again.is_over(replicas, hopeless):
            raise _failure(uid, replicas[0])
        await gateway.routing_table.change(changed, 0.5)
    raise ModelNotReady(f"the model '{uid}' is still loading", param="model_uid")


def _failure(uid: str, row: ReplicaRow) -> HeadraceError:
    cause = HeadraceError.from_row(row.error)
    if isinstance(cause, NoDevice):
        return UnsupportedParameter(cause.message, param=cause.param)
    if cause.status < 500:
        return cause
    goes_on = ""
    if row.next_try_at is not None:
        seconds = max(round(row.next_try_at / 1000 - time.time()), 1)
        goes_on = f"; it stays listed, and is tried again in {seconds} s, until it is terminated"
    return ModelFailed(f"the model '{uid}' could not be loaded: {cause.message}{goes_on}", param="model_uid")


def _create(connection: Connection, new: NewInstance, by: str, asked: dict[str, Any]) -> None:
    """Record the launch. It replaces one of the same uid that failed, or can never be placed; else raises Conflict."""
    if (there := instances.get(connection, new.uid)) is not None:
        replicas = instances.replicas_of(connection, new.uid)
        hopeless = instances.hopeless(connection, new.uid)
        if not again.replaceable(replicas, hopeless, served=there.load_s is not None):
            ready = any(row.state == ReplicaState.READY for row in replicas)
            raise again.in_use(new.uid, "ready" if ready else state_of(replicas))
        instances.delete(connection, new.uid, by, why=told("launched anew", "launched_anew"))
    instances.create(connection, new, by, asked)


def _everything(connection: Connection) -> tuple[list[InstanceRow], dict[str, list[ReplicaRow]]]:
    replicas: dict[str, list[ReplicaRow]] = {}
    for row in instances.replicas_of(connection):
        replicas.setdefault(row.uid, []).append(row)
    return instances.listing(connection), replicas
