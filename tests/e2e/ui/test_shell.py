"""The frame of the interface: sign-in, languages, themes, prefixes, and what a browser must not complain about."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, look
from tests.e2e.ui.prefixed import Prefixed
from tests.e2e.ui.watched import unfit

pytestmark = pytest.mark.e2e

PAGES = ["", "settings", "nowhere"]


def test_the_root_leads_to_it(stack: Stack, opened: Opener) -> None:
    page, _ = opened(f"{stack.url}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    assert page.url == f"{stack.url}/ui/"


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("locale", LOCALES)
def test_it_can_be_read_by_all(stack: Stack, opened: Opener, path: str, locale: str) -> None:
    page, _ = opened(f"{stack.url}/ui/{path}", locale=locale)
    page.get_by_role("heading", level=1).wait_for()
    expect(page.get_by_role("status")).to_have_count(0)
    look(page, path or "overview", locale)


def test_on_a_narrow_screen_the_pages_are_behind_a_button(stack: Stack, opened: Opener) -> None:
    page, _ = opened(f"{stack.url}/ui/", viewport={"width": 360, "height": 800})
    menu = page.get_by_role("button", name="Menu")
    link = page.get_by_role("link", name="Settings", exact=True)
    expect(link).to_be_hidden()
    menu.focus()
    page.keyboard.press("Enter")
    expect(menu).to_have_attribute("aria-expanded", "true")
    assert unfit(page) == []
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Settings")
    expect(link).to_be_hidden()


def test_language_and_theme_are_remembered(stack: Stack, opened: Opener) -> None:
    page, _ = opened(f"{stack.url}/ui/settings", color_scheme="light")
    page.get_by_label("简体中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("设置")
    page.get_by_label("深色").click()
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("设置")
    assert page.evaluate(ground) == dark
    page.get_by_label("跟随系统").click()
    assert page.evaluate(ground) != dark


def test_the_documentation_needs_nothing_from_elsewhere(stack: Stack, opened: Opener) -> None:
    page, _ = opened(f"{stack.url}/ui/")
    page.get_by_role("link", name="API documentation").click()
    page.get_by_role("heading", name="Headrace").wait_for()


class TestAfterAnUpgrade:
    """A page that was open asks for files that are gone."""

    @pytest.fixture
    def stale(self, stack: Stack, opened: Opener) -> tuple[Page, list[int]]:
        """A page whose next files are missing as often as the list says, and how often the page was loaded."""
        page, watch = opened(f"{stack.url}/ui/")
        page.get_by_role("heading", level=1).wait_for()
        watch.excuse(r"404|no files of")
        loads: list[int] = []
        page.on("request", lambda request: loads.append(1) if request.is_navigation_request() else None)
        return page, loads

    def test_it_loads_itself_anew_once(self, stale: tuple[Page, list[int]]) -> None:
        page, loads = stale
        page.route("**/assets/Settings*", lambda route: route.fallback() if loads else route.fulfill(status=404))
        page.get_by_role("link", name="Settings", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Settings")
        assert len(loads) == 1

    def test_it_says_so_where_that_does_not_help(self, stale: tuple[Page, list[int]]) -> None:
        page, loads = stale
        page.route("**/assets/Settings*", lambda route: route.fulfill(status=404))
        page.get_by_role("link", name="Settings", exact=True).click()
        page.get_by_role("alert").get_by_role("button", name="Try again").wait_for()
        assert len(loads) == 1
        assert unfit(page) == []


class TestWithAKey:
    """What needs a key asks for it once."""

    @pytest.fixture
    def keyed(self, new_stack: StackFactory) -> Stack:
        return new_stack(HEADRACE_API_KEY="the-key")

    def test_one_signs_in_and_out(self, keyed: Stack, opened: Opener) -> None:
        page, watch = opened(f"{keyed.url}/ui/settings")
        key = page.get_by_label("API key")
        key.wait_for()
        assert unfit(page) == []
        watch.excuse(r"401")
        key.fill("wrong")
        key.press("Enter")
        page.get_by_text("This key is not known.").wait_for()
        assert unfit(page) == []
        key.fill("the-key")
        key.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Settings")
        [cookie] = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"], "the-key" in cookie["value"]) == (True, "Strict", False)
        assert "the-key" not in page.evaluate(
            "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
        )
        page.reload()
        page.get_by_role("button", name="Sign out").click()
        key.wait_for()
        assert page.context.cookies() == []

    def test_it_works_where_the_browser_says_that_it_is_offline(self, keyed: Stack, opened: Opener) -> None:
        page, watch = opened(f"{keyed.url}/ui/")
        watch.excuse(r"401")
        key = page.get_by_label("API key")
        key.fill("the-key")
        page.evaluate("dispatchEvent(new Event('offline'))")
        key.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
        page.get_by_role("link", name="Jobs", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
        expect(page.get_by_role("status")).to_have_count(0)


@pytest.mark.parametrize("stripped", [True, False])
def test_it_works_under_any_prefix(stack: Stack, opened: Opener, stripped: bool) -> None:
    with Prefixed(stack.port, "/a/b", stripped=stripped) as proxy:
        page, _ = opened(f"{proxy.url}/a/b/ui/settings")
        expect(page.get_by_role("heading", level=1)).to_have_text("Settings")
        page.get_by_role("link", name="Overview", exact=True).click()
        assert page.url == f"{proxy.url}/a/b/ui/"
        page.get_by_role("link", name="API documentation").click()
        page.get_by_role("heading", name="Headrace").wait_for()
        assert page.url == f"{proxy.url}/a/b/docs"
        page.goto("about:blank")  # it asks no more once the proxy is gone


@pytest.mark.parametrize("stripped", [True, False])
def test_a_prefix_alone_leads_to_it(stack: Stack, opened: Opener, stripped: bool) -> None:
    with Prefixed(stack.port, "/a/b", stripped=stripped) as proxy:
        page, _ = opened(f"{proxy.url}/a/b/")
        expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
        assert page.url == f"{proxy.url}/a/b/ui/"
        page.goto("about:blank")  # it asks no more once the proxy is gone
