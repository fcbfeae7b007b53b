"""A whole visit with the keyboard alone: a model is launched, asked, and ended."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.keyboard import choose, tab_to
from tests.e2e.ui.launch.conftest import estimated

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(300)]

READY_MS = 90_000
UID = "by-keyboard"


def skip(page: Page) -> None:
    """Past the links of all pages, by the first link of the page."""
    choose(page, page.get_by_role("link", name="Skip"), "Shift+Tab")
    expect(page.get_by_role("main")).to_be_focused()


def launch(page: Page) -> None:
    """Launch a model by its name, under a uid of the test's own."""
    choose(page, page.get_by_role("link", name="Launch", exact=True))
    page.get_by_role("heading", name="Launch a model").wait_for()
    skip(page)
    tab_to(page, page.get_by_label("Name", exact=True))
    page.keyboard.type("smollm2")
    estimated(page)
    choose(page, page.locator("summary").filter(has_text="More settings"))
    tab_to(page, page.get_by_label("Uid"))
    page.keyboard.type(UID)
    estimated(page)
    choose(page, page.get_by_role("button", name="Launch", exact=True))
    expect(page.get_by_role("region", name=f"Launch of {UID}")).to_be_focused()
    page.get_by_role("link", name="Chat with it").wait_for(timeout=READY_MS)


def test_from_the_overview_to_an_answer_and_the_end(served: Stack, opened: Opener) -> None:
    page, watch = opened(f"{served.url}/ui/")
    watch.excuse("404")  # a model that has just ended
    page.get_by_role("heading", name="Overview").wait_for()
    launch(page)
    choose(page, page.get_by_role("link", name="Chat with it"))
    page.wait_for_url(f"**/ui/chat?model={UID}")
    expect(page.get_by_role("main")).to_be_focused()  # the link that was followed is gone
    tab_to(page, page.get_by_label("Message", exact=True))
    page.keyboard.type("Say one word.")
    page.keyboard.press("Enter")
    answer = page.get_by_role("log").get_by_role("article", name=UID)
    expect(answer).to_contain_text(re.compile(r"\w"))
    page.get_by_role("button", name="Stop").wait_for(state="detached")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    choose(page, page.get_by_role("link", name="Models", exact=True), "Shift+Tab")
    page.get_by_role("heading", level=1, name="Models").wait_for()
    choose(page, page.get_by_role("main").get_by_role("link", name=UID, exact=True))
    page.get_by_role("heading", level=1, name=UID).wait_for()
    expect(page.get_by_role("main")).to_be_focused()
    end = page.get_by_role("main").get_by_role("button", name="Terminate")
    choose(page, end)
    page.get_by_role("alertdialog").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("alertdialog").wait_for(state="hidden")
    expect(end).to_be_focused()
    page.keyboard.press("Space")
    choose(page, page.get_by_role("alertdialog").get_by_role("button", name="Terminate"))
    page.get_by_text(f"{UID} has ended").wait_for()
    expect(page.get_by_role("main")).to_be_focused()
    assert UID not in {one["id"] for one in served.client.models()}
