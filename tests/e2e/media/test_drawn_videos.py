"""Videos by both protocols from a pipeline of diffusers: LTX-Video 0.9.5, with random weights."""

import io
from collections.abc import Iterator
from typing import Any

import av
import httpx
import openai
import pytest
from PIL import Image

from tests.e2e.media.studio import file_of
from tests.e2e.stack import Stack
from tests.families.makers.videos import others

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning"),
]

SIZE: Any = "64x64"
PICTURE = ("red.png", file_of(Image.new("RGB", (64, 64), "red")))


@pytest.fixture(scope="module")
def ltx(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The uid of the model, which is launched by its folder alone."""
    folder = tmp_path_factory.mktemp("ltx") / "ltx"
    others.ltx_condition().save_pretrained(folder)
    stack.client.launch({"model_uid": "ltx", "model_name": "ltx", "model_path": str(folder), "n_threads": 1})
    stack.client.wait_ready("ltx")
    yield "ltx"
    stack.client.terminate("ltx")


@pytest.fixture
def sdk(stack: Stack) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{stack.url}/v1", api_key="none", max_retries=0, timeout=60) as client:
        yield client


def shapes(content: bytes) -> list[tuple[int, int]]:
    """Width and height of each frame of a file."""
    with av.open(io.BytesIO(content), "r") as container:
        return [(frame.width, frame.height) for frame in container.decode(video=0)]


def test_a_pipelines_video_is_polled_downloaded_and_remixed(sdk: openai.OpenAI, ltx: str) -> None:
    more = {"num_frames": 9, "steps": 2, "seed": 3}
    begun = sdk.videos.create(model=ltx, prompt="a red cat", size=SIZE, input_reference=PICTURE, extra_body=more)
    done = sdk.videos.poll(begun.id, poll_interval_ms=200)
    assert done.status == "completed", done
    assert (done.size, (done.model_extra or {})["frames"]) == ("64x64", 9)
    content = sdk.videos.download_content(done.id).read()
    assert shapes(content) == [(64, 64)] * 9

    again = sdk.videos.poll(sdk.videos.remix(done.id, prompt="a red cat").id, poll_interval_ms=200)
    assert sdk.videos.download_content(again.id).read() == content, "the same prompt, picture and seed"
    other = sdk.videos.poll(sdk.videos.remix(done.id, prompt="a blue dog").id, poll_interval_ms=200)
    assert sdk.videos.download_content(other.id).read() != content


def test_what_a_pipeline_does_not_make_is_said(sdk: openai.OpenAI, ltx: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.videos.create(model=ltx, prompt="x", size=SIZE, extra_body={"num_frames": 10, "steps": 1})
    assert (refused.value.code, refused.value.param) == ("invalid_value", "num_frames")


def test_what_a_pipeline_does_not_heed_is_named(sdk: openai.OpenAI, ltx: str) -> None:
    more = {"num_frames": 9, "steps": 1, "guidance_scale": 1, "negative_prompt": "dull"}
    begun = sdk.videos.create(model=ltx, prompt="x", size=SIZE, extra_body=more)
    sdk.videos.poll(begun.id, poll_interval_ms=200)
    answer = sdk.videos.with_raw_response.retrieve(begun.id)
    assert answer.headers["x-headrace-ignored"] == "negative_prompt"


def test_xinferences_pictures_become_a_video(stack: Stack, ltx: str) -> None:
    form = {"model": ltx, "prompt": "a red cat", "kwargs": '{"num_frames": 9, "width": 64, "height": 64, "steps": 1}'}
    url = f"{stack.url}/v1/video/generations/image"
    answer = httpx.post(url, data=form, files={"image": PICTURE}, timeout=120)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["frames"], answer.json()["size"]) == (9, "64x64")
    both = {"first_frame": PICTURE, "last_frame": PICTURE}
    between = httpx.post(url.replace("/image", "/flf"), data=form, files=both, timeout=120)
    assert (between.status_code, between.json()["frames"]) == (200, 9), between.text
    broken = httpx.post(url, data=form, files={"image": ("a.png", PICTURE[1][:40])}, timeout=120)
    assert (broken.status_code, broken.json()["error"]["param"]) == (400, "image")
    abilities = httpx.get(f"{stack.url}/v1/models/ltx").json()["model_ability"]
    assert abilities == ["text2video", "image2video", "firstlastframe2video"]
