"""Piper through the whole platform: in an environment of its own, heard by Whisper, hung up on, and missing."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack, headrace
from tests.support.piper import VOICE, add_voice, description, piper_python, piper_voice
from tests.support.servers import wait_for
from tests.support.sounds import word_errors

pytestmark = [pytest.mark.e2e, pytest.mark.weights]

SAID = (
    "The quick brown fox jumps over the lazy dog.",
    "Good morning, Mr. Smith. The weather is fine today!",
    "Please send the letter before Friday, and bring the old map with you.",
)


@pytest.fixture(scope="module")
def speaking(stack: Stack) -> Iterator[Stack]:
    """The shared stack, with Piper's voice by its name, and Whisper tiny."""
    piper_python(), piper_voice()
    for uid in ("piper", "whisper"):
        launched = httpx.post(f"{stack.url}/v1/models", json={"model_uid": uid, "model_name": uid}, timeout=240)
        assert launched.status_code == 200, launched.text
    yield stack
    for uid in ("piper", "whisper"):
        httpx.delete(f"{stack.url}/v1/models/{uid}")


def say(stack: Stack, **body: Any) -> httpx.Response:
    """What comes of a request."""
    return httpx.post(f"{stack.url}/v1/audio/speech", json={"model": "piper"} | body, timeout=240)


def test_what_is_said_is_understood(speaking: Stack) -> None:
    heard = []
    for sentence in SAID:
        spoken = say(speaking, input=sentence, response_format="wav")
        assert (spoken.status_code, spoken.headers["content-type"]) == (200, "audio/wav"), spoken.text
        form: dict[str, Any] = {"files": {"file": ("a.wav", spoken.content)}, "data": {"model": "whisper"}}
        answer = httpx.post(f"{speaking.url}/v1/audio/transcriptions", **form, timeout=240)
        heard.append(answer.json()["text"])

    assert word_errors(" ".join(heard), " ".join(SAID)) <= 0.15, heard


def test_its_voices_are_listed(speaking: Stack) -> None:
    listed = httpx.get(f"{speaking.url}/v1/audio/voices?model=piper").json()["voices"]
    assert [one["id"] for one in listed] == [VOICE]
    described = httpx.get(f"{speaking.url}/v1/models/piper").json()
    assert (described["model_engine"], described["model_type"]) == ("piper", "audio")


def test_the_sound_is_streamed(speaking: Stack) -> None:
    body = {"model": "piper", "input": " ".join(SAID), "response_format": "pcm", "stream_format": "sse"}
    with httpx.stream("POST", f"{speaking.url}/v1/audio/speech", json=body, timeout=240) as answer:
        events = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]

    kinds = [one["type"] for one in events]
    assert kinds == ["speech.audio.delta"] * (len(kinds) - 1) + ["speech.audio.done"]
    assert len(kinds) >= 5, "a piece for each sentence"


@pytest.mark.parametrize(
    ("param", "wrong"),
    [
        *[("input", {"input": one}) for one in ("", " \n ", "7" * 4000, "a\x00b", "\x1b[2J", "a" * 5000)],
        *[("voice", {"voice": "en_US-amy-low"}), ("voice", {"voice": f"{VOICE}/2"})],
        *[("speed", {"speed": 0.4}), ("speed", {"speed": 9}), ("language", {"language": "de"})],
        ("response_format", {"response_format": "midi"}),
    ],
)
def test_what_it_cannot_say_is_a_400(speaking: Stack, param: str, wrong: dict[str, Any]) -> None:
    refused = say(speaking, **({"input": "Hello."} | wrong))

    assert refused.status_code == 400, refused.text
    error = refused.json()["error"]
    assert error["param"] == param
    assert "/" not in error["message"].replace(f"{VOICE}/2", "")


def test_who_hangs_up_ends_the_work(speaking: Stack) -> None:
    """A long text takes minutes: a short one behind it does not wait for them, nor does the model's next request."""

    def jobs() -> list[str]:
        found = httpx.get(f"{speaking.url}/v1/jobs?model=piper&limit=1").json()["data"]
        return [one["state"] for one in found]

    body = {"model": "piper", "input": "word " * 800, "response_format": "pcm", "stream": True}
    with httpx.stream("POST", f"{speaking.url}/v1/audio/speech", json=body, timeout=240) as answer:
        next(answer.iter_raw())
    wait_for(lambda: jobs() == ["cancelled"], 20, "the job goes on")
    assert say(speaking, input="Free.").status_code == 200


def test_a_folder_of_voices_is_launched_by_its_path_alone(speaking: Stack, tmp_path: Path) -> None:
    folder = add_voice(add_voice(tmp_path / "voices", "a", description()), "b", description())
    body = {"model_uid": "folder", "model_name": "folder", "model_path": str(folder)}
    estimated = httpx.post(f"{speaking.url}/v1/models/estimate", json=body, timeout=60)
    assert estimated.json()["model_engine"] == "piper", estimated.text
    launched = httpx.post(f"{speaking.url}/v1/models", json=body, timeout=240)
    try:
        assert launched.status_code == 200, launched.text
        voices = httpx.get(f"{speaking.url}/v1/audio/voices?model=folder").json()["voices"]
        assert [one["id"] for one in voices] == ["a", "b"]
        assert say(speaking, model="folder", input="Hello.", voice="b").status_code == 200
    finally:
        httpx.delete(f"{speaking.url}/v1/models/folder")


def test_a_launch_without_its_environment_says_what_to_install(new_stack: StackFactory) -> None:
    without = new_stack(HEADRACE_INTERPRETERS=json.dumps({"piper": sys.executable}))
    refused = httpx.post(f"{without.url}/v1/models", json={"model_name": "piper"}, timeout=60)

    assert refused.status_code == 400, refused.text
    assert "the engine piper is not installed" in refused.json()["error"]["message"]
    assert "install headrace[piper] (headrace engine install piper does)" in refused.json()["error"]["message"]
    assert "headrace engine install piper" in headrace(without, "launch", "-n", "piper", "-t", "audio").stderr
