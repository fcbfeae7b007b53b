"""What somebody sees who has launched nothing yet: a model in one click, and its answer soon after."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import StackFactory
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import look

pytestmark = pytest.mark.e2e

MOST_CLICKS = 4
MOST_PAINT_MS = 1000
COUNTING = "addEventListener('click', one => one.isTrusted && sessionStorage.setItem('clicks', clicked() + 1), true)"
CLICKED = "window.clicked = () => Number(sessionStorage.getItem('clicks') ?? 0);"


@pytest.mark.weights
def test_the_first_answer_takes_few_clicks(new_stack: StackFactory, opened: Opener) -> None:
    stack = new_stack(HEADRACE_OFFLINE="1")
    page, _ = opened(f"{stack.url}/ui/")
    page.context.add_init_script(CLICKED + COUNTING)
    page.reload()
    page.get_by_text("offline").first.wait_for()  # what cannot be had says why
    look(page, "first-run", "en-US")
    chinese, _ = opened(f"{stack.url}/ui/", locale="zh-CN")
    chinese.get_by_text("offline").first.wait_for()
    look(chinese, "first-run", "zh-CN")
    page.get_by_role("button", name="Try smollm2").click()
    page.wait_for_url("**/ui/chat?model=smollm2", timeout=90_000)
    page.get_by_role("textbox").last.fill("Name a colour.")
    page.get_by_role("button", name="Send").click()
    answer = page.get_by_role("log").get_by_role("article", name="smollm2")
    expect(answer).to_contain_text(re.compile(r"\w{3}"), timeout=60_000)
    page.get_by_role("button", name="Send").wait_for(timeout=60_000)
    assert page.evaluate("clicked()") == 2 <= MOST_CLICKS
    assert [one["id"] for one in httpx.get(f"{stack.url}/v1/models").json()["data"]] == ["smollm2"]
    page.goto(f"{stack.url}/ui/")
    page.get_by_role("link", name="smollm2", exact=True).wait_for()
    expect(page.get_by_text("Try a model")).to_have_count(0)
    said = {"Requests in flight": "0", "Jobs running": "0", "Jobs waiting": "0"}
    for name, value in said.items():
        expect(page.locator("dl > div").filter(has_text=name).locator("dd")).to_have_text(value)
    paints = []
    for _ in range(3):
        page.reload()
        page.get_by_role("link", name="smollm2", exact=True).wait_for()
        paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
    assert min(paints) <= MOST_PAINT_MS
