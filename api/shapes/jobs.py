"""Jobs, files and batches, as the API shows them."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from api.shapes.pages import PageEnds
from models.rows.states import BatchState, JobState
from models.shapes import BatchUsage, Delivery, PublicJob


class JobLinks(TypedDict):
    """The URLs of a job; ``result_url`` once it has succeeded."""

    status_url: str
    events_url: str
    cancel_url: str
    result_url: NotRequired[str]


class JobPlace(TypedDict):
    """The place in the queue, from 1, and the seconds until it should be done; null where it does not wait."""

    position: int | None
    eta_s: float | None


class Job(PublicJob, JobLinks):
    """A job with its URLs."""


class PlacedJob(Job, JobPlace):
    """A job with its place in the queue."""


class OfAttempt(TypedDict):
    """The attempt at a job that an event belongs to, from 1; none where it belongs to none."""

    attempt: NotRequired[int]


class JobStateEvent(OfAttempt):
    """The state that a job came to."""

    state: JobState


class JobProgressEvent(OfAttempt):
    """How far a job is: ``progress`` from 0 to 1, in the engine's own steps."""

    step: float
    steps: float
    progress: float


class JobPreviewEvent(OfAttempt):
    """What a job made so far: a data URL."""

    media_type: str
    step: float
    image: str


class JobMessageEvent(OfAttempt):
    """A line of a job's log, or a warning."""

    message: str


JobEvent = PlacedJob | Job | JobPlace | JobStateEvent | JobProgressEvent | JobPreviewEvent | JobMessageEvent
"""The data of an event of a job."""


class JobPage(PageEnds):
    """A page of jobs, newest first."""

    object: Literal["list"]
    data: list[Job]


class LeftOut(TypedDict):
    """What is not shown of a request: where it stood, and of how many characters it was."""

    param: str
    reason: Literal["large", "secret"]
    length: int


class AskedFile(TypedDict):
    """A file of a request, at a signed URL."""

    url: str
    bytes: int
    media_type: str


class AskedJob(TypedDict):
    """What a job was asked: ``input`` is the body for ``path``, with null for what is in ``left_out``."""

    id: str
    object: Literal["job.request"]
    kind: str
    path: str
    input: dict[str, Any]
    files: dict[str, AskedFile]
    left_out: list[LeftOut]


class DeletedJob(TypedDict):
    """A job that was deleted."""

    id: str
    object: Literal["job"]
    deleted: Literal[True]


class DeliveryList(TypedDict):
    """The webhooks that a job or a batch caused, oldest first."""

    object: Literal["list"]
    data: list[Delivery]


class FileObject(TypedDict):
    """OpenAI's ``FileObject``: its size in ``bytes``, and times in seconds since 1970."""

    id: str
    object: Literal["file"]
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: str
    status: Literal["processed"]
    status_details: str | None


class FilePage(PageEnds):
    """A page of files."""

    object: Literal["list"]
    data: list[FileObject]


class DeletedFile(TypedDict):
    """A file that was deleted."""

    id: str
    object: Literal["file"]
    deleted: Literal[True]


class BatchError(TypedDict):
    """What is wrong with the input of a batch; ``line`` is counted from 1."""

    code: str | None
    line: int | None
    message: str
    param: str | None


class BatchErrors(TypedDict):
    """Why the input of a batch is not valid."""

    object: Literal["list"]
    data: list[BatchError]


class BatchFailure(TypedDict):
    """A line of a batch that was not answered. ``status_code``: of the answer that its request would have had, or null.

    ``line`` is counted from 1, without blank ones.
    """

    id: str
    custom_id: str | None
    line: int
    status_code: int | None
    code: str
    message: str
    param: str | None


class BatchFailures(PageEnds):
    """A page of the lines of a batch that were not answered, in their order."""

    object: Literal["list"]
    data: list[BatchFailure]


class BatchCounts(TypedDict):
    """How many requests a batch has, and how many of them are done, and have failed."""

    total: int
    completed: int
    failed: int


class BatchTimes(TypedDict):
    """When a batch came to each state, in seconds since 1970; null: it did not."""

    created_at: int
    in_progress_at: int | None
    expires_at: int
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None


class Batch(BatchTimes):
    """OpenAI's ``Batch``. ``eta_s``, our own: seconds until it should be done, at its pace so far; null: not known."""

    id: str
    object: Literal["batch"]
    endpoint: str
    errors: BatchErrors | None
    input_file_id: str
    completion_window: str
    status: BatchState
    output_file_id: str | None
    error_file_id: str | None
    request_counts: BatchCounts
    metadata: dict[str, str] | None
    usage: BatchUsage | None
    eta_s: float | None


class BatchPage(PageEnds):
    """A page of batches, newest first."""

    object: Literal["list"]
    data: list[Batch]
