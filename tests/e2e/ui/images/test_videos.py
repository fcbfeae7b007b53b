"""Videos in the browser: asked for, played, kept, made again. By LTX-Video's pipeline, with random weights."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.e2e.media.studio import file_of
from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, look
from tests.families.makers.videos import others

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PICTURES: Any = {
    name: {"name": "a.png", "mimeType": "image/png", "buffer": file_of(Image.new("RGB", (64, 64), colour))}
    for name, colour in (("First frame", "red"), ("Last frame", "blue"))
}


@pytest.fixture(scope="module")
def filming(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server with a model that makes videos."""
    folder = tmp_path_factory.mktemp("ltx") / "ltx"
    others.ltx_condition().save_pretrained(folder)
    own = Stack(tmp_path_factory.mktemp("videos") / "home")
    try:
        own.start()
        own.client.launch({"model_uid": "ltx", "model_name": "ltx", "model_path": str(folder), "n_threads": 1})
        own.client.wait_ready("ltx")
        yield own
    finally:
        own.close()


def newest(page: Page) -> Locator:
    """The newest entry of the gallery, once it is over."""
    found = page.get_by_role("region", name=re.compile("^(Videos|视频)$")).get_by_role("listitem").first
    found.locator("video").wait_for(timeout=90_000)
    return found


def asked(stack: Stack) -> dict[str, Any]:
    """What the last job was asked."""
    [job] = httpx.get(f"{stack.url}/v1/jobs", params={"kind": "videos", "limit": 1}).json()["data"]
    return dict(httpx.get(f"{stack.url}/v1/jobs/{job['id']}/request").json()["input"])


def test_a_video_is_made_of_a_text_and_of_a_picture(filming: Stack, opened: Opener) -> None:
    page, _ = opened(f"{filming.url}/ui/videos")
    page.get_by_text("No video has been made yet").wait_for()
    page.get_by_label("Prompt", exact=True).fill("a red cat")
    for name, value in [("Size", "64x64"), ("Frames", "9"), ("Steps", "2"), ("Seed", "3")]:
        page.get_by_label(name, exact=True).fill(value)
    page.get_by_role("button", name="Generate").click()
    video = newest(page).locator("video")
    expect(video).to_have_attribute("aria-label", "Video: a red cat")
    page.wait_for_function("document.querySelector('video').videoWidth === 64")
    expect(newest(page)).to_contain_text("Seed 3")
    with page.expect_download() as download:
        newest(page).get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes()[4:8] == b"ftyp"
    assert asked(filming) == {
        "model": "ltx",
        "prompt": "a red cat",
        "size": "64x64",
        "num_frames": 9,
        "steps": 2,
        "seed": 3,
        "response_format": "url",
    }

    page.get_by_role("tab", name="Picture to video").click()
    page.get_by_label("Choose a picture", exact=True).first.set_input_files(PICTURES["First frame"])
    page.get_by_label("Prompt", exact=True).fill("")
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_role("listitem").filter(has_text="Picture to video")).to_have_count(1, timeout=90_000)
    newest(page)
    page.get_by_role("tab", name="Text to video").click()
    page.get_by_label("Frames", exact=True).fill("")
    newest(page).get_by_role("button", name="Same settings").click()
    expect(page.get_by_role("img", name="The first frame")).to_be_visible()
    expect(page.get_by_label("Frames", exact=True)).to_have_value("9")


def test_a_video_is_made_between_its_first_and_last_frame(filming: Stack, opened: Opener) -> None:
    page, _ = opened(f"{filming.url}/ui/videos?mode=between")
    page.get_by_label("Prompt", exact=True).fill("")
    for name, value in [("Size", "64x64"), ("Frames", "9"), ("Steps", "2"), ("Seed", "4")]:
        page.get_by_label(name, exact=True).fill(value)
    for name in ("First frame", "Last frame"):
        expect(
            page.get_by_text(f"Choose {'a picture' if name == 'First frame' else 'the last frame'} first.")
        ).to_be_visible()
        page.get_by_role("group", name=name, exact=True).locator("input[type=file]").set_input_files(PICTURES[name])
        page.get_by_role("img", name=f"The {name.lower()}").wait_for()
    page.get_by_role("button", name="Generate").click()
    made = page.get_by_role("listitem").filter(has_text="First and last frame")
    made.locator("video").wait_for(timeout=90_000)
    [job] = httpx.get(f"{filming.url}/v1/jobs", params={"kind": "videos", "limit": 1}).json()["data"]
    files = httpx.get(f"{filming.url}/v1/jobs/{job['id']}/request").json()["files"]
    sent = {name: httpx.get(one["url"]).content for name, one in files.items()}
    assert sent == {"image": PICTURES["First frame"]["buffer"], "last_image": PICTURES["Last frame"]["buffer"]}
    assert asked(filming)["num_frames"] == 9

    page.reload()
    made.get_by_role("button", name="Same settings").click()
    page.get_by_role("img", name="The last frame").wait_for()
    expect(page.get_by_role("tab", name="First and last frame")).to_have_attribute("aria-selected", "true")


def test_what_the_model_cannot_make_stands_at_its_field(filming: Stack, opened: Opener) -> None:
    page, watch = opened(f"{filming.url}/ui/videos")
    watch.excuse("400")
    page.get_by_label("Frames", exact=True).fill("10")
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_text("this model makes 8k+1 frames")).to_be_visible()


@pytest.mark.parametrize("locale", LOCALES)
def test_it_can_be_read_by_all(filming: Stack, opened: Opener, locale: str) -> None:
    body = {"prompt": "a red cat", "size": "64x64", "num_frames": 9, "steps": 2}
    httpx.post(f"{filming.url}/v1/jobs", json={"kind": "videos.generations", "model": "ltx", "input": body})
    page, _ = opened(f"{filming.url}/ui/videos", locale=locale)
    newest(page)
    look(page, "videos", locale)
