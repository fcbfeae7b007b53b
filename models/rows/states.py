"""The states of replicas, jobs, deliveries and batches, as tables and messages have them."""

from enum import StrEnum


class ReplicaState(StrEnum):
    """The life of a replica.

    dormant ──first request──▶ pending      (launched to be loaded on request)
       ▲──────steward: idle for long, or its memory is needed──────▶ leaving, then dormant again
    pending ──steward places──▶ assigned ──worker──▶ loading ──▶ ready
       ▲                                                │          │ runner died: loading again
       └──── device gone for long ◀─────────────────────┴──────────┤
    failed ◀── load given up ── after a pause: pending               └──terminate──▶ stopping ──▶ row deleted
    """

    DORMANT = "dormant"
    PENDING = "pending"
    ASSIGNED = "assigned"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    STOPPING = "stopping"


class Leaving(StrEnum):
    """How a ready replica is to become dormant.

    IF_IDLE: now, if nothing runs or waits; else it stays. DRAINED: it takes nothing more, and what runs ends first.
    """

    IF_IDLE = "if_idle"
    DRAINED = "drained"


class JobState(StrEnum):
    """The life of a job.

    queued ──claim──▶ running ──finish──▶ succeeded | failed
       ▲                 │ lease expired or runner lost, attempts left
       └─────────────────┘
    queued, running ──▶ cancelled | expired
    """

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


FINAL = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED)
"""The states of a job that is over."""


class DeliveryState(StrEnum):
    """The life of a delivery: pending ──2xx──▶ delivered; ──410, refused address or schedule used up──▶ failed."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class BatchState(StrEnum):
    """The life of a batch, in OpenAI's words."""

    VALIDATING = "validating"
    IN_PROGRESS = "in_progress"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
