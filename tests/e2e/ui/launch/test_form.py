"""The page that launches a model: from a name or a path to an answer, and what goes wrong on the way."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.keyboard import tab_to
from tests.e2e.ui.launch.conftest import end, estimated
from tests.e2e.ui.looks import LOCALES, SHOTS, look
from tests.e2e.ui.watched import unfit
from tests.support.hubs import Hub
from tests.support.weights import smollm2_gguf

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(300)]

READY_MS = 90_000


def write(path: Path, data: bytes) -> None:
    """Write a file at once: the page looks at it again and again."""
    made = path.with_suffix(".new")
    made.write_bytes(data)
    made.replace(path)


def test_a_launch_with_the_keyboard_alone(served: Stack, opened: Opener) -> None:
    page, _ = opened(f"{served.url}/ui/")
    tab_to(page, page.get_by_role("link", name="Launch", exact=True))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Launch a model").wait_for()
    name = page.get_by_label("Name", exact=True)
    tab_to(page, name)
    page.keyboard.type("smollm2")
    estimated(page)
    expect(page).to_have_url(f"{served.url}/ui/launch?name=smollm2")
    expect(page.get_by_role("img", name=re.compile(r"^About .* needed, .* free on"))).to_be_visible()
    tab_to(page, page.get_by_role("radio", name="llama_cpp"))
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="transformers")).to_be_checked()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("radio", name="llama_cpp")).to_be_checked()
    estimated(page)
    tab_to(page, page.get_by_role("button", name="Launch", exact=True))
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Launch of smollm2")).to_be_focused()
    chat = page.get_by_role("link", name="Chat with it")
    chat.wait_for(timeout=READY_MS)
    expect(name).to_have_value("smollm2")
    assert unfit(page) == []
    page.screenshot(path=SHOTS / "launch-ready-en-US-light-1280.png", full_page=True)
    tab_to(page, chat)
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/chat?model=smollm2")
    page.go_back()
    chat.wait_for()
    expect(name).to_have_value("smollm2")
    end(served, "smollm2")
    page.get_by_text("smollm2 is not launched any more.").wait_for()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("button", name="Launch", exact=True)).to_be_focused()


def test_the_catalogue_leads_to_the_form(served: Stack, opened: Opener) -> None:
    page, _ = opened(f"{served.url}/ui/catalogue/smollm2")
    page.get_by_role("link", name="Launch smollm2 135M ggufv2 Q4_1 with options").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("smollm2")
    expect(page.get_by_role("radio", name="llama_cpp")).to_be_checked()


@pytest.mark.parametrize("locale", LOCALES)
def test_it_can_be_read_by_all(served: Stack, opened: Opener, locale: str) -> None:
    page, watch = opened(f"{served.url}/ui/launch", locale=locale)
    page.get_by_role("heading", level=1).wait_for()
    look(page, "launch-empty", locale)
    page.goto(f"{served.url}/ui/launch?name=smollm2")
    page.locator("[aria-busy=false]").wait_for()
    for title in page.locator("form summary").all():
        title.click()
    page.get_by_text("n_ctx", exact=True).wait_for()
    page.get_by_role("row").nth(4).wait_for()
    look(page, "launch", locale)
    watch.excuse("40|50")  # the hub has none of it, so that nothing is known of its headers
    page.goto(f"{served.url}/ui/launch?name=qwen3")
    page.get_by_role("radio").nth(5).wait_for()
    page.locator("summary").first.click()
    look(page, "launch-choices", locale)
    page.goto(f"{served.url}/ui/launch?path=/nowhere")
    page.get_by_text("/nowhere").first.wait_for()
    look(page, "launch-path", locale)


def test_each_choice_narrows_the_next_and_says_what_cannot_be_had(served: Stack, opened: Opener) -> None:
    page, watch = opened(f"{served.url}/ui/launch?name=qwen3&engine=transformers")
    watch.excuse("40|50")
    size = page.get_by_role("group", name="Size (parameters)")
    expect(size.get_by_role("radio", name="600M")).to_be_checked()
    expect(size.get_by_role("radio", name="32B")).to_be_disabled()
    size.get_by_text(re.compile("^Why .* cannot be chosen")).click()
    expect(size.get_by_role("listitem").filter(has_text="32B")).to_contain_text("GiB in all")
    page.get_by_text(re.compile("^By its parameters it needs at least .* GiB")).wait_for()
    page.get_by_role("group", name="Engine").get_by_role("radio", name="llama_cpp").check()
    quantization = page.get_by_role("group", name="Quantisation")
    expect(quantization.get_by_role("radio", name="Q4_K_M", exact=True)).to_be_checked()
    quantization.get_by_role("radio", name="Q8_0", exact=True).check()
    expect(page).to_have_url(re.compile(r"engine=llama_cpp&quantization=Q8_0$"))
    page.reload()
    expect(quantization.get_by_role("radio", name="Q8_0", exact=True)).to_be_checked()
    page.get_by_label("Name", exact=True).fill("qwen3-instrukt")
    page.get_by_text("the nearest are").wait_for()
    expect(page.get_by_role("button", name="Launch", exact=True)).to_be_disabled()


def test_weights_of_a_repository_are_fetched_and_cancelled(served: Stack, hub: Hub, opened: Opener) -> None:
    hub.troubles.held["model.safetensors"] = 2_000_000
    hub.troubles.go.clear()
    page, watch = opened(f"{served.url}/ui/launch")
    watch.excuse("404")
    page.get_by_label("Name", exact=True).fill("hf:org/glyph-vlm")
    page.get_by_role("button", name="It is a path or a repository").click()
    expect(page.get_by_label("Path or repository")).to_have_value("hf:org/glyph-vlm")
    estimated(page)
    page.get_by_text(re.compile("are downloaded first")).wait_for()
    page.get_by_role("button", name="Launch", exact=True).click()
    launch = page.get_by_role("region", name="Launch of glyph-vlm")
    expect(launch.get_by_role("progressbar", name="Progress of model.safetensors")).to_be_visible()
    expect(launch.get_by_role("listitem").filter(has_text="model.safetensors").last).to_contain_text("MiB of")
    assert unfit(page) == []
    page.screenshot(path=SHOTS / "launch-fetching-en-US-light-1280.png", full_page=True)
    launch.get_by_role("button", name="Cancel the launch").click()
    expect(launch).to_have_count(0)
    expect(page.get_by_role("button", name="Launch", exact=True)).to_be_focused()
    assert "glyph-vlm" not in {one["id"] for one in served.client.models()}
    hub.troubles.held.clear()
    hub.troubles.go.set()
    page.get_by_role("button", name="Launch", exact=True).click()
    launch.get_by_role("link", name="Chat with it").wait_for(timeout=READY_MS)
    expect(page.get_by_role("button", name="Launch", exact=True)).to_be_disabled()
    page.get_by_text("The uid glyph-vlm is in use").wait_for()
    end(served, "glyph-vlm")


def test_a_failure_stays_with_its_cause(served: Stack, tmp_path: Path, opened: Opener) -> None:
    gguf = smollm2_gguf()
    assert gguf is not None
    weights = tmp_path / "broken.gguf"
    whole = gguf.read_bytes()
    key = b"llama.feed_forward_length"
    at = whole.index(key) + len(key) + 4  # behind the type of its value
    broken = whole[:at] + b"\x07\x00" + whole[at + 2 :]  # no tensor has this shape
    write(weights, broken)
    page, _ = opened(f"{served.url}/ui/launch?path={weights}")
    estimated(page)
    page.get_by_role("button", name="Launch", exact=True).click()
    launch = page.get_by_role("region", name="Launch of broken")
    alert = launch.get_by_role("alert")
    expect(alert).to_contain_text("This model could not be loaded")
    expect(alert).to_contain_text("llama.cpp cannot load broken.gguf")
    expect(launch.get_by_role("group", name="Log")).to_be_visible()
    assert unfit(page) == []
    page.screenshot(path=SHOTS / "launch-failed-en-US-light-1280.png", full_page=True)
    page.reload()
    expect(alert).to_contain_text("llama.cpp cannot load broken.gguf")
    write(weights, whole)
    page.get_by_role("button", name="Launch", exact=True).click()
    launch.get_by_role("link", name="Chat with it").wait_for(timeout=READY_MS)
    end(served, "broken")
    write(weights, broken)
    launch.get_by_text("broken is not launched any more.").wait_for()
    page.get_by_role("button", name="Launch", exact=True).click()
    launch.get_by_role("button", name="Dismiss").click()
    expect(launch).to_have_count(0)
    assert "broken" not in {one["id"] for one in served.client.models()}
