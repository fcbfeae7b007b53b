"""The machines of the platform by Xinference's names: a supervisor, which is this gateway, and workers, the nodes."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import psutil
from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy.engine import Connection

from api.edge.caller import admin_only
from api.gateway.gateway import gateway_of
from api.shapes.as_written import AsWritten
from api.shapes.cluster import ClusterNode, MachineResources, WorkerMachine
from models.process import machine
from models.rows import instances
from models.rows.records import InstanceRow, LoadedDevice, ReplicaRow

router = APIRouter(prefix="/v1", tags=["cluster"], route_class=AsWritten)

MIB = 1 << 20


@router.get("/workers", summary="Machines with workers, and what they hold", dependencies=[Depends(admin_only)])
async def list_workers(request: Request) -> list[WorkerMachine]:
    """Every machine whose workers report: its name under ``work-ip``, the models with a replica there, its devices."""
    gateway = gateway_of(request)
    rows = await gateway.database.look(instances.alive_devices, instances.ALIVE_MS)
    launched, replicas = await gateway.database.look(_everything)
    return [worker_of(node, devices, launched, replicas) for node, devices in by_node(rows).items()]


@router.get("/supervisor", summary="Where this gateway is")
async def supervisor(request: Request) -> dict[str, Any]:
    """The address that this gateway listens on."""
    settings = gateway_of(request).settings
    return {"supervisor_ip": f"{settings.host}:{settings.port}"}


@router.get("/cluster/version", summary="Version, as Xinference tells it")
async def cluster_version() -> dict[str, Any]:
    """Which release of Headrace this is; what Xinference tells of its sources is null."""
    return {"version": machine.RELEASE, "full-revisionid": None, "dirty": False, "error": None, "date": None}


@router.get("/cluster/devices", summary="How many GPUs there are")
async def count_gpus(request: Request) -> int:
    """The GPUs of all machines whose workers report."""
    rows = await gateway_of(request).database.look(instances.alive_devices, instances.ALIVE_MS)
    return sum(one.kind == "cuda" for one in rows)


@router.get("/cluster/info", summary="Machines and their resources", dependencies=[Depends(admin_only)])
async def cluster_info(
    request: Request, detailed: Annotated[bool, Query(description="processors and memory, too")] = False
) -> list[ClusterNode]:
    """The supervisor and each worker, with its GPUs; sizes are in bytes, or in MiB as a text where not ``detailed``.

    Which processors are free is measured on the gateway's own machine; of others their load tells, or it is null.
    """
    gateway = gateway_of(request)
    rows = await gateway.database.look(instances.alive_devices, instances.ALIVE_MS)
    free = {row.id: gateway.routing_table.free_bytes(row.id) for row in rows}
    own: MachineResources = _own_machine() if detailed else {}
    host = gateway.settings.host
    head: ClusterNode = {"node_type": "Supervisor", "ip_address": host, "gpu_count": 0, "gpu_vram_total": 0}
    if detailed:
        head["gpu_vram_available"] = 0
    workers = [
        node_of(node, devices, free, own if node == gateway.settings.node else {}, detailed=detailed)
        for node, devices in by_node(rows).items()
    ]
    return [{**head, **own}, *workers]


def by_node(rows: Sequence[LoadedDevice]) -> dict[str, list[LoadedDevice]]:
    """The devices of each machine. Pure, as are all below."""
    nodes: dict[str, list[LoadedDevice]] = {}
    for row in rows:
        nodes.setdefault(row.node, []).append(row)
    return nodes


def worker_of(
    node: str, devices: Sequence[LoadedDevice], launched: Sequence[InstanceRow], replicas: Sequence[ReplicaRow]
) -> WorkerMachine:
    """A machine as Xinference tells of a worker: its models by the ids of their replicas."""
    ids = {one.id for one in devices}
    models = {row.uid: row for row in launched}
    held = [row for row in replicas if row.uid in models and ids.intersection(instances.held_devices(row))]
    return {
        "work-ip": node,
        "models": {
            row.id: {
                "model_uid": row.uid,
                "model_name": models[row.uid].model_name,
                "model_type": models[row.uid].model_type,
                "model_engine": models[row.uid].engine,
                "devices": instances.held_devices(row),
                "state": row.state,
            }
            for row in held
        },
        "devices": [one.id for one in devices],
    }


def node_of(
    node: str,
    devices: Sequence[LoadedDevice],
    free: Mapping[str, int | None],
    own: MachineResources,
    *,
    detailed: bool,
) -> ClusterNode:
    """A machine as a line of Xinference's table. ``own``: what is known of its processors and memory."""
    gpus = [one for one in devices if one.kind == "cuda"]
    total = sum(one.total_bytes for one in gpus)
    line: ClusterNode = {"node_type": "Worker", "ip_address": node, "gpu_count": len(gpus), "gpu_vram_total": total}
    if not detailed:
        line["gpu_vram_total"] = f"{total // MIB}MiB" if total else 0
        return line
    line["gpu_vram_available"] = sum(free.get(one.id) or 0 for one in gpus)
    if own:
        return {**line, **own}
    cpus = [one for one in devices if one.kind == "cpu"]
    memory = cpus[0].total_bytes if cpus else None
    left = free.get(cpus[0].id) if cpus else None
    used = memory - left if memory is not None and left is not None else None
    about = machine.read(devices[0].details.get("machine", {}))
    idle = None if about.cpu_count is None or about.load is None else max(0.0, round(about.cpu_count - about.load, 2))
    cores: MachineResources = {"cpu_count": about.cpu_count, "cpu_available": idle}
    return {**line, "mem_total": memory, "mem_available": left, "mem_used": used, **cores}


def _own_machine() -> MachineResources:
    memory, cores = psutil.virtual_memory(), psutil.cpu_count() or 1
    busy = psutil.cpu_percent() / 100  # since it was asked last
    return {
        "cpu_count": cores,
        "cpu_available": round(cores * (1 - busy), 2),
        "mem_used": memory.used,
        "mem_available": memory.available,
        "mem_total": memory.total,
    }


def _everything(connection: Connection) -> tuple[list[InstanceRow], list[ReplicaRow]]:
    return instances.listing(connection), instances.replicas_of(connection)
