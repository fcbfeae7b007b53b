"""Texts that are said: heard while they are made or whole, kept, and found again. On real voices and weights."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.stack import Stack
from tests.e2e.ui.chat.chatting import to_see
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, look
from tests.support.servers import wait_for
from tests.support.sounds import decoded, word_errors

pytestmark = [pytest.mark.e2e, pytest.mark.weights]

LOADS_MS = 90_000
FOX = "The quick brown fox jumps over the lazy dog."
RATE = 16_000


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server with a voice, and a model that understands it."""
    own = Stack(tmp_path_factory.mktemp("speaking") / "home", demo=True)
    try:
        own.start()
        yield own
    finally:
        own.close()


def say(page: Page, text: str, form: str = "") -> None:
    """Have a text said."""
    page.get_by_label("Text", exact=True).fill(text)
    if form:
        page.get_by_label("Format").select_option(form)
    page.get_by_role("button", name="Speak").click()


def kept(page: Page, form: str, folder: Path) -> bytes:
    """The file that the page gives."""
    with page.expect_download(timeout=LOADS_MS) as download:
        page.get_by_role("button", name=f"Download speech.{form}").click()
    assert download.value.suggested_filename == f"speech.{form}"
    download.value.save_as(folder / form)
    return (folder / form).read_bytes()


def understood(stack: Stack, sound: bytes) -> str:
    """What Whisper hears in it."""
    heard = httpx.post(
        f"{stack.url}/v1/audio/transcriptions", data={"model": "whisper"}, files={"file": sound}, timeout=90
    )
    text: str = heard.raise_for_status().json()["text"]
    return text


def test_a_text_is_heard_while_it_is_made_and_kept(speaking: Stack, opened: Opener, tmp_path: Path) -> None:
    page, _ = opened(f"{speaking.url}/ui/speech")
    sent = []
    page.on("request", lambda request: sent.append(request) if "audio/speech" in request.url else None)
    say(page, FOX)
    page.get_by_role("button", name="Download speech.mp3").wait_for(timeout=LOADS_MS)
    assert sent[0].post_data_json == {
        "model": "hibari",
        "input": FOX,
        "response_format": "mp3",
        "stream_format": "sse",
    }
    to_see(page, "document.querySelector('audio[src^=blob][controls]').currentTime > 0.2")
    assert word_errors(understood(speaking, kept(page, "mp3", tmp_path)), FOX) < 0.2
    page.get_by_text("As code").click()
    expect(page.locator("pre").first).to_contain_text("speech.mp3")


def test_it_is_whole_and_as_fast_as_asked(speaking: Stack, opened: Opener, tmp_path: Path) -> None:
    page, _ = opened(f"{speaking.url}/ui/speech")
    page.get_by_label("Play it while it is made").uncheck()
    say(page, FOX, "wav")
    slow = decoded(kept(page, "wav", tmp_path))
    page.get_by_label("Speed").fill("2")
    page.get_by_role("button", name="Speak").click()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0, timeout=LOADS_MS)
    fast = decoded(kept(page, "wav", tmp_path))
    assert len(fast) < 0.7 * len(slow)
    to_see(page, f"Math.abs(document.querySelector('audio[controls]').duration - {len(fast) / RATE}) < 0.2")
    page.get_by_label("Format").select_option("pcm")
    page.get_by_role("button", name="Speak").click()
    expect(page.get_by_text("no browser plays it")).to_be_visible(timeout=LOADS_MS)
    assert len(kept(page, "pcm", tmp_path)) > RATE


def test_a_voice_is_tried(speaking: Stack, opened: Opener) -> None:
    page, _ = opened(f"{speaking.url}/ui/speech")
    page.get_by_label("Text", exact=True).fill("Seven. Eight. Nine.")
    with page.expect_request("**/v1/audio/speech") as asked:
        page.get_by_role("button", name="Listen").click()
    assert '"input":"Seven."' in (asked.value.post_data or "")
    to_see(page, "document.querySelector('audio[hidden]').currentTime > 0.1")
    known = httpx.get(f"{speaking.url}/v1/audio/voices", params={"model": "hibari"}, timeout=30).json()["voices"]
    expect(page.get_by_label("Voice").get_by_role("option")).to_have_text([one["name"] for one in known])


def test_limits_and_what_cannot_be_said_are_told(speaking: Stack, opened: Opener) -> None:
    page, _ = opened(f"{speaking.url}/ui/speech")
    say(page, "Seven 七八九.")
    expect(page.get_by_text("has no sound for 3 of")).to_be_visible(timeout=LOADS_MS)
    page.get_by_label("Text", exact=True).fill("seven " * 700)
    expect(page.get_by_text("4,200 of 4,096 characters")).to_be_visible(timeout=LOADS_MS)
    expect(page.get_by_label("Text", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Speak")).to_be_disabled()
    bounds = [page.get_by_label("Speed").get_attribute(name) for name in ("min", "max")]
    assert bounds == ["0.5", "2"]


def test_it_is_stopped(speaking: Stack, opened: Opener) -> None:
    page, _ = opened(f"{speaking.url}/ui/speech")
    say(page, f"{FOX} " * 85)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped.")).to_be_visible()

    def state() -> str:
        listed = httpx.get(f"{speaking.url}/v1/jobs", params={"kind": "audio.speech", "limit": 1}, timeout=30)
        found: str = listed.json()["data"][0]["state"]
        return found

    wait_for(lambda: state() == "cancelled", 60, "the job goes on though nobody waits for it")
    expect(page.get_by_label("Text", exact=True)).to_have_value(f"{FOX} " * 85)


def test_what_was_said_is_found_again(speaking: Stack, opened: Opener) -> None:
    text = "One two three."
    body = {"model": "hibari", "input": text, "speed": 1.5, "response_format": "flac"}
    assert httpx.post(f"{speaking.url}/v1/audio/speech", json=body, timeout=90).status_code == 200
    page, _ = opened(f"{speaking.url}/ui/speech")
    past = page.get_by_role("region", name="Said before").get_by_role("listitem").filter(has_text=text).first
    past.get_by_role("button", name="Use again").click()
    expect(page.get_by_label("Text", exact=True)).to_have_value(text)
    expect(page.get_by_label("Format")).to_have_value("flac")
    expect(page.get_by_label("Speed")).to_have_value("1.5")
    page.evaluate("document.querySelector('main li audio').play()")
    to_see(page, "document.querySelector('main li audio').currentTime > 0.1")
    past.get_by_role("link", name="Job").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Job")


def test_what_was_said_is_deleted(speaking: Stack, opened: Opener) -> None:
    body = {"model": "hibari", "input": "Said in passing.", "response_format": "flac"}
    assert httpx.post(f"{speaking.url}/v1/audio/speech", json=body, timeout=90).status_code == 200
    page, _ = opened(f"{speaking.url}/ui/speech")
    past = page.get_by_role("region", name="Said before").get_by_role("listitem").filter(has_text="Said in passing.")
    past.get_by_role("button", name="Delete").press("Enter")
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").press("Enter")
    expect(past).to_have_count(0)
    jobs = httpx.get(f"{speaking.url}/v1/jobs", params={"kind": "audio.speech"}, timeout=30).json()["data"]
    asked = [httpx.get(f"{speaking.url}/v1/jobs/{one['id']}/request", timeout=30).json()["input"] for one in jobs]
    assert "Said in passing." not in [one["input"] for one in asked]


def test_the_language_of_a_text_is_named(speaking: Stack, opened: Opener) -> None:
    page, watch = opened(f"{speaking.url}/ui/speech")
    watch.excuse("400")
    page.get_by_label("Play it while it is made").uncheck()
    page.get_by_label("Language").fill("ja")
    say(page, "Seven.")
    expect(page.get_by_text("this voice speaks English alone")).to_be_visible(timeout=LOADS_MS)
    expect(page.get_by_label("Language")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Language").fill("en")
    with page.expect_request("**/v1/audio/speech") as sent:
        page.get_by_role("button", name="Speak").click()
    assert (sent.value.post_data_json or {})["language"] == "en"
    page.get_by_role("button", name="Download speech.mp3").wait_for(timeout=LOADS_MS)
    expect(page.get_by_text("this voice speaks English alone")).to_have_count(0)


def test_a_model_that_is_gone_is_told(speaking: Stack, opened: Opener) -> None:
    page, watch = opened(f"{speaking.url}/ui/speech?model=gone")
    watch.excuse("404")
    say(page, FOX)
    expect(page.get_by_role("alert").first).to_contain_text("gone")
    expect(page.get_by_label("Text", exact=True)).to_have_value(FOX)


@pytest.mark.parametrize("locale", LOCALES)
def test_it_can_be_read_by_all(speaking: Stack, opened: Opener, locale: str) -> None:
    page, _ = opened(f"{speaking.url}/ui/speech", locale=locale)
    page.locator("form button[type=submit]").click()
    page.locator("main section").nth(1).get_by_role("button").wait_for(timeout=LOADS_MS)
    page.locator("main li").first.wait_for()
    look(page, "speech", locale)
