"""The pages of batches, whose lines a model with real weights answers: what they show, and what can be done there."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import FilePayload, Page, expect

from deploy import ui
from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, look
from tests.support.servers import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.weights]

ROOT = Path(__file__).parents[3]
CHAT = "/v1/chat/completions"
OVER = ("completed", "failed", "expired", "cancelled")
LOADS_MS = 90_000


@pytest.fixture(scope="module")
def writing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server with a model that writes."""
    own = Stack(tmp_path_factory.mktemp("batches") / "home", demo=True)
    try:
        yield own.start()
    finally:
        own.close()


def line(name: str, *, url: str = CHAT, **body: Any) -> bytes:
    """A line that asks the model for a few words."""
    asked = {"model": "smollm2", "messages": [{"role": "user", "content": name}], "max_tokens": 4} | body
    return json.dumps({"custom_id": name, "method": "POST", "url": url, "body": asked}).encode()


def store(stack: Stack, *lines: bytes, name: str = "requests.jsonl") -> str:
    """Upload an input of these lines; its id."""
    form = {"files": {"file": (name, b"\n".join(lines))}, "data": {"purpose": "batch"}}
    answer = httpx.post(f"{stack.url}/v1/files", **form)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def create(stack: Stack, *lines: bytes, endpoint: str = CHAT) -> str:
    """A batch of these lines; its id."""
    body = {"input_file_id": store(stack, *lines), "endpoint": endpoint, "completion_window": "24h"}
    answer = httpx.post(f"{stack.url}/v1/batches", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def batch(stack: Stack, id: str) -> dict[str, Any]:
    """The batch as it is now."""
    return dict(httpx.get(f"{stack.url}/v1/batches/{id}").json())


def ended(stack: Stack, id: str) -> dict[str, Any]:
    """The batch, once it is over."""
    wait_for(lambda: batch(stack, id)["status"] in OVER, 90, lambda: f"{batch(stack, id)}\n{stack.logs()}")
    return batch(stack, id)


def rows(page: Page, state: str = "batch_") -> Any:
    """The rows of batches that are in this state."""
    return page.get_by_role("row").filter(has_text="batch_").filter(has_text=state)


@pytest.mark.parametrize("locale", LOCALES)
def test_it_can_be_read_by_all(writing: Stack, opened: Opener, locale: str) -> None:
    first = create(writing, line("a"), line("b", temperature="hot"), line("c"))
    create(writing, line("a", url="/v1/embeddings"))
    ended(writing, first)
    page, _ = opened(f"{writing.url}/ui/batches", locale=locale)
    rows(page).first.wait_for()
    look(page, "batches", locale)
    id = store(writing, line("a"), line("b"), name="long questions about the river, its mills and its fish.jsonl")
    page.goto(f"{writing.url}/ui/batches?file={id}")
    page.get_by_role("list").get_by_text("custom_id").first.wait_for()
    look(page, "batch-new", locale)


def test_a_batch_is_made_of_an_uploaded_file_and_done(writing: Stack, opened: Opener) -> None:
    page, _ = opened(f"{writing.url}/ui/batches")
    page.get_by_role("button", name="New batch").click()
    expect(page.get_by_role("button", name="Create the batch")).to_be_disabled()
    page.get_by_text("Or upload one").click()
    embedding = {"custom_id": "e", "method": "POST", "url": "/v1/embeddings"}
    other = json.dumps(embedding | {"body": {"model": "minilm", "input": "a"}}).encode()
    for name, content in (("other.jsonl", other), ("mine.jsonl", line("a") + b"\n" + line("b", temperature="hot"))):
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose files…").click()
        chooser.value.set_files(FilePayload(name=name, mimeType="application/jsonl", buffer=content))
        expect(page.get_by_label("File of requests").locator("option:checked")).to_contain_text(name)
        expect(page.get_by_label("Endpoint")).to_have_value("/v1/embeddings" if name == "other.jsonl" else CHAT)
    page.get_by_label("Endpoint").select_option("/v1/completions")
    page.get_by_text(f"The first line of the file goes to {CHAT}.").wait_for()
    page.get_by_label("Endpoint").select_option(CHAT)
    page.get_by_label("Output is kept for").select_option("3600")
    with page.expect_response("**/v1/batches") as made:
        page.get_by_role("button", name="Create the batch").click()
    id = made.value.json()["id"]
    page.get_by_text(f"The batch {id} was created.").wait_for()
    expect(page).to_have_url(f"{writing.url}/ui/batches")
    expect(rows(page).first).to_contain_text("completed", timeout=LOADS_MS)
    expect(rows(page).first).to_contain_text("1 of 2 done, 1 failed")
    output = httpx.get(f"{writing.url}/v1/files/{batch(writing, id)['output_file_id']}").json()
    assert output["expires_at"] - output["created_at"] == 3600


def test_one_that_goes_on_is_followed_and_cancelled(writing: Stack, opened: Opener) -> None:
    id = create(writing, *(line(f"n{number}", max_tokens=12, ignore_eos=True) for number in range(400)))
    page, watch = opened(f"{writing.url}/ui/batches?tab=open")
    watch.excuse("409")
    mine = rows(page).filter(has_text=id[:14])
    expect(mine).to_contain_text("under way", timeout=LOADS_MS)
    expect(mine).to_contain_text(re.compile(r"[1-9]\d* of 400 done"), timeout=LOADS_MS)
    expect(mine).to_contain_text(re.compile(r"\d (sec|min|hr)"))
    page.get_by_role("button", name=f"Cancel {id}").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Let it run").click()
    assert batch(writing, id)["status"] == "in_progress"
    page.get_by_role("button", name=f"Cancel {id}").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Cancel").click()
    page.get_by_text("The batch is being cancelled.").wait_for()
    expect(mine).to_have_count(0)
    page.get_by_role("tab", name="cancelled").click()
    expect(mine).to_contain_text("cancelled")
    assert ended(writing, id)["status"] == "cancelled"


def test_one_that_was_over_meanwhile_is_said(writing: Stack, opened: Opener) -> None:
    id = create(writing, *(line(f"n{number}", max_tokens=12, ignore_eos=True) for number in range(100)))
    page, watch = opened(f"{writing.url}/ui/batches")
    watch.excuse("409")
    page.get_by_role("button", name=f"Cancel {id}").click()
    said = {"error": {"message": "cannot cancel a batch with status 'completed'"}}
    page.route("**/cancel", lambda route: route.fulfill(status=409, json=said))
    page.get_by_role("alertdialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("alertdialog").get_by_role("alert")).to_contain_text("cannot cancel")
    page.get_by_role("button", name="Let it run").click()
    httpx.post(f"{writing.url}/v1/batches/{id}/cancel")
    ended(writing, id)


def test_a_file_that_is_gone_makes_no_batch(writing: Stack, opened: Opener) -> None:
    page, watch = opened(f"{writing.url}/ui/batches?file=file-0123456789")
    watch.excuse("404")
    expect(page.get_by_label("File of requests")).to_have_value("file-0123456789")
    page.get_by_role("button", name="Create the batch").click()
    expect(page.locator("form").get_by_role("alert").last).to_contain_text("there is no file 'file-0123456789'")
    page.get_by_role("button", name="New batch").click()
    expect(page).to_have_url(f"{writing.url}/ui/batches")


def test_more_batches_than_a_page_has(writing: Stack, opened: Opener) -> None:
    made = [create(writing, line("a", url="/v1/embeddings")) for _ in range(22)]
    for id in made:
        ended(writing, id)
    page, _ = opened(f"{writing.url}/ui/batches")
    page.get_by_role("tab", name="failed").click()
    expect(page).to_have_url(f"{writing.url}/ui/batches?tab=failed")
    expect(rows(page, "failed")).to_have_count(20)
    page.get_by_role("link", name="Older batches").click()
    expect(rows(page).first).to_contain_text("failed")
    expect(page.get_by_role("link", name="Older batches")).to_have_count(0)
    page.get_by_role("link", name="Newest batches").click()
    expect(rows(page)).to_have_count(20)


@pytest.mark.parametrize("locale", LOCALES)
def test_one_can_be_read_by_all(writing: Stack, opened: Opener, locale: str) -> None:
    lines = [line("a"), line("b", temperature="hot"), line("c", model="nobody"), line("d"), line("e")]
    good, bad = create(writing, *lines), create(writing, line("a"), b"", line("a", url="/v1/embeddings"))
    ended(writing, good)
    ended(writing, bad)
    for id, name in ((good, "batch"), (bad, "batch-refused")):
        page, _ = opened(f"{writing.url}/ui/batches/{id}", locale=locale)
        page.get_by_role("table").wait_for()
        page.locator("details summary").last.click()
        look(page, name, locale)


def test_a_batch_is_followed_to_its_files_and_failures(writing: Stack, opened: Opener) -> None:
    id = create(writing, *(line(f"n{number}", max_tokens=24, ignore_eos=True) for number in range(40)), line("z", n=-1))
    page, _ = opened(f"{writing.url}/ui/batches")
    page.get_by_role("link", name=id[:14]).click()
    expect(page).to_have_url(f"{writing.url}/ui/batches/{id}")
    page.get_by_text("to be done by then").wait_for()
    page.get_by_text(re.compile(r"^[1-9]\d* of 41 done")).wait_for(timeout=LOADS_MS)
    failed = page.get_by_role("region", name="Lines that failed").get_by_role("row")
    expect(failed.last).to_contain_text("invalid_value")
    assert batch(writing, id)["error_file_id"] is None, "the cause is told while the others are done"
    page.get_by_text("40 of 41 done, 1 failed").wait_for(timeout=LOADS_MS)
    expect(failed).to_have_count(2, timeout=LOADS_MS)
    [entry] = [json.loads(one) for one in httpx.get(content(writing, id, "error_file_id")).text.splitlines()]
    for told in ("z", "400", entry["response"]["body"]["error"]["message"]):
        expect(failed.last).to_contain_text(told)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download Answers").click()
    answers = [json.loads(one) for one in download.value.path().read_text().splitlines()]
    assert [one["custom_id"] for one in answers] == [f"n{number}" for number in range(40)]
    page.get_by_role("link", name="First lines: Errors").click()
    expect(page.get_by_role("list", name="First lines")).to_contain_text('"custom_id":"z"')


def content(stack: Stack, id: str, which: str) -> str:
    """Where a file of a batch is downloaded."""
    return f"{stack.url}/v1/files/{batch(stack, id)[which]}/content"


def test_what_is_wrong_with_a_file_is_told_by_line(writing: Stack, opened: Opener) -> None:
    id = create(writing, line("first"), b"", line("first"), line("third", url="/v1/embeddings"))
    ended(writing, id)
    page, _ = opened(f"{writing.url}/ui/batches/{id}")
    rows = page.get_by_role("region", name="What is wrong with the file").get_by_role("row")
    expect(rows).to_have_count(3)
    said = batch(writing, id)["errors"]["data"]
    for row, fault, text in zip(rows.all()[1:], said, ("first", "third"), strict=True):
        expect(row).to_contain_text(fault["message"])
        expect(row.get_by_role("cell").first).to_have_text(str(fault["line"]))
        expect(row.locator("td").last).to_contain_text(f'"custom_id": "{text}"')
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


def test_one_is_cancelled_on_its_page(writing: Stack, opened: Opener) -> None:
    id = create(writing, *(line(f"n{number}", max_tokens=24, ignore_eos=True) for number in range(400)))
    page, _ = opened(f"{writing.url}/ui/batches/{id}")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Cancel").click()
    page.get_by_text("The batch is being cancelled.").wait_for()
    page.get_by_text("cancelled by you").wait_for()
    page.get_by_role("list").get_by_text("· ended").wait_for(timeout=LOADS_MS)
    assert ended(writing, id)["status"] == "cancelled"


def test_one_that_is_not_there_is_said(writing: Stack, opened: Opener) -> None:
    page, watch = opened(f"{writing.url}/ui/batches/batch_nobody")
    watch.excuse("404")
    page.get_by_text("There is no batch batch_nobody.").wait_for()
    page.get_by_role("link", name="All batches").click()
    expect(page).to_have_url(f"{writing.url}/ui/batches")


def test_the_program_that_is_shown_makes_such_a_batch(writing: Stack, opened: Opener, tmp_path: Path) -> None:
    id = create(writing, line("a"))
    page, _ = opened(f"{writing.url}/ui/batches/{id}")
    page.get_by_text("Make such a batch with a program").click()
    _, python, javascript = page.locator("pre").all_inner_texts()
    (tmp_path / "requests.jsonl").write_bytes(line("mine") + b"\n" + line("odd", n=-1))
    for command, name, text in ((sys.executable, "it.py", python), (node(), "it.mjs", javascript)):
        (tmp_path / name).write_text(text)
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        run = [command, name]
        done = subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        assert "completed" in done.stdout
        assert '"custom_id":"mine"' in done.stdout
        assert '"custom_id":"odd"' in done.stdout


def node() -> str:
    """The Node that builds the interface."""
    return str(ui.tools(ROOT / "api" / "ui", Path(sys.prefix))[0])
