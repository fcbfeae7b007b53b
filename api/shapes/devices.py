"""Devices and engines, as the API shows them."""

from typing import Literal

from typing_extensions import TypedDict

from models.engines import Format, ModelType
from models.reasons import ReasonTold


class EngineWorks(TypedDict):
    """Whether an engine works on a device: null while it is still being asked.

    ``reason``: why it does not; ``reasons`` is what that says, for machines.
    """

    works: bool | None
    reason: str
    reasons: list[ReasonTold]


class HeldPart(TypedDict):
    """A replica's part of a device, in bytes, null where it is not known. ``idle``: it does nothing now."""

    replica_id: str
    model_uid: str
    reserved_bytes: int | None
    measured_bytes: int | None
    idle: bool


class DeviceDetails(TypedDict, total=False):
    """What a worker tells of its device. ``budget``: its size was declared. ``fault``: what is wrong with it, or "".

    ``capability`` is CUDA's, such as 8.9; ``driver`` and ``cuda`` are versions; all are empty for others.
    """

    uuid: str
    capability: str
    driver: str
    cuda: str
    shares_memory: bool
    budget: bool
    fault: str


class DeviceBasics(TypedDict):
    """What is told of every device. ``total_bytes``: of its memory. ``replicas``: how many it holds.

    ``silent_s``: when its worker last renewed its row, in seconds before now.
    """

    id: str
    object: Literal["device"]
    node: str
    kind: str
    label: str
    total_bytes: int
    silent_s: float
    replicas: int


class DescribedDevice(DeviceBasics, DeviceDetails):
    """A device whose worker reports. Sizes are in bytes; null: not known.

    ``free_bytes`` is measured; ``available_bytes`` is what a model may have now. ``utilization``: the part of it that
    computes now, from 0 to 1. ``worker``: whether its worker reports, finishes what it does before it ends
    (``draining``), or has fallen silent.
    """

    free_bytes: int | None
    used_bytes: int | None
    available_bytes: int | None
    reserved_bytes: int
    measured_bytes: int
    utilization: float | None
    worker: Literal["reports", "draining", "silent"]
    holders: list[HeldPart]
    engines: dict[str, EngineWorks]


class LostDevice(DeviceBasics):
    """A device whose worker has not been seen for ``silent_s`` seconds. ``replicas``: how many wait for its return."""


class NodeNote(TypedDict):
    """What is to be said of a node: a GPU that could not be used at its start, and what to do."""

    node: str
    note: str


class DeviceList(TypedDict):
    """Every device whose worker reports, and those that were lost within a week."""

    object: Literal["list"]
    data: list[DescribedDevice]
    lost: list[LostDevice]
    notes: list[NodeNote]


class EngineOnDevice(EngineWorks):
    """Whether an engine works on the device of this id."""

    id: str


class EngineListed(TypedDict):
    """An engine. ``serves``: the modalities of its models, by their type; ``formats``: the weights that it reads.

    ``cpu_only``: it computes on the CPU wherever it is placed. ``many_gpus``: a model may take several.
    """

    id: str
    object: Literal["engine"]
    aliases: list[str]
    serves: dict[ModelType, list[str]]
    formats: list[Format]
    abilities: list[str]
    own_environment: bool
    cpu_only: bool
    many_gpus: bool
    devices: list[EngineOnDevice]


class EngineList(TypedDict):
    """Every engine."""

    object: Literal["list"]
    data: list[EngineListed]
