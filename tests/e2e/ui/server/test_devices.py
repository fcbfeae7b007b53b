"""The page of devices: their ledgers, how busy they are, what waits and why, and workers that are lost."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from models.process.processes import kill_group
from tests.e2e.jobs.orders import order
from tests.e2e.models.test_budgets import LARGE, SMALL, launch
from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, look
from tests.e2e.ui.server.far import Worker, start_worker

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FAR = "far.cpu:1"


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A machine with real weights: a model that is ready, one that waits for room, and jobs that wait for a third."""
    home = tmp_path_factory.mktemp("devices") / "home"
    stack = Stack(home, devices=("cpu:0=700MiB",), HEADRACE_MIN_RESIDENT_S="600", HEADRACE_LOST_S="60")
    try:
        stack.start()
        for uid in ("here", "beside"):
            assert launch(stack, uid, **SMALL).status_code == 200
        assert launch(stack, "org/large", wait=False, **LARGE).status_code == 200
        stack.launch_echo("busy", step_ms=20, max_inflight=1)
        for _ in range(3):
            assert httpx.post(f"{stack.url}/v1/jobs", json=order("busy", max_tokens=20_000)).status_code == 202
        yield stack
    finally:
        stack.close()


@pytest.fixture
def start_far(near: Stack, tmp_path: Path) -> Iterator[Callable[[], Worker]]:
    """Starts the worker of another machine, which nobody starts anew."""
    started: list[Worker] = []

    def start() -> Worker:
        started.append(start_worker(near, tmp_path / "far", "cpu:1=100MiB"))
        return started[-1]

    yield start
    for worker in started:
        if worker.poll() is None:
            kill_group(worker.pid)
        worker.wait(30)


def card(page: Page, name: str) -> Locator:
    """The part of the page under this heading."""
    return page.get_by_role("region", name=re.compile(name))


def size(row: Locator) -> float:
    """The size in a row's second cell, in MiB."""
    number, unit = row.get_by_role("cell").nth(1).inner_text().split()
    return float(number.replace(",", "")) * {"B": 1 / (1 << 20), "KiB": 1 / 1024, "MiB": 1, "GiB": 1024}[unit]


def test_the_ledger_adds_up_and_the_load_is_drawn(near: Stack, opened: Opener) -> None:
    page, _ = opened(f"{near.url}/ui/devices")
    device = card(page, r"\.cpu:0$")
    rows = device.get_by_role("row")
    parts = [rows.filter(has_text=name) for name in ("here", "beside", "busy", "Other programs", "Free")]
    whole = size(rows.filter(has_text="All"))
    assert whole == 700
    assert size(parts[0]) > 50
    expect(rows.filter(has_text="busy")).to_contain_text("working")
    expect(rows.filter(has_text="here")).to_contain_text("idle")
    assert sum(size(part) for part in parts) == pytest.approx(whole, rel=0.02)
    load = device.get_by_role("figure").filter(has_text="Processors in use")
    expect(load).to_contain_text(re.compile(r"\d+% at most \d+%"))
    drawn = load.locator("path").last
    before = drawn.get_attribute("d") or ""
    assert before.startswith("M")
    expect(drawn).not_to_have_attribute("d", before)
    rows.filter(has_text="here").get_by_role("link").click()
    expect(page).to_have_url(f"{near.url}/ui/models/here")


def test_what_waits_says_for_what_and_why(near: Stack, opened: Opener) -> None:
    page, _ = opened(f"{near.url}/ui/devices")
    waits = card(page, "What waits, and why").get_by_role("listitem")
    large = waits.filter(has_text="org/large")
    expect(large).to_contain_text("waits for a device")
    expect(large).to_contain_text(re.compile(r"org/large needs \d+ MiB"))
    jobs = waits.filter(has_text="Jobs of busy: 2")
    expect(jobs).to_contain_text("It does as many as it can at once")
    expect(card(page, r"\.cpu:0$")).to_contain_text(re.compile("Jobs waiting for its models\\s*2"))
    jobs.get_by_role("link").click()
    expect(page).to_have_url(re.compile("/ui/jobs\\?.*model=busy"))
    expect(page.get_by_role("row").filter(has_text="job_")).to_have_count(2)


def test_a_lost_worker_is_told_of_until_it_is_back(
    near: Stack, start_far: Callable[[], Worker], opened: Opener
) -> None:
    worker = start_far()
    page, _ = opened(f"{near.url}/ui/devices")
    row = card(page, "^Workers").get_by_role("row").filter(has_text=FAR)
    expect(row).to_contain_text("reports")
    os.kill(worker.pid, signal.SIGKILL)
    expect(row).to_contain_text("silent")
    expect(row).to_contain_text(re.compile(r"lost\s*\d+ sec ago"))
    expect(page.get_by_role("heading", name=FAR)).to_have_count(0)
    expect(card(page, "^Workers").get_by_role("row").nth(1)).to_contain_text(FAR)
    for locale in LOCALES:
        shown, _ = opened(f"{near.url}/ui/devices", locale=locale)
        card(shown, "What waits|等待").get_by_text(re.compile("org/large (needs|需要)")).wait_for()
        shown.locator("figure strong").filter(has_text=re.compile("%")).first.wait_for()
        shown.wait_for_timeout(5000)  # a chart grows with time
        look(shown, "devices", locale)
        shown.close()
    page.goto(f"{near.url}/ui/")
    card(page, "Needs attention").get_by_role("link", name=FAR).click()
    expect(page).to_have_url(f"{near.url}/ui/devices")
    start_far()
    expect(row).to_contain_text("reports")
    expect(page.get_by_role("heading", name=FAR)).to_be_visible()


def test_a_server_that_refuses_is_said_and_what_was_known_stays(near: Stack, opened: Opener) -> None:
    page, watch = opened(f"{near.url}/ui/devices")
    watch.excuse("503")
    held = card(page, r"\.cpu:0$").get_by_role("row").filter(has_text="here")
    held.wait_for()
    error = {"error": {"message": "the database is away", "code": "database_unavailable", "type": "server_error"}}
    page.route("**/v1/devices", lambda route: route.fulfill(status=503, json=error))
    expect(page.get_by_role("alert")).to_contain_text("the database is away")
    expect(held).to_be_visible()
    page.unroute("**/v1/devices")
    expect(page.get_by_role("alert")).to_have_count(0)
