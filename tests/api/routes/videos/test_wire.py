"""A job as OpenAI's video."""

from typing import Any

import pytest

from api.routes.videos import wire
from models.errors import Conflict, EngineFailure, HeadraceError, InvalidRequest, NotFound
from models.rows import jobs
from models.rows.jobs import NewJob
from models.rows.records import JobRow
from models.rows.states import JobState
from models.rows.videos import MARK, VideoJob

BODY = {"video": "video.mp4", "size": "96x64", "seconds": 2.125, "frames": 17, "fps": 8, "steps": 4, "seed": 3}
KEPT = {"key": "jobs/job_1a/1/video.mp4", "media_type": "video/mp4", "bytes": 9}
RESULT = {"body": BODY, "artifacts": {"video.mp4": KEPT}}


def video(state: JobState = JobState.QUEUED, result: dict[str, Any] | None = None, **changes: Any) -> VideoJob:
    """A video of a job in this state, queued at 5 s and over at 9 s."""
    new = NewJob("job_1a", "videos.generations", "film", {"model": "film", "prompt": "a bar", "size": "64x64"})
    over = state not in (JobState.QUEUED, JobState.RUNNING)
    row = jobs.as_queued(new, 5_000)
    fields = {name: getattr(row, name) for name in JobRow.__match_args__}
    fields |= {"state": state, "finished_at": 9_500 if over else None} | changes
    return VideoJob(JobRow(**fields), result)


def test_a_video_that_waits_has_what_was_asked_for() -> None:
    assert wire.shown(video(), 100) == {
        "id": "video_1a",
        "object": "video",
        "model": "film",
        "status": "queued",
        "progress": 0,
        "created_at": 5,
        "completed_at": None,
        "expires_at": None,
        "size": "64x64",
        "seconds": None,
        "prompt": "a bar",
        "error": None,
        "remixed_from_video_id": None,
    }


def test_a_video_that_is_made_has_what_was_drawn() -> None:
    done = wire.shown(video(JobState.SUCCEEDED, RESULT, progress=1.0, metadata={MARK: "video_0"}), 100)
    told = ("status", "progress", "completed_at", "expires_at", "size", "seconds", "frames", "seed")
    assert [done[name] for name in told] == ["completed", 100, 9, 109, "96x64", "2.125", 17, 3]
    assert done["remixed_from_video_id"] == "video_0"
    assert wire.shown(video(JobState.SUCCEEDED, None), 100)["size"] == "64x64", "its result may be gone"


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ({"seconds": 4}, "4"),
        ({"seconds": 2.5}, "2.5"),
        ({"seconds": 10}, "10"),
        ({"num_frames": 81, "fps": 16}, "5.062"),
        ({"num_frames": 81}, None),
    ],
)
def test_a_length_is_a_string(asked: dict[str, Any], seconds: str | None) -> None:
    assert wire.shown(video(request=asked), 100)["seconds"] == seconds


def test_progress_is_in_per_cent_and_whole_only_at_the_end() -> None:
    running = [wire.shown(video(JobState.RUNNING, progress=one), 1)["progress"] for one in (0.0, 0.428, 1.0)]
    assert running == [0, 42, 99]


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.EXPIRED])
def test_an_end_without_a_video_says_why(state: JobState) -> None:
    error = InvalidRequest("'image' is a broken picture", param="image")
    shown = wire.shown(video(state, error=error.to_row()), 100)
    assert (shown["status"], shown["expires_at"], shown["completed_at"]) == ("failed", None, 9)
    assert shown["error"] == {"code": "invalid_value", "message": "'input_reference' is a broken picture"}


def test_a_video_that_was_cancelled_has_failed() -> None:
    shown = wire.shown(video(JobState.CANCELLED, error=InvalidRequest("too late").to_row()), 100)
    assert (shown["status"], shown["error"]) == ("failed", {"code": "cancelled", "message": "The job was cancelled."})


def test_why_an_attempt_ended_is_no_error_while_another_follows() -> None:
    assert wire.shown(video(error=EngineFailure().to_row()), 100)["error"] is None


def test_the_files_of_a_video() -> None:
    assert wire.artifact_of(video(JobState.SUCCEEDED, RESULT), "video") == KEPT
    for one, variant, error, param in (
        (video(), "video", Conflict, "id"),
        (video(JobState.RUNNING, progress=0.4), "video", Conflict, "id"),
        (video(JobState.FAILED, error=EngineFailure().to_row()), "video", NotFound, "id"),
        (video(JobState.SUCCEEDED, RESULT), "thumbnail", NotFound, "variant"),
        (video(JobState.SUCCEEDED), "video", NotFound, "variant"),
    ):
        with pytest.raises(error) as refused:
            wire.artifact_of(one, variant)
        raised: HeadraceError = refused.value
        assert raised.param == param


def test_a_remix_has_another_prompt_and_the_same_seed() -> None:
    body = wire.remixed(video(JobState.SUCCEEDED, RESULT), "a star")
    assert body == {"model": "film", "prompt": "a star", "size": "64x64", "seed": 3}
    with pytest.raises(Conflict):
        wire.remixed(video(JobState.FAILED), "a star")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, False),
        ({"response_format": "url"}, True),
        ({"kwargs": '{"response_format": "url"}'}, True),
        ({"kwargs": {"response_format": "url"}}, True),
        ({"kwargs": {"response_format": None}}, False),
        ({"kwargs": '{"fps": 4}'}, False),
        ({"kwargs": "{"}, False),
        ({"kwargs": "[]"}, False),
    ],
)
def test_a_format_may_be_named_in_two_places(body: dict[str, Any], named: bool) -> None:
    assert wire.names_format(body) == named
