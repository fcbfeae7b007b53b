"""The machines of the platform, what comes back on them, and how it was launched. The names are Xinference's."""

from typing import Any, Literal, NotRequired

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from models.ledger.shapes import SizeWritten
from models.rows.states import ReplicaState


class HeldModel(TypedDict):
    """A model with a replica on a machine, and that replica's state."""

    model_uid: str
    model_name: str
    model_type: str
    model_engine: str
    devices: list[str]
    state: ReplicaState


WorkerMachine = TypedDict(
    "WorkerMachine", {"work-ip": str, "models": dict[str, HeldModel], "devices": list[str]}, total=True
)
WorkerMachine.__doc__ = (
    "A machine whose workers report: its name, its models by the ids of their replicas, its devices."
)


class MachineResources(TypedDict):
    """Processors and memory of a machine, where they were asked for. Sizes are in bytes; null: not known."""

    cpu_count: NotRequired[int | None]
    cpu_available: NotRequired[float | None]
    mem_used: NotRequired[int | None]
    mem_available: NotRequired[int | None]
    mem_total: NotRequired[int | None]


class ClusterNode(MachineResources):
    """The gateway, or a machine with workers. Sizes are in bytes; not detailed, a text such as ``81920MiB``, or 0."""

    node_type: Literal["Supervisor", "Worker"]
    ip_address: str
    gpu_count: int
    gpu_vram_total: int | str
    gpu_vram_available: NotRequired[int]


AutostartStatus = Literal["active", "waiting", "failed"]


class KeptDevices(TypedDict):
    """The devices of a replica: of a node, these GPUs, or so many of them, or the CPU (``n_gpu`` None)."""

    worker_ip: str | None
    n_gpu: str
    gpu_idx: list[int] | None


class KeptPlace(TypedDict):
    """Where a replica goes; without devices it goes where there is room."""

    devices: list[KeptDevices]


@with_config(ConfigDict(extra="allow"))
class AutostartLaunch(TypedDict):
    """What is launched again, with the engine's own options beside these fields; secrets are hidden."""

    model_uid: str
    model_name: str
    model_type: str
    model_engine: str
    model_format: str | None
    quantization: str | None
    model_size_in_billions: SizeWritten
    model_path: str | None
    replica: int
    n_gpu: str
    gpu_idx: list[int] | None
    replica_config: list[KeptPlace] | None
    envs: dict[str, str] | None


class AutostartState(TypedDict):
    """How a model that comes back is. ``next_retry_ts`` is in seconds since 1970."""

    status: AutostartStatus
    attempts: int
    last_error: str | None
    next_retry_ts: int | None


class Autostart(TypedDict):
    """Whether a model comes back after a start, and when: a lower ``priority`` is loaded first."""

    enabled: bool
    priority: int
    max_retries: int
    retry_interval_seconds: int
    launch: AutostartLaunch
    state: AutostartState


class Autostarts(TypedDict):
    """Every model that comes back after a start, in the order in which they are loaded."""

    models: list[Autostart]


class AutostartModel(AutostartState):
    """A model that comes back, and how it is."""

    model_uid: str
    enabled: bool


class AutostartSummary(TypedDict):
    """How many models come back after a start, and how they are."""

    total: int
    enabled: int
    active: int
    waiting: int
    failed: int
    models: list[AutostartModel]


class AutostartRemoved(TypedDict):
    """A model that does not come back any more."""

    model_uid: str
    removed: bool


class PastLaunch(TypedDict):
    """A launch. ``data`` may be the body of another one; ``left_out`` names its fields that are hidden or too long.

    Times are ISO 8601, in UTC; a key is named by the beginning of its hash.
    """

    id: int
    model_name: str
    model_uid: str
    data: dict[str, Any]
    left_out: list[str]
    created_by: str
    updated_by: str
    created_at: str
    updated_at: str
    is_owner: bool
