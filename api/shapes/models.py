"""Models that were launched, as the API shows them. The fields are Xinference's, and ours beside them."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from models.ledger.shapes import SizeWritten

ModelState = Literal["ready", "loading", "waiting", "dormant", "failed"]
"""``waiting``: no device has room for it; ``dormant``: it is loaded when it is asked for."""

LaunchStatus = Literal["READY", "CREATING", "ERROR"]
"""Xinference's words; a dormant model is READY."""


class Model(TypedDict):
    """A model that was launched. What is not known is null.

    ``created`` is in seconds since 1970; lengths are in tokens; ``keep_alive`` and ``load_s`` are in seconds, and a
    ``keep_alive`` below 0 means for ever, null the default. ``defaults`` are those of pictures and videos.
    ``model_lang`` are the languages, and ``translates`` whether it does so into English, of a model that transcribes.
    ``max_characters`` of a text and the slowest and fastest of ``speeds`` are those of a model that speaks.
    ``address`` is the node of its first replica, ``accelerators`` the indices of its GPUs.
    """

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    name: str
    model_uid: str
    model_name: str
    model_type: str
    model_engine: str
    model_format: str | None
    quantization: str | None
    model_size_in_billions: SizeWritten
    model_ability: list[str]
    model_family: str | None
    model_description: str | None
    model_lang: list[str] | None
    model_hub: str | None
    context_length: int | None
    max_model_len: int | None
    max_tokens: int | None
    dimensions: int | None
    pooling: str | None
    pooling_assumed: bool | None
    pair_prompt: str | None
    activation: str | None
    batching: str | None
    defaults: dict[str, Any] | None
    translates: bool | None
    max_characters: int | None
    speeds: list[float] | None
    warnings: list[str]
    controlnet: str | None
    replica: int
    keep_alive: float | None
    pinned: bool
    autostart: bool
    min_replicas: int | None
    max_replicas: int | None
    load_s: float | None
    address: str | None
    accelerators: list[str]
    state: ModelState


class ModelList(TypedDict):
    """Every model that was launched."""

    object: Literal["list"]
    data: list[Model]


class ReplicaStatus(TypedDict):
    """How far a replica is, as Xinference's command line asks. ``created_ts`` is in seconds since 1970."""

    replica_id: str
    replica_model_uid: str
    worker_address: str | None
    status: LaunchStatus
    created_ts: int
    error_message: str | None


class ModelInstance(TypedDict):
    """How far a launch is, as Xinference's command line asks. ``instance_created_ts`` is in seconds since 1970."""

    model_name: str
    model_uid: str
    model_version: str | None
    model_ability: list[str]
    replica: int
    status: LaunchStatus
    instance_created_ts: int
    n_worker: int
    replica_statuses: list[ReplicaStatus]


class WhatWasLaunched(TypedDict):
    """What a launch by a name became, and why: ``reason`` is a sentence. ``model_path`` is where the weights are."""

    model_name: str
    model_type: str
    model_format: str
    quantization: str
    model_size_in_billions: SizeWritten
    model_path: str | None
    reason: str


class Launched(TypedDict):
    """The answer to a launch. All but the first two are there where the launch named a model, and not a path."""

    model_uid: str
    model_engine: str
    model_name: NotRequired[str]
    model_type: NotRequired[str]
    model_format: NotRequired[str]
    quantization: NotRequired[str]
    model_size_in_billions: NotRequired[SizeWritten]
    model_path: NotRequired[str | None]
    reason: NotRequired[str]
