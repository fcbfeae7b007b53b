"""Change how long a model stays loaded, while it runs."""

from fastapi import APIRouter, Depends, Request

from api.bodies import fields
from api.bodies.documents import json_body
from api.edge.caller import admin_only
from api.gateway.gateway import gateway_of
from api.routes.models.finding import found
from api.routes.models.uids import Uid
from api.routes.models.views import described
from api.shapes.as_written import AsWritten
from api.shapes.models import Model
from models.errors import InvalidRequest, ModelNotFound
from models.redis.presence import STEWARD
from models.rows.residency import moves
from models.staying import StayingChange

router = APIRouter(route_class=AsWritten)


@router.patch(
    "/{uid:uid}",
    summary="Change how long a model stays loaded",
    dependencies=[Depends(admin_only)],
    openapi_extra=json_body(StayingChange),
)
async def change_model(request: Request, uid: Uid) -> Model:
    """Change ``keep_alive``, ``pinned``, ``min_replicas``, ``max_replicas`` or ``autostart``; the others stay.

    Returns the model.
    """
    gateway = gateway_of(request)
    values = (await fields.read(request, StayingChange)).values()
    row, _ = await found(gateway, uid)
    least = values.get("min_replicas", row.min_replicas) or 0
    most = values.get("max_replicas", row.max_replicas) or max(row.replica, 1)
    if least > most:
        raise InvalidRequest(f"'min_replicas' is {least}, and there may be {most}", param="min_replicas")
    if values and not await gateway.database.run(moves.change, uid, values):
        raise ModelNotFound(f"the model '{uid}' does not exist", param="uid")
    await gateway.publish(STEWARD)
    row, replicas = await found(gateway, uid)
    return described(row, replicas, ready=bool(gateway.routing_table.ready(uid)))
