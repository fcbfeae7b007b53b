"""How a page looks in a language: in both themes, narrow and wide; kept as pictures, and looked through by axe."""

from pathlib import Path

from playwright.sync_api import Page

from tests.e2e.ui.watched import unfit

SHOTS = Path(__file__).parents[3] / "build" / "screenshots"
"""Where pictures of all pages are kept for whoever wants to look at them."""

LOCALES = ["en-US", "zh-CN"]
WIDTHS = [1280, 360]


def look(page: Page, name: str, locale: str) -> None:
    """Look at a page that stands still, in both themes and widths. AssertionError with what is wrong in it.

    ``name``: of the pictures, which are kept under it.
    """
    assert page.evaluate("document.documentElement.lang") == ("zh-CN" if locale == "zh-CN" else "en")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=SHOTS / f"{name}-{locale}-{scheme}-{width}.png", full_page=True)
            faults = unfit(page)
            assert not faults, f"{name}, {locale}, {scheme}, {width}: {faults}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name}, {locale}, {width}"
