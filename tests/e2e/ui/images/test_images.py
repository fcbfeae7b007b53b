"""Pictures in the browser: asked for, watched as they come, kept, drawn again. On weights that draw what is asked."""

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.e2e.media.studio import file_of, picture, seen
from tests.e2e.media.studio import opened as opened_picture
from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, look
from tests.glyphs import glyphworld as world
from tests.support.servers import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.weights]

SEED = "9223372036854775801"
"""More than a number of JavaScript holds."""


@pytest.fixture(scope="module")
def drawing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server with a model that draws."""
    own = Stack(tmp_path_factory.mktemp("images") / "home")
    try:
        own.start()
        own.client.launch({"model_name": "glyphs"})
        own.client.wait_ready("glyphs")
        yield own
    finally:
        own.close()


def newest(stack: Stack) -> dict[str, Any]:
    """The last job."""
    [found] = httpx.get(f"{stack.url}/v1/jobs", params={"kind": "images", "limit": 1}).json()["data"]
    return dict(found)


def asked(stack: Stack) -> dict[str, Any]:
    """What the last job was asked."""
    return dict(httpx.get(f"{stack.url}/v1/jobs/{newest(stack)['id']}/request").json()["input"])


def tile(page: Page) -> Locator:
    """The newest entry of the gallery."""
    return page.get_by_role("region", name=re.compile("^(Images|图像)$")).get_by_role("listitem").first


def drawn(page: Page, prompt: str, count: int = 1) -> list[bytes]:
    """The pictures of the newest entry, once it shows them."""
    pictures = tile(page).get_by_role("img", name=re.compile(re.escape(prompt)))
    expect(pictures).to_have_count(count)
    files = []
    for one in pictures.all():
        assert one.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
        files.append(httpx.get(str(one.get_attribute("src"))).content)
    return files


def keep(page: Page, path: Path) -> bytes:
    """The file that the newest entry has to download."""
    with page.expect_download() as download:
        tile(page).get_by_role("link", name="Download").first.click()
    download.value.save_as(path)
    return path.read_bytes()


def test_a_picture_is_drawn_kept_and_drawn_again(drawing: Stack, opened: Opener, tmp_path: Path) -> None:
    page, _ = opened(f"{drawing.url}/ui/images")
    page.get_by_text("Nothing has been drawn yet").wait_for()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a blue star")  # which this model can draw
    page.get_by_label("Prompt", exact=True).fill("a red seven")
    page.get_by_label("Negative prompt").fill("blue")
    for name, value in [("Number", "2"), ("Steps", "6"), ("Guidance", "2.5"), ("Seed", SEED), ("Size", "64x64")]:
        page.get_by_label(name, exact=True).fill(value)
    page.get_by_role("button", name="Generate").click()
    first = drawn(page, "a red seven", 2)
    assert [seen(one) for one in first] == ["red seven"] * 2
    expect(tile(page)).to_contain_text(f"Seed {SEED}")
    expect(tile(page)).to_contain_text(f"Seed {int(SEED) + 1}")
    assert asked(drawing) == {
        "model": "glyphs",
        "prompt": "a red seven",
        "negative_prompt": "blue",
        "size": "64x64",
        "n": 2,
        "steps": 6,
        "guidance_scale": 2.5,
        "seed": int(SEED),
        "response_format": "url",
    }
    assert keep(page, tmp_path / "kept.png") == first[0]

    page.reload()
    assert drawn(page, "a red seven", 2) == first, "the gallery is the server's"
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a red seven")
    page.get_by_label("Prompt", exact=True).fill("something else")
    tile(page).get_by_role("button", name="Same settings").nth(1).click()
    expect(page.get_by_label("Prompt", exact=True)).to_be_focused()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a red seven")
    expect(page.get_by_label("Seed", exact=True)).to_have_value(SEED)
    before = newest(drawing)["id"]
    page.get_by_role("button", name="Generate").click()
    wait_for(lambda: newest(drawing)["id"] != before, 20)
    expect(page.get_by_role("listitem").filter(has_text="Seed")).to_have_count(2)
    assert drawn(page, "a red seven", 2) == first
    page.get_by_text("As code").click()
    expect(page.locator("pre").filter(has_text="curl")).to_contain_text(f'"seed":"{SEED}"')


def test_a_double_click_draws_one(drawing: Stack, opened: Opener) -> None:
    def jobs() -> int:
        return len(httpx.get(f"{drawing.url}/v1/jobs", params={"kind": "images", "limit": 100}).json()["data"])

    before = jobs()
    page, _ = opened(f"{drawing.url}/ui/images")
    page.get_by_label("Prompt").first.fill("a green three")
    page.get_by_role("button", name="Generate", exact=True).dblclick(delay=60)
    drawn(page, "a green three")
    assert jobs() == before + 1


def test_one_without_a_seed_is_drawn_again_by_the_one_that_was_used(drawing: Stack, opened: Opener) -> None:
    page, _ = opened(f"{drawing.url}/ui/images")
    page.get_by_label("Prompt", exact=True).fill("a green star")
    page.get_by_role("button", name="Generate").click()
    [first] = drawn(page, "a green star")
    assert "seed" not in asked(drawing)
    tile(page).get_by_role("button", name="Same settings").click()
    used = page.get_by_label("Seed", exact=True).input_value()
    assert used.isdigit()
    expect(tile(page)).to_contain_text(f"Seed {used}")
    page.get_by_role("button", name="Generate").click()
    wait_for(lambda: "seed" in asked(drawing), 20)
    expect(page.get_by_role("listitem").filter(has_text=f"Seed {used}")).to_have_count(2)
    assert drawn(page, "a green star") == [first]


def test_a_job_under_way_is_watched_over_a_reload_and_cancelled(drawing: Stack, opened: Opener) -> None:
    page, _ = opened(f"{drawing.url}/ui/images")
    page.get_by_label("Prompt", exact=True).fill("a blue nine")
    page.get_by_label("Number", exact=True).fill("16")
    page.get_by_label("Steps", exact=True).fill("250")
    page.get_by_role("button", name="Generate").click()
    preview = tile(page).get_by_role("img", name="Preview of what is being made")
    preview.wait_for()
    page.reload()
    preview.wait_for()
    expect(tile(page)).to_contain_text(re.compile("Under way: [1-9]"))
    look(page, "images-under-way", "en-US")
    tile(page).get_by_role("button", name="Cancel").click()
    expect(tile(page)).to_contain_text("cancelled")
    assert newest(drawing)["state"] == "cancelled"
    tile(page).get_by_role("button", name="Same settings").click()
    expect(page.get_by_label("Steps", exact=True)).to_have_value("250")


def test_what_the_server_refuses_stands_at_its_field(drawing: Stack, opened: Opener) -> None:
    page, watch = opened(f"{drawing.url}/ui/images")
    watch.excuse("400")
    page.get_by_label("Prompt", exact=True).fill("a red seven")
    page.get_by_label("Size", exact=True).fill("65x64")
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_text("multiples of 8, from 64 to 4096")).to_be_visible()
    page.get_by_label("Size", exact=True).fill("")
    expect(page.get_by_text("multiples of 8, from 64 to 4096")).to_have_count(0)
    page.get_by_label("Prompt", exact=True).fill(" ")
    expect(page.get_by_text("Write a prompt first.")).to_be_visible()
    expect(page.get_by_role("button", name="Generate")).to_have_attribute("aria-disabled", "true")


def test_a_job_that_failed_says_why(drawing: Stack, opened: Opener) -> None:
    page, _ = opened(f"{drawing.url}/ui/images")
    page.get_by_label("Prompt", exact=True).fill("a red seven")
    page.get_by_label("LoRA", exact=True).fill("unknown:0.5")
    page.get_by_role("button", name="Generate").click()
    expect(tile(page).get_by_role("alert")).to_contain_text("unknown")
    assert asked(drawing)["lora"] == [{"name": "unknown", "scale": 0.5}]


@pytest.mark.parametrize("locale", LOCALES)
def test_it_can_be_read_by_all(drawing: Stack, opened: Opener, locale: str) -> None:
    for asked_for in ({"n": 2}, {"lora": "unknown"}):
        job = {"kind": "images.generations", "model": "glyphs", "input": {"prompt": "a red seven", **asked_for}}
        httpx.post(f"{drawing.url}/v1/jobs", json=job).raise_for_status()
    page, _ = opened(f"{drawing.url}/ui/images", locale=locale)
    tile(page).get_by_role("alert").wait_for()
    page.get_by_role("listitem").get_by_role("img").first.wait_for()
    look(page, "images", locale)


def a_file(content: bytes, name: str = "given.png") -> FilePayload:
    """A file of the reader's, to be chosen."""
    return {"name": name, "mimeType": "image/png", "buffer": content}


def turned(page: Page, mode: str, file: bytes) -> None:
    """Turn to what changes a picture, and choose this one."""
    page.get_by_role("tab", name=mode).click()
    page.get_by_label("Choose a picture", exact=True).first.set_input_files(a_file(file))


def given_mask(stack: Stack) -> Image.Image:
    """The mask that the last job was given."""
    files = httpx.get(f"{stack.url}/v1/jobs/{newest(stack)['id']}/request").json()["files"]
    return Image.open(io.BytesIO(httpx.get(files["mask"]["url"]).content))


def test_a_picture_is_edited_and_what_comes_is_edited_again(drawing: Stack, opened: Opener) -> None:
    page, _ = opened(f"{drawing.url}/ui/images")
    page.get_by_label("Prompt", exact=True).fill("a blue seven")
    page.get_by_role("tab", name="Edit").click()
    expect(page.get_by_text("Choose a picture first.")).to_be_visible()
    turned(page, "Edit", b"no picture")
    expect(page.get_by_text("given.png cannot be read as a picture.")).to_be_visible()
    turned(page, "Edit", picture())
    expect(page.get_by_role("img", name="The picture to be changed")).to_be_visible()
    for name, value in [("Strength", "0.8"), ("Steps", "10"), ("Seed", "1")]:
        page.get_by_label(name, exact=True).fill(value)
    page.get_by_role("button", name="Edit", exact=True).click()
    [edited] = drawn(page, "a blue seven")
    assert seen(edited) == "blue seven"
    assert newest(drawing)["kind"] == "images.edits"

    page.goto(f"{drawing.url}/ui/images")
    tile(page).get_by_role("button", name="Edit this").click()
    expect(page).to_have_url(re.compile("mode=edit"))
    chosen = page.get_by_role("img", name="The picture to be changed")
    assert base64.b64decode(str(chosen.get_attribute("src")).partition(",")[2]) == edited
    page.get_by_role("button", name="Remove").click()
    expect(chosen).to_have_count(0)
    tile(page).get_by_role("button", name="Same settings").click()
    assert base64.b64decode(str(chosen.get_attribute("src")).partition(",")[2]) == picture(), "that of the job"
    expect(page.get_by_label("Strength", exact=True)).to_have_value("0.8")


def test_a_picture_is_varied_without_a_prompt(drawing: Stack, opened: Opener) -> None:
    page, _ = opened(f"{drawing.url}/ui/images?mode=vary")
    page.get_by_label("Prompt", exact=True).fill("")
    turned(page, "Variation", picture("star", "green"))
    for name, value in [("Strength", "0.3"), ("Steps", "10"), ("Seed", "7"), ("Number", "2")]:
        page.get_by_label(name, exact=True).fill(value)
    page.get_by_role("button", name="Vary").click()
    assert [world.colour_of(opened_picture(one)) for one in drawn(page, "Picture", 2)] == ["green"] * 2
    assert newest(drawing)["kind"] == "images.variations"


def test_only_what_is_marked_is_repainted(drawing: Stack, opened: Opener) -> None:
    original = picture("square", "red")
    page, _ = opened(f"{drawing.url}/ui/images")
    page.get_by_label("Prompt", exact=True).fill("a blue square")
    turned(page, "Inpainting", original)
    expect(page.get_by_text("Mark what is to be repainted first.")).to_be_visible()
    page.get_by_text("Rectangle by numbers").press("Enter")
    page.get_by_label("Width", exact=True).fill("48")
    page.get_by_role("button", name="Mark the rectangle").press("Enter")
    expect(page.get_by_text("Marked: 75%")).to_be_visible()
    page.get_by_label("Seed", exact=True).fill("1")
    page.get_by_role("button", name="Repaint").click()
    [after] = [np.asarray(opened_picture(one)) for one in drawn(page, "a blue square")]
    assert (np.asarray(opened_picture(original))[:, 48:] == after[:, 48:]).all()
    assert world.colour_of(after[:, :48]) == "blue"
    mask = given_mask(drawing)
    assert (mask.mode, mask.size) == ("RGBA", (64, 64))
    hole = Image.new("RGBA", (64, 64), "black")
    hole.paste("white", (0, 0, 48, 64))
    assert mask.tobytes() == hole.tobytes(), "opaque, and white where it is repainted"

    page.reload()
    tile(page).get_by_role("button", name="Same settings").click()
    expect(page.get_by_text("Marked: 75%")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Mark what is to be repainted first.")).to_be_visible()
    tile(page).get_by_role("button", name="Same settings").click()
    expect(page.get_by_text("Marked: 75%")).to_be_visible()


def test_a_mask_is_painted_erased_taken_back_and_read_from_a_file(drawing: Stack, opened: Opener) -> None:
    page, _ = opened(f"{drawing.url}/ui/images?mode=inpaint")
    page.get_by_label("Prompt", exact=True).fill("a blue square")
    turned(page, "Inpainting", picture("square", "red"))
    canvas = page.get_by_role("img", name=re.compile("The picture, of which"))
    share = page.get_by_text(re.compile(r"^Marked: \d"))

    def marked() -> int:
        return int(share.inner_text().removeprefix("Marked: ").removesuffix("%"))

    def paint(x: float, to: float) -> None:
        box = canvas.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + x * box["width"], box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + to * box["width"], box["y"] + box["height"] / 2, steps=5)
        page.mouse.up()

    brush = page.get_by_label(re.compile("^Brush"))
    brush.fill("50")
    paint(0, 1)
    expect(share).to_have_text("Marked: 50%")
    brush.press("ArrowLeft")
    expect(page.get_by_text("Brush: 49% of the picture")).to_be_visible()
    page.get_by_label("Erase", exact=True).check()
    paint(0.5, 1)
    expect(share).not_to_have_text("Marked: 50%")
    assert 10 < marked() < 30
    page.get_by_role("button", name="Undo").click()
    expect(share).to_have_text("Marked: 50%")
    page.get_by_text("Rectangle by numbers").click()
    page.get_by_role("button", name="Erase the rectangle").click()
    expect(share).to_have_text("Marked: 0%")
    page.get_by_label("Left", exact=True).fill("999")
    expect(page.get_by_text("This rectangle is not in the picture.")).to_be_visible()

    pierced = Image.new("RGBA", (32, 32), "white")
    pierced.paste((0, 0, 0, 0), (0, 0, 8, 32))
    mask_file = page.get_by_label("Use a mask file", exact=True).first
    mask_file.set_input_files(a_file(file_of(pierced)))
    expect(share).to_have_text("Marked: 25%")
    page.get_by_role("button", name="Repaint").click()
    drawn(page, "a blue square")
    mask = given_mask(drawing).convert("L")
    assert (mask.getpixel((8, 32)), mask.getpixel((40, 32))) == (255, 0)
    mask_file.set_input_files(a_file(b"no picture", "bad.png"))
    expect(page.get_by_text("bad.png cannot be read as a picture.")).to_be_visible()


@pytest.mark.parametrize("locale", LOCALES)
def test_the_mask_editor_can_be_read_by_all(drawing: Stack, opened: Opener, locale: str) -> None:
    page, _ = opened(f"{drawing.url}/ui/images?mode=inpaint", locale=locale)
    page.locator("input[type=file]").first.set_input_files(a_file(picture("square", "red", size=256)))
    rectangle = page.locator("details").filter(has_text=re.compile("^(Rectangle|用数值)"))
    rectangle.locator("summary").click()
    rectangle.get_by_role("textbox").nth(2).fill("96")
    rectangle.get_by_role("button").click()
    tile(page).get_by_role("img").first.wait_for()
    look(page, "images-mask", locale)


def test_a_model_that_is_gone_and_a_server_that_is_away_are_said(drawing: Stack, opened: Opener) -> None:
    page, watch = opened(f"{drawing.url}/ui/images?model=gone")
    watch.excuse("404")
    watch.excuse("ERR_FAILED")
    page.get_by_label("Prompt", exact=True).fill("a red seven")
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_role("alert").filter(has_text="the model 'gone' does not exist")).to_be_visible()
    page.get_by_label("Model").select_option("glyphs")
    page.route("**/v1/jobs", lambda route: route.abort())
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_role("alert").filter(has_text="does not answer")).to_be_visible()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a red seven")
    page.unroute("**/v1/jobs")
    page.get_by_role("button", name="Generate").click()
    assert seen(drawn(page, "a red seven")[0]) == "red seven"
