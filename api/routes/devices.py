"""Devices: what each is, and which engines work on it."""

from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.engine import Connection

from api.gateway.gateway import gateway_of
from models.engines import FACTS
from models.rows import instances
from models.rows.records import LoadedDevice

router = APIRouter(prefix="/v1/devices", tags=["models"])


@router.get("", summary="List devices")
async def list_devices(request: Request) -> dict[str, Any]:
    """Every device whose worker reports: its hardware, how many replicas it holds, and which engines work on it.

    ``engines`` has every engine: ``works`` is null while the device is still being asked, and ``reason`` says why an
    engine does not work there.
    """
    gateway = gateway_of(request)
    rows = await gateway.database.run(_alive)
    return {"object": "list", "data": [_describe(row, gateway.routing_table.free_bytes(row.id)) for row in rows]}


def _alive(connection: Connection) -> list[LoadedDevice]:
    return instances.alive_devices(connection, instances.ALIVE_MS)


def _describe(row: LoadedDevice, free_bytes: int | None) -> dict[str, Any]:
    engines = {
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
        **row.details,
        "replicas": row.load,
        "engines": engines,
    }
