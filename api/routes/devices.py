"""Devices: what each is, and which engines work on it."""

from typing import cast

from fastapi import APIRouter, Request
from sqlalchemy.engine import Connection

from api.gateway.gateway import gateway_of
from api.routes.models.memory import rooms_of
from api.shapes.as_written import AsWritten
from api.shapes.devices import DescribedDevice, DeviceDetails, DeviceList, EngineWorks, NodeNote
from models.engines import FACTS
from models.ledger.fit import Room
from models.rows import instances
from models.rows.records import LoadedDevice

router = APIRouter(prefix="/v1/devices", tags=["models"], route_class=AsWritten)

_UNTOLD = ("notes", "gone", "cached")
"""What workers tell of a device, and not every key may know: what was fetched is for administrators."""


@router.get("", summary="List devices")
async def list_devices(request: Request) -> DeviceList:
    """Every device whose worker reports: its hardware, who holds how much of it, and which engines work on it.

    Sizes are in bytes. ``free_bytes`` is measured; ``available_bytes`` is what a model may have now: less what is
    reserved and not taken yet. ``holders`` has each replica's part, reserved and measured, and whether it is idle.

    ``engines`` has every engine: ``works`` is null while the device is still being asked, and ``reason`` says why an
    engine does not work there. ``fault`` is what is wrong with a GPU since its worker started, and what to do;
    ``notes`` name the GPUs of each node that could not be used at the start, with what to do.
    """
    gateway = gateway_of(request)
    rows = await gateway.database.run(_alive)
    held = await rooms_of(gateway, rows)
    data = [_describe(row, gateway.routing_table.free_bytes(row.id), held[row.id]) for row in rows]
    return {"object": "list", "data": data, "notes": _notes(rows)}


def _notes(rows: list[LoadedDevice]) -> list[NodeNote]:
    """What is to be said of nodes, once each."""
    notes = dict.fromkeys((row.node, note) for row in rows for note in row.details.get("notes", ()))
    return [{"node": node, "note": note} for node, note in notes]


def _alive(connection: Connection) -> list[LoadedDevice]:
    return instances.alive_devices(connection, instances.ALIVE_MS)


def _describe(row: LoadedDevice, free_bytes: int | None, room: Room) -> DescribedDevice:
    details = {name: value for name, value in row.details.items() if name not in _UNTOLD}
    engines: dict[str, EngineWorks] = {
        name: {"works": row.engines[name] == "" if name in row.engines else None, "reason": row.engines.get(name, "")}
        for name in FACTS
    }
    return {
        "id": row.id,
        "object": "device",
        "node": row.node,
        "kind": row.kind,
        "label": row.label,
        "total_bytes": row.total_bytes,
        "free_bytes": free_bytes,
        "used_bytes": None if free_bytes is None else max(0, row.total_bytes - free_bytes),
        "available_bytes": room.free,
        "reserved_bytes": sum(one.reserved or 0 for one in room.holdings),
        "measured_bytes": sum(one.measured or 0 for one in room.holdings),
        "holders": [
            {
                "replica_id": one.replica,
                "model_uid": one.uid,
                "reserved_bytes": one.reserved,
                "measured_bytes": one.measured,
                "idle": one.idle,
            }
            for one in room.holdings
        ],
        **cast(DeviceDetails, details),
        "replicas": row.load,
        "engines": engines,
    }
