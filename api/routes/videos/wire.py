"""A job that makes a video, as OpenAI's API shows it. Pure functions.

https://platform.openai.com/docs/api-reference/videos.
"""

from contextlib import suppress
from typing import Any

from pydantic_core import PydanticCustomError

from models.errors import Cancelled, Conflict, HeadraceError, NotFound
from models.modalities.form_fields import decoded
from models.rows.records import JobRow
from models.rows.states import FINAL, JobState
from models.rows.videos import MARK, VideoJob, video_of

KIND = "videos.generations"
REFERENCE = "input_reference"
"""OpenAI's name of the picture that a video begins with."""

_STATUS = {JobState.QUEUED: "queued", JobState.RUNNING: "in_progress", JobState.SUCCEEDED: "completed"}
_TOLD = ("frames", "fps", "steps", "seed")
"""What a video shows beside OpenAI's fields, once it is made."""


def shown(video: VideoJob, retention_s: float) -> dict[str, Any]:
    """OpenAI's ``Video``. ``retention_s``: how long a video is kept once it is made.

    Size and length are those that were drawn; before, those that were asked for, or null where the model decides.
    """
    row, body = video.row, body_of(video)
    finished = None if row.finished_at is None else row.finished_at // 1000
    done = row.state == JobState.SUCCEEDED
    return {
        "id": video_of(row.id),
        "object": "video",
        "model": row.uid,
        "status": _STATUS.get(row.state, "failed"),
        "progress": 100 if done else min(int(row.progress * 100), 99),
        "created_at": row.queued_at // 1000,
        "completed_at": finished,
        "expires_at": int(finished + retention_s) if done and finished is not None else None,
        "size": body.get("size", row.request.get("size")),
        "seconds": _seconds(row.request, body),
        "prompt": row.request.get("prompt"),
        "error": _error(row),
        "remixed_from_video_id": (row.metadata or {}).get(MARK) or None,
    } | {name: body[name] for name in _TOLD if name in body}


def body_of(video: VideoJob) -> dict[str, Any]:
    """What is told of the video that was made; empty while there is none, or not any more."""
    body: dict[str, Any] = video.result["body"] if video.result else {}
    return body


def _seconds(asked: dict[str, Any], made: dict[str, Any]) -> str | None:
    value = made.get("seconds", asked.get("seconds"))
    if value is None and asked.get("num_frames") and asked.get("fps"):
        value = round(asked["num_frames"] / asked["fps"], 3)
    return None if value is None else f"{float(value):.3f}".rstrip("0").rstrip(".")


def _error(row: JobRow) -> dict[str, str] | None:
    if row.state not in FINAL or row.state == JobState.SUCCEEDED:
        return None
    error = _failure(row)
    return {"code": error.code, "message": error.message}


def _failure(row: JobRow) -> HeadraceError:
    """Why a job that is over made no video."""
    error = Cancelled() if row.state == JobState.CANCELLED else HeadraceError.from_row(row.error)
    return error.renamed("image", REFERENCE)


def artifact_of(video: VideoJob, variant: str) -> dict[str, Any]:
    """What is known of the file that a video is, or of the picture of it. ``variant``: video, thumbnail, spritesheet.

    Raises Conflict while the video is not made, NotFound if it never will be, or is not kept any more.
    """
    row = video.row
    if row.state not in FINAL:
        progress = int(row.progress * 100)
        status = "waits" if row.state == JobState.QUEUED else f"is being made ({progress} %)"
        raise Conflict(f"the video {status}: its content is there once it is completed", param="id", retry_after=1)
    if row.state != JobState.SUCCEEDED:
        raise NotFound(f"the video has no content: {_failure(row).message}", param="id")
    name = body_of(video).get(variant)
    kept: dict[str, dict[str, Any]] = video.result["artifacts"] if video.result else {}
    if name not in kept:
        raise NotFound(f"the {variant} of this video is not kept any more", param="variant")
    return kept[name]


def remixed(video: VideoJob, prompt: str) -> dict[str, Any]:
    """The request of a video with another prompt, and with the seed that the video was made with.

    Raises Conflict if the video is not completed.
    """
    if video.row.state != JobState.SUCCEEDED:
        raise Conflict("only a video that is completed can be remixed", param="id")
    seed = body_of(video).get("seed")
    return video.row.request | {"prompt": prompt} | ({} if seed is None else {"seed": seed})


def names_format(body: dict[str, Any]) -> bool:
    """Whether a body of Xinference's asks for a format of its answer, by itself or in its ``kwargs``."""
    more = body.get("kwargs")
    with suppress(PydanticCustomError):  # what is wrong with it is said when it is validated
        more = decoded(more)
    return any(isinstance(one, dict) and one.get("response_format") is not None for one in (body, more))
