"""Under which key it is remembered what a model took of a device, and needs as that corrects them. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from models.ledger.measured import corrected
from models.ledger.need import Need
from models.ledger.placement.needs import need_on, target_of
from models.rows.records import DeviceRow

WITHOUT_MEMORY = frozenset(
    (
        "chat_template",
        "default_chat_template_kwargs",
        "default_guidance",
        "default_prompt",
        "default_steps",
        "default_voice",
        "enable_auto_tool_choice",
        "load_s",
        "normalize",
        "pooling",
        "preview_every_s",
        "prompts",
        "prompt_syntax",
        "reasoning_format",
        "reasoning_parser",
        "step_ms",
        "stop",
        "stop_token_ids",
        "tool_call_parser",
        "tool_format",
    )
)
"""Options that take no memory: launches that differ in them alone are one entry."""


class Launched(Protocol):
    """What of a launch decides how much memory it takes: an instance, or a replica that waits."""

    @property
    def engine(self) -> str:
        """Its engine."""

    @property
    def source(self) -> str:
        """Where its weights come from."""

    @property
    def options(self) -> dict[str, Any]:
        """The engine's own."""

    @property
    def need(self) -> dict[str, Any] | None:
        """What is estimated, by kind of device."""


def key_on(model: Launched, device: DeviceRow, count: int) -> str | None:
    """The entry of a model that is divided among so many devices of this make; None where nothing is remembered.

    Other files at the same place have other weights, and so another key. An engine that takes for its cache all that
    is reserved for it shows nothing of what it needs.
    """
    need = need_on(model.need, model.engine, device)
    target = target_of(model.engine, device)
    if need is None or (model.engine == "vllm" and target.on_gpu and "kv_cache_memory_bytes" not in model.options):
        return None
    options = {name: value for name, value in model.options.items() if name not in WITHOUT_MEMORY}
    entry = [model.engine, model.source, options, need.weights, target.kind, device.label, count]
    return hashlib.sha256(json.dumps(entry, sort_keys=True, default=str).encode()).hexdigest()


def keys_of(models: Iterable[tuple[Launched, int]], devices: Iterable[DeviceRow]) -> set[str]:
    """The entries of these models, each with the number of its devices, on any of these devices."""
    makes = {(one.kind, one.label, str(one.details.get("capability"))): one for one in devices}.values()
    found = {key_on(model, device, count) for model, count in models for device in makes}
    return {one for one in found if one is not None}


def need_of(model: Launched, device: DeviceRow, count: int, measured: Mapping[str, int]) -> Need | None:
    """What a model needs on this device, where it is known; ``measured`` has bytes by key."""
    need = need_on(model.need, model.engine, device)
    took = measured.get(key_on(model, device, count) or "")
    if need is None or took is None:
        return need
    return corrected(need, took, on_gpu=target_of(model.engine, device).on_gpu)
