"""The page of conversations: what is always in sight, the panels at its sides, and the list with its titles."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.e2e.stack import Stack
from tests.e2e.ui.chat.chatting import DISTANCE, LOG, answers, limited, say, settings, to_see
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, look
from tests.e2e.ui.watched import unfit

pytestmark = pytest.mark.e2e

WHOLE = "[document.documentElement.scrollWidth <= innerWidth, document.documentElement.scrollHeight <= innerHeight]"
"""Whether the page itself scrolls in neither direction."""


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running Headrace with the demo's smollm2, and an echo that takes its time."""
    made = Stack(tmp_path_factory.mktemp("laidout") / "home", demo=True)
    try:
        made.start()
        made.launch_echo("slow", step_ms=20, max_tokens=4000)
        yield made
    finally:
        made.close()


def talks(count: int, turns: int = 40) -> FilePayload:
    """A file of conversations, the first of which is long, with titles that turn the text around."""
    made = []
    for number in range(count):
        said = [
            {
                "id": f"t{at}",
                "parent": f"t{at - 1}" if at else None,
                "role": ("user", "assistant")[at % 2],
                "text": "so",
            }
            for at in range(2 if number else turns)
        ]
        title = f"Talk \u202e {number}"
        made.append({"id": f"talk{number}", "title": title, "at": count - number, "turns": said, "leaf": None})
    file = {"kind": "headrace.conversations", "version": 1, "conversations": made}
    return {"name": "talks.json", "mimeType": "application/json", "buffer": json.dumps(file).encode()}


def bring(page: Page, count: int) -> None:
    """Take conversations in, and open the long one."""
    page.get_by_label("Import").or_(page.get_by_label("导入")).first.set_input_files(talks(count))
    page.locator("a[href$='conversation=talk0']").click()
    expect(page.get_by_role("article")).to_have_count(40)


def test_what_one_needs_stays_in_sight_in_a_long_conversation(laid_out: Stack, opened: Opener) -> None:
    page, _ = opened(f"{laid_out.url}/ui/chat?model=slow")
    bring(page, 60)
    to_see(page, f"{DISTANCE} <= 8")
    for top in ("0", "1e9"):
        page.evaluate(f"{LOG}.scrollTo(0, {top})")
        assert page.evaluate(WHOLE) == [True, True]
        for seen in (
            page.get_by_role("heading", name="Chat", exact=True),
            page.get_by_label("Message", exact=True),
            page.get_by_role("button", name="Chat settings"),
        ):
            expect(seen).to_be_in_viewport(ratio=1)
    settings(page)
    expect(page.get_by_label("Temperature")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("region", name="Conversations").get_by_role("listitem")).to_have_count(60)
    expect(page.get_by_role("link", name="Talk \u202e 0", exact=True)).to_have_attribute("aria-current", "page")
    assert page.locator("li bdi").count() == 60
    wide = page.get_by_role("log").bounding_box()
    page.get_by_role("button", name="Conversations", exact=True).click()
    expect(page.get_by_role("region", name="Conversations")).to_have_count(0)
    wider = page.get_by_role("log").bounding_box()
    assert wide is not None
    assert wider is not None
    assert wider["width"] > wide["width"] + 200
    page.reload()
    expect(page.get_by_label("Temperature")).to_be_visible()
    expect(page.get_by_role("region", name="Conversations")).to_have_count(0)


def test_a_conversation_is_given_another_title(laid_out: Stack, opened: Opener) -> None:
    page, _ = opened(f"{laid_out.url}/ui/chat?model=slow")
    bring(page, 2)
    history = page.get_by_role("region", name="Conversations")
    history.get_by_role("button", name="Rename Talk \u202e 1").click()
    field = history.get_by_label("New title")
    expect(field).to_be_focused()
    field.fill("not this")
    field.press("Escape")
    again = history.get_by_role("link", name="Talk \u202e 1", exact=True)
    expect(again).to_be_focused()
    history.get_by_role("button", name="Rename Talk \u202e 1").click()
    field.fill("Of water wheels")
    field.press("Enter")
    named = history.get_by_role("link", name="Of water wheels", exact=True)
    expect(named).to_be_focused()
    page.reload()
    expect(history.get_by_role("listitem").nth(1)).to_contain_text("Of water wheels")
    named.click()
    expect(page.get_by_role("article")).to_have_count(2)


def test_what_was_stopped_counts_in_the_context(laid_out: Stack, opened: Opener) -> None:
    page, _ = opened(f"{laid_out.url}/ui/chat?model=slow")
    say(page, "again and")
    answer = answers(page, "slow")
    expect(answer).to_contain_text("again and again and")
    page.get_by_role("button", name="Stop").click()
    expect(answer).to_contain_text("Stopped.")
    expect(answer).to_contain_text("tokens read")
    first = page.get_by_role("meter", name="Context in use").get_attribute("value")
    limited(page, 4)
    say(page, "and more")
    expect(answers(page, "slow").nth(1)).to_contain_text("4 written")
    then = page.get_by_role("meter", name="Context in use").get_attribute("value")
    assert float(first or 0) > 4
    assert float(then or 0) > float(first or 0)


def test_panels_lie_over_a_narrow_page(laid_out: Stack, opened: Opener) -> None:
    page, _ = opened(f"{laid_out.url}/ui/chat?model=slow")
    bring(page, 3)
    page.set_viewport_size({"width": 360, "height": 640})
    expect(page.get_by_role("dialog")).to_have_count(0)
    to_see(page, f"{DISTANCE} <= 8")
    assert page.evaluate(WHOLE) == [True, True]
    button = page.get_by_role("button", name="Chat settings")
    button.click()
    panel = page.get_by_role("dialog", name="Chat settings")
    panel.get_by_label("Temperature").fill("1")
    assert unfit(page) == []
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(button).to_be_focused()
    page.get_by_role("button", name="Conversations", exact=True).click()
    panel = page.get_by_role("dialog", name="Conversations")
    assert unfit(page) == []
    panel.get_by_role("link", name="Talk \u202e 1", exact=True).click()
    expect(panel).to_have_count(0)
    expect(page.get_by_role("article")).to_have_count(2)


@pytest.mark.parametrize("locale", LOCALES)
def test_it_can_be_read_by_all(laid_out: Stack, opened: Opener, locale: str) -> None:
    page, _ = opened(f"{laid_out.url}/ui/chat?model=smollm2", locale=locale)
    bring(page, 60)
    settings(page)
    look(page, "chat-many", locale)


def test_a_list_of_many_conversations_is_shown_in_parts(laid_out: Stack, opened: Opener) -> None:
    page, _ = opened(f"{laid_out.url}/ui/chat?model=slow")
    bring(page, 130)
    listed = page.get_by_role("region", name="Conversations").get_by_role("listitem")
    expect(listed).to_have_count(100)
    page.get_by_role("button", name="30 more").click()
    expect(listed).to_have_count(130)
