"""Pictures and recordings in a conversation, dropped and pasted, for a model that sees and an echo that counts.

And files of many turns: what the page takes from them, and how it copes with their length.
"""

import base64
import io
import json
import re
from collections.abc import Iterator
from random import Random

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from tests.e2e.stack import Stack
from tests.e2e.ui.chat.chatting import DISTANCE, LOG, LONG_TASKS, answers, limited, say, to_see
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.watched import unfit
from tests.glyphs import glyphworld as world
from tests.support.pictures import saved
from tests.support.sounds import encoded

pytestmark = pytest.mark.e2e

GREEN_RING = saved("PNG", Image.fromarray(world.draw("ring", "green", Random(6), jitter=0)))
TONE = encoded(np.sin(np.arange(16_000) / 20).astype(np.float32) * 0.2, "wav", "pcm_s16le")
GIVEN = """([bytes, name, type, kind]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0))], name, { type }));
  const how = { bubbles: true, cancelable: true };
  const event = kind === "drop" ? new DragEvent("drop", { ...how, dataTransfer: transfer })
    : new ClipboardEvent("paste", { ...how, clipboardData: transfer });
  document.querySelector("form textarea").dispatchEvent(event);
}"""
"""Drops a file on the message, or pastes it."""

TURNS = 500


@pytest.fixture(scope="module")
def showing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running Headrace with one model that sees, and an echo."""
    made = Stack(tmp_path_factory.mktemp("showing") / "home")
    try:
        made.start()
        made.launch_echo("echo", step_ms=0)
        made.client.launch({"model_name": "glyphs-vision"})
        made.client.wait_ready("glyphs-vision")
        yield made
    finally:
        made.close()


def give(page: Page, kind: str, data: bytes, name: str, mime: str) -> None:
    """Drop or paste a file."""
    page.evaluate(GIVEN, [base64.b64encode(data).decode(), name, mime, kind])


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_pictures_are_dropped_and_pasted(showing: Stack, opened: Opener, kind: str) -> None:
    page, _ = opened(f"{showing.url}/ui/chat?model=glyphs-vision")
    expect(page.get_by_role("button", name="Add pictures")).to_be_visible()
    give(page, kind, GREEN_RING, "ring.png", "image/png")
    expect(page.get_by_role("img", name="Picture 1")).to_be_visible()
    give(page, kind, TONE, "tone.wav", "audio/wav")
    expect(page.get_by_role("alert")).to_contain_text("tone.wav is no picture")
    page.get_by_role("button", name="Remove Picture 1").click()
    expect(page.get_by_role("img", name="Picture 1")).to_have_count(0)
    give(page, kind, GREEN_RING, "ring.png", "image/png")
    expect(page.get_by_role("img", name="Picture 1")).to_be_visible()
    say(page, "What is in the image?")
    expect(answers(page, "glyphs-vision")).to_contain_text("green ring")


def test_a_photo_that_is_too_large_goes_along_smaller(showing: Stack, opened: Opener) -> None:
    ring = Image.open(io.BytesIO(GREEN_RING)).convert("RGB").resize((4000, 3200))
    noise = np.random.default_rng(1).integers(0, 8, (3200, 4000, 3), dtype=np.uint8)
    photo = saved("PNG", Image.fromarray(np.asarray(ring) // 32 * 31 + noise))
    assert len(photo) > 12 << 20, "more than a message holds in base64"
    page, _ = opened(f"{showing.url}/ui/chat?model=glyphs-vision")
    file: FilePayload = {"name": "large.png", "mimeType": "image/png", "buffer": photo}
    page.get_by_label("Add pictures").first.set_input_files(file)
    expect(page.get_by_text(re.compile(r"large\.png is sent smaller: 2289 x 1831 pixels, .* [KM]iB"))).to_be_visible()
    sent = []
    page.on("request", lambda request: sent.append(request) if "completions" in request.url else None)
    say(page, "What is in the image?")
    expect(answers(page, "glyphs-vision")).to_contain_text("green")
    url = sent[0].post_data_json["messages"][0]["content"][0]["image_url"]["url"]
    kind, _, data = url.partition(",")
    assert kind == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (2289, 1831)
    expect(page.get_by_text("is sent smaller")).to_have_count(0)


def test_recordings_are_given_heard_and_sent(showing: Stack, opened: Opener) -> None:
    page, _ = opened(f"{showing.url}/ui/chat?model=glyphs-vision")
    expect(page.get_by_role("button", name="Add pictures")).to_be_visible()
    assert page.get_by_role("button", name="Add recordings").count() == 0
    page.get_by_label("Model", exact=True).select_option("echo")
    limited(page, 4)
    tone: FilePayload = {"name": "tone.wav", "mimeType": "audio/wav", "buffer": TONE}
    page.get_by_label("Add recordings").first.set_input_files(tone)
    give(page, "drop", TONE, "tone.wav", "audio/wav")
    expect(page.locator("audio")).to_have_count(2)
    to_see(page, "[...document.querySelectorAll('audio')].every((one) => one.duration > 0.9)")
    assert unfit(page) == []
    sent = []
    page.on("request", lambda request: sent.append(request) if "completions" in request.url else None)
    say(page, "what do you hear")
    expect(answers(page, "echo")).to_contain_text("[2 media]")
    parts = sent[0].post_data_json["messages"][0]["content"]
    assert [part["type"] for part in parts] == ["audio_url", "audio_url", "text"]
    page.reload()
    expect(answers(page, "You").locator("audio")).to_have_count(2)


def long_talk() -> FilePayload:
    """A file of a conversation of many turns, each with code and a list."""
    turns = [
        {
            "id": f"t{at}",
            "parent": f"t{at - 1}" if at else None,
            "role": ("user", "assistant")[at % 2],
            "model": "echo" if at % 2 else "",
            "text": f"needle{at} in the hay\n\n* one\n* two\n\n```python\nx = {at}\n```\n\n{'hay ' * 60}",
        }
        for at in range(TURNS)
    ]
    talk = {"id": "long", "title": "A long one", "at": 1, "turns": turns, "leaf": f"t{TURNS - 1}"}
    file = {"kind": "headrace.conversations", "version": 1, "conversations": [talk]}
    return {"name": "long.json", "mimeType": "application/json", "buffer": json.dumps(file).encode()}


def test_one_types_fluently_in_a_long_conversation(showing: Stack, opened: Opener) -> None:
    page, _ = opened(f"{showing.url}/ui/chat?model=echo")
    page.get_by_label("Import").first.set_input_files(long_talk())
    page.get_by_role("link", name="A long one", exact=True).click()
    expect(page.get_by_role("article")).to_have_count(TURNS)
    field = page.get_by_label("Message", exact=True)
    tries = []
    for _ in range(3):  # others work on this machine too
        page.evaluate(LONG_TASKS)
        field.press_sequentially("typed as fast as one can", delay=20)
        tries.append(page.evaluate("window.longTasks()"))
        if not tries[-1]:
            break
    assert not tries[-1], tries
    assert page.evaluate("window.find('needle7 in the hay', false, true, true)")  # the browser's own search
    page.evaluate("getSelection().anchorNode.parentElement.scrollIntoView()")  # what only a reader's own search does
    to_see(page, f"{LOG}.scrollTop < 0.2 * {LOG}.scrollHeight")
    end = page.get_by_role("button", name="To the end")
    end.click()
    to_see(page, f"{DISTANCE} <= 8")
    expect(end).to_have_count(0)
