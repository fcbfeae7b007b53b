"""Which models come back after a start, and in which order, by Xinference's names.

A model that was launched comes back by itself, as it is a row; so an entry is a model, and what is kept of a launch
is what it became.
"""

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from api.bodies import fields
from api.bodies.documents import json_body
from api.edge.caller import admin_only, caller_of
from api.gateway.gateway import Gateway, gateway_of
from api.routes.models.finding import found
from api.routes.models.routes import begin
from api.routes.models.uids import Uid
from api.shapes.as_written import AsWritten
from api.shapes.cluster import (
    Autostart,
    AutostartRemoved,
    Autostarts,
    AutostartStatus,
    AutostartSummary,
    KeptPlace,
)
from models.errors import Conflict, HeadraceError, InvalidRequest, ModelNotFound
from models.launching.launch import Launch, is_uid
from models.ledger.ways_wire import size_as_written
from models.modalities.base import Bool, Int
from models.rows import instances
from models.rows.life import autostart, history
from models.rows.life.history import ASKED, without_secrets
from models.rows.records import InstanceRow, ReplicaRow
from models.rows.states import ReplicaState

router = APIRouter(prefix="/v1/autostart/models", tags=["cluster"], route_class=AsWritten)


class AutostartEntry(BaseModel):
    """Body of ``POST /v1/autostart/models``. A lower ``priority`` is loaded first.

    ``model_uid`` and ``model_name`` stand for a ``launch`` that says no more.
    """

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    launch: dict[str, Any] | None = None
    model_uid: str | None = None
    model_name: str | None = None
    enabled: Bool = True
    priority: Annotated[Int, Field(ge=0, le=1_000_000)] = 100
    max_retries: Annotated[Int, Field(ge=0, le=1000)] = 3
    retry_interval_seconds: Annotated[Int, Field(ge=1, le=86_400)] = 30


@router.get("", summary="What comes back after a start", dependencies=[Depends(admin_only)])
async def list_autostart(request: Request) -> Autostarts:
    """Every model that comes back after a start, in the order in which they are loaded."""
    return {"models": await _entries(gateway_of(request))}


@router.get("/summary", summary="How many come back, and how they are")
async def summarize_autostart(request: Request) -> AutostartSummary:
    """How many models come back after a start, and their states."""
    entries = await _entries(gateway_of(request))
    states = [entry["state"]["status"] for entry in entries]
    return {
        "total": len(entries),
        "enabled": len(entries),
        "active": states.count("active"),
        "waiting": states.count("waiting"),
        "failed": states.count("failed"),
        "models": [{"model_uid": one["launch"]["model_uid"], "enabled": True, **one["state"]} for one in entries],
    }


@router.post(
    "",
    summary="Have a model come back",
    dependencies=[Depends(admin_only)],
    openapi_extra=json_body(AutostartEntry),
)
async def set_autostart(request: Request) -> Autostart:
    """Say whether a model comes back after a start, and when; one that was not launched is launched now.

    409 where another model has this uid.
    """
    gateway = gateway_of(request)
    body = await fields.read(request, AutostartEntry)
    wishes = {
        "autostart": body.enabled,
        "priority": body.priority,
        "max_retries": body.max_retries,
        "retry_interval_s": body.retry_interval_seconds,
    }
    asked, within = launch_in(body)
    try:
        launch = fields.rule_of(request, "launch").check(Launch, asked | wishes)
    except HeadraceError as error:
        raise error.within("launch") if within else error from None
    await gateway.database.look(_refuse_another, launch)
    if not await gateway.database.run(autostart.change, launch.uid, wishes, caller_of(request).key):
        await begin(gateway, launch, caller_of(request).key)
    return entry_of(*await found(gateway, launch.uid))


@router.delete("/{uid:uid}", summary="Have a model not come back", dependencies=[Depends(admin_only)])
async def remove_autostart(request: Request, uid: Uid) -> AutostartRemoved:
    """Say that a model is not to come back after the next start. It runs on until then."""
    by = caller_of(request).key
    change = {"autostart": False}
    if not is_uid(uid) or not await gateway_of(request).database.run(autostart.change, uid, change, by):
        raise ModelNotFound(f"the model '{uid}' does not exist", param="uid")
    return {"model_uid": uid, "removed": True}


def launch_in(entry: AutostartEntry) -> tuple[dict[str, Any], bool]:
    """What an entry says of the launch, and whether in ``launch``. Raises InvalidRequest where nothing or both do."""
    named = {"model_uid": entry.model_uid, "model_name": entry.model_name}
    named = {name: value for name, value in named.items() if value is not None}
    if entry.launch is None and not named:
        raise InvalidRequest("give launch, or model_uid and model_name", param="launch")
    if entry.launch is not None and named:
        raise InvalidRequest(f"{' and '.join(named)}: give it within launch alone", param=next(iter(named)))
    return (named, False) if entry.launch is None else (entry.launch, True)


def _refuse_another(connection: Connection, launch: Launch) -> None:
    """Raise Conflict where the uid is another model's than the one that is named: by its row, or by its own launch."""
    row = instances.get(connection, launch.uid)
    if row is None:
        return
    [*told] = [one.data.get(ASKED) or {} for one in history.listing(connection) if one.uid == row.uid]
    known = {
        "model_name": {row.model_name, *(one.get("model_name") for one in told[:1])},
        "model_path": {row.source, None, *(one.get("model_path") for one in told[:1])},
    }
    for name, values in known.items():
        if getattr(launch, name) not in values:
            raise Conflict(
                f"'{row.uid}' is {row.model_name}, and runs: terminate it to launch another, or give another model_uid",
                param=f"launch.{name}",
            )


async def _entries(gateway: Gateway) -> list[Autostart]:
    rows = await gateway.database.look(instances.listing)
    replicas = await gateway.database.look(instances.replicas_of)
    wanted = sorted((row for row in rows if row.autostart), key=lambda row: row.priority)
    return [entry_of(row, [one for one in replicas if one.uid == row.uid]) for row in wanted]


def entry_of(row: InstanceRow, replicas: list[ReplicaRow]) -> Autostart:
    """A model as an entry of Xinference's; what looks like a secret among its options is hidden. Pure."""
    states = {one.state for one in replicas}
    active = bool(states & {ReplicaState.READY, ReplicaState.DORMANT})
    status: AutostartStatus = "active" if active else "failed" if states == {ReplicaState.FAILED} else "waiting"
    errors = [HeadraceError.from_row(one.error).message for one in replicas if one.error]
    due = [one.next_try_at for one in replicas if one.next_try_at]
    return {
        "enabled": row.autostart,
        "priority": row.priority,
        "max_retries": row.max_retries,
        "retry_interval_seconds": row.retry_interval_s,
        "launch": {
            "model_uid": row.uid,
            "model_name": row.model_name,
            "model_type": row.model_type,
            "model_engine": row.engine,
            "model_format": row.model_format,
            "quantization": row.quantization,
            "model_size_in_billions": size_as_written(row.size_in_billions),
            "model_path": row.source or None,
            "replica": row.replica,
            "n_gpu": row.n_gpu,
            "gpu_idx": row.gpu_idx,
            "replica_config": cast(list[KeptPlace] | None, row.replica_config),
            "envs": without_secrets(row.envs),
            **without_secrets(row.options),
        },
        "state": {
            "status": status,
            "attempts": max((one.failures for one in replicas), default=0),
            "last_error": errors[0] if errors else None,
            "next_retry_ts": min(due) // 1000 if due else None,
        },
    }
