"""The machines with workers: their releases and resources, their devices, and which engines work there, or why not."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from fastapi import APIRouter, Depends, Request
from msgspec.structs import asdict

from api.edge.caller import admin_only
from api.gateway.gateway import gateway_of
from api.routes.cluster.nodes import by_node
from api.routes.devices import basics_of, engine_works, seen, worker_state
from api.shapes.as_written import AsWritten
from api.shapes.machines import EngineFault, MachineFacts, Node, NodeDevice, NodeEngine, NodeList
from models.engines import FACTS, EngineFacts
from models.process import machine
from models.reasons import as_told
from models.redis.presence import Snapshot
from models.rows.records import LoadedDevice

router = APIRouter(prefix="/v1/cluster", tags=["cluster"], dependencies=[Depends(admin_only)], route_class=AsWritten)

Latest = Mapping[str, Snapshot | None]
"""The last report of each device's worker; None: it has fallen silent."""


@router.get("/nodes", summary="Machines, their releases and engines")
async def list_nodes(request: Request) -> NodeList:
    """Every machine with workers: its system, processors, memory, disk and devices, and which engines work there.

    Each worker tells the release that it runs: amid a rolling upgrade there are two, and ``releases`` has both. A
    machine whose workers were not seen for 15 seconds is ``lost``, and told of for a week. ``gateway`` is the one that
    answers.
    """
    gateway = gateway_of(request)
    rows, gone, silent = await gateway.database.run(seen)
    latest: Latest = {row.id: gateway.routing_table.latest(row.id) for row in rows}
    own = gateway.settings.node
    here = {name: node_of(name, some, latest, silent, own) for name, some in by_node(rows).items()}
    lost = {name: node_of(name, some, {}, silent, own) for name, some in by_node(gone).items() if name not in here}
    for row in gone:
        if row.node in here:
            here[row.node]["devices"].append(_device(row, silent, "lost", None))
    about = facts_of(await gateway.looking(machine.look, gateway.settings.home))
    return {
        "object": "list",
        "data": [*here.values(), *lost.values()],
        "gateway": {**about, "node": own, "home": str(gateway.settings.home)},
        "releases": sorted({machine.RELEASE, *(one for node in here.values() for one in node["releases"])}),
    }


def facts_of(about: machine.MachineReport) -> MachineFacts:
    """What a process told of its machine, null for what it did not tell. Pure, as are all below."""
    return cast(MachineFacts, {name: None if value == "" else value for name, value in asdict(about).items()})


def node_of(name: str, rows: Sequence[LoadedDevice], latest: Latest, silent: Mapping[str, int], own: str) -> Node:
    """A machine by the rows of its devices, of which ``latest`` has those that are here: none, if it is lost.

    ``silent``: how long each was not seen, in ms; ``own``: the gateway's node.
    """
    newest = min(rows, key=lambda row: silent.get(row.id, 0))
    state: Literal["here", "lost"] = "here" if latest else "lost"
    about = facts_of(_told(newest))
    if not latest:  # it was so when it was last heard of
        about = {**about, "load": None, "memory_free_bytes": None, "disk_free_bytes": None}
    busy = [one.utilization for row in rows if row.kind == "cpu" and (one := latest.get(row.id))]
    return {
        **about,
        "id": name,
        "object": "node",
        "state": state,
        "gateway": name == own,
        "releases": sorted({release for row in rows if (release := _told(row).release)}),
        "cpu_utilization": busy[0] if busy else None,
        "notes": [*dict.fromkeys(note for row in rows for note in row.details.get("notes", ()))],
        "devices": [
            _device(row, silent, worker_state(latest.get(row.id)) if latest else "lost", latest.get(row.id))
            for row in rows
        ],
        "engines": [engine_on(facts, rows) for facts in FACTS.values()],
    }


def engine_on(facts: EngineFacts, rows: Sequence[LoadedDevice]) -> NodeEngine:
    """An engine on the devices of a machine: where it works, in which version, and why not elsewhere."""
    works = {row.id: engine_works(row, facts.name) for row in rows}
    good = [id for id, one in works.items() if one["works"]]
    asked = any(one["works"] is None for one in works.values())
    reasons: dict[str, list[str]] = {}
    for id, one in works.items():
        if one["works"] is False:
            reasons.setdefault(one["reason"], []).append(id)
    told = [_libraries(row, facts.name) for row in sorted(rows, key=lambda row: row.id not in good)]
    libraries = next((one for one in told if one), {})
    main = facts.name if facts.name in libraries else next(iter(facts.libraries), "")
    return {
        "id": facts.name,
        "works": True if good else None if asked else False,
        "version": libraries.get(main, ""),
        "libraries": libraries,
        "devices": good,
        "faults": [EngineFault(reason=reason, reasons=as_told(reason), devices=ids) for reason, ids in reasons.items()],
    }


def _device(
    row: LoadedDevice,
    silent: Mapping[str, int],
    worker: Literal["reports", "draining", "silent", "lost"],
    latest: Snapshot | None,
) -> NodeDevice:
    about = _told(row)
    text = {name: str(row.details.get(name) or "") for name in ("driver", "cuda", "capability", "fault")}
    return {
        **basics_of(row, silent.get(row.id, 0)),
        "worker": worker,
        "release": about.release or None,
        "python": about.python or None,
        "free_bytes": latest.free_bytes if latest else None,
        "utilization": latest.utilization if latest else None,
        "driver": text["driver"],
        "cuda": text["cuda"],
        "capability": text["capability"],
        "fault": text["fault"],
    }


def _told(row: LoadedDevice) -> machine.MachineReport:
    return machine.read(row.details.get("machine", {}))


def _libraries(row: LoadedDevice, engine: str) -> dict[str, str]:
    """The versions that a worker told, as far as they can be read: it may be of another release."""
    told: Any = row.details.get("libraries")
    found = told.get(engine) if isinstance(told, dict) else None
    return {str(name): str(one) for name, one in found.items()} if isinstance(found, dict) else {}
