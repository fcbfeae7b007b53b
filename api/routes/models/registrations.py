"""The models that a launch may name, in Xinference's shape: ``/v1/model_registrations``."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from api.gateway.gateway import gateway_of
from api.routes.models.registered import shipped_of, spoken_of
from models.catalogue.entries import families
from models.catalogue.names import named
from models.engines import MODEL_TYPES, ModelType
from models.errors import ModelNotFound, NotFound

router = APIRouter(prefix="/v1/model_registrations", tags=["models"])


@router.get("/{model_type}", summary="List the models of the catalogue")
async def list_registrations(
    request: Request, model_type: str, detailed: Annotated[bool, Query()] = False
) -> list[dict[str, Any]]:
    """The models of a type that a launch may name; with ``detailed`` all that is known of each."""
    return await gateway_of(request).blocking(_listed, _type(model_type), detailed)


@router.get("/{model_type}/{name:path}", summary="Describe a model of the catalogue")
async def describe_registration(request: Request, model_type: str, name: str) -> dict[str, Any]:
    """One model of the catalogue, by any name that a launch takes. 404 if there is none, with the nearest names."""
    return await gateway_of(request).blocking(_described, _type(model_type), name)


def _listed(model_type: ModelType, detailed: bool) -> list[dict[str, Any]]:
    entries = [*shipped_of(model_type).values(), *map(spoken_of, families(model_type))]
    return entries if detailed else [{name: one[name] for name in ("model_name", "is_builtin")} for one in entries]


def _described(model_type: ModelType, name: str) -> dict[str, Any]:
    shipped = shipped_of(model_type)
    try:
        return shipped[name] if name in shipped else spoken_of(named(name, model_type).family)
    except ModelNotFound as error:
        raise ModelNotFound(error.message, param="name") from None


def _type(text: str) -> ModelType:
    """The type of model that a path names, case ignored. Raises NotFound."""
    found = next((one for one in MODEL_TYPES if one.lower() == text.lower()), None)
    if found is None:
        raise NotFound(f"there is no type '{text}'; there are {', '.join(MODEL_TYPES)}", param="model_type")
    return found
