"""What the endpoints of models say of a model and its replicas, from their rows. Pure.

The fields are Xinference's, and of other servers those that programs look for. What is not known is null.
"""

import re
from collections.abc import Collection, Mapping
from types import MappingProxyType

import msgspec

from api.shapes.life import FetchedFile, ModelProgress, ReplicaInfo
from api.shapes.models import LaunchStatus, Model, ModelInstance, ModelState
from models.errors import HeadraceError
from models.hubs.progress import DownloadProgress
from models.launching.about import abilities_of
from models.ledger.ways_wire import size_as_written
from models.reasons import as_told, told
from models.rows.records import InstanceRow, ReplicaRow
from models.rows.states import ReplicaState

_HUBS = {"hf": "huggingface", "modelscope": "modelscope"}
_DEVICE = re.compile(r"(?P<node>.*)\.(?:cpu|metal|cuda:(?P<gpu>[0-9.]+))")


TURN = told("another model is being loaded onto its device, or its memory is not free yet", "waits_for_turn")


def described(row: InstanceRow, replicas: list[ReplicaRow], *, ready: bool) -> Model:
    """One model. ``ready``: a replica of it takes requests."""
    about = row.about or {}
    context = min((one.context_length for one in replicas if one.context_length), default=about.get("context_length"))
    devices = [name for one in replicas for name in (one.device, *(one.others or ())) if name]
    places = [found for name in devices if (found := _DEVICE.fullmatch(name))]
    return {
        "id": row.uid,
        "object": "model",
        "created": row.created_at // 1000,
        "owned_by": "headrace",
        "name": row.uid,
        "model_uid": row.uid,
        "model_name": row.model_name,
        "model_type": row.model_type,
        "model_engine": row.engine,
        "model_format": row.model_format,
        "quantization": row.quantization,
        "model_size_in_billions": size_as_written(row.size_in_billions),
        "model_ability": _abilities(row),
        "model_family": about.get("family"),
        "model_description": None,
        "model_lang": about.get("languages"),
        "model_hub": _HUBS.get(row.source.partition(":")[0]),
        "context_length": context,
        "max_model_len": context,
        "max_tokens": context,
        "dimensions": about.get("dimensions"),
        "pooling": about.get("pooling"),
        "pooling_assumed": about.get("pooling_assumed"),
        "pair_prompt": about.get("pair_prompt"),
        "activation": about.get("activation"),
        "batching": about.get("batching"),
        "defaults": about.get("defaults"),
        "translates": about.get("translates"),
        "max_characters": about.get("max_characters"),
        "speeds": about.get("speeds"),
        "warnings": about.get("warnings") or [],
        "controlnet": row.options.get("controlnet") if row.engine == "diffusers" else None,
        "replica": row.replica,
        "keep_alive": row.keep_alive_s,
        "pinned": row.pinned,
        "autostart": row.autostart,
        "min_replicas": row.min_replicas,
        "max_replicas": row.max_replicas,
        "load_s": row.load_s,
        "address": places[0]["node"] if places else None,
        "accelerators": [found["gpu"] for found in places if found["gpu"]],
        "state": "ready" if ready else state_of(replicas),
    }


def instance_of(row: InstanceRow, replicas: list[ReplicaRow], ready: Collection[str]) -> ModelInstance:
    """One model as Xinference's command line follows its launch. ``ready``: the replicas that take requests."""
    state = "ready" if ready else state_of(replicas)
    return {
        "model_name": row.model_name,
        "model_uid": row.uid,
        "model_version": None,
        "model_ability": _abilities(row),
        "replica": row.replica,
        "status": _status(state),
        "instance_created_ts": row.created_at // 1000,
        "n_worker": 1,
        "replica_statuses": [
            {
                "replica_id": one.id,
                "replica_model_uid": one.id,
                "worker_address": one.device,
                "status": _status("ready" if one.id in ready else state_of([one])),
                "created_ts": one.created_at // 1000,
                "error_message": _failure(one),
            }
            for one in replicas
        ],
    }


def progress_of(
    replicas: list[ReplicaRow],
    ready: Collection[str],
    hopeless: Collection[str] = (),
    downloads: Mapping[str, DownloadProgress] = MappingProxyType({}),
    *,
    enough: int | None = None,
) -> ModelProgress:
    """How far a launch is. ``ready``: the replicas that take requests; their rows show it a moment later.

    ``hopeless``: those that wait for a device that is not here. ``downloads``: how far those are that fetch.
    ``enough``: so many ready replicas are a whole launch (``enough_of``); None: all that are to be loaded.
    """
    stages = {row.id: "ready" if row.id in ready else _stage(row) for row in replicas}
    fractions = {row.id: 1.0 if row.id in ready else _fraction(row) for row in replicas}
    files = {row.id: _files(row.id, downloads.get(row.id)) for row in replicas}
    loaded = enough is not None and sum(stage == "ready" for stage in stages.values()) >= enough
    counted = [row.id for row in _to_be_loaded(replicas)]
    return {
        "progress": 1.0 if loaded else sum(fractions[one] for one in counted) / max(len(counted), 1),
        "stage": "ready" if loaded else min((stages[one] for one in counted), key=_rank, default="pending"),
        "download_files": [file for some in files.values() for file in some],
        "replicas": [
            {
                "replica_id": row.id,
                "progress": fractions[row.id],
                "stage": stages[row.id],
                **_info(row),
                "hopeless": row.id in hopeless,
                "download": msgspec.to_builtins(downloads[row.id]) if row.id in downloads else None,
                "download_files": files[row.id],
                "failures": row.failures,
                "next_try_at": None if row.next_try_at is None else row.next_try_at / 1000,
                "updated_at": row.updated_at / 1000,
            }
            for row in replicas
        ],
    }


def enough_of(row: InstanceRow) -> int | None:
    """How many ready replicas make a launch whole; None: all that are to be loaded, as their number does not change."""
    return None if row.max_replicas is None else max(row.min_replicas or 0, 1)


def _to_be_loaded(replicas: list[ReplicaRow]) -> list[ReplicaRow]:
    """The replicas of a launch that count: those that sleep, or leave, only where there are no others."""
    rest = (ReplicaState.DORMANT, ReplicaState.STOPPING)
    return [row for row in replicas if row.state not in rest] or replicas


def _files(replica: str, download: DownloadProgress | None) -> list[FetchedFile]:
    """The files that are being fetched, by Xinference's names."""
    return [
        {
            "name": one.name,
            "downloaded": one.bytes,
            "total": one.total_bytes,
            "speed": one.bytes_per_s,
            "eta": one.eta_s,
            "replica_id": replica,
        }
        for one in (download.files if download else ())
    ]


def unreported(state: str) -> str:
    """The state to show of a replica that no live device reports. It cannot be ready, even if its row says so."""
    return ReplicaState.LOADING if state == ReplicaState.READY else state


def _abilities(row: InstanceRow) -> list[str]:
    return list((row.about or {}).get("abilities") or abilities_of(row.engine, row.model_type))


def _failure(row: ReplicaRow) -> str | None:
    return HeadraceError.from_row(row.error).message if row.error else None


def _info(row: ReplicaRow) -> ReplicaInfo:
    """Why a replica waits or failed: in words, by its error's code, and as reasons."""
    if row.error:
        error = HeadraceError.from_row(row.error)
        return {"info": error.message, "code": error.code, "reasons": as_told(error.told)}
    waits = row.state == ReplicaState.LOADING and row.stage == "waiting"
    info = TURN if waits else ""
    return {"info": info, "code": None, "reasons": as_told(info)}


def _status(state: str) -> LaunchStatus:
    """Xinference's word for a state. A dormant model is ready, too, since it takes requests."""
    if state == "failed":
        return "ERROR"
    return "READY" if state in ("ready", "dormant") else "CREATING"


def state_of(replicas: list[ReplicaRow]) -> ModelState:
    """The state to show of a model that no device reports as ready."""
    states = {row.state for row in _to_be_loaded(replicas)}
    if states <= {ReplicaState.PENDING, ReplicaState.ASSIGNED} and any(row.error for row in replicas):
        return "waiting"
    if states == {ReplicaState.FAILED}:
        return "failed"
    return "dormant" if states == {ReplicaState.DORMANT} else "loading"


_STAGES = (
    *("failed", "dormant", "pending", "assigned", "waiting", "starting"),
    *("downloading", "loading", "warming", "ready"),
)
_SPANS = {"starting": (0.0, 0.02), "downloading": (0.02, 0.5), "loading": (0.5, 0.9), "warming": (0.9, 1.0)}


def _rank(stage: str) -> int:
    return _STAGES.index(stage) if stage in _STAGES else 0


def _stage(row: ReplicaRow) -> str:
    """The stage of a replica that no device reports as ready. Its row may be of before a restart."""
    return "starting" if row.state == ReplicaState.READY else row.stage or row.state


def _fraction(row: ReplicaRow) -> float:
    """The progress of the whole load of a replica that no device reports as ready."""
    if row.state == ReplicaState.READY:
        return 0.0
    low, high = _SPANS.get(row.stage, (0.0, 0.0))
    return round(low + (high - low) * row.progress, 4)
