"""Rows as records: what the functions that execute statements return, and what other code works with.

The meaning of the columns is explained here. Unless a comment says otherwise, times are Unix time in milliseconds by
the database's clock, and an ``api_key_id`` is the caller's key, hashed, or empty where no key is needed.
"""

from dataclasses import dataclass
from typing import Any

from models.reasons import read
from models.rows import tables
from models.rows.fetching import Record
from models.rows.states import BatchState, DeliveryState, JobState, Leaving, ReplicaState

# ---- models and devices ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InstanceRow(Record):
    """A model that somebody launched."""

    table = tables.instances

    uid: str
    model_name: str
    model_type: str  # models.engines.ModelType: LLM, embedding, rerank, image, audio, video
    engine: str
    model_format: str | None
    quantization: str | None
    size_in_billions: str | None
    source: str  # where its weights come from
    n_gpu: str  # "auto", or a number
    gpu_idx: list[int] | None  # the GPUs that it wants, by their indices on a node
    replica: int  # how many replicas it is to have
    request_limits: int | None  # the most requests in flight or waiting on one replica; None: the worker's own bound
    trust_remote_code: bool
    load_on_request: bool
    keep_alive_s: float | None  # how long it stays loaded without requests; below 0: for ever; None: the default
    pinned: bool  # it is never unloaded to make room, nor because nobody asks for it
    min_replicas: int | None  # how many stay loaded; None: see max_replicas
    max_replicas: int | None  # up to how many are loaded while requests wait; None: their number does not change
    load_s: float | None  # how long its last load took, its download not counted
    options: dict[str, Any]  # the engine's own
    about: dict[str, Any] | None  # models.launching.about.About; None where an earlier version launched it
    priority: int  # lower is loaded first after a start
    max_retries: int  # how often it is tried again once its load was given up
    retry_interval_s: int  # until the first of these tries; the pauses double
    autostart: bool  # whether `headrace up` brings it back
    need: dict[str, Any] | None  # of memory, by kind of device: models.ledger.placement.needs; None: not known
    node: str | None  # on which it is to run; None: any
    replica_config: list[dict[str, Any]] | None  # the devices of each replica: models.launching.wishes.places
    envs: dict[str, str] | None  # environment variables of its runners; values may be secrets
    created_at: int


@dataclass(frozen=True, slots=True)
class ReplicaRow(Record):
    """One copy of a model, on a device or waiting for one."""

    table = tables.replicas

    id: str
    uid: str  # its instance's
    device: str | None  # that of the worker that owns it; None: it waits for one
    others: list[str] | None  # the other devices that it holds, of the same node
    state: ReplicaState
    stage: str  # of its load: starting, downloading, loading, warming, …; empty before
    progress: float  # of the stage, 0 to 1
    error: list[Any] | None  # models.errors.WireError as a list
    pid: int | None  # its runner's, on its device's machine
    memory_bytes: int | None  # measured when it was ready, of all its devices
    reserved_bytes: int | None  # of each of its devices; None: not known, or it waits for one
    tried: dict[str, str] | None  # the devices that have failed it since it was last ready, and why
    context_length: int | None  # tokens
    failures: int  # how often in a row its load was given up
    next_try_at: int | None  # when a failed one is tried again; None: it is not
    log: list[str] | None  # the last lines of its runner when its load was given up last; None once it was ready
    leaving: Leaving | None  # a ready one is to become dormant
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class PlacedReplica(ReplicaRow):
    """A replica that has a device, as its worker sees it."""

    priority: int  # its instance's; 0 where that is gone


@dataclass(frozen=True, slots=True)
class EventRow(Record):
    """Something that happened to a model."""

    table = tables.events

    id: int  # grows
    uid: str  # the model's, which may be gone
    replica: str | None  # the replica that it happened to; None: the model as a whole
    kind: str  # models.rows.life.events.EventKind
    text: str  # for people
    by: str  # who did it: a caller's key, hashed, a device, or "steward"; empty: somebody without a key
    data: dict[str, Any]  # numbers that belong to it
    at: int


@dataclass(frozen=True, slots=True)
class PendingReplica(Record):
    """A replica that waits for a device."""

    table = tables.replicas

    id: str
    uid: str
    n_gpu: str  # its instance's
    gpu_idx: list[int] | None  # its instance's
    engine: str  # its instance's
    source: str  # its instance's
    options: dict[str, Any]  # its instance's
    need: dict[str, Any] | None  # its instance's
    node: str | None  # its instance's
    replica_config: list[dict[str, Any]] | None  # its instance's
    tried: dict[str, str] | None
    error: list[Any] | None  # why it still waits, as models.errors.WireError


@dataclass(frozen=True, slots=True)
class DeviceRow(Record):
    """A device that a worker owns."""

    table = tables.devices

    id: str  # node.name
    node: str
    kind: str  # cpu, cuda or metal
    label: str  # the hardware's name
    total_bytes: int  # of its memory
    seen_at: int  # last sign of life of its worker
    details: dict[str, Any]  # as models.launching.devices.Device has them; fault, gone, notes; cached: repositories of
    # hubs on its machine; machine: models.process.machine.MachineReport; libraries: versions, by engine and module
    engines: dict[str, str]  # engine → "" where it works, or why it does not; those missing are still being asked

    @property
    def told(self) -> dict[str, str]:
        """``engines``, with what each sentence says."""
        reasons = self.details.get("reasons", {})
        return {name: read(text, reasons.get(name, ())) for name, text in self.engines.items()}


@dataclass(frozen=True, slots=True)
class LoadedDevice(DeviceRow):
    """A device and how many replicas it holds."""

    load: int


# ---- jobs --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JobSummary(Record):
    """A job without what may be large, its request."""

    table = tables.jobs

    id: str
    kind: str  # a key of models.modalities.KINDS
    uid: str  # the model's
    api_key_id: str
    state: JobState
    priority: int  # higher goes first; one step is worth a minute of waiting
    rank: int  # order within a key, lower goes first: queued_at less 60,000 ms a step of priority
    run_after: int  # it is not claimed before; 0: at once
    deadline: int | None  # it expires if it is not done by then
    attempt: int  # attempts begun; 0 before the first
    max_attempts: int
    fence: int  # grows with every claim; only the attempt that has the last one can finish the job
    lease_owner: str | None  # the worker that runs it
    lease_expires_at: int | None  # set while it runs: when others may take it from its worker
    device: str | None  # where it runs, or ran last
    cancel_requested: bool
    progress: float  # of the attempt, 0 to 1
    error: list[Any] | None  # models.errors.WireError as a list; while it is queued, why the last attempt ended
    idempotency_key: str | None
    batch_id: str | None
    line: int | None  # of the batch's input file, from 0, blank lines not counted
    custom_id: str | None  # the batch line's own name
    queued_at: int
    started_at: int | None  # of the last attempt
    finished_at: int | None  # set in every final state
    webhook: str | None  # the URL that is sent its end
    metadata: dict[str, str] | None  # the client's own


@dataclass(frozen=True, slots=True)
class JobRow(JobSummary):
    """A job, whole."""

    digest: str  # of the request, to tell a replay under an idempotency key from its reuse
    files: dict[str, str]  # name of a file of the request to its artifact key
    request: dict[str, Any]  # the endpoint's body, validated


@dataclass(frozen=True, slots=True)
class JobStatus(Record):
    """The part of a job that those who watch it need."""

    table = tables.jobs

    id: str
    state: JobState
    fence: int
    progress: float
    error: list[Any] | None


@dataclass(frozen=True, slots=True)
class LeasedJob(Record):
    """The part of a running job that its worker needs."""

    table = tables.jobs

    id: str
    fence: int
    cancel_requested: bool


# ---- batches and files -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BatchRow(Record):
    """A batch."""

    table = tables.batches

    id: str
    api_key_id: str
    endpoint: str  # the path that its lines are for
    input_file_id: str
    state: BatchState
    window: str  # the time that it has, as OpenAI writes it: 24h
    offset: int  # bytes of the input that have become jobs
    lines: int  # lines of the input that have become jobs
    total: int  # lines of the input; 0 until it was validated
    output_file_id: str | None
    error_file_id: str | None
    errors: list[dict[str, Any]] | None  # OpenAI's BatchError, why the input is not valid
    metadata: dict[str, str] | None  # the client's own
    webhook: str | None
    created_at: int
    expires_at: int
    in_progress_at: int | None
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    counts: dict[str, Any] | None  # total, completed, failed and usage, once the batch is over
    output_expires_s: int | None  # seconds that its output is kept; None: as any file


@dataclass(frozen=True, slots=True)
class OpenBatch(BatchRow):
    """A batch that is not over."""

    unfinished: int  # how many of its lines are jobs that wait or run
    now: int  # when this was read


@dataclass(frozen=True, slots=True)
class BatchLine(Record):
    """A line of a batch that is over."""

    table = tables.jobs

    id: str
    line: int
    custom_id: str | None
    kind: str
    state: JobState
    error: list[Any] | None
    request: dict[str, Any]
    metadata: dict[str, str] | None  # ``ignored``: names of fields without effect
    body: dict[str, Any] | None  # of its row in results; None: there is none


@dataclass(frozen=True, slots=True)
class FileRow(Record):
    """A file that a client uploaded, or that a batch has written."""

    table = tables.files

    id: str
    api_key_id: str
    filename: str
    purpose: str
    media_type: str
    bytes: int  # its size
    created_at: int
    expires_at: int | None  # None: it is kept until it is deleted


# ---- webhooks and responses --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeliveryRow(Record):
    """A webhook that is to be sent, or was sent."""

    table = tables.deliveries

    id: str  # the header webhook-id
    subject: str  # the job or batch that it is about
    url: str
    body: str  # the payload, byte for byte as it is signed
    state: DeliveryState
    attempts: int  # attempts begun
    next_at: int  # when to try next; while an attempt runs, when another may be begun
    log: list[dict[str, Any]]  # [{at, status, error, ms}], oldest first
    created_at: int


@dataclass(frozen=True, slots=True)
class DueDelivery(Record):
    """A webhook, for which an attempt to send it was begun."""

    table = tables.deliveries

    id: str
    url: str
    body: str
    attempts: int  # including this one
    now: int  # when it was begun


@dataclass(frozen=True, slots=True)
class ResponseRow(Record):
    """A response that is stored."""

    table = tables.responses

    id: str  # resp_…; if it was made in the background, its job has the same id with job_…
    api_key_id: str
    previous_id: str | None  # the response whose items come before its input; None: there are none
    status: str  # completed, incomplete or failed
    input: str  # its own items, as JSON
    body: str  # the response object, as JSON, byte for byte as it was answered
    bytes: int  # of both, counted before they are read
    created_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class RegistrationRow(Record):
    """A model that somebody registered, so that it can be launched by its name."""

    table = tables.registrations

    name: str
    model_type: str
    family: dict[str, Any]  # models.catalogue.entries.Family
    given: dict[str, Any]  # as it was described by whoever registered it
    created_at: int
