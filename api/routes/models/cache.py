"""What was fetched from hubs onto the gateway's machine. Paths and names are Xinference's."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from api.edge.caller import admin_only
from api.gateway.gateway import Gateway, gateway_of
from api.shapes.as_written import AsWritten
from api.shapes.cache import CachedFiles, CachedModel, CachedModels, RemovedModel
from models.errors import Conflict, UnsupportedParameter
from models.hubs import cache, disk
from models.hubs.cache import CachedRepository
from models.rows import instances
from models.rows.records import InstanceRow

REMOVE_S = 600.0
"""Longest that a request waits for a removal, which goes on all the same."""

router = APIRouter(
    prefix="/v1/cache/models", tags=["models"], dependencies=[Depends(admin_only)], route_class=AsWritten
)

Version = Annotated[str, Query(max_length=300, description="hf:org/name, modelscope:org/name, or org/name")]
Worker = Annotated[str | None, Query(max_length=300, description="of this machine alone: its name, or its loopback")]


@router.get("", summary="List fetched models")
async def list_cached_models(request: Request, model_name: str = "", worker_ip: Worker = None) -> CachedModels:
    """Every repository that was fetched from a hub, or those of this name, with its size in bytes.

    ``whole`` is false where a file was cut off: the next launch goes on there. ``shared``: other programs use it, too.
    """
    gateway = _here(request, worker_ip)
    found = await gateway.looking(cache.cached, _folder(gateway))
    listed = [one for one in found if model_name in ("", one.name, one.name.partition("/")[2], one.source)]
    free = await gateway.looking(disk.free_bytes, _folder(gateway))
    rows = await gateway.database.look(instances.listing)
    return {"list": [_described(one, gateway.settings.node, rows) for one in listed], "free_bytes": free}


@router.get("/files", summary="The files of a fetched model")
async def list_cached_files(request: Request, model_version: Version, worker_ip: Worker = None) -> CachedFiles:
    """The files that would go with it."""
    gateway = _here(request, worker_ip)
    found = await gateway.looking(cache.named, _folder(gateway), model_version)
    paths = [str(path) for one in found for path in await gateway.looking(cache.paths_of, one)]
    return {"model_version": model_version, "worker_ip": worker_ip, "paths": paths}


@router.delete("", summary="Remove a fetched model")
async def remove_cached_model(request: Request, model_version: Version, worker_ip: Worker = None) -> RemovedModel:
    """Delete a repository from the cache, other programs' of Hugging Face included. 409 while a model uses it."""
    gateway = _here(request, worker_ip)
    found = await gateway.looking(cache.named, _folder(gateway), model_version)
    rows = await gateway.database.look(instances.listing)
    for one in found:
        if users := _users(rows, one):
            raise Conflict(f"'{one.source}' is used by {', '.join(users)}: terminate it first", param="model_version")
    for one in found:
        await gateway.looking(cache.remove, one, within_s=REMOVE_S)
    freed = sum(one.size for one in found)
    return {"model_version": model_version, "worker_ip": worker_ip, "result": True, "freed_bytes": freed}


def _here(request: Request, worker_ip: str | None) -> Gateway:
    """The gateway. Raises UnsupportedParameter where another machine is asked for."""
    gateway = gateway_of(request)
    if worker_ip not in (None, "", gateway.settings.node, "127.0.0.1", "localhost"):
        raise UnsupportedParameter(
            f"the cache of this machine alone ({gateway.settings.node}) is seen from here", param="worker_ip"
        )
    return gateway


def _folder(gateway: Gateway) -> Path:
    return gateway.settings.home / "models"


def _users(rows: Sequence[InstanceRow], one: CachedRepository) -> list[str]:
    """The uids of the models that were launched of it."""
    return [row.uid for row in rows if _uses(row, one.source)]


def _uses(row: InstanceRow, source: str) -> bool:
    """Whether a model was launched of a repository, or of one of its files."""
    named = [row.source, *(value for value in row.options.values() if isinstance(value, str))]
    return any(one == source or one.startswith((f"{source}/", f"{source}@")) for one in named)


def _described(one: CachedRepository, node: str, rows: Sequence[InstanceRow]) -> CachedModel:
    """A fetched model with Xinference's names, and ours."""
    return {
        "model_name": one.name,
        "model_version": one.source,
        "model_format": None,
        "model_size_in_billions": None,
        "quantization": None,
        "path": str(one.path),
        "real_path": str(one.path.resolve()),
        "actor_ip_address": node,
        "model_hub": one.hub,
        "size_bytes": one.size,
        "files": one.files,
        "whole": one.whole,
        "shared": one.shared,
        "modified_ts": int(one.modified),
        "read_ts": None if one.read is None else int(one.read),
        "used_by": _users(rows, one),
    }
