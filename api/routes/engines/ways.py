"""Which engine can run which weights of a model here, and why others cannot. Paths are Xinference's."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, Request
from msgspec.structs import replace

from api.gateway.gateway import Gateway, gateway_of
from api.routes.catalogue.here import devices_here, named_here
from api.routes.models.registered import family_of
from api.shapes.as_written import AsWritten
from models.catalogue.entries import Family
from models.catalogue.names import meant
from models.engines import MODEL_TYPES, ModelType
from models.errors import ModelNotFound, NotFound
from models.ledger.catalogued.usual import usual_need
from models.ledger.shapes import WayList, WaysByEngine
from models.ledger.ways import ways_here
from models.ledger.ways_wire import by_engine, described
from models.rows import registrations
from models.unicode import storable

router = APIRouter(prefix="/v1/engines", tags=["models"], route_class=AsWritten)

Detailed = Annotated[bool, Query(description="a row for each way, also of those that cannot be gone here")]
"""Our own form instead of Xinference's."""
Virtual = Annotated[bool | None, Query(description="Xinference's; an engine has one environment here")]


@router.get("/{model_type}/{name:path}", summary="Which engines can run a model of a type here")
async def engines_for_type(
    request: Request, model_type: str, name: str, detailed: Detailed = False, enable_virtual_env: Virtual = None
) -> WaysByEngine | WayList:
    """For each engine the formats, sizes and quantisations of a model that it can run here, or the reason why none.

    What weights need is computed from their parameters: no hub is asked. With ``detailed`` each way has a row. What
    begins with no type is a name with a slash, of a model of whatever type.
    """
    found = next((one for one in MODEL_TYPES if one.lower() == model_type.lower()), None)
    if found is None:
        with suppress(ModelNotFound):  # a name may have a slash, as a repository's has
            return await _answer(gateway_of(request), f"{model_type}/{name}", None, detailed)
        raise NotFound(f"there is no type '{model_type[:40]}'; there are {', '.join(MODEL_TYPES)}", param="model_type")
    return await _answer(gateway_of(request), name, found, detailed)


@router.get("/{name}", summary="Which engines can run a model here")
async def engines_for(
    request: Request, name: str, detailed: Detailed = False, enable_virtual_env: Virtual = None
) -> WaysByEngine | WayList:
    """The same for a model of whatever type."""
    return await _answer(gateway_of(request), name, None, detailed)


async def _answer(gateway: Gateway, name: str, model_type: ModelType | None, detailed: bool) -> WaysByEngine | WayList:
    here = await devices_here(gateway)
    row = await gateway.database.look(registrations.get, name) if storable(name) else None
    if row is not None and model_type in (None, row.model_type):
        family = family_of(row)
    else:
        own = await gateway.database.look(registrations.names, model_type)
        family = await gateway.blocking(_family, name, model_type, own)
    ways = ways_here(family, here, trusts=gateway.settings.trust_remote_code, usual=usual_need)
    if not detailed:
        return by_engine(family, ways)
    return {
        "object": "list",
        "model_name": family.name,
        "model_type": family.type,
        "data": [described(one, here) for one in ways],
    }


def _family(name: str, model_type: ModelType | None, own: Sequence[str]) -> Family:
    """The model of this name, with the weights that the name may mean. Raises ModelNotFound."""
    found = named_here(name, model_type, own)
    return replace(found.family, specs=meant(found))
