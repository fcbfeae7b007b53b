"""Pictures in the browser: asked for, watched as they come, kept, drawn again. On weights that draw what is asked."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.media.studio import seen
from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, look
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
    return page.get_by_role("region", name=re.compile("^(Pictures|图片)$")).get_by_role("listitem").first


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
    page, _ = opened(f"{drawing.url}/ui/images", locale=locale)
    tile(page).get_by_role("alert").wait_for()
    look(page, "images", locale)
