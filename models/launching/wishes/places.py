"""Where each replica of a launch goes: Xinference's ``replica_config``, an entry for each replica. Pure."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, field_validator

from models.errors import InvalidRequest
from models.launching.placing import AUTO, CPU, Wish
from models.modalities.base import Int

FIELD = "replica_config"


def gpus_of(n_gpu: str | int | None) -> str:
    """How ``n_gpu`` is kept: "auto" is a GPU where there is one, "0" the CPU, else so many GPUs."""
    return CPU if n_gpu in (None, "None") else str(n_gpu)


def refuse_gpus(n_gpu: str | int | None, gpu_idx: Sequence[int], param: str) -> None:
    """Raise InvalidRequest, with this parameter, where the GPUs that are named do not go with their number."""
    if len({*gpu_idx}) < len(gpu_idx):
        raise InvalidRequest("a GPU is named twice", param=param)
    if gpu_idx and gpus_of(n_gpu) == CPU:
        raise InvalidRequest(
            f"n_gpu {n_gpu} means the CPU alone, and gpu_idx names GPUs: leave out one of them", param=param
        )
    if gpu_idx and isinstance(n_gpu, int) and n_gpu != len(gpu_idx):
        raise InvalidRequest(f"n_gpu is {n_gpu}, and {len(gpu_idx)} GPUs are named", param=param)


class DevicePlace(BaseModel):
    """The devices of one replica: on this node, these GPUs, or so many, or the CPU (``n_gpu`` None)."""

    model_config = ConfigDict(extra="forbid")

    worker_ip: str | None = Field(None, max_length=150)
    n_gpu: Literal["auto", "None"] | Annotated[Int, Field(ge=0, le=64)] | None = "auto"
    gpu_idx: list[Annotated[Int, Field(ge=0, le=999)]] | None = Field(None, max_length=64)

    @field_validator("gpu_idx", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, int) else value or None


class ReplicaPlace(BaseModel):
    """One replica; without ``devices`` it goes where there is room. ``replica_uid`` is of no effect."""

    model_config = ConfigDict(extra="forbid")

    replica_uid: str | Int | None = None
    devices: list[DevicePlace] = Field([], max_length=1)


ReplicaPlaces = Annotated[list[ReplicaPlace], Field(max_length=64)]


class Placeable(Protocol):
    """A model, or a replica of one, with what its launch says of devices."""

    @property
    def engine(self) -> str: ...
    @property
    def n_gpu(self) -> str: ...
    @property
    def gpu_idx(self) -> list[int] | None: ...
    @property
    def node(self) -> str | None: ...
    @property
    def replica_config(self) -> list[dict[str, Any]] | None: ...


def places_of(given: Sequence[ReplicaPlace], replica: int, beside: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The entries as they are kept; None where they place nothing.

    ``beside``: what the launch says of the devices of all replicas, with the values that it has where it says nothing.
    Raises InvalidRequest where both say something, or the entries are not as many as the replicas.
    """
    if not any(one.devices for one in given):
        return None
    for name, value in beside.items():
        if value not in (None, AUTO):
            raise InvalidRequest(f"{FIELD} says where each replica goes: leave out {name}", param=FIELD)
    if len(given) != replica:
        raise InvalidRequest(f"{FIELD} has {len(given)} entries, and replica is {replica}", param=FIELD)
    return [{"devices": [_kept(place, at) for place in one.devices]} for at, one in enumerate(given)]


def wish_at(model: Placeable, number: int) -> Wish:
    """What the launch of a model says of the devices of this replica; those that were added later go anywhere."""
    entries = model.replica_config or []
    devices = entries[number]["devices"] if number < len(entries) else []
    if not devices:
        return Wish(model.engine, model.n_gpu, tuple(model.gpu_idx or ()), model.node or "")
    [place] = devices
    return Wish(model.engine, place["n_gpu"], tuple(place["gpu_idx"] or ()), place["worker_ip"] or "")


def on_cpus(given: Sequence[ReplicaPlace]) -> bool:
    """Whether a replica is to be on a CPU, so that the engine must work there."""
    return any(place.n_gpu in (None, "None", 0) and not place.gpu_idx for one in given for place in one.devices)


def wishes(model: Placeable) -> list[tuple[int, Wish]]:
    """What is said of the devices of its replicas, each once, with the number of the first of which it is true."""
    found: dict[Wish, int] = {}
    for number in range(max(len(model.replica_config or []), 1)):
        found.setdefault(wish_at(model, number), number)
    return [(number, wish) for wish, number in found.items()]


def param_of(model: Placeable, number: int, param: str) -> str:
    """The parameter at fault, where the place of a replica is: ``n_gpu`` of all, or the entry of this one."""
    ours = param in ("n_gpu", "gpu_idx", "node") and model.replica_config
    return f"{FIELD}[{number}]" if ours else param


def _kept(place: DevicePlace, at: int) -> dict[str, Any]:
    param = f"{FIELD}[{at}]"
    n_gpu = AUTO if place.gpu_idx and place.n_gpu is None else place.n_gpu
    refuse_gpus(n_gpu, place.gpu_idx or [], param)
    return {"worker_ip": place.worker_ip or None, "n_gpu": gpus_of(n_gpu), "gpu_idx": place.gpu_idx}
