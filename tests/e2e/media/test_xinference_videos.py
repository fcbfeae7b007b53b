"""Xinference's videos, which are waited for, on the engine without weights."""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import av
import httpx
import pytest
from PIL import Image

from tests.e2e.media.studio import file_of
from tests.e2e.stack import Stack

pytestmark = pytest.mark.e2e

RED, BLUE = (("image", file_of(Image.new("RGB", (64, 64), colour))) for colour in ("red", "blue"))


@pytest.fixture(scope="module")
def http(stack: Stack) -> Iterator[httpx.Client]:
    stack.client.launch({"model_uid": "clips", "model_name": "echo", "model_type": "video", "step_ms": 5})
    stack.client.wait_ready("clips")
    with httpx.Client(base_url=stack.url, timeout=60) as client:
        yield client
    stack.client.terminate("clips")


def frames(answer: httpx.Response) -> int:
    """How many frames the one video of an answer has."""
    assert answer.status_code == 200, answer.text
    [video] = answer.json()["data"]
    assert answer.json()["created"] > 0
    with av.open(io.BytesIO(base64.b64decode(video["b64_json"])), "r") as container:
        return len(list(container.decode(video=0)))


def test_a_prompt_with_arguments_in_a_string_is_made_into_a_video(http: httpx.Client) -> None:
    more = {"num_frames": 5, "fps": 4, "height": 64, "width": 96, "num_inference_steps": 2, "request_id": "r"}
    body: dict[str, Any] = {"model": "clips", "prompt": "a bar", "n": 1, "kwargs": json.dumps(more)}
    answer = http.post("/v1/video/generations", json=body)
    assert frames(answer) == 5
    assert (answer.json()["size"], answer.json()["steps"]) == ("96x64", 2)
    assert "x-headrace-ignored" not in answer.headers
    linked = http.post("/v1/video/generations", json=body | {"kwargs": {"response_format": "url"}})
    [video] = linked.json()["data"]
    assert httpx.get(video["url"]).content[4:8] == b"ftyp"
    assert "b64_json" not in video


def test_a_video_begins_with_a_picture_and_ends_with_another(http: httpx.Client) -> None:
    form = {"model": "clips", "prompt": "a bar", "n": "1", "negative_prompt": "dull", "kwargs": '{"num_frames": 9}'}
    assert frames(http.post("/v1/video/generations/image", data=form, files={"image": RED})) == 9
    both = {"first_frame": RED, "last_frame": BLUE}
    assert frames(http.post("/v1/video/generations/flf", data=form, files=both)) == 9


def test_who_does_not_want_to_wait_gets_the_job(http: httpx.Client) -> None:
    body = {"model": "clips", "prompt": "a bar"}
    answer = http.post("/v1/video/generations", json=body, headers={"Prefer": "respond-async"})
    assert (answer.status_code, answer.json()["kind"]) == (202, "videos.generations")


@pytest.mark.parametrize(
    ("path", "files", "fields", "expected"),
    [
        ("", {}, {"prompt": ""}, ("invalid_value", "prompt")),
        ("", {}, {"n": 2}, ("unsupported_parameter", "n")),
        ("", {}, {"kwargs": "{"}, ("invalid_value", None)),
        ("", {}, {"kwargs": '{"num_frames": 10}'}, ("invalid_value", "num_frames")),
        ("", {}, {"model": "echo"}, ("invalid_value", "model")),
        ("/image", {}, {}, ("invalid_value", "image")),
        ("/image", {"image": ("a.png", b"text")}, {}, ("invalid_value", "image")),
        ("/flf", {"first_frame": RED, "last_frame": ("x", b"text")}, {}, ("invalid_value", "last_frame")),
        ("/image", {"image": RED, "video": BLUE}, {}, ("unknown_parameter", "video")),
        ("/flf", {"first_frame": RED}, {}, ("invalid_value", "last_frame")),
        ("/flf", {"last_frame": RED}, {}, ("invalid_value", "first_frame")),
        ("/flf", {"first_frame": RED, "last_frame": ("x", b"")}, {}, ("invalid_value", "last_frame")),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(
    http: httpx.Client, path: str, files: dict[str, Any], fields: dict[str, Any], expected: tuple[str, str | None]
) -> None:
    body = {"model": "clips", "prompt": "a bar"} | fields
    url = f"/v1/video/generations{path}"
    answer = http.post(url, data=body, files=files or {"": ("", b"")}) if path else http.post(url, json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, *expected), error
