"""The page of downloads and of the cache: with weights that a hub of our own serves."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, SHOTS, look
from tests.e2e.ui.watched import unfit
from tests.support.hubs import Hub

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(300)]

FOLDER = Path(__file__).parents[3] / "models" / "catalogue" / "glyph-vlm"
FILES = {path.name: path.read_bytes() for path in FOLDER.iterdir()}
SOURCE = "hf:org/glyph-vlm"
OTHER = "modelscope:org/other"


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with Hub({"org/glyph-vlm": FILES, "org/other": FILES}) as made:
        yield made


@pytest.fixture(scope="module")
def fetching(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose hubs are ours."""
    home = tmp_path_factory.mktemp("cache") / "home"
    made = Stack(home, HF_ENDPOINT=hub.url, MODELSCOPE_ENDPOINT=hub.url, HF_HUB_OFFLINE="0")
    try:
        yield made.start()
    finally:
        made.close()


def launch(stack: Stack, uid: str, source: str) -> None:
    stack.client.launch({"model_name": uid, "model_uid": uid, "model_path": source, "n_gpu": None})


def hold(hub: Hub) -> None:
    """Let each download of the weights stop in its midst."""
    hub.troubles.held["model.safetensors"] = 2_000_000
    hub.troubles.go.clear()


def listed(stack: Stack) -> dict[str, dict[str, object]]:
    found = httpx.get(f"{stack.url}/v1/cache/models").json()["list"]
    return {one["model_version"]: one for one in found}


def what_is_used_says_by_whom(page: Page) -> None:
    row = page.get_by_role("row").filter(has_text=SOURCE)
    expect(row.get_by_role("link", name="used")).to_be_visible()
    row.get_by_role("button", name=f"Delete: {SOURCE}").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("used by used")
    expect(dialog.get_by_role("button", name="Delete")).to_be_disabled()
    dialog.locator("summary").click()
    expect(dialog.get_by_text("model.safetensors").first).to_be_visible()
    assert unfit(page) == []
    page.screenshot(path=SHOTS / "cache-delete-en-US-light-1280.png")
    page.keyboard.press("Escape")
    expect(row.get_by_role("button", name=f"Delete: {SOURCE}")).to_be_focused()


def test_downloads_are_followed_and_cancelled_and_what_is_here_is_deleted(
    fetching: Stack, hub: Hub, opened: Opener
) -> None:
    page, watch = opened(f"{fetching.url}/ui/cache")
    page.get_by_text("Nothing is being fetched now.").wait_for()
    page.get_by_text("Nothing was fetched from a hub yet.").wait_for()
    launch(fetching, "used", SOURCE)
    fetching.client.wait_ready("used")

    hold(hub)
    launch(fetching, "slow", OTHER)
    download = page.get_by_role("article", name="slow")
    expect(download.get_by_role("row").filter(has_text="model.safetensors")).to_be_visible()
    expect(download.get_by_text(re.compile(r"1\.\d MiB of 3\.\d MiB · .*/s · time left: "))).to_be_visible()
    assert (
        float(download.get_by_role("progressbar").get_attribute("value") or 0) / len(FILES["model.safetensors"]) > 0.3
    )
    expect(page.get_by_role("row").filter(has_text=OTHER)).to_contain_text("not whole")
    for locale in LOCALES:
        shown, _ = opened(f"{fetching.url}/ui/cache", locale=locale)
        shown.get_by_role("row").filter(has_text=SOURCE).wait_for()
        shown.get_by_role("main").get_by_role("progressbar").wait_for()
        look(shown, "cache", locale)
        shown.close()

    watch.excuse("404")  # of polls that were under way
    download.get_by_role("button", name="Cancel: slow").click()
    note = page.get_by_text("The launch of slow was cancelled.")
    expect(note.locator("..")).to_be_focused()
    expect(download).to_have_count(0)
    hub.troubles.go.set()

    what_is_used_says_by_whom(page)
    page.get_by_role("row").filter(has_text=OTHER).get_by_role("button").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    gone = page.get_by_text(f"{OTHER} was deleted;")
    expect(gone.locator("..")).to_be_focused()
    expect(page.get_by_role("row").filter(has_text=OTHER)).to_have_count(0)
    assert list(listed(fetching)) == [SOURCE]
    page.get_by_role("button", name="Close").click()
    expect(gone).to_have_count(0)


def test_a_refusal_says_why_and_leaves_all_there(fetching: Stack, hub: Hub, opened: Opener) -> None:
    """What is fetched anew just now, which the page does not know yet, is not deleted."""
    hub.troubles.held.clear()
    launch(fetching, "gone", OTHER)
    fetching.client.wait_ready("gone")
    fetching.client.terminate("gone")
    page, watch = opened(f"{fetching.url}/ui/cache?q=other&order=name")
    row = page.get_by_role("row").filter(has_text=OTHER)
    expect(page.get_by_role("row").filter(has_text=SOURCE)).to_have_count(0)
    expect(page.get_by_label("Order")).to_have_value("name")
    row.get_by_role("button").click()
    dialog = page.get_by_role("alertdialog")
    dialog.get_by_role("button", name="Delete").wait_for()
    launch(fetching, "gone", OTHER)
    dialog.get_by_role("button", name="Delete").click()
    watch.excuse("409")
    expect(dialog.get_by_role("alert")).to_contain_text("is used by gone")
    dialog.get_by_role("button", name="Keep it").click()
    assert OTHER in listed(fetching)
    page.get_by_label("Search").fill("nothing like it")
    page.get_by_text("No repository has such a name.").wait_for()
    fetching.client.terminate("gone")


def test_what_is_here_of_a_model_is_deleted_on_its_page(fetching: Stack, hub: Hub, opened: Opener) -> None:
    spec = {"model_format": "pytorch", "model_size_in_billions": 1, "model_id": "org/other", "model_hub": "modelscope"}
    own = {"version": 2, "model_name": "kept", "model_ability": ["chat"], "context_length": 512, "model_specs": [spec]}
    made = httpx.post(f"{fetching.url}/v1/model_registrations/LLM", json={"model": own, "persist": True})
    assert made.status_code == 200, made.text
    if OTHER not in listed(fetching):
        launch(fetching, "gone", OTHER)
        fetching.client.wait_ready("gone")
        fetching.client.terminate("gone")
    page, _ = opened(f"{fetching.url}/ui/catalogue/kept")
    box = page.get_by_role("region", name="In the cache of this machine")
    expect(box.get_by_role("row").filter(has_text=OTHER)).to_contain_text("MiB")
    expect(box.get_by_role("row").filter(has_text=SOURCE)).to_have_count(0)
    for locale in LOCALES:
        shown, _ = opened(f"{fetching.url}/ui/catalogue/kept", locale=locale)
        shown.get_by_role("cell", name=OTHER, exact=True).wait_for()
        look(shown, "catalogue-kept", locale)
        shown.close()
    box.get_by_role("button", name=f"Delete: {OTHER}").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(box.get_by_text(f"{OTHER} was deleted;").locator("..")).to_be_focused()
    expect(box.get_by_role("row")).to_have_count(0)
    assert OTHER not in listed(fetching)


def test_others_than_administrators_are_told(new_stack: StackFactory, opened: Opener) -> None:
    stack = new_stack(HEADRACE_API_KEY="user", HEADRACE_ADMIN_KEY="root")
    page, watch = opened(f"{stack.url}/ui/cache")
    watch.excuse("401")
    page.get_by_label("API key").fill("user")
    page.keyboard.press("Enter")
    page.get_by_text("Only an administrator's key").wait_for()
    assert page.get_by_role("table").count() == 0
