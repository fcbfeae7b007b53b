"""Pictures that are given: photos larger than a body of JSON, and those that a ControlNet follows; and deleting."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import diffusers
import httpx
import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from models import catalogue
from tests.e2e.media.studio import file_of, picture
from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, look
from tests.support.servers import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(300)]

GLYPHS = Path(catalogue.__file__).parent / "glyphs"
JSON_BYTES = 16 << 20
"""As large a body of JSON may be, unless the server is told otherwise."""


@pytest.fixture(scope="module")
def guided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server with a model that draws under a ControlNet, which was never trained, so that it shows."""
    control = tmp_path_factory.mktemp("control")
    torch.manual_seed(1)
    unet: Any = diffusers.UNet2DConditionModel
    made: Any = diffusers.ControlNetModel
    net = made.from_unet(unet.from_pretrained(GLYPHS / "unet"))
    net.controlnet_mid_block.weight.data.normal_(std=0.3)
    net.save_pretrained(control)
    own = Stack(tmp_path_factory.mktemp("guided") / "home")
    try:
        own.start()
        own.client.launch({"model_uid": "guided", "model_name": "glyphs", "controlnet": str(control)})
        own.client.wait_ready("guided")
        yield own
    finally:
        own.close()


def newest(stack: Stack) -> dict[str, Any]:
    """The last job; empty where there is none."""
    found = httpx.get(f"{stack.url}/v1/jobs", params={"kind": "images", "limit": 1}).json()["data"]
    return dict(found[0]) if found else {}


def asked(stack: Stack) -> dict[str, Any]:
    """What the last job was asked: its ``input``, and its ``files``."""
    return dict(httpx.get(f"{stack.url}/v1/jobs/{newest(stack)['id']}/request").json())


def given(stack: Stack, name: str) -> bytes:
    """A file that the last job was given."""
    return httpx.get(asked(stack)["files"][name]["url"]).content


def tile(page: Page) -> Locator:
    """The newest entry of the gallery."""
    return page.get_by_role("region", name="Images", exact=True).get_by_role("listitem").first


def drawn(page: Page, stack: Stack, prompt: str) -> bytes:
    """What the newest job has drawn, once its entry shows it."""
    shown = tile(page).get_by_role("img", name=prompt)
    wait_for(lambda: newest(stack).get("state") in ("succeeded", "failed"), 60)
    assert newest(stack)["state"] == "succeeded", newest(stack)["error"]
    expect(shown).to_have_count(1)
    return httpx.get(str(shown.get_attribute("src"))).content


def choose(page: Page, group: str, content: bytes) -> None:
    """Choose a file as the picture of this name."""
    box = page.get_by_role("group", name=group, exact=True)
    file: Any = {"name": "given.png", "mimeType": "image/png", "buffer": content}
    box.locator("input[type=file]").set_input_files(file)
    expect(box.get_by_role("img")).to_have_count(1)


def fill(page: Page, **fields: str) -> None:
    """Fill in fields by their labels."""
    for name, value in fields.items():
        page.get_by_label(name, exact=True).fill(value)


def test_a_photo_is_edited_that_no_body_of_json_holds(guided: Stack, opened: Opener) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (2400, 2400, 3), dtype=np.uint8)
    photo = file_of(Image.fromarray(noise))
    assert len(photo) > JSON_BYTES
    page, _ = opened(f"{guided.url}/ui/images?mode=edit")
    fill(page, Prompt="a large seven", Strength="0.8", Steps="4", Seed="9007199254740993", Size="64x64")
    page.get_by_label("LoRA", exact=True).fill("")
    choose(page, "Picture", photo)
    page.get_by_role("button", name="Edit", exact=True).click()
    drawn(page, guided, "a large seven")
    assert given(guided, "image") == photo
    assert asked(guided)["input"] == {
        "model": "guided",
        "prompt": "a large seven",
        "strength": 0.8,
        "steps": 4,
        "seed": 9007199254740993,
        "size": "64x64",
        "response_format": "url",
    }


def test_what_is_refused_of_a_form_stands_at_its_field(guided: Stack, opened: Opener) -> None:
    page, watch = opened(f"{guided.url}/ui/images?mode=edit")
    watch.excuse("400")
    fill(page, Prompt="a red seven", Strength="2")
    choose(page, "Picture", picture())
    page.get_by_role("button", name="Edit", exact=True).click()
    expect(page.get_by_label("Strength", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("img", name="The picture to be changed")).to_be_visible()


def test_a_controlnet_follows_a_picture(guided: Stack, opened: Opener) -> None:
    page, _ = opened(f"{guided.url}/ui/images")
    page.get_by_role("tab", name="ControlNet").click()
    expect(page.get_by_text("Choose the picture to follow first.")).to_be_visible()
    fill(page, Prompt="a blue seven", Steps="4", Seed="5")
    expect(page.get_by_label("Strength", exact=True)).to_have_count(0)
    choose(page, "Picture to follow", picture("star", "green"))
    fill(page, Sampler="dpm++ 2m karras")
    page.get_by_role("button", name="Generate", exact=True).click()
    followed = drawn(page, guided, "a blue seven")
    assert asked(guided)["input"]["control_scale"] == 1
    assert asked(guided)["input"]["scheduler"] == "DPM++ 2M Karras"
    assert list(asked(guided)["files"]) == ["image"]
    assert given(guided, "image") == picture("star", "green")

    first = newest(guided)["id"]
    fill(page, **{"ControlNet scale": "0"})
    page.get_by_role("button", name="Generate", exact=True).click()
    wait_for(lambda: newest(guided)["id"] != first, 20)
    assert drawn(page, guided, "a blue seven") != followed, "the scale is heeded"

    page.get_by_role("tab", name="Generate").click()
    region = page.get_by_role("region", name="Images", exact=True)
    region.get_by_role("listitem").nth(1).get_by_role("button", name="Same settings").click()
    expect(page.get_by_label("ControlNet scale", exact=True)).to_have_value("1")
    follow = page.get_by_role("group", name="Picture to follow", exact=True).get_by_role("img")
    assert base64.b64decode(str(follow.get_attribute("src")).partition(",")[2]) == picture("star", "green")

    choose(page, "Picture to be changed (optional)", picture("square", "red"))
    fill(page, Strength="0.5")
    page.get_by_role("button", name="Generate", exact=True).click()
    wait_for(lambda: len(asked(guided)["files"]) == 2, 20)
    drawn(page, guided, "a blue seven")
    assert (given(guided, "control_image"), given(guided, "image")) == (
        picture("star", "green"),
        picture("square", "red"),
    )
    expect(tile(page)).to_contain_text("ControlNet")


def test_what_was_drawn_is_deleted(guided: Stack, opened: Opener) -> None:
    body = {"kind": "images.generations", "model": "guided", "input": {"prompt": "a short life", "steps": 2}}
    httpx.post(f"{guided.url}/v1/jobs", json=body).raise_for_status()
    page, _ = opened(f"{guided.url}/ui/images")
    drawn(page, guided, "a short life")
    job = newest(guided)["id"]
    tile(page).get_by_role("button", name="Delete: a short life").click()
    page.get_by_role("button", name="Leave them").click()
    expect(tile(page)).to_contain_text("a short life")
    tile(page).get_by_role("button", name="Delete: a short life").press("Enter")
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").press("Enter")
    expect(page.get_by_text("a short life")).to_have_count(0)
    expect(page.get_by_role("region", name="Images", exact=True)).to_be_focused()
    assert httpx.get(f"{guided.url}/v1/jobs/{job}").status_code == 404


@pytest.mark.parametrize("locale", LOCALES)
def test_it_can_be_read_by_all(guided: Stack, opened: Opener, locale: str) -> None:
    page, _ = opened(f"{guided.url}/ui/images?mode=guide", locale=locale)
    wide = io.BytesIO()
    Image.new("RGB", (256, 128), "teal").save(wide, "PNG")
    file: Any = {"name": "wide.png", "mimeType": "image/png", "buffer": wide.getvalue()}
    page.locator("input[type=file]").first.set_input_files(file)
    page.get_by_role("listitem").get_by_role("img").first.wait_for()
    look(page, "images-guide", locale)
