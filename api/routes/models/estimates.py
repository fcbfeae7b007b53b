"""A dry run of a launch: which engine would serve the model, what it needs, and what devices have."""

from dataclasses import replace

from fastapi import APIRouter, Depends, Request

from api.bodies import fields
from api.bodies.documents import json_body
from api.edge.caller import admin_only
from api.gateway.gateway import gateway_of
from api.routes.models.memory import decision, devices_for, nodes_that_have, rooms_of, took, wish_of
from api.routes.models.preparing import PEEK_S, prepared
from api.shapes.as_written import AsWritten
from models.errors import Unavailable
from models.launching.launch import Launch
from models.ledger.look import headers_of
from models.ledger.placement.measuring import need_of
from models.ledger.placement.needs import needs_of, to_row
from models.ledger.shapes import Estimate
from models.ledger.wire import answer, placement

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=AsWritten)


@router.post(
    "/estimate",
    summary="Estimate what a launch needs",
    dependencies=[Depends(admin_only)],
    openapi_extra=json_body(Launch),
)
async def estimate_model(request: Request) -> Estimate:
    """What a launch of this body would need of each device that it may have, in bytes; nothing is launched or fetched.

    ``needs`` has the weights, the KV cache for ``requests`` requests of ``context_length`` tokens, and what the engine
    takes beside them; ``least_bytes`` is with the smallest cache; ``measured_bytes`` is what it took of such devices
    before, which corrects the estimate, null where it never ran there. ``fits`` is null where it is not known. What
    ``download_bytes`` says is still on a hub. ``placement`` is where it would go now: its
    ``state`` is fits, waits or refused, with the reason, and ``to_leave`` who holds the devices on which it would fit.
    """
    gateway = gateway_of(request)
    body = await fields.read(request, Launch)
    launch = await prepared(gateway, body, seeing=True)
    new, seen = launch.new, launch.seen
    there = devices_for(launch.devices, new)
    if seen is None and new.source:
        raise Unavailable("the weights cannot be seen from here, so that nothing is known of them", param="model_path")
    half = any(one.kind != "cpu" for one in there)
    headers = None
    if seen is not None:
        headers = await gateway.looking(lambda: headers_of(new, seen, half=half, within_s=PEEK_S), on_hub=seen.remote)
    found = await rooms_of(gateway, there)
    needed = replace(new, need=to_row(needs_of(new.engine, headers, new.options)))
    before = await took(gateway, launch.devices, needed)
    count = wish_of(needed).count
    each = [(need_of(needed, one, count, before), found[one.id]) for one in there]
    estimates = [(need, room) for need, room in each if need is not None]
    nodes = await nodes_that_have(gateway, launch.devices, needed)
    made = decision(launch.devices, needed, await rooms_of(gateway, launch.devices), before, nodes)
    told = answer(new.model_name, new.engine, new.model_type, headers, estimates)
    return {**told, **placement(made)}
