"""What somebody who has launched nothing yet may try in one step."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from api.edge.caller import admin_only
from api.gateway.gateway import Gateway, gateway_of
from api.routes.catalogue.here import devices_here, held_here
from api.shapes.as_written import AsWritten
from api.shapes.catalogue import Suggested, SuggestedModels
from models.catalogue.entries import families
from models.catalogue.shipped import shipped_families
from models.errors import HeadraceError
from models.launching import hub
from models.launching.peek_source import peek_or_why
from models.ledger.catalogued.suggesting import Suggestion, suggestions

ASK_S = 4.0
"""How long a hub may take to show a repository, before it counts as out of reach."""

router = APIRouter(tags=["models"], dependencies=[Depends(admin_only)], route_class=AsWritten)


@router.get("/v1/suggestions", summary="Models to begin with")
async def suggest_models(
    request: Request,
    ask_hub: Annotated[bool, Query(description="find out whether those on hubs can be had; takes seconds")] = False,
) -> SuggestedModels:
    """Two or three models that chat, fit the devices that are here, and are on this machine or small.

    Without ``ask_hub`` no hub is asked, and ``available`` is null for what would be fetched.
    """
    gateway = gateway_of(request)
    devices, held = await devices_here(gateway), await held_here(gateway)
    trusts = gateway.settings.trust_remote_code
    found = await gateway.blocking(lambda: suggestions(shipped_families(), families(), devices, held, trusts=trusts))
    whys = await asyncio.gather(*(_why_not(gateway, one, ask_hub) for one in found))
    return {"object": "list", "data": [_told(one, why) for one, why in zip(found, whys, strict=True)]}


async def _why_not(gateway: Gateway, one: Suggestion, ask_hub: bool) -> HeadraceError | bool:
    """Why a model cannot be had now; else whether it is known that it can."""
    if one.source != "hub":
        return True
    if not ask_hub:
        return False
    try:
        await gateway.looking(peek_or_why, hub.parse(one.repository), ASK_S, on_hub=True, within_s=2 * ASK_S)
    except HeadraceError as error:
        return error
    return True


def _told(one: Suggestion, why: HeadraceError | bool) -> Suggested:
    return {
        "model_name": one.family.name,
        "model_type": one.family.type,
        "model_engine": one.way.engine,
        "model_format": one.way.model_format,
        "model_size_in_billions": one.way.size,
        "quantization": one.way.quantization,
        "source": one.source,
        "devices": list(one.way.devices),
        "needs_bytes": one.way.need.total if one.way.need else None,
        "download_bytes": one.download_bytes,
        "available": (why or None) if isinstance(why, bool) else False,
        "reason": None if isinstance(why, bool) else why.message,
        "code": None if isinstance(why, bool) else why.code,
    }
