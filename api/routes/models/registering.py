"""Registering a model, so that it can be launched by its name, and forgetting it again. Bodies are Xinference's."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field, ValidationError

from api.bodies import fields
from api.bodies.documents import json_body
from api.bodies.fields import rule_of
from api.edge.caller import admin_only
from api.gateway.gateway import gateway_of
from api.routes.models.registered import spoken_of
from api.routes.models.roots import refuse_options, refuse_outside
from api.shapes.as_written import AsWritten
from api.shapes.registrations import Registration
from models.catalogue.entries import Family
from models.catalogue.names import named
from models.catalogue.registering import forms
from models.catalogue.registering.families import Registered, in_own_form, refuse_taken, registered, type_named
from models.catalogue.registering.given import GivenModel
from models.engines import ModelType
from models.errors import Conflict, HeadraceError, InvalidRequest, ModelNotFound, UnsupportedParameter
from models.modalities.base import Bool
from models.modalities.ignored import take_ignored
from models.modalities.json_object import JsonObject
from models.rows import registrations
from models.settings import Settings
from models.unicode import storable
from models.validation import invalid

router = APIRouter(route_class=AsWritten)


class RegistrationBody(JsonObject):
    """What is registered. ``persist`` and ``worker_ip`` are of Xinference's clients: a registration is always kept, and
    known everywhere."""

    model: Annotated[str, Field(max_length=forms.MOST_BYTES)] | dict[str, Any] = Field(
        description="as Xinference writes it, or as a line of the catalogue's data: an object, or JSON or YAML as text"
    )
    persist: Bool | None = None
    worker_ip: str | None = None


@router.post(
    "/{model_type}",
    summary="Register a model",
    dependencies=[Depends(admin_only)],
    openapi_extra=json_body(RegistrationBody),
)
async def register_model(
    request: Request, model_type: str, dry_run: Annotated[bool, Query()] = False
) -> Registration | None:
    """Register a model of a type, to be launched by its name; null is the answer of Xinference.

    With ``dry_run`` nothing is kept: the answer is the entry that it would be, or why it cannot be registered. What a
    description has without effect here the header ``x-headrace-ignored`` names.
    """
    gateway, kind = gateway_of(request), type_named(model_type)
    body = await fields.read(request, RegistrationBody)
    if body.worker_ip:
        raise UnsupportedParameter("every machine knows what is registered: leave worker_ip out", param="worker_ip")
    rule = rule_of(request, "model")
    try:
        made, unknown = await gateway.looking(_made, body.model, kind, gateway.settings, rule.strict)
    except HeadraceError as error:
        raise error if error.param == "model" else error.within("model") from None
    rule.ignore((*unknown, *made.left_out))
    family = msgspec.to_builtins(made.family)
    try:
        if dry_run:
            await gateway.database.look(registrations.refuse_registered, made.family.name)
            return {**spoken_of(made.family), "is_builtin": False}
        await gateway.database.run(registrations.add, made.family.name, kind, family, made.given)
    except Conflict as error:
        raise Conflict(error.message, param=f"model.{_name_of(made.given)}") from error
    return None


@router.delete(
    "/{model_type}/{name:path}",
    summary="Unregister a model",
    dependencies=[Depends(admin_only)],
    responses={200: {"content": {"application/json": {"schema": {"type": "null"}}}}},
)
async def unregister_model(request: Request, model_type: str, name: str) -> None:
    """Forget a model that was registered. What was launched of it stays as it is."""
    gateway, kind = gateway_of(request), type_named(model_type)
    if storable(name) and await gateway.database.run(registrations.delete, name, kind):
        return
    try:
        refuse_taken(name, "model_name")
    except Conflict:
        raise InvalidRequest(f"'{name}' is of the catalogue, and stays there", param="model_name") from None
    raise ModelNotFound(f"no model '{name}' of type {kind} is registered", param="model_name")


def _made(
    model: str | dict[str, Any], kind: ModelType, settings: Settings, strict: bool
) -> tuple[Registered, tuple[str, ...]]:
    """What a description comes to, and the paths of fields in it that nobody here knows. Raises HeadraceError."""
    shown = forms.read(model) if isinstance(model, str) else forms.checked(model)
    unknown: tuple[str, ...] = ()
    field = _name_of(shown)
    given = None
    if field == "model_name":
        try:
            given = GivenModel.model_validate(shown)
        except ValidationError as error:
            raise invalid(error, shown) from error
        unknown = take_ignored(given, strict=strict)
        made = registered(given, shown, kind, _kin(given.model_family, kind))
    else:
        made = in_own_form(shown, kind)
    refuse_taken(made.family.name, field)
    _refuse_outside(made.family, settings, given)
    return made, unknown


def _uri_of(given: GivenModel, uri: str) -> str:
    """The field that this place comes from."""
    for at, spec in enumerate(given.model_specs or ()):
        if spec.model_uri and uri.startswith(spec.model_uri.strip().rstrip("/")):
            return f"model_specs[{at}].model_uri"
    return "model_uri"


def _kin(name: str | None, kind: ModelType) -> Family | None:
    """The family of the catalogue that a description names, whose needs it has as well; None: there is none."""
    try:
        return named(name, kind).family if name else None
    except ModelNotFound:
        return None


def _name_of(shown: Mapping[str, Any]) -> str:
    """The field that names the model: in Xinference's form, or in our own."""
    return "model_name" if "model_name" in shown or "specs" not in shown else "name"


def _refuse_outside(family: Family, settings: Settings, given: GivenModel | None) -> None:
    """Raise InvalidRequest where a model names a path that an operator did not allow. ``given``: in Xinference's form.

    Of several specs one may have been made.
    """
    for at, spec in enumerate(family.specs):
        for quantization in spec.quantizations if spec.uri else ():
            field = f"specs[{at}].uri" if given is None else _uri_of(given, spec.uri)
            refuse_outside(spec.uri.format(quantization=quantization), settings.roots, field)
    for options in family.options.values():
        refuse_options(options, settings.roots)
