"""Estimates, and ways to launch a model, as types. Sizes are in bytes."""

from typing import Literal

from typing_extensions import TypedDict

from models.reasons import ReasonTold

SizeWritten = int | str | None
"""Billions of parameters as Xinference writes them: 7, 0_5; null: not known."""


class NeededParts(TypedDict):
    """What a model needs, part by part. ``least_bytes`` is with the smallest cache.

    ``measured_bytes``: what it took of such devices before. ``context_length`` is in tokens, for each of ``requests``
    requests. ``unknown`` names what could not be found out.
    """

    total_bytes: int
    least_bytes: int
    weights_bytes: int
    kv_cache_bytes: int
    overhead_bytes: int
    measured_bytes: int | None
    correction_bytes: int
    context_length: int | None
    requests: int | None
    dtype: str | None
    unknown: list[str]


class DeviceEstimate(TypedDict):
    """What a model needs of a device, and what that has; ``idle`` are the models that could be unloaded.

    ``fits`` is null where it is not known.
    """

    device: str
    total_bytes: int
    free_bytes: int | None
    idle_bytes: int
    idle: list[str]
    needs: NeededParts
    fits: bool | None
    message: str


class Estimates(TypedDict):
    """What a model needs of each device on which it may be launched. ``margin``: how far off that may be, as a part.

    ``download_bytes``: what is still on a hub, null where that is not known.
    """

    object: Literal["estimate"]
    model_name: str
    model_engine: str
    model_type: str
    download_bytes: int | None
    margin: float
    devices: list[DeviceEstimate]


class Holder(TypedDict):
    """A model that holds a part of a device."""

    model_uid: str
    bytes: int
    idle: bool


class ShortDevice(TypedDict):
    """A device on which a model would fit if others left it."""

    device: str
    wanted_bytes: int
    available_bytes: int | None
    holders: list[Holder]


class Placement(TypedDict):
    """Where a replica would go, or what it would wait for. ``reasons`` is what ``reason`` says, for machines."""

    state: Literal["fits", "waits", "refused"]
    devices: list[str]
    reserved_bytes: int | None
    reason: str
    reasons: list[ReasonTold]
    to_leave: list[ShortDevice]


class PlacementNow(TypedDict):
    """Where a replica would go now."""

    placement: Placement


class Estimate(Estimates, PlacementNow):
    """A dry run of a launch: what it needs of each device, and where it would go now."""


class WayNeeds(TypedDict):
    """What weights need, as far as it is known from their parameters, and what is not known."""

    total_bytes: int
    weights_bytes: int
    unknown: list[str]


class Way(TypedDict):
    """A way to launch a model: where it can be gone, or why not; ``fits_now`` is null where that is not known.

    The size is in billions of parameters. ``reasons`` is what ``reason`` says, for machines.
    """

    object: Literal["way"]
    engine: str | None
    model_format: str
    model_size_in_billions: float | None
    quantization: str
    runs: bool
    devices: list[str]
    cause: Literal["unserved", "unknown", "engine", "asking", "code", "memory"] | None
    reason: str | None
    reasons: list[ReasonTold]
    fits_now: bool | None
    needs: WayNeeds | None


class WayList(TypedDict):
    """Every way to launch a model."""

    object: Literal["list"]
    model_name: str
    model_type: str
    data: list[Way]


class RunnableWeights(TypedDict):
    """Weights that an engine can run here: a size, in a format, in these quantisations."""

    model_name: str
    model_format: str
    model_size_in_billions: SizeWritten
    quantization: str
    quantizations: list[str]


WaysByEngine = dict[str, list[RunnableWeights] | str]
"""For each engine the weights that it can run here, or the reason why it runs none."""
