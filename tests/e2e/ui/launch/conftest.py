"""A server with real weights and a hub of our own, for the page that launches models."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page

from tests.e2e.stack import Stack
from tests.support.hubs import Hub

FOLDER = Path(__file__).parents[4] / "models" / "catalogue" / "glyph-vlm"


@pytest.fixture(scope="package")
def hub() -> Iterator[Hub]:
    with Hub({"org/glyph-vlm": {path.name: path.read_bytes() for path in FOLDER.iterdir()}}) as made:
        yield made


@pytest.fixture(scope="package")
def served(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose hub is ours."""
    made = Stack(tmp_path_factory.mktemp("launch") / "home", HF_ENDPOINT=hub.url, HF_HUB_OFFLINE="0")
    try:
        yield made.start()
    finally:
        made.close()


def end(stack: Stack, uid: str) -> None:
    """Terminate a model."""
    httpx.delete(f"{stack.url}/v1/models/{uid}", timeout=90)


def estimated(page: Page, state: str = "Fits now") -> None:
    """Wait until the page says what the launch as it is now would need."""
    page.locator("[aria-busy=false]").get_by_text(state).wait_for()


def part(page: Page, title: str) -> Locator:
    """A part of the form that is folded, opened."""
    found = page.locator("details").filter(has=page.locator("summary", has_text=title)).last
    if found.get_attribute("open") is None:
        found.locator("summary").first.click()
    return found


def body(page: Page) -> dict[str, Any]:
    """What the form would send."""
    shown: dict[str, Any] = json.loads(part(page, "The same as a command").locator("pre").nth(1).inner_text())
    return shown
