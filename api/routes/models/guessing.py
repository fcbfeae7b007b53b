"""A description of weights, guessed from their files, to be registered by whoever agrees with it. Nothing is kept."""

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request
from pydantic import Field, field_validator

from api.bodies import fields
from api.bodies.documents import json_body
from api.edge.caller import admin_only
from api.gateway.gateway import Gateway, gateway_of
from api.routes.models.preparing import PEEK_S, prepared
from api.shapes.as_written import AsWritten
from api.shapes.registrations import Guess, GuessedModel
from models.catalogue.registering.families import free_name
from models.catalogue.registering.guesses import guess
from models.engines import ModelType
from models.errors import Unavailable
from models.launching.launch import Launch
from models.ledger.look import headers_if_any
from models.modalities.json_object import JsonObject
from models.rows import registrations
from models.unicode import refuse_broken

router = APIRouter(tags=["models"], route_class=AsWritten)


class GuessBody(JsonObject):
    """Weights to look at. ``model_family`` is of Xinference's clients, which name an architecture: the files do."""

    model_path: Annotated[str, Field(min_length=1, max_length=1000)]
    model_type: ModelType | None = None
    model_name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    model_family: Annotated[str, Field(max_length=200)] | None = None

    @field_validator("model_path", "model_name", mode="after")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        """Refuse what no path and no name can hold."""
        return refuse_broken(value, nul=False)


@router.post(
    "/v1/model_registrations/guess",
    summary="Guess the description of a model",
    dependencies=[Depends(admin_only)],
    openapi_extra=json_body(GuessBody),
)
async def guess_model(request: Request) -> Guess:
    """What would be registered of the weights at a path, or on a hub: its ``model_type``, and its ``model``.

    ``model_type`` and ``model_name`` are taken as they are said; else the name is one that is free.
    """
    return await _guessed(gateway_of(request), await fields.read(request, GuessBody))


@router.post(
    "/v1/models/llm/auto-register",
    summary="Guess the description of a language model, as Xinference's pages ask",
    dependencies=[Depends(admin_only)],
    openapi_extra=json_body(GuessBody),
)
async def guess_language_model(request: Request) -> GuessedModel:
    """The description of the language model at a path."""
    body = await fields.read(request, GuessBody)
    body.model_type = "LLM"
    return (await _guessed(gateway_of(request), body))["model"]


async def _guessed(gateway: Gateway, body: GuessBody) -> Guess:
    """The answer. Raises InvalidRequest where no engine loads the weights, Unavailable where they cannot be seen."""
    launch = Launch(model_name="guessed", model_path=body.model_path, model_type=body.model_type)
    new = (found := await prepared(gateway, launch)).new
    seen = found.seen
    if seen is None:
        raise Unavailable("the weights cannot be seen from here, so that nothing is known of them", param="model_path")
    headers = await gateway.looking(lambda: headers_if_any(new, seen, half=False, within_s=PEEK_S), on_hub=seen.remote)
    numbers = sum(one.numbers for one in headers.all) if headers is not None else None
    kind: Any = new.model_type
    made = guess(new.source, seen, new.engine, kind, numbers, body.model_name)
    if body.model_name is None:
        made["model_name"] = free_name(made["model_name"], await gateway.database.look(registrations.names))
    return {"model_type": kind, "model": cast(GuessedModel, made)}
