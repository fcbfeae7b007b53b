"""A newer catalogue, taken over HTTP, as ``headrace catalogue update`` does: on the gateway's machine alone."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from api.bodies import fields
from api.bodies.documents import json_body
from api.edge.caller import admin_only
from api.gateway.gateway import Gateway, gateway_of
from api.routes.models.roots import refuse_outside
from api.shapes.as_written import AsWritten
from api.shapes.catalogue import CatalogueChange, CatalogueVersion, ChangedFamilies
from models.catalogue import versions
from models.catalogue.entries import families
from models.catalogue.versions import FETCH_S, Changes, InUse, changes
from models.errors import InvalidRequest
from models.process.machine import RELEASE

MOST_NAMES = 200
"""Families of a change that are named; all are counted."""
TAKE_S = 60.0
"""How long a catalogue may take to be checked and written."""

router = APIRouter(
    prefix="/v1/catalogue_versions", tags=["models"], dependencies=[Depends(admin_only)], route_class=AsWritten
)


class NewerCatalogue(BaseModel):
    """Body of ``POST /v1/catalogue_versions``: a path on the gateway's machine, or an https URL."""

    model_config = ConfigDict(extra="forbid")

    place: Annotated[str, Field(min_length=1, max_length=2000)]


@router.get("", summary="Which catalogue is in use")
async def show_catalogue_version(request: Request) -> CatalogueVersion:
    """Which catalogue of names the gateway's machine uses: the one that comes with Headrace, or a newer one."""
    gateway = gateway_of(request)
    return await gateway.looking(lambda: version_of(versions.in_use(gateway.settings.home)))


@router.post("", summary="Take a newer catalogue", openapi_extra=json_body(NewerCatalogue))
async def update_catalogue(request: Request) -> CatalogueChange:
    """Take the catalogue at a place, once all of it was checked: it is in use at once, and the one before is kept.

    ``place``: a file, or a folder of files, in the form of ``models/catalogue/families``, on the gateway's machine; or
    an https URL. 400, and nothing changes, where anything in it is wrong, or HEADRACE_OFFLINE forbids to fetch it; 503
    where it cannot be had. Other machines with gateways each need it, too.
    """
    gateway = gateway_of(request)
    place = (await fields.read(request, NewerCatalogue)).place
    if "://" not in place and not Path(place).is_absolute():
        raise InvalidRequest("say a path from the root on, or an https URL", param="place")
    refuse_outside(place, gateway.settings.roots, "place")
    data = await gateway.looking(_read, place, on_hub="://" in place, within_s=FETCH_S + TAKE_S)
    return await _changed(gateway, lambda home: _taken(home, data, place))


@router.post("/rollback", summary="Take the former catalogue")
async def roll_catalogue_back(request: Request) -> CatalogueChange:
    """Go back to the catalogue that was in use before; the next time, to the one after it again. 400 without one."""
    return await _changed(gateway_of(request), versions.go_back)


async def _changed(gateway: Gateway, change: Callable[[Path], InUse]) -> CatalogueChange:
    """Change the catalogue, and tell what is different now."""

    def run() -> CatalogueChange:
        before = families()
        now = change(gateway.settings.home)
        return told(version_of(now), changes(before, families()))

    return await gateway.looking(run, within_s=TAKE_S)


def _read(place: str) -> bytes:
    """What is there. Raises InvalidRequest, Unavailable."""
    try:
        return versions.read_at(place)
    except InvalidRequest as error:
        raise InvalidRequest(error.message, param="place") from error
    except (OSError, ValueError) as error:
        why = (isinstance(error, OSError) and error.strerror) or "it is no path"
        raise InvalidRequest(f"{place[:200]} cannot be read on the gateway's machine: {why}", param="place") from error


def _taken(home: Path, data: bytes, place: str) -> InUse:
    try:
        return versions.take(home, data, place)
    except InvalidRequest as error:
        raise InvalidRequest(f"nothing was changed, since {error.message}", param="place") from error


def version_of(found: InUse) -> CatalogueVersion:
    """What is told of the catalogue in use. Reads its file, to tell it from others."""
    data = None if found.path is None else found.path.read_bytes()
    return {
        "object": "catalogue.version",
        "origin": "shipped" if data is None else "newer",
        "version": RELEASE if data is None else hashlib.sha256(data).hexdigest()[:12],
        "families": found.count,
        "taken_at": None if found.path is None else int(found.path.stat().st_mtime),
        "place": found.place or None,
        "has_former": found.former,
    }


def told(now: CatalogueVersion, found: Changes) -> CatalogueChange:
    """What changed. Pure."""
    return {**now, "added": _named(found.added), "removed": _named(found.removed), "changed": _named(found.changed)}


def _named(names: Sequence[str]) -> ChangedFamilies:
    return {"count": len(names), "names": list(names[:MOST_NAMES])}
