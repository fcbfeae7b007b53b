"""Several keys in one browser: what one wrote is not shown to the next, and waits for the key it was written with."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.stack import Stack
from tests.e2e.ui.chat.chatting import answers, limited, say
from tests.e2e.ui.conftest import Opener

pytestmark = pytest.mark.e2e

KEY, OTHER = "the-key", "the-key-of-an-administrator"


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running Headrace with two keys, and an echo."""
    made = Stack(tmp_path_factory.mktemp("keyed") / "home", HEADRACE_API_KEY=KEY, HEADRACE_ADMIN_KEY=OTHER)
    try:
        made.start()
        made.launch_echo("echo", step_ms=0, max_tokens=400)
        yield made
    finally:
        made.close()


def sign_in(page: Page, key: str) -> None:
    """Give a key where it is asked for."""
    field = page.get_by_label("API key")
    expect(field).to_be_focused()
    field.fill(key)
    field.press("Enter")
    expect(page.get_by_role("navigation")).to_be_visible()


def change(page: Page, key: str) -> None:
    """Sign out, and in with another key, in the same page."""
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, key)


def test_what_one_key_wrote_is_not_shown_to_the_next(keyed: Stack, opened: Opener) -> None:
    page, watch = opened(f"{keyed.url}/ui/chat?model=echo")
    watch.excuse(r"401")
    sign_in(page, KEY)
    limited(page, 3)
    say(page, "for me alone")
    expect(answers(page, "echo")).to_contain_text("3 written")
    link = page.get_by_role("link", name="for me alone", exact=True)
    expect(link).to_be_visible()
    page.get_by_role("link", name="Completion", exact=True).click()
    page.get_by_label("Text", exact=True).fill("mine, too")
    change(page, OTHER)
    page.get_by_role("link", name="Completion", exact=True).click()
    expect(page.get_by_label("Text", exact=True)).not_to_have_text("mine, too")
    page.get_by_role("link", name="Chat", exact=True).click()
    expect(page.get_by_role("region", name="Conversations")).to_contain_text("kept in this browser alone")
    expect(link).to_have_count(0)
    change(page, KEY)
    page.get_by_role("link", name="Completion", exact=True).click()
    expect(page.get_by_label("Text", exact=True)).to_have_value("mine, too")
    page.get_by_role("link", name="Chat", exact=True).click()
    link.click()
    expect(answers(page, "echo")).to_contain_text("3 written")


def test_pages_wait_for_the_key_that_they_were_opened_with(keyed: Stack, opened: Opener) -> None:
    page, watch = opened(f"{keyed.url}/ui/launch")
    watch.excuse(r"40[134]|50\d")  # nor is any hub there
    sign_in(page, OTHER)
    name = page.get_by_label("Name", exact=True)
    name.fill("a model that is typ")
    page.context.clear_cookies()
    expect(page.get_by_label("API key")).to_be_visible()
    expect(name).to_be_hidden()
    sign_in(page, OTHER)
    expect(name).to_have_value("a model that is typ")
    page.context.clear_cookies()
    sign_in(page, KEY)
    expect(page.get_by_role("main")).to_contain_text("Only administrators may launch models.")
    expect(name).to_have_count(0)
