"""Recordings that are made, chosen and dropped, and what is said in them. On real weights of Whisper."""

import base64
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.e2e.stack import Stack
from tests.e2e.ui.chat.chatting import answers, limited, say, to_see
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, look
from tests.e2e.ui.watched import chromium, unfit
from tests.support.servers import wait_for
from tests.support.sounds import Spoken, decoded, encoded, silence, spoken, whisper_base, word_errors

pytestmark = [pytest.mark.e2e, pytest.mark.weights]

LOADS_MS = 90_000
RATE = 48_000
FOX: Spoken = spoken("en", "quick_brown_fox")
DROPPED = """([bytes, name, type]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0))], name, { type }));
  const event = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer });
  document.querySelector("input[type=file]").parentElement.dispatchEvent(event);
}"""


@pytest.fixture(scope="module")
def browser(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium with a microphone before which somebody says the same again and again."""
    said = tmp_path_factory.mktemp("said") / "fox.wav"
    said.write_bytes(encoded(decoded(FOX.path, RATE), "wav", "pcm_s16le", RATE))
    with chromium("--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={said}") as found:
        yield found


@pytest.fixture(scope="module")
def hearing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server with a model that knows English alone, one of many languages, and an echo that counts sounds."""
    own = Stack(tmp_path_factory.mktemp("hearing") / "home", demo=True)
    try:
        own.start()
        own.launch_echo("echo", step_ms=0)
        body = {"model_uid": "base", "model_name": "base", "model_type": "audio", "model_engine": "faster_whisper"}
        launched = httpx.post(f"{own.url}/v1/models", json=body | {"model_path": str(whisper_base())}, timeout=120)
        assert launched.status_code == 200, launched.text
        yield own
    finally:
        own.close()


def recording(one: Spoken) -> FilePayload:
    """A recording as MP3."""
    return {"name": f"{one.path.stem}.mp3", "mimeType": "audio/mpeg", "buffer": mp3(one)}


def mp3(one: Spoken) -> bytes:
    """A recording as MP3."""
    return encoded(decoded(one.path), "mp3", "libmp3lame")


def talk(times: int) -> bytes:
    """The same sentence again and again, with pauses between, as MP3."""
    one = np.concatenate([decoded(FOX.path), silence(4)])
    return encoded(np.tile(one, times), "mp3", "libmp3lame")


def state_of(stack: Stack) -> str:
    """The state of the last recording's job."""
    listed = httpx.get(f"{stack.url}/v1/jobs", params={"kind": "audio.transcriptions", "limit": 1}, timeout=30)
    state: str = listed.json()["data"][0]["state"]
    return state


def heard(page: Page) -> str:
    """The whole transcript, once it is there."""
    page.get_by_role("button", name="Copy: Transcript").wait_for(timeout=LOADS_MS)
    return " ".join(page.get_by_role("list", name="What was said").get_by_role("paragraph").all_inner_texts())


def lasts(page: Page, least: float) -> None:
    """Wait until the recording is known to last as long as this, in seconds."""
    to_see(page, f"((one) => one?.duration > {least} && one.duration < 60)(document.querySelector('audio'))")


def test_what_is_said_into_the_microphone_is_written_down(hearing: Stack, opened: Opener) -> None:
    page, _ = opened(f"{hearing.url}/ui/transcription?model=whisper", permissions=["microphone"])
    expect(page.get_by_role("button", name="Transcribe")).to_be_disabled()
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_role("timer")).to_have_text("0:04")
    to_see(page, "document.querySelector('meter').value > 0.2")
    assert unfit(page) == []
    page.get_by_role("button", name="Stop recording").click()
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_focused()
    lasts(page, 3.9)
    page.get_by_role("button", name="Transcribe").click()
    assert "fox" in heard(page).lower()
    page.get_by_role("link", name="Models", exact=True).click()
    page.get_by_role("link", name="Transcription", exact=True).click()
    assert "fox" in heard(page).lower()
    lasts(page, 3.9)
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()


def test_a_recording_is_discarded(hearing: Stack, opened: Opener) -> None:
    page, _ = opened(f"{hearing.url}/ui/transcription", permissions=["microphone"])
    page.get_by_role("button", name="Record", exact=True).click()
    page.get_by_role("link", name="Models", exact=True).click()
    expect(page.get_by_role("alertdialog")).to_contain_text("is discarded")
    page.get_by_role("button", name="Stay").click()
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_focused()
    expect(page.get_by_role("timer")).to_have_count(0)
    assert page.locator("audio").count() == 0


def test_a_microphone_that_is_refused_is_told_humanly(hearing: Stack, opened: Opener) -> None:
    page, _ = opened(f"{hearing.url}/ui/transcription")
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Allow it for this page")
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_focused()
    page.context.grant_permissions(["microphone"])
    page.get_by_role("button", name="Record", exact=True).click()
    page.get_by_role("button", name="Stop recording").wait_for()
    assert page.get_by_role("alert").count() == 0


def test_a_file_is_dropped_and_one_of_no_sound_is_refused(hearing: Stack, opened: Opener) -> None:
    page, watch = opened(f"{hearing.url}/ui/transcription?model=whisper")
    watch.excuse("400")
    page.get_by_text("This model understands English alone.").or_(page.get_by_label("Language spoken")).wait_for()
    bad: FilePayload = {"name": "notes.mp3", "mimeType": "audio/mpeg", "buffer": b"nothing that sounds" * 99}
    page.get_by_label("Choose a file").first.set_input_files(bad)
    expect(page.get_by_text("This browser cannot play this file.")).to_be_visible()
    page.get_by_role("button", name="Transcribe").click()
    expect(page.get_by_role("alert")).to_be_visible(timeout=LOADS_MS)
    expect(page.get_by_text("notes.mp3", exact=True)).to_be_visible()
    page.evaluate(DROPPED, [base64.b64encode(mp3(FOX)).decode(), "fox.mp3", "audio/mpeg"])
    expect(page.get_by_text("fox.mp3", exact=True)).to_be_visible()
    page.get_by_role("button", name="Transcribe").click()
    assert word_errors(heard(page), FOX.text) < 0.2
    expect(page.get_by_text("This model understands English alone.")).to_be_visible()
    assert page.get_by_label("Translate into English").count() == 0


def test_segments_come_as_they_are_heard_and_play_from_their_times(
    hearing: Stack, opened: Opener, tmp_path: Path
) -> None:
    page, _ = opened(f"{hearing.url}/ui/transcription?model=whisper")
    page.get_by_label("Choose a file").first.set_input_files({**recording(FOX), "buffer": talk(3)})
    page.get_by_role("button", name="Transcribe").click()
    assert word_errors(heard(page), FOX.text * 3) < 0.2
    times = page.get_by_role("button", name="Play from")
    assert times.count() >= 3
    times.nth(2).click()
    to_see(page, "(({ currentTime, paused }) => currentTime > 5 && !paused)(document.querySelector('audio'))")
    expect(page.locator("li[aria-current=true] button")).to_have_count(1)
    for form in ("srt", "vtt"):
        with page.expect_download() as kept:
            page.get_by_role("button", name=f"Download as {form.upper()}").click()
        assert kept.value.suggested_filename == f"quick_brown_fox.{form}"
        kept.value.save_as(tmp_path / form)
        asked = {"model": "whisper", "response_format": form}
        own = httpx.post(f"{hearing.url}/v1/audio/transcriptions", data=asked, files={"file": talk(3)}, timeout=60)
        assert (tmp_path / form).read_text() == own.text
    page.get_by_label("Choose a file").first.set_input_files(recording(FOX))
    expect(times).to_have_count(0)


def test_what_was_heard_until_it_is_stopped_stays(hearing: Stack, opened: Opener) -> None:
    page, _ = opened(f"{hearing.url}/ui/transcription?model=whisper")
    page.get_by_label("Choose a file").first.set_input_files({**recording(FOX), "buffer": talk(200)})
    page.get_by_role("button", name="Transcribe").click()
    page.get_by_role("button", name="Play from").first.wait_for(timeout=LOADS_MS)
    progress = page.get_by_role("progressbar", name="Written down so far")
    assert float(progress.get_attribute("max") or 0) > 1000
    assert unfit(page) == []
    page.get_by_role("link", name="Models", exact=True).click()
    expect(page.get_by_role("alertdialog")).to_contain_text("The transcript is broken off")
    page.get_by_role("button", name="Stay").click()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped.").wait_for()
    assert page.get_by_role("button", name="Play from").count() < 200
    expect(page.get_by_role("button", name="Download as SRT")).to_be_visible()
    wait_for(lambda: state_of(hearing) == "cancelled", 30, "the job goes on though nobody waits for it")


def test_another_language_is_chosen_and_translated(hearing: Stack, opened: Opener) -> None:
    page, _ = opened(f"{hearing.url}/ui/transcription?model=base")
    foreign = spoken("fr", "bonjour_monde")
    page.get_by_label("Choose a file").first.set_input_files(foreign.path)
    page.get_by_label("Language spoken").select_option("French", timeout=LOADS_MS)
    page.get_by_text("As code").click()
    expect(page.locator("pre").first).to_contain_text("language=fr")
    page.get_by_role("button", name="Transcribe").click()
    assert "bonjour" in heard(page).lower()
    page.get_by_label("Translate into English").check()
    expect(page.locator("pre").first).to_contain_text("audio/translations")
    page.get_by_role("button", name="Translate").click()
    expect(page.get_by_role("region", name="Transcript", exact=True)).to_contain_text("Hello", timeout=LOADS_MS)


def test_a_recording_is_made_in_a_conversation(hearing: Stack, opened: Opener) -> None:
    page, _ = opened(f"{hearing.url}/ui/chat?model=echo", permissions=["microphone"])
    limited(page, 4)
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_role("timer")).to_have_text("0:01")
    page.get_by_role("button", name="Stop recording").click()
    lasts(page, 0.9)
    say(page, "what do you hear")
    expect(answers(page, "echo")).to_contain_text("[1 media]")


@pytest.mark.parametrize("locale", LOCALES)
def test_it_can_be_read_by_all(hearing: Stack, opened: Opener, locale: str) -> None:
    page, _ = opened(f"{hearing.url}/ui/transcription?model=base", locale=locale)
    page.locator("form button[type=submit]").wait_for()
    look(page, "transcription-empty", locale)
    page.locator("input[type=file]").set_input_files(recording(FOX))
    page.locator("form button[type=submit]").click()
    page.get_by_text("fox").last.wait_for(timeout=LOADS_MS)
    lasts(page, 1)
    look(page, "transcription", locale)
