"""Fixtures: a browser, and pages of it whose faults fail the test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from deploy import ui
from tests.e2e.ui.watched import Watch, chromium

ROOT = Path(__file__).parents[3]
Opener = Callable[..., tuple[Page, Watch]]

expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def built() -> Path:
    """The built interface."""
    assert (ROOT / "api" / "ui" / "dist" / ".built").read_text() == ui.digest(ROOT / "api" / "ui"), "run: make ui"
    return ROOT / "api" / "ui" / "dist"


@pytest.fixture(scope="module")
def browser(built: Path) -> Iterator[Browser]:
    """Chromium. It is a failure where there is none."""
    with chromium() as found:
        yield found


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opener]:
    """Opens a page at a URL in a context of its own; what goes wrong in it fails the test at its end."""
    made: list[tuple[Any, Watch]] = []

    def open_page(url: str, **options: Any) -> tuple[Page, Watch]:
        context = browser.new_context(**{"locale": "en-US", **options})
        context.set_default_timeout(30_000)
        watch = Watch(context, urlsplit(url).netloc)
        made.append((context, watch))
        page = context.new_page()
        page.goto(url)
        return page, watch

    yield open_page
    faults = [fault for context, watch in made for fault in watch.faults(context.pages)]
    for context, _ in made:
        context.close()
    assert not faults, "\n".join(faults)
