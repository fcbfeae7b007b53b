"""A page that is gone to while the server is away: it says so, and comes by itself when the server is back."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.watched import unfit

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

AWAY = r"no files of|failed: GET|net::ERR|Failed to fetch|Unable to preload|load preload assets"


def said(page: Page, text: str) -> None:
    """Wait for what is said in place of the page, which tells nothing of how it is built."""
    alert = page.get_by_role("main").get_by_role("alert")
    expect(alert).to_contain_text(text)
    expect(alert).not_to_contain_text("http")


def test_without_a_network_it_heals_each_time(stack: Stack, opened: Opener) -> None:
    page, watch = opened(f"{stack.url}/ui/")
    watch.excuse(AWAY)
    page.get_by_role("heading", name="Overview").wait_for()
    for name in ("Images", "Files"):  # each not kept by the browser yet
        page.context.set_offline(True)
        page.get_by_role("link", name=name, exact=True).click()
        said(page, "The server does not answer.")
        assert unfit(page) == []
        page.context.set_offline(False)
        expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_in_chinese(stack: Stack, opened: Opener) -> None:
    page, watch = opened(f"{stack.url}/ui/", locale="zh-CN")
    watch.excuse(AWAY)
    page.get_by_role("heading", level=1).wait_for()
    page.context.set_offline(True)
    page.get_by_role("link", name="设置", exact=True).click()
    said(page, "服务器没有响应")


def test_a_server_that_starts_again(new_stack: StackFactory, opened: Opener) -> None:
    stack = new_stack()
    page, watch = opened(f"{stack.url}/ui/")
    watch.excuse(AWAY + "|refused: 503|status of 503")
    page.get_by_role("heading", name="Overview").wait_for()
    stack.stop()
    page.get_by_role("link", name="Settings", exact=True).click()
    said(page, "The server does not answer.")
    page.get_by_role("link", name="Overview", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")  # it was loaded
    page.get_by_role("link", name="Settings", exact=True).click()
    said(page, "The server does not answer.")
    stack.start()
    expect(page.get_by_role("heading", level=1)).to_have_text("Settings")
