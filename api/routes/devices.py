"""Devices: what each is, and which engines work on it."""

from collections.abc import Collection
from typing import Literal, cast

from fastapi import APIRouter, Request
from sqlalchemy.engine import Connection

from api.gateway.gateway import gateway_of
from api.routes.models.memory import rooms_of
from api.shapes.as_written import AsWritten
from api.shapes.devices import DescribedDevice, DeviceBasics, DeviceDetails, DeviceList, EngineWorks, NodeNote
from models.engines import FACTS
from models.ledger.fit import Room
from models.reasons import as_told
from models.redis.presence import Snapshot
from models.rows import instances
from models.rows.life import liveness
from models.rows.records import LoadedDevice

router = APIRouter(prefix="/v1/devices", tags=["models"], route_class=AsWritten)

LOST_WITHIN_MS = 7 * 24 * 3600 * 1000
"""For so long a device that does not come back is told of."""
_UNTOLD = ("notes", "gone", "cached", "machine", "libraries", "reasons")
"""What workers tell of a device, and not every key may know: what was fetched, and all of the machine, is for
administrators."""


@router.get("", summary="List devices")
async def list_devices(request: Request) -> DeviceList:
    """Every device whose worker reports: its hardware, who holds how much of it, and which engines work on it.

    Sizes are in bytes. ``free_bytes`` is measured; ``available_bytes`` is what a model may have now: less what is
    reserved and not taken yet. ``holders`` has each replica's part, reserved and measured, and whether it is idle.

    ``utilization`` is the part of it that computes now, of a CPU that of all its processors, whoever uses them.
    ``worker`` says whether its worker reports; ``lost`` has the devices that were not seen for 15 seconds, for a week.

    ``engines`` has every engine: ``works`` is null while the device is still being asked, and ``reason`` says why an
    engine does not work there. ``fault`` is what is wrong with a GPU since its worker started, and what to do;
    ``notes`` name the GPUs of each node that could not be used at the start, with what to do.
    """
    gateway = gateway_of(request)
    rows, gone, silent = await gateway.database.run(seen)
    held = await rooms_of(gateway, rows)
    table = gateway.routing_table
    busy = {one.id for _, one in table.replicas() if not one.idle_s}  # with jobs, too
    data = [_describe(row, table.latest(row.id), held[row.id], silent.get(row.id, 0), busy) for row in rows]
    lost = [basics_of(row, silent[row.id]) for row in gone]
    return {"object": "list", "data": data, "lost": lost, "notes": _notes(rows)}


def _notes(rows: list[LoadedDevice]) -> list[NodeNote]:
    """What is to be said of nodes, once each."""
    notes = dict.fromkeys((row.node, note) for row in rows for note in row.details.get("notes", ()))
    return [{"node": node, "note": note} for node, note in notes]


def seen(connection: Connection) -> tuple[list[LoadedDevice], list[LoadedDevice], dict[str, int]]:
    """The devices that are here, those that were lost lately, and how long each was not seen, in ms."""
    silent = liveness.silences(connection)
    gone = liveness.silent_devices(connection, instances.ALIVE_MS, LOST_WITHIN_MS)
    return instances.alive_devices(connection, instances.ALIVE_MS), gone, silent


def basics_of(row: LoadedDevice, silent_ms: int) -> DeviceBasics:
    """What is told of every device, be it lost or not. Pure."""
    return {
        "id": row.id,
        "object": "device",
        "node": row.node,
        "kind": row.kind,
        "label": row.label,
        "total_bytes": row.total_bytes,
        "silent_s": silent_ms / 1000,
        "replicas": row.load,
    }


def engine_works(row: LoadedDevice, engine: str) -> EngineWorks:
    """Whether an engine works on a device. Pure."""
    said = row.told.get(engine)
    return {"works": None if said is None else not said, "reason": said or "", "reasons": as_told(said or "")}


def worker_state(latest: Snapshot | None) -> Literal["reports", "draining", "silent"]:
    """How the worker of a device is, by its last report. Pure."""
    return "silent" if latest is None else "draining" if latest.draining else "reports"


def _describe(
    row: LoadedDevice, latest: Snapshot | None, room: Room, silent_ms: int, busy: Collection[str] = ()
) -> DescribedDevice:
    """``busy``: the replicas that do something."""
    free_bytes = latest.free_bytes if latest else None
    details = {name: value for name, value in row.details.items() if name not in _UNTOLD}
    return {
        **basics_of(row, silent_ms),
        "free_bytes": free_bytes,
        "used_bytes": None if free_bytes is None else max(0, row.total_bytes - free_bytes),
        "available_bytes": room.free,
        "reserved_bytes": sum(one.reserved or 0 for one in room.holdings),
        "measured_bytes": sum(one.measured or 0 for one in room.holdings),
        "utilization": latest.utilization if latest else None,
        "worker": worker_state(latest),
        "holders": [
            {
                "replica_id": one.replica,
                "model_uid": one.uid,
                "reserved_bytes": one.reserved,
                "measured_bytes": one.measured,
                "idle": one.idle and one.replica not in busy,
            }
            for one in room.holdings
        ],
        **cast(DeviceDetails, details),
        "engines": {name: engine_works(row, name) for name in FACTS},
    }
