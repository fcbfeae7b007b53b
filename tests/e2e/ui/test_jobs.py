"""The pages of jobs: what they show, and everything that can be done there."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.jobs.orders import FINAL, order
from tests.e2e.media.studio import data_url
from tests.e2e.media.studio import picture as drawn
from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, look
from tests.support.servers import wait_for

pytestmark = pytest.mark.e2e

LACKING = {"format": {"type": "json_schema", "schema": {}}}
"""What echo cannot do, so that a job fails."""


def submit(stack: Stack, body: dict[str, Any]) -> str:
    """Submit a job; its id."""
    answer = httpx.post(f"{stack.url}/v1/jobs", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def job(stack: Stack, id: str) -> dict[str, Any]:
    """The job as it is now."""
    return dict(httpx.get(f"{stack.url}/v1/jobs/{id}").json())


def failing(stack: Stack) -> str:
    """A job that has failed."""
    message = {"model": "echo", "max_tokens": 3, "messages": [{"role": "user", "content": "a"}]}
    id = submit(stack, {"kind": "messages", "input": message | {"output_config": LACKING}})
    wait_for(lambda: job(stack, id)["state"] == "failed", 30)
    return id


@pytest.fixture
def narrow(stack: Stack) -> Iterator[str]:
    """A model that does one job at a time, slowly."""
    yield stack.launch_echo("narrow", step_ms=20, max_inflight=1)
    for one in httpx.get(f"{stack.url}/v1/jobs", params={"model": "narrow", "limit": 100}).json()["data"]:
        if one["state"] not in FINAL:
            httpx.post(f"{stack.url}/v1/jobs/{one['id']}/cancel")
    httpx.delete(f"{stack.url}/v1/models/narrow", timeout=90)


def rows(page: Page, state: str = "job_") -> Any:
    """The rows of jobs that are in this state."""
    return page.get_by_role("row").filter(has_text="job_").filter(has_text=state)


def agree(page: Page, word: str) -> None:
    """Say yes to the question."""
    page.get_by_role("alertdialog").get_by_role("button", name=word).click()


@pytest.mark.parametrize("locale", LOCALES)
def test_the_list_can_be_read_by_all(stack: Stack, opened: Opener, locale: str) -> None:
    failing(stack)
    page, _ = opened(f"{stack.url}/ui/jobs", locale=locale)
    rows(page).first.wait_for()
    look(page, "jobs", locale)


def test_jobs_are_followed_and_many_are_cancelled_tried_again_and_deleted(
    stack: Stack, narrow: str, opened: Opener
) -> None:
    ids = [submit(stack, order(narrow, max_tokens=1500)) for _ in range(4)]
    page, _ = opened(f"{stack.url}/ui/jobs?model={narrow}")
    expect(rows(page, "running")).to_have_count(1)
    expect(rows(page, "waiting")).to_have_count(3)
    expect(rows(page, "waiting").last.get_by_role("cell").nth(5)).to_have_text("1")
    page.get_by_label("Choose this page").check()
    expect(page.get_by_role("button", name="Try again (0)")).to_be_disabled()
    page.get_by_role("button", name="Cancel (4)").click()
    expect(page.get_by_role("alertdialog")).to_contain_text("Cancel jobs (4)?")
    agree(page, "Leave them")
    assert job(stack, ids[-1])["state"] == "queued"
    page.get_by_role("button", name="Cancel (4)").click()
    agree(page, "Cancel")
    expect(rows(page, "cancelled")).to_have_count(4)
    expect(page.get_by_label("Choose this page")).not_to_be_checked()

    page.get_by_label(f"Choose {ids[0]}").check()
    page.get_by_role("button", name="Try again (1)").click()
    agree(page, "Try again")
    expect(rows(page, "running")).to_have_count(1)
    page.get_by_role("tab", name="cancelled").click()
    expect(page).to_have_url(f"{stack.url}/ui/jobs?state=cancelled&model={narrow}")
    expect(rows(page)).to_have_count(3)
    page.get_by_label("Choose this page").check()
    page.get_by_role("button", name="Delete (3)").click()
    agree(page, "Delete")
    page.get_by_text("No job is like that.").wait_for()
    assert httpx.get(f"{stack.url}/v1/jobs/{ids[1]}").status_code == 404


def test_more_jobs_than_a_page_has(stack: Stack, opened: Opener) -> None:
    stack.launch_echo("paged")
    for _ in range(22):
        last = submit(stack, order("paged", max_tokens=1))
    wait_for(lambda: job(stack, last)["state"] == "succeeded", 60)
    page, _ = opened(f"{stack.url}/ui/jobs?model=paged")
    expect(rows(page)).to_have_count(20)
    page.get_by_role("link", name="Older jobs").click()
    expect(rows(page)).to_have_count(2)
    page.get_by_role("link", name="Newest jobs").click()
    expect(rows(page)).to_have_count(20)
    httpx.delete(f"{stack.url}/v1/models/paged", timeout=90)


def test_one_that_was_over_meanwhile_is_said(stack: Stack, narrow: str, opened: Opener) -> None:
    submit(stack, order(narrow, max_tokens=1500))
    page, watch = opened(f"{stack.url}/ui/jobs?model={narrow}")
    watch.excuse("409")
    page.route("**/cancel", lambda route: route.fulfill(status=409, json={"error": {"message": "it is over"}}))
    page.get_by_label("Choose this page").check()
    page.get_by_role("button", name="Cancel (1)").click()
    agree(page, "Cancel")
    page.get_by_text("1 of 1 were refused").wait_for()
    expect(page.get_by_role("alert")).to_contain_text("it is over")


@pytest.mark.parametrize("locale", LOCALES)
def test_a_job_that_failed_says_why_and_is_deleted(stack: Stack, opened: Opener, locale: str) -> None:
    id = failing(stack)
    page, watch = opened(f"{stack.url}/ui/jobs/{id}", locale=locale)
    watch.excuse("404")
    expect(page.get_by_role("alert")).to_contain_text(job(stack, id)["error"]["message"])
    look(page, "job-failed", locale)
    if locale == "en-US":
        with page.expect_response("**/retry") as tried:
            page.get_by_role("button", name="Try again").click()
        assert tried.value.status == 202
        wait_for(lambda: job(stack, id)["state"] == "failed", 30)
        page.get_by_role("button", name="Delete").click()
        agree(page, "Delete")
        expect(page).to_have_url(f"{stack.url}/ui/jobs")
        page.goto(f"{stack.url}/ui/jobs/{id}")
        page.get_by_text(f"There is no job {id}.").wait_for()
        page.get_by_role("link", name="All jobs").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")


def test_a_job_is_followed_until_it_has_spoken(stack: Stack, narrow: str, opened: Opener) -> None:
    first = submit(stack, order(narrow, max_tokens=1500))
    id = submit(stack, order(narrow, max_tokens=3, metadata={"whose": "mine"}))
    page, _ = opened(f"{stack.url}/ui/jobs/{id}")
    page.get_by_text("Position in the queue: 1").wait_for()
    expect(page.get_by_text("mine")).to_be_visible()
    httpx.post(f"{stack.url}/v1/jobs/{first}/cancel")
    page.get_by_role("heading", name="Result").wait_for()
    expect(page.locator("pre").first).to_contain_text('"choices"')
    expect(page.get_by_text("started, attempt 1")).to_be_visible()


@pytest.mark.weights
def test_a_picture_is_drawn_and_shown(stack: Stack, opened: Opener) -> None:
    stack.client.launch({"model_name": "glyphs"})
    stack.client.wait_ready("glyphs")
    asked = {"prompt": "a red seven", "seed": 3, "image": data_url(drawn())}
    id = submit(stack, {"kind": "images.edits", "model": "glyphs", "input": asked})
    for locale in LOCALES:
        page, _ = opened(f"{stack.url}/ui/jobs/{id}", locale=locale)
        picture = page.get_by_role("img", name=re.compile("Picture 1|图片 1"))
        picture.wait_for()
        assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") >= 32
        given = page.get_by_role("img", name=re.compile("(File|文件).*image"))
        assert given.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 64
        expect(page.locator("pre").filter(has_text='"prompt": "a red seven"').first).to_contain_text('"seed": 3')
        look(page, "job", locale)
        page.get_by_text(re.compile("^(As code|代码示例)$")).click()
        expect(page.locator("pre").filter(has_text="curl")).to_contain_text("v1/images/edits")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("图片 1")).click()
    assert download.value.path().read_bytes()[:4] == b"\x89PNG"
    httpx.delete(f"{stack.url}/v1/models/glyphs", timeout=90)
