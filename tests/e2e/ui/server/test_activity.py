"""The strip that every page has: what is under way, and launches that failed, until they are hidden."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.jobs.orders import order
from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, look
from tests.e2e.ui.watched import unfit
from tests.support.weights import RERANKER

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def broken(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A model whose launch has failed: real weights, and a tokenizer that cannot be read."""
    folder = tmp_path_factory.mktemp("weights")
    for file in RERANKER.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "tokenizer.json").write_text("{")
    launch = {"model_uid": "org/broken", "model_name": "broken", "model_type": "rerank", "model_path": str(folder)}
    yield httpx.post(f"{stack.url}/v1/models", json=launch, timeout=120).json()["error"]["message"]
    httpx.delete(f"{stack.url}/v1/models/org/broken", timeout=90)


@pytest.fixture
def slow(stack: Stack) -> Iterator[str]:
    """A model that loads for as long as a test may take."""
    stack.client.launch({"model_uid": "slow", "model_name": "echo", "model_engine": "echo", "load_s": 600})
    yield "slow"
    httpx.delete(f"{stack.url}/v1/models/slow", timeout=90)


def strip(page: Page) -> Locator:
    """What is under way, in English."""
    return page.get_by_role("region", name="Under way")


@pytest.mark.parametrize("locale", LOCALES)
def test_it_can_be_read_by_all(stack: Stack, broken: str, slow: str, opened: Opener, locale: str) -> None:
    page, _ = opened(f"{stack.url}/ui/settings", locale=locale)
    page.get_by_role("heading", level=1).wait_for()
    page.get_by_text(broken).wait_for()
    page.get_by_role("listitem").filter(has_text=slow).wait_for()
    look(page, "activity", locale)


def test_a_failure_stays_over_reloads_until_it_is_hidden(stack: Stack, broken: str, opened: Opener) -> None:
    page, _ = opened(f"{stack.url}/ui/settings")
    for _ in range(2):
        expect(strip(page)).to_contain_text(broken)
        page.reload()
    strip(page).get_by_role("link", name="Log of org/broken").click()
    expect(page).to_have_url(f"{stack.url}/ui/models/org%2Fbroken?tab=log")
    strip(page).get_by_role("button", name="Hide the failure of org/broken").click()
    expect(strip(page)).to_have_count(0)
    expect(page.locator("#content")).to_be_focused()
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text(broken)  # its page says it still
    expect(strip(page)).to_have_count(0)


def test_what_loads_is_shown_until_it_is_ready(stack: Stack, opened: Opener) -> None:
    page, _ = opened(f"{stack.url}/ui/settings")
    stack.client.launch({"model_uid": "soon", "model_name": "echo", "model_engine": "echo", "load_s": 6})
    line = strip(page).get_by_role("listitem").filter(has_text="soon")
    expect(line).to_contain_text("loading")
    page.reload()
    expect(line).to_contain_text("loading")
    expect(line).to_have_count(0)
    stack.client.wait_ready("soon")
    httpx.delete(f"{stack.url}/v1/models/soon", timeout=90)


def test_it_leads_to_the_jobs_that_run_and_wait(stack: Stack, opened: Opener) -> None:
    stack.launch_echo("busy", step_ms=20, max_inflight=1)
    page, _ = opened(f"{stack.url}/ui/settings")
    body = order("busy", max_tokens=2000)
    ids = [httpx.post(f"{stack.url}/v1/jobs", json=body).json()["id"] for _ in range(3)]
    summary = strip(page).locator("summary")
    expect(summary).to_contain_text(re.compile("Jobs running: 1.*Jobs waiting: 2"), timeout=20_000)
    strip(page).get_by_role("link", name="Show the jobs").click()
    expect(page).to_have_url(f"{stack.url}/ui/jobs")
    for id in reversed(ids):
        httpx.post(f"{stack.url}/v1/jobs/{id}/cancel")
    expect(strip(page).filter(has_text="Jobs")).to_have_count(0, timeout=20_000)
    httpx.delete(f"{stack.url}/v1/models/busy", timeout=90)


def test_it_stays_closed_and_covers_nothing(stack: Stack, slow: str, opened: Opener) -> None:
    page, _ = opened(f"{stack.url}/ui/settings", viewport={"width": 360, "height": 800})
    line = strip(page).get_by_role("link", name=slow, exact=True)
    expect(line).to_be_visible()
    below = strip(page).bounding_box()
    content = page.locator("#content").bounding_box()
    assert below is not None
    assert content is not None
    assert below["y"] + below["height"] <= content["y"]
    summary = strip(page).locator("summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(line).to_have_count(0)
    expect(summary).to_contain_text(re.compile("Models on their way: 1"))
    page.reload()
    expect(summary).to_be_visible()
    page.get_by_role("heading", level=1).wait_for()
    expect(line).to_have_count(0)
    assert unfit(page) == []


def test_it_asks_seldom_while_nothing_is_under_way(stack: Stack, opened: Opener) -> None:
    page, _ = opened(f"{stack.url}/ui/settings")
    page.get_by_role("heading", level=1).wait_for()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(20_000)  # a rate is counted over a time
    assert 0 < len(asked) <= 10, asked
