"""The body of a video, and the lengths that models make."""

from typing import Any

import pytest
from pydantic import ValidationError

from models.errors import InvalidRequest, UnsupportedParameter
from models.modalities import KINDS, MEDIA, modality
from models.modalities.videos import Request, frames_of, refuse_length


def read(**fields: Any) -> Request:
    return Request.model_validate({"model": "film", "prompt": "a cat"} | fields)


def test_a_video_is_a_kind_of_job() -> None:
    assert modality(KINDS["videos.generations"].modality).request is Request
    assert "videos" in MEDIA
    assert KINDS["videos.generations"].files == {"image": False, "last_image": False}


def test_forms_and_other_protocols_fields_are_read() -> None:
    form = read(seconds="4", size="720x1280", seed="-1", steps="", background="true")
    assert (form.seconds, form.dimensions, form.seed, form.steps, form.background) == (4, (720, 1280), None, None, True)
    kwargs = '{"num_frames": 17, "height": 480, "width": 832, "num_inference_steps": 4, "request_id": "x", "fps": 8}'
    theirs = read(kwargs=kwargs)
    assert (theirs.num_frames, theirs.size, theirs.steps, theirs.fps) == (17, "832x480", 4, 8)
    assert read(loras="grain").lora == read(lora=[{"name": "grain"}]).lora
    assert read(size="auto").dimensions is None


@pytest.mark.parametrize(
    ("fields", "place", "kind"),
    [
        ({"n": 2}, "n", "unsupported_parameter"),
        ({"size": "100x100"}, "size", "invalid_value"),
        ({"seconds": 0}, "seconds", "greater_than"),
        ({"num_frames": 5000}, "num_frames", "less_than_equal"),
        ({"seconds": 2, "num_frames": 9}, "", "invalid_value"),
        ({"seconds": 2, "duration": 3}, "", "invalid_value"),
        ({"width": 64}, "", "invalid_value"),
        ({"width": 64, "height": 64, "size": "64x64"}, "", "invalid_value"),
    ],
)
def test_what_makes_no_sense_is_named(fields: dict[str, Any], place: str, kind: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(**fields)
    [error] = caught.value.errors()
    assert (".".join(map(str, error["loc"])), error["type"]) == (place, kind)


@pytest.mark.parametrize(
    ("names", "prompt", "param"),
    [
        ([], "", "prompt"),
        (["last_image"], "a cat", "image"),
        (["image", "image.1"], "a cat", "image"),
        (["image"], "", None),
        (["image", "last_image"], "a cat", None),
    ],
)
def test_files_that_make_no_sense_are_named(names: list[str], prompt: str, param: str | None) -> None:
    request = read(prompt=prompt)
    if param is None:
        request.check_files(names)
        return
    with pytest.raises((InvalidRequest, UnsupportedParameter)) as caught:
        request.check_files(names)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("seconds", "fps", "step", "frames"),
    [(5, 16, 4, 81), (4, 16, 4, 65), (4, 25, 8, 97), (0.1, 8, 4, 1), (1, 10, 4, 9), (1.1, 10, 4, 13), (2, 30, 6, 61)],
)
def test_seconds_are_the_nearest_length_that_there_is(seconds: float, fps: float, step: int, frames: int) -> None:
    assert frames_of(seconds, fps, step, 1) == frames


@pytest.mark.parametrize(("frames", "step", "near"), [(80, 4, "77 or 81"), (8, 8, "1 or 9"), (82, 4, "81 or 85")])
def test_a_length_that_there_is_not_is_refused_with_the_nearest(frames: int, step: int, near: str) -> None:
    with pytest.raises(InvalidRequest, match=f"say {near} as 'num_frames'") as caught:
        refuse_length(frames, step, 1)
    assert caught.value.param == "num_frames"
    refuse_length(81, 4, 1)
    refuse_length(1, 8, 1)
