"""The pages of files: what they show, and everything that can be done there."""

import json
import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, look

pytestmark = pytest.mark.e2e

LINE = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "echo", "messages": []}}
EXPIRES = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
SLOW = {"offline": False, "latency": 20, "downloadThroughput": -1, "uploadThroughput": 200_000}


def store(stack: Stack, name: str, content: bytes, purpose: str = "batch", **more: str) -> str:
    """Upload a file; its id."""
    form = {"purpose": purpose, **more}
    answer = httpx.post(f"{stack.url}/v1/files", files={"file": (name, content)}, data=form)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def stored(stack: Stack) -> dict[str, dict[str, Any]]:
    """The files that are there, by their names."""
    return {one["filename"]: one for one in httpx.get(f"{stack.url}/v1/files").json()["data"]}


def rows(page: Page) -> Any:
    """The rows of files."""
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=re.compile("Download|下载")))


def give(page: Page, *files: tuple[str, bytes]) -> None:
    """Choose files in the dialogue."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files…").click()
    chooser.value.set_files([FilePayload(name=name, mimeType="text/plain", buffer=content) for name, content in files])


@pytest.mark.parametrize("locale", LOCALES)
def test_it_can_be_read_by_all(stack: Stack, opened: Opener, locale: str) -> None:
    long = "a file with a name that says rather a lot about what is in it, and more than it should.jsonl"
    id = store(stack, long, json.dumps(LINE).encode() * 2)
    store(stack, "picture.png", b"\x89PNG\xff", "vision", **EXPIRES)
    page, _ = opened(f"{stack.url}/ui/files", locale=locale)
    rows(page).first.wait_for()
    look(page, "files", locale)
    page.goto(f"{stack.url}/ui/files/{id}")
    page.get_by_role("list").get_by_text("custom_id").wait_for()
    look(page, "file", locale)


def test_files_are_uploaded_as_they_are_told(stack: Stack, opened: Opener) -> None:
    page, watch = opened(f"{stack.url}/ui/files")
    watch.excuse("400")
    page.get_by_label("Purpose").first.select_option("user_data")
    page.get_by_label("Kept for").select_option("3600")
    give(page, ("one.txt", b"a\nb\n"), ("none.txt", b""))
    page.get_by_text("one.txt was uploaded.").wait_for()
    expect(page.get_by_role("list", name="Uploads")).to_contain_text("the file is empty")
    found = stored(stack)["one.txt"]
    assert (found["purpose"], found["bytes"], found["expires_at"] - found["created_at"]) == ("user_data", 4, 3600)
    expect(rows(page).filter(has_text="one.txt")).to_contain_text("Data for requests")
    with page.expect_response("**/v1/files") as again:
        page.get_by_role("button", name="Try again").click()
    assert again.value.status == 400
    page.get_by_role("button", name="Remove none.txt").click()
    expect(page.get_by_role("list", name="Uploads")).to_have_count(0)


def test_a_file_is_dropped_and_its_upload_seen_and_stopped(stack: Stack, opened: Opener) -> None:
    page, _ = opened(f"{stack.url}/ui/files")
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SLOW)
    page.get_by_text("Drop files here").evaluate(
        """(at) => {
          const dropped = new DataTransfer();
          dropped.items.add(new File(["x".repeat(2_000_000)], "long.txt"));
          for (const type of ["dragover", "drop"])
            at.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: dropped }));
        }"""
    )
    bar = page.get_by_role("progressbar", name="Upload of long.txt")
    page.wait_for_function("(bar) => bar.value > 0 && bar.value < 1", arg=bar.element_handle())
    expect(page.get_by_role("listitem").filter(has_text="long.txt")).to_contain_text("of 1.9 MiB")
    page.get_by_role("button", name="Stop the upload of long.txt").click()
    expect(bar).to_have_count(0)
    assert "long.txt" not in stored(stack)


def test_one_is_asked_before_an_upload_is_lost(stack: Stack, opened: Opener) -> None:
    page, _ = opened(f"{stack.url}/ui/files")
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SLOW)
    give(page, ("slow.txt", b"x" * 2_000_000))
    bar = page.get_by_role("progressbar", name="Upload of slow.txt")
    bar.wait_for()
    page.get_by_label("Purpose").last.select_option("batch")  # the page is still the same
    away = page.get_by_role("navigation").get_by_role("link", name="Models", exact=True)
    away.click()
    expect(page.get_by_role("alertdialog")).to_contain_text("has to be sent again")
    page.get_by_role("button", name="Stay").click()
    expect(bar).to_be_visible()
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    away.click()
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Models")
    assert "slow.txt" not in stored(stack)
    page.get_by_role("navigation").get_by_role("link", name="Files").click()
    page.get_by_role("navigation").get_by_role("link", name="Models", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Models")


def test_a_file_is_looked_at_downloaded_and_deleted(stack: Stack, opened: Opener) -> None:
    content = b"".join(json.dumps(LINE | {"custom_id": f"n{number}"}).encode() + b"\n" for number in range(2000))
    id = store(stack, "many.jsonl", content)
    page, watch = opened(f"{stack.url}/ui/files?purpose=batch")
    watch.excuse("40[04]")
    page.get_by_role("link", name="many.jsonl", exact=True).click()
    lines = page.get_by_role("list", name="First lines").get_by_role("listitem")
    expect(lines).to_have_count(20)
    expect(lines.nth(19)).to_contain_text('"n19"')
    page.get_by_text("The file goes on").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).click()
    assert (download.value.suggested_filename, download.value.path().read_bytes()) == ("many.jsonl", content)
    page.get_by_role("link", name="Make a batch of it").click()
    expect(page.get_by_label("File of requests")).to_have_value(id)
    page.go_back()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alertdialog")).to_contain_text("Delete many.jsonl?")
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(page).to_have_url(f"{stack.url}/ui/files")
    assert "many.jsonl" not in stored(stack)
    page.goto(f"{stack.url}/ui/files/{id}")
    page.get_by_text(f"There is no file {id}.").wait_for()
    page.goto(f"{stack.url}/ui/files/%3Cscript%3E")  # what can be no id
    page.get_by_text("There is no file <script>.").wait_for()
    page.get_by_role("link", name="All files").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Files")


def test_many_are_deleted_at_once_and_who_was_gone_is_told(stack: Stack, opened: Opener) -> None:
    ids = [store(stack, f"e{number}.bin", b"\x00\xff", "evals") for number in range(3)]
    page, watch = opened(f"{stack.url}/ui/files?purpose=evals")
    watch.excuse("404")
    expect(rows(page)).to_have_count(3)
    expect(page.get_by_role("button", name="Delete (0)")).to_be_disabled()
    page.get_by_label("Choose this page").check()
    httpx.delete(f"{stack.url}/v1/files/{ids[0]}")
    page.get_by_role("button", name="Delete (3)").click()
    expect(page.get_by_role("alertdialog")).to_contain_text("Delete files (3)?")
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    page.get_by_text("2 files were deleted.").wait_for()
    page.get_by_text("1 of 3 were not deleted").wait_for()
    expect(page.get_by_role("alert")).to_contain_text("there is no file")
    page.get_by_text("No file is like that.").wait_for()


def test_the_list_is_ordered_chosen_from_and_has_pages(stack: Stack, opened: Opener) -> None:
    for number in range(22):
        store(stack, f"p{number:02}.txt", b"a", "fine-tune")
    page, _ = opened(f"{stack.url}/ui/files")
    page.get_by_label("Purpose").last.select_option("fine-tune")
    page.get_by_label("Order").select_option("asc")
    expect(page).to_have_url(f"{stack.url}/ui/files?purpose=fine-tune&order=asc")
    expect(rows(page)).to_have_count(20)
    expect(rows(page).first).to_contain_text("p00.txt")
    page.get_by_role("link", name="Next page").click()
    expect(rows(page)).to_have_count(2)
    expect(rows(page).last).to_contain_text("p21.txt")
    page.get_by_role("link", name="First page").click()
    expect(rows(page)).to_have_count(20)


def test_what_is_no_text_is_said(stack: Stack, opened: Opener) -> None:
    id = store(stack, "sound.bin", b"\x00\xff\x01", "user_data")
    page, _ = opened(f"{stack.url}/ui/files/{id}")
    page.get_by_text("This file is no text.").wait_for()
