"""What is told of jobs, webhooks and options of engines, as types. Times are Unix seconds."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from models.rows.states import DeliveryState, JobState


class JobError(TypedDict):
    """Why a job has failed, or why its last attempt ended."""

    message: str
    type: str
    param: str | None
    code: str | None


class PublicJob(TypedDict):
    """A job. ``kind`` is the endpoint that it is for, ``progress`` from 0 to 1, of the attempt."""

    id: str
    object: Literal["job"]
    kind: str
    model: str
    state: JobState
    priority: int
    progress: float
    attempt: int
    max_attempts: int
    created_at: int
    started_at: float | None
    finished_at: float | None
    deadline: float | None
    error: JobError | None
    metadata: dict[str, str]
    webhook: str | None


class DeliveryAttempt(TypedDict):
    """An attempt to deliver a webhook. ``status`` is that of the answer, null where there was none; ``ms`` its time."""

    at: float
    status: int | None
    error: str | None
    ms: int


class Delivery(TypedDict):
    """A webhook, and each attempt to deliver it."""

    id: str
    object: Literal["webhook.delivery"]
    url: str
    type: str
    state: DeliveryState
    created_at: int
    next_attempt_at: float | None
    attempts: list[DeliveryAttempt]


class CachedTokens(TypedDict):
    """How many tokens of the input were computed before."""

    cached_tokens: int


class ReasoningTokens(TypedDict):
    """How many tokens of the output are thoughts."""

    reasoning_tokens: int


class BatchUsage(TypedDict):
    """The tokens of a batch that is over, in OpenAI's words."""

    input_tokens: int
    input_tokens_details: CachedTokens
    output_tokens: int
    output_tokens_details: ReasoningTokens
    total_tokens: int


OptionsSchema = TypedDict(
    "OptionsSchema",
    {
        "$schema": str,
        "title": str,
        "type": Literal["object"],
        "properties": dict[str, dict[str, Any]],
        "additionalProperties": Literal[False],
        "$defs": NotRequired[dict[str, dict[str, Any]]],
    },
)
"""What a launch may set of an engine, as JSON Schema: each property an option with its type, bounds and default."""
