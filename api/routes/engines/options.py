"""Engines: what each is and where it works, and its options as JSON Schema."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.gateway.gateway import gateway_of
from api.routes.devices import engine_works
from api.shapes.as_written import AsWritten
from api.shapes.devices import EngineList, EngineListed
from models.engines import FACTS, MODEL_TYPES, EngineFacts, ModelType, engine_named
from models.errors import InvalidRequest, NotFound
from models.launching.options.schemas import schema_of
from models.rows import instances
from models.rows.records import LoadedDevice
from models.shapes import OptionsSchema

router = APIRouter(prefix="/v1/engines", tags=["models"], route_class=AsWritten)


@router.get("", summary="List engines")
async def list_engines(request: Request) -> EngineList:
    """Every engine: the types of models that it serves, the formats that it reads, and on which devices it works.

    ``works`` is null while a device is still being asked; ``reason`` says why an engine does not work there. What a
    launch may set of it is at ``/v1/engines/{engine}/options``.
    """
    devices = await gateway_of(request).database.look(instances.alive_devices, instances.ALIVE_MS)
    return {"object": "list", "data": [_described(one, devices) for one in FACTS.values()]}


@router.get("/{engine}/options", summary="What a launch may set of an engine")
async def describe_options(
    engine: str, model_type: Annotated[str | None, Query(description="of the models that it serves")] = None
) -> OptionsSchema:
    """The options of an engine as JSON Schema: types, bounds, defaults and descriptions.

    ``model_type``: for models of this type, where it serves several; else for those of its usual type.
    """
    facts = engine_named(engine)
    if facts is None:
        raise NotFound(f"there is no engine '{engine[:40]}'; there are {', '.join(sorted(FACTS))}", param="engine")
    return schema_of(facts, _type_on(facts, model_type))


def _type_on(facts: EngineFacts, text: str | None) -> ModelType | None:
    if not text:
        return None
    found = next((one for one in MODEL_TYPES if one.lower() == text.lower()), None)
    if found not in facts.serves:
        raise InvalidRequest(
            f"the engine {facts.name} serves models of type {' and '.join(facts.model_types)}", param="model_type"
        )
    return found


def _described(facts: EngineFacts, devices: Sequence[LoadedDevice]) -> EngineListed:
    return {
        "id": facts.name,
        "object": "engine",
        "aliases": list(facts.aliases),
        "serves": {name: list(served) for name, served in facts.serves.items()},
        "formats": list(facts.formats),
        "abilities": list(facts.abilities),
        "own_environment": facts.own_environment,
        "cpu_only": facts.cpu_only,
        "many_gpus": facts.many_gpus,
        "devices": [{"id": one.id, **engine_works(one, facts.name)} for one in devices],
    }
