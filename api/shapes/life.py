"""A model's life, as the API shows it: progress, events, log, replicas, and its end."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from models.reasons import ReasonTold
from models.rows.life.events import EventKind


class FetchedFile(TypedDict):
    """A file that is being fetched, by Xinference's names: bytes, bytes a second, and seconds left."""

    name: str
    downloaded: int
    total: int
    speed: int
    eta: int | None
    replica_id: str


class FileDownload(TypedDict):
    """How far a file is: bytes, bytes a second, and seconds left, null while no speed is known."""

    name: str
    bytes: int
    total_bytes: int
    bytes_per_s: int
    eta_s: int | None


class Download(TypedDict):
    """How far a download is, and those of its files that have begun and are not whole yet."""

    bytes: int
    total_bytes: int
    bytes_per_s: int
    eta_s: int | None
    files: list[FileDownload]


class ReplicaInfo(TypedDict):
    """Why a replica waits or failed: ``info`` in words; ``code`` is its error's, and ``reasons`` what the words say."""

    info: str
    code: str | None
    reasons: list[ReasonTold]


class ReplicaProgress(ReplicaInfo):
    """How far a replica is. ``progress`` is from 0 to 1; times are in seconds since 1970.

    ``stage`` is pending, assigned, waiting, starting, downloading, loading, warming, ready, dormant, stopping or
    failed. ``hopeless``: it waits, and no device that is here will ever do.
    """

    replica_id: str
    progress: float
    stage: str
    hopeless: bool
    download: Download | None
    download_files: list[FetchedFile]
    failures: int
    next_try_at: float | None
    updated_at: float


class ModelProgress(TypedDict):
    """How far a launch is: ``progress`` from 0 to 1 over all replicas, and the stage of the one that is behind most."""

    progress: float
    stage: str
    download_files: list[FetchedFile]
    replicas: list[ReplicaProgress]


class ModelUnderway(ModelProgress):
    """A model that takes no requests yet, and how far it is. ``created`` is in seconds since 1970.

    ``devices`` are those that its replicas hold, none while it waits for one.
    """

    model_uid: str
    created: int
    state: Literal["loading", "waiting", "failed"]
    devices: list[str]


class ModelsUnderway(TypedDict):
    """Models that take no requests yet, and those that failed."""

    object: Literal["list"]
    data: list[ModelUnderway]


EventLevel = Literal["INFO", "WARNING", "ERROR"]


class ModelEvent(TypedDict):
    """Something that happened to a model.

    ``event_ts`` is in seconds since 1970, ``at_ms`` in milliseconds. ``reasons`` is what ``text`` says,
    for machines; ``data`` has numbers that belong to it. ``by``: a
    device, ``steward``, or a key by the beginning of its hash.
    """

    event_type: EventLevel
    event_ts: int
    event_content: str
    id: int
    kind: EventKind
    model_uid: str
    replica_id: str | None
    text: str
    reasons: list[ReasonTold]
    by: str | None
    data: dict[str, Any]
    at_ms: int


class EventPage(TypedDict):
    """Events of all models, oldest first. ``has_more``: there are more like these, older ones, or newer ``after``."""

    object: Literal["list"]
    data: list[ModelEvent]
    has_more: bool


class LogLine(TypedDict):
    """A line of a model's log. ``time`` is in seconds since 1970."""

    time: float
    replica_id: str
    text: str


class LogPage(TypedDict):
    """The last lines of a model's log, oldest first."""

    object: Literal["list"]
    data: list[LogLine]


class Replica(TypedDict):
    """A replica: its device, state, runner and memory.

    ``state`` is dormant, pending, assigned, loading, ready, failed or stopping. Sizes are in bytes, null where they
    are not known; times in seconds since 1970; ``inflight`` is how many requests it answers now.
    """

    replica_id: str
    replica_index: int
    replica_model_uid: str
    worker_address: str | None
    device: str | None
    devices: list[str]
    state: str
    stage: str
    pid: int | None
    memory_bytes: int | None
    host_memory_bytes: int | None
    inflight: int
    created_ts: int
    error_message: str | None
    reasons: list[ReasonTold]
    failures: int
    next_try_ts: int | None


class AddedReplica(TypedDict):
    """A replica that is to be loaded."""

    replica_id: str
    replica_index: int
    replica_model_uid: str
    status: Literal["CREATING"]


class AddedReplicas(TypedDict):
    """The replicas that are to be loaded: one as fields of its own, several as ``replicas``."""

    model_uid: str
    total_replicas: int
    replica_id: NotRequired[str]
    replica_index: NotRequired[int]
    replica_model_uid: NotRequired[str]
    status: NotRequired[Literal["CREATING"]]
    replica: NotRequired[int]
    replicas: NotRequired[list[AddedReplica]]


class RemovedReplicas(TypedDict):
    """The replicas that were removed; ``leaving`` are those of them that still finish their requests."""

    model_uid: str
    removed: list[str]
    leaving: list[str]
    remaining_replicas: int


class FreedMemory(TypedDict):
    """What became of a model's memory; ``message``: what is left of it, and why."""

    memory_freed: bool
    freed_bytes: int
    message: str | None


class EndedModel(FreedMemory):
    """A model that was terminated, or whose launch was cancelled."""

    model_uid: str
