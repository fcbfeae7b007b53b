"""The models that a launch may name, in Xinference's shape: ``/v1/model_registrations``."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.edge.caller import Scope, caller_of
from api.gateway.gateway import gateway_of
from api.routes.models.registered import own_of, shipped_of, spoken_of
from api.routes.models.registering import router as registering
from api.shapes.as_written import AsWritten
from api.shapes.registrations import Registration, RegistrationName
from models.catalogue.entries import families
from models.catalogue.names import named
from models.catalogue.registering.families import type_named
from models.engines import ModelType
from models.errors import ModelNotFound
from models.rows import registrations
from models.rows.records import RegistrationRow
from models.unicode import storable

router = APIRouter(prefix="/v1/model_registrations", tags=["models"], route_class=AsWritten)
router.include_router(registering)


@router.get("/{model_type}", summary="List the models of the catalogue")
async def list_registrations(
    request: Request, model_type: str, detailed: Annotated[bool, Query()] = False
) -> list[Registration] | list[RegistrationName]:
    """The models of a type that a launch may name; with ``detailed`` all that is known of each.

    Those with ``is_builtin`` false are registered; administrators alone see where on our machines their weights are.
    """
    gateway, kind = gateway_of(request), type_named(model_type)
    rows = await gateway.database.look(registrations.listing, kind)
    return await gateway.blocking(_listed, kind, rows, detailed, _sees_paths(request))


@router.get("/{model_type}/{name:path}", summary="Describe a model of the catalogue")
async def describe_registration(request: Request, model_type: str, name: str) -> Registration:
    """One model, by any name that a launch takes. 404 if there is none, with the nearest names."""
    gateway, kind = gateway_of(request), type_named(model_type)
    row = await gateway.database.look(registrations.get, name) if storable(name) else None
    if row is not None and row.model_type == kind:
        return own_of(row, paths=_sees_paths(request))
    own = await gateway.database.look(registrations.names, kind)
    return await gateway.blocking(_described, kind, name, own)


def _sees_paths(request: Request) -> bool:
    return Scope.ADMIN in caller_of(request).scopes


def _listed(
    model_type: ModelType, rows: Sequence[RegistrationRow], detailed: bool, paths: bool
) -> list[Registration] | list[RegistrationName]:
    own = [own_of(row, paths=paths) for row in rows]
    entries = [*shipped_of(model_type).values(), *map(spoken_of, families(model_type)), *own]
    if detailed:
        return entries
    names: list[RegistrationName] = [
        {"model_name": one["model_name"], "is_builtin": one["is_builtin"]} for one in entries
    ]
    return names


def _described(model_type: ModelType, name: str, own: Sequence[str]) -> Registration:
    shipped = shipped_of(model_type)
    try:
        return shipped[name] if name in shipped else spoken_of(named(name, model_type, own).family)
    except ModelNotFound as error:
        raise ModelNotFound(error.message, param="name") from None
