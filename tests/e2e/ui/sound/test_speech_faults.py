"""What a reader of the speech page sees when something dies amid a speech, or a key is taken away."""

import os
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.stack import Stack
from tests.e2e.ui.chat.chatting import to_see
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.watched import Watch
from tests.support.servers import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(300)]

LOADS_MS = 90_000
LONG = "The quick brown fox jumps over the lazy dog. " * 85
KEY = "the-key"


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server with a voice, which asks for a key."""
    own = Stack(tmp_path_factory.mktemp("faults") / "home", HEADRACE_API_KEY=KEY)
    try:
        own.start()
        own.client.launch({"model_name": "hibari"})
        own.client.wait_ready("hibari")
        yield own
    finally:
        own.close()


def sign_in(page: Page) -> None:
    """Give the key where it is asked for."""
    page.get_by_label("API key").fill(KEY)
    page.get_by_label("API key").press("Enter")
    page.get_by_label("Text", exact=True).wait_for()


def opened_speech(speaking: Stack, opened: Opener) -> tuple[Page, Watch]:
    """The page, signed in."""
    page, watch = opened(f"{speaking.url}/ui/speech")
    sign_in(page)
    return page, watch


def speak(page: Page, text: str) -> None:
    """Have a text said, and wait until its beginning has come."""
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_role("button", name="Speak").click()
    to_see(page, HEARD)


HEARD = "document.querySelector('audio[src^=blob][controls]')?.buffered.length > 0"
"""Whether some of a speech can be heard."""


def told(page: Page, text: str) -> None:
    """Wait until it is told what went wrong; what was typed is there, and what had come of the speech is heard."""
    expect(page.get_by_role("main").get_by_role("alert")).to_contain_text(text, timeout=LOADS_MS)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(page.get_by_label("Text", exact=True)).to_have_value(LONG)
    assert page.evaluate(HEARD)


def goes_on(page: Page) -> None:
    """A short text is said."""
    page.get_by_label("Text", exact=True).fill("Seven.")
    page.get_by_role("button", name="Speak").click()
    page.get_by_role("button", name="Download speech.mp3").wait_for(timeout=LOADS_MS)
    expect(page.get_by_role("main").get_by_role("alert")).to_have_count(0)


def test_a_runner_that_dies_amid_a_speech(speaking: Stack, opened: Opener) -> None:
    page, _ = opened_speech(speaking, opened)
    speak(page, LONG)
    [runner] = speaking.pids()["runner"]
    os.kill(runner, signal.SIGKILL)
    told(page, "the replica was lost amid the answer")
    goes_on(page)


def test_a_gateway_that_dies_amid_a_speech(speaking: Stack, opened: Opener) -> None:
    page, watch = opened_speech(speaking, opened)
    watch.excuse("net::ERR|Failed to fetch|failed: |refused: 503|status of 503")
    speak(page, LONG)
    speaking.kill("gateway")
    told(page, "It may be starting again: try again in a moment.")
    wait_for(speaking.is_ready, 60)
    goes_on(page)


def test_a_key_that_is_taken_away(speaking: Stack, opened: Opener) -> None:
    page, watch = opened_speech(speaking, opened)
    watch.excuse("401")
    page.get_by_label("Text", exact=True).fill(LONG)
    page.get_by_label("Speed").fill("1.5")
    page.context.clear_cookies()
    page.get_by_role("button", name="Speak").click()
    sign_in(page)
    expect(page.get_by_label("Text", exact=True)).to_have_value(LONG)
    expect(page.get_by_label("Speed")).to_have_value("1.5")
    goes_on(page)


def test_a_text_of_signs_and_controls_is_said_as_far_as_it_can_be(speaking: Stack, opened: Opener) -> None:
    page, _ = opened_speech(speaking, opened)
    page.get_by_label("Play it while it is made").uncheck()
    page.get_by_label("Text", exact=True).fill("\u202eseven\u0007 🙂🙂🙂🙂🙂🙂🙂🙂 <b>&amp;</b>")
    page.get_by_role("button", name="Speak").click()
    expect(page.get_by_text("has no sound for")).to_be_visible(timeout=LOADS_MS)
    page.get_by_role("button", name="Download speech.mp3").wait_for()
