"""The catalogue, and one model of it, on the devices that are here."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy.engine import Connection

from api.gateway.gateway import gateway_of
from api.routes.catalogue.here import devices_here, held_here, named_here
from api.routes.catalogue.standings import standings
from api.routes.catalogue.wire import entry, model
from api.routes.models.registered import family_of
from api.shapes.catalogue import Catalogue, CatalogueModel, Origin
from api.shapes.compressed import Compressed
from models.catalogue.entries import families
from models.catalogue.registering.families import type_named
from models.catalogue.shipped import shipped_families
from models.engines import MODEL_TYPES
from models.hubs.holdings import Held
from models.ledger.catalogued.standing import standing
from models.ledger.ways import DeviceHere
from models.rows import registrations
from models.rows.records import RegistrationRow
from models.unicode import storable

router = APIRouter(prefix="/v1/catalogue", tags=["models"], route_class=Compressed)

_SHIPPED: Origin = "shipped"
_CATALOGUE: Origin = "catalogue"


@router.get("", summary="What can be launched by name, and what of it runs here")
async def list_catalogue(request: Request) -> Catalogue:
    """Every model that a launch may name, registered ones included, with whether anything of it runs here.

    What weights need is computed from their parameters: no hub is asked. It is compressed where the client takes gzip.
    """
    gateway = gateway_of(request)
    devices, held = await devices_here(gateway), await held_here(gateway)
    rows = await gateway.database.look(_all_registered)
    trusts = gateway.settings.trust_remote_code
    return await gateway.blocking(_listed, devices, held, rows, trusts)


@router.get("/{name:path}", summary="All of one model of the catalogue")
async def describe_catalogue_model(
    request: Request,
    name: str,
    model_type: Annotated[str | None, Query(description="where models of several types have the name")] = None,
) -> CatalogueModel:
    """One model, by any name that a launch takes, with every size, format and quantisation, and where each runs.

    404 if there is none, with the nearest names.
    """
    gateway = gateway_of(request)
    kind = type_named(model_type) if model_type else None
    devices, held = await devices_here(gateway), await held_here(gateway)
    trusts = gateway.settings.trust_remote_code
    row = await gateway.database.look(registrations.get, name) if storable(name) else None
    if row is not None and kind in (None, row.model_type):
        return await gateway.blocking(
            lambda: model(family_of(row), "registered", devices, held, row.given, trusts=trusts)
        )
    own = await gateway.database.look(registrations.names, kind)
    family = (await gateway.blocking(named_here, name, kind, own)).family
    origin = _SHIPPED if family in shipped_families() else _CATALOGUE
    return await gateway.blocking(lambda: model(family, origin, devices, held, {}, trusts=trusts))


def _all_registered(connection: Connection) -> list[RegistrationRow]:
    return [row for one in MODEL_TYPES for row in registrations.listing(connection, one)]


def _listed(devices: Sequence[DeviceHere], held: Held, rows: Sequence[RegistrationRow], trusts: bool) -> Catalogue:
    known = [*((one, _SHIPPED) for one in shipped_families()), *((one, _CATALOGUE) for one in families())]
    stands = standings(devices, trusts=trusts)
    data = [entry(one, origin, stand, held) for (one, origin), stand in zip(known, stands, strict=True)]
    own = [(family_of(row), row.given) for row in rows]
    data += [entry(one, "registered", standing(one, devices, trusts=trusts), held, given) for one, given in own]
    return {"object": "list", "data": data}
