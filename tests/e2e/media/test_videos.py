"""Videos as jobs, on the engine without weights: from a launch as a model of type video to a file that plays."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from PIL import Image

from tests.e2e.media.studio import data_url, file_of
from tests.e2e.stack import Stack
from tests.support.servers import wait_for

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def http(stack: Stack) -> Iterator[httpx.Client]:
    launch = {"model_uid": "film", "model_name": "echo", "model_type": "video"}
    with httpx.Client(base_url=stack.url, timeout=60) as made:
        made.post("/v1/models", json=launch).raise_for_status()
        yield made
        made.delete("/v1/models/film")


def ended(http: httpx.Client, model: str = "film", **fields: Any) -> dict[str, Any]:
    """A job of a video, once it is over."""
    body = {"kind": "videos.generations", "model": model, "input": fields}
    id = http.post("/v1/jobs", json=body).raise_for_status().json()["id"]

    def job() -> dict[str, Any]:
        return dict(http.get(f"/v1/jobs/{id}").json())

    wait_for(lambda: job()["state"] not in ("queued", "running"), 30, f"{id} is not over")
    return job()


def test_a_video_is_a_job_whose_file_plays(http: httpx.Client) -> None:
    done = ended(http, prompt="a wandering bar", seconds="2", size="96x64", seed=3)
    assert done["state"] == "succeeded", done
    answer = http.get(f"/v1/jobs/{done['id']}/result").json()

    told = {name: answer[name] for name in ("size", "frames", "fps", "seconds", "output_format")}
    assert told == {"size": "96x64", "frames": 17, "fps": 8, "seconds": 2.125, "output_format": "mp4"}
    [video] = answer["data"]
    assert video["seed"] == 3
    file = httpx.get(video["url"])
    assert file.headers["content-type"] == "video/mp4"
    assert file.content.find(b"moov") < file.content.find(b"mdat"), "it plays while it is fetched"
    with av.open(io.BytesIO(file.content), "r") as container:
        [stream] = container.streams.video
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(shown) == 17
    assert shown[0].shape == (64, 96, 3)
    thumbnail = Image.open(io.BytesIO(httpx.get(video["thumbnail_url"]).content))
    assert (thumbnail.format, thumbnail.size) == ("WEBP", (96, 64))
    sheet = Image.open(io.BytesIO(httpx.get(video["spritesheet_url"]).content))
    assert (sheet.format, sheet.size) == ("JPEG", (1600, 107))


def test_a_video_comes_in_base64_where_that_is_asked_for(http: httpx.Client) -> None:
    done = ended(http, prompt="a bar", response_format="b64_json")
    [video] = http.get(f"/v1/jobs/{done['id']}/result").json()["data"]

    assert base64.b64decode(video["b64_json"])[4:8] == b"ftyp"
    assert "url" not in video


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "input.prompt"),
        ({"prompt": "x", "n": 2}, "input.n"),
        ({"prompt": "x", "seconds": 4, "num_frames": 9}, None),
        ({"prompt": "x", "size": "60x64"}, "input.size"),
        ({"prompt": "x", "last_image": data_url(file_of(Image.new("RGB", (64, 64))))}, "input.image"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(fields: dict[str, Any], param: str | None, http: httpx.Client) -> None:
    answer = http.post("/v1/jobs", json={"kind": "videos.generations", "model": "film", "input": fields})

    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize(
    ("fields", "param", "said"),
    [
        ({"num_frames": 10}, "num_frames", "say 9 or 13 as"),
        ({"num_frames": 1197, "size": "512x512"}, "num_frames", "it may have 61 frames of that size here"),
        ({"size": "4096x4096"}, "num_frames", "it may have 1 frames of that size here"),
    ],
)
def test_what_the_model_cannot_make_is_no_job(
    fields: dict[str, Any], param: str, said: str, http: httpx.Client
) -> None:
    asked = {"model": "film", "prompt": "x"} | fields
    job = {"kind": "videos.generations", "model": "film", "input": asked}
    for answer in (http.post("/v1/videos", json=asked), http.post("/v1/jobs", json=job)):
        error = answer.json()["error"]
        assert (answer.status_code, error["param"].removeprefix("input.")) == (400, param), answer.text
        assert said in error["message"]


def test_pictures_are_the_first_and_the_last_frame(http: httpx.Client) -> None:
    red, blue = (data_url(file_of(Image.new("RGB", (64, 64), one))) for one in ("red", "blue"))
    done = ended(http, prompt="x", image=red, last_image=blue, size="96x64")
    [video] = http.get(f"/v1/jobs/{done['id']}/result").json()["data"]
    with av.open(io.BytesIO(httpx.get(video["url"]).content), "r") as container:
        shown = [frame.to_ndarray(format="rgb24").mean((0, 1)) for frame in container.decode(video=0)]

    assert [int(shown[0].argmax()), int(shown[-1].argmax())] == [0, 2]
    assert min(shown[0].max() - shown[0].min(), shown[-1].max() - shown[-1].min()) > 180


def test_a_model_of_videos_is_shown_as_one(http: httpx.Client) -> None:
    model = http.get("/v1/models/film").json()

    assert model["model_type"] == "video"
    assert model["model_ability"] == ["text2video", "image2video", "firstlastframe2video"]
    refused = http.post("/v1/chat/completions", json={"model": "film", "messages": [{"role": "user", "content": "x"}]})
    assert refused.status_code == 400


@pytest.mark.filterwarnings("ignore")  # diffusers and transformers deprecate parts of each other
def test_a_pipeline_is_launched_by_its_folder_alone(http: httpx.Client, stack: Stack, tmp_path: Path) -> None:
    from tests.families.makers.pictures.parts import saved  # here, as they load PyTorch
    from tests.families.makers.videos import others

    folder = saved(others.ltx(), tmp_path / "LTX-Video")
    launch = {"model_uid": "ltx", "model_name": "ltx", "model_path": str(folder), "default_size": "64x64"}
    answer = http.post("/v1/models", json=launch)
    assert answer.status_code == 200, answer.text
    try:
        stack.client.wait_ready("ltx")
        model = http.get("/v1/models/ltx").json()
        assert (model["model_type"], model["model_engine"]) == ("video", "diffusers")
        assert model["model_ability"] == ["text2video", "image2video"]
        assert {"num_frames", "fps", "steps", "size", "lengths"} <= model["defaults"].keys()
        picture = data_url(file_of(Image.new("RGB", (64, 64), "red")))
        done = ended(http, "ltx", prompt="a red cat", image=picture, num_frames=9, steps=2, seed=3)
        assert done["state"] == "succeeded", done
        answer = http.get(f"/v1/jobs/{done['id']}/result")
        told = {name: answer.json()[name] for name in ("size", "frames", "fps", "steps")}
        assert told == {"size": "64x64", "frames": 9, "fps": 25, "steps": 2}
        refused = http.post("/v1/jobs", json={"kind": "images.generations", "model": "ltx", "input": {"prompt": "x"}})
        assert refused.status_code == 400
        refused = http.post("/v1/videos", json={"model": "ltx", "prompt": "a red cat", "num_frames": 10})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "num_frames")
    finally:
        http.delete("/v1/models/ltx")
