"""Every page in Chinese: no English sentence is left, but where it is marked as one."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.jobs.orders import order
from tests.e2e.models.test_budgets import LARGE, SMALL, launch
from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import look

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

LINKS = Path("api/ui/src/features/shell/links.ts")
LEFT = (Path(__file__).parent / "english.js").read_text()
"""The English sentences that a page shows: three words in a row, outside of code and of what is marked as English."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A small machine without a hub: a model is ready, one waits for room, one failed; jobs wait."""
    home = tmp_path_factory.mktemp("chinese") / "home"
    stack = Stack(home, devices=("cpu:0=700MiB",), HEADRACE_OFFLINE="1", HEADRACE_MIN_RESIDENT_S="600")
    try:
        stack.start()
        stack.launch_echo("busy", step_ms=20, max_inflight=1)
        slow = {"model_uid": "held", "model_name": "echo", "model_engine": "echo", "load_s": 600}
        stack.client.launch(slow)
        assert launch(stack, "here", **SMALL).status_code == 200
        assert launch(stack, "org/large", wait=False, **LARGE).status_code == 200
        for _ in range(2):
            assert httpx.post(f"{stack.url}/v1/jobs", json=order("busy", max_tokens=20_000)).status_code == 202
        yield stack
    finally:
        stack.close()


def left(page: Page) -> list[str]:
    """What is English on the page; the names of hardware are no words of ours."""
    expect(page.get_by_role("status")).to_have_count(0)  # nothing is being loaded
    found: list[str] = page.evaluate(LEFT)
    return found


def pages(stack: Stack) -> list[str]:
    """The addresses of all pages, and of what has a page of its own."""
    listed = re.findall(r'\["\w+", "(/[\w-]*)"\]', LINKS.read_text())
    assert len(listed) > 15
    job = httpx.get(f"{stack.url}/v1/jobs").json()["data"][0]["id"]
    tabs = [f"/models/busy?tab={tab}" for tab in ("replicas", "events", "settings", "code")]
    forms = [
        "/launch?name=smollm2",
        "/launch?name=qwen3&engine=transformers",
        "/launch?path=/nowhere",
        "/launch?launched=held",
    ]
    return [*listed, *tabs, *forms, "/catalogue/qwen3", "/models/org%2Flarge", f"/jobs/{job}", "/nowhere"]


def test_no_page_is_half_english(small: Stack, opened: Opener) -> None:
    page, watch = opened(f"{small.url}/ui/", locale="zh-CN")
    watch.excuse("40|50")  # without a hub nothing is known of some weights, and there is no such model
    found = {}
    for path in pages(small):
        page.goto(f"{small.url}/ui{path}")
        page.get_by_role("heading", level=1).wait_for()
        for title in page.locator("main summary").all():
            title.click()
        if words := left(page):
            found[path] = words
    assert not found, json.dumps(found, indent=1, ensure_ascii=False)


def test_a_reason_is_told_in_chinese_and_a_failure_keeps_the_servers_words(small: Stack, opened: Opener) -> None:
    page, watch = opened(f"{small.url}/ui/devices", locale="zh-CN")
    page.get_by_text(re.compile("large 需要 .*权重")).first.wait_for()
    page.goto(f"{small.url}/ui/models/busy?tab=events")
    page.get_by_text("可以接收请求").wait_for()
    watch.excuse("40|50")
    page.goto(f"{small.url}/ui/launch?name=qwen3&engine=transformers")
    page.get_by_text(re.compile("cpu:0 总共只有 700 MiB")).first.wait_for(state="attached")
    look(page, "launch-refused", "zh-CN")
    page.goto(f"{small.url}/ui/models/busy?tab=settings")
    page.get_by_label("最少副本数").fill("-1")
    page.get_by_role("button", name="保存").click()
    page.get_by_text("此项不得小于 0。").wait_for()
