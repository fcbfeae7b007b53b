"""How a test goes about a page with the keyboard alone."""

from playwright.sync_api import Locator, Page

MOST_TABS = 80


def tab_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Go to an element by this key. AssertionError where it does not lead there."""
    target.wait_for()
    for _ in range(MOST_TABS):
        if target.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} does not lead to {target}")


def choose(page: Page, target: Locator, key: str = "Tab") -> None:
    """Go to a link or a button by this key, and press it."""
    tab_to(page, target, key)
    page.keyboard.press("Enter")
