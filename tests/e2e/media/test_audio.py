"""The endpoints of sound through OpenAI's own client and by hand, on real processes and real weights."""

import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.e2e.media.studio import Studio, data_url, hang_up, picture, refusal
from tests.support.servers import wait_for
from tests.support.sounds import decoded, encoded, silence, spoken, word_errors

pytestmark = [pytest.mark.e2e, pytest.mark.weights]

SENTENCE = "The quick brown fox jumps over the lazy dog."
NOVEL = " ".join([SENTENCE] * 90)


@pytest.fixture(scope="module")
def recording() -> bytes:
    """Somebody saying something in English, as MP3."""
    return encoded(decoded(spoken("en", "quick_brown_fox").path), "mp3", "libmp3lame")


def events(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """The data of server-sent events."""
    return (json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: "))


def test_what_is_said_is_understood(studio: Studio) -> None:
    with studio.sdk.audio.speech.with_streaming_response.create(
        model="hibari", voice="alloy", input=SENTENCE, response_format="flac"
    ) as spoken_answer:
        assert spoken_answer.headers["content-type"] == "audio/flac"
        sound = spoken_answer.read()
    heard = studio.sdk.audio.transcriptions.create(model="whisper", file=("a.flac", sound))
    assert word_errors(heard.text, SENTENCE) < 0.2


@pytest.mark.parametrize(
    ("form", "media_type", "begins"),
    [
        ("text", "text/plain; charset=utf-8", ""),
        ("srt", "application/x-subrip; charset=utf-8", "1\n00:00:"),
        ("vtt", "text/vtt; charset=utf-8", "WEBVTT\n"),
    ],
)
def test_a_transcript_is_text_or_subtitles(
    studio: Studio, recording: bytes, form: Any, media_type: str, begins: str
) -> None:
    answer = studio.sdk.audio.transcriptions.with_raw_response.create(
        model="whisper", file=("a.mp3", recording), response_format=form, language="en"
    )
    assert answer.headers["content-type"] == media_type
    assert answer.text.startswith(begins)
    assert "fox" in answer.text.lower()


def test_words_and_segments_have_times(studio: Studio, recording: bytes) -> None:
    answer = studio.sdk.audio.transcriptions.create(
        model="whisper",
        file=("a.mp3", recording),
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        chunking_strategy={"type": "server_vad", "threshold": 0.4},
        temperature=0,
        prompt="A pangram.",
    )
    assert answer.words is not None
    assert answer.segments is not None
    assert answer.words[0].start <= answer.words[-1].end <= float(answer.duration) + 0.1
    assert answer.segments[0].start == 0 or answer.segments[0].start < answer.segments[0].end
    assert "fox" in [one.word.strip(" ,.").lower() for one in answer.words]


def test_a_transcript_is_streamed(studio: Studio, recording: bytes) -> None:
    found = list(studio.sdk.audio.transcriptions.create(model="whisper", file=("a.mp3", recording), stream=True))
    assert [one.type for one in found] == ["transcript.text.delta"] * (len(found) - 1) + ["transcript.text.done"]
    assert "".join(one.delta for one in found if one.type == "transcript.text.delta").strip() == found[-1].text.strip()  # type: ignore[union-attr]
    assert 0 <= found[0].start < found[0].end < 5  # type: ignore[union-attr]


def test_a_recording_may_come_in_json(studio: Studio, recording: bytes) -> None:
    body = {"model": "whisper", "file": data_url(recording, "audio/mpeg"), "language": "english"}
    answer = studio.http.post("/v1/audio/transcriptions", json=body)
    assert "fox" in answer.json()["text"].lower()
    assert answer.headers["x-job-id"].startswith("job_")


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # the client's word on all of OpenAI's Whisper
@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # OpenAI has no model for it any more
def test_a_model_that_knows_english_alone_does_not_translate(studio: Studio, recording: bytes) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        studio.sdk.audio.translations.create(model="whisper", file=("a.mp3", recording))
    assert refused.value.param == "model"
    answer = studio.http.post(
        "/v1/audio/translations", data={"model": "whisper", "translate": "false"}, files={"file": recording}
    )
    assert refusal(answer)[2] == "model"


@pytest.mark.parametrize("form", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
def test_speech_comes_in_the_form_asked_for(studio: Studio, form: Any) -> None:
    answer = studio.sdk.audio.speech.create(model="hibari", voice="nova", input="Seven.", response_format=form)
    content = answer.read()
    assert answer.response.headers["content-length"] == str(len(content))
    if form != "pcm":
        assert len(decoded(content)) > 4000


def test_speech_is_streamed(studio: Studio) -> None:
    body = {"model": "hibari", "input": f"{SENTENCE} Seven. Eight.", "response_format": "pcm", "seed": 1}
    whole = studio.http.post("/v1/audio/speech", json=body).content
    with studio.http.stream("POST", "/v1/audio/speech", json=body | {"stream": True}) as answer:
        assert answer.headers["content-type"] == "audio/pcm"
        assert "content-length" not in answer.headers
        assert b"".join(answer.iter_raw()) == whole
    found = list(events(studio.http.post("/v1/audio/speech", json=body | {"stream_format": "sse"})))
    assert [one["type"] for one in found] == ["speech.audio.delta"] * (len(found) - 1) + ["speech.audio.done"]
    assert len(found) > 2


def test_speech_may_be_a_job(studio: Studio) -> None:
    body = {"model": "hibari", "input": "Seven.", "response_format": "wav", "background": True}
    answer = studio.http.post("/v1/audio/speech", json=body)
    assert answer.status_code == 202
    assert studio.ended(answer.json()["id"])["state"] == "succeeded"
    result = studio.http.get(f"/v1/jobs/{answer.json()['id']}/result")
    assert (result.headers["content-type"], result.content[:4]) == ("audio/wav", b"RIFF")


@pytest.mark.parametrize("stream", [False, True])
def test_who_hangs_up_cancels_the_speech(studio: Studio, stream: bool) -> None:
    connection = studio.open("/v1/audio/speech", {"model": "hibari", "input": NOVEL, "stream": stream})
    job = studio.running("audio.speech")
    if stream:
        wait_for(lambda: connection.recv(1 << 16), 10)
    hang_up(connection)
    assert studio.ended(job)["state"] == "cancelled"
    studio.stands_still("headrace_engine_steps_total", model="hibari")


# ---- what is refused ---------------------------------------------------------------------------------------


BAD_FILES = {
    "nothing": ("a.wav", b""),
    "a text": ("a.wav", b"These are not the sounds you are looking for." * 20),
    "a picture": ("song.mp3", picture(size=256)),
    "a head alone": ("a.wav", b"RIFF\xff\xff\xff\xffWAVEfmt \x10"),
    "a playlist": ("a.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n"),
    "zeros": ("a.mp3", bytes(10_000)),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_recording_is_refused(studio: Studio, name: str) -> None:
    answer = studio.http.post("/v1/audio/transcriptions", data={"model": "whisper"}, files={"file": BAD_FILES[name]})
    assert refusal(answer) == (400, "invalid_value", "file")
    form = {"model": "whisper", "stream": "true"}
    answer = studio.http.post("/v1/audio/transcriptions", data=form, files={"file": BAD_FILES[name]})
    assert refusal(answer) == (400, "invalid_value", "file")


def test_a_recording_that_breaks_off_is_heard_as_far_as_it_goes(studio: Studio, recording: bytes) -> None:
    files = {"file": ("a.mp3", recording[: len(recording) * 2 // 3], "image/png")}
    answer = studio.http.post("/v1/audio/transcriptions", data={"model": "whisper"}, files=files)
    assert "fox" in answer.json()["text"].lower()


FIELDS: dict[str, tuple[dict[str, Any], tuple[int, str, str | None]]] = {
    "no model": ({}, (400, "invalid_value", "model")),
    "an unknown model": ({"model": "whisper-1"}, (404, "model_not_found", "model")),
    "a model that cannot hear": ({"model": "hibari"}, (400, "invalid_value", "model")),
    "a form that is not": ({"model": "whisper", "response_format": "midi"}, (400, "invalid_value", "response_format")),
    "speakers": (
        {"model": "whisper", "response_format": "diarized_json"},
        (400, "unsupported_parameter", "response_format"),
    ),
    "a language that is not": ({"model": "whisper", "language": "klingon"}, (400, "invalid_value", "language")),
    "too hot": ({"model": "whisper", "temperature": "7"}, (400, "invalid_value", "temperature")),
    "a misspelt field": ({"model": "whisper", "langauge": "en"}, (400, "unknown_parameter", "langauge")),
    "an unknown time": (
        {"model": "whisper", "response_format": "verbose_json", "timestamp_granularities[]": ["word", "year"]},
        (400, "invalid_value", "timestamp_granularities[1]"),
    ),
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_bad_field_is_refused(studio: Studio, recording: bytes, name: str) -> None:
    fields, expected = FIELDS[name]
    answer = studio.http.post("/v1/audio/transcriptions", data=fields, files={"file": recording})
    assert refusal(answer) == expected


def test_what_a_voice_cannot_say_is_silence_and_a_warning(studio: Studio) -> None:
    body = {"model": "hibari", "input": "🎉", "response_format": "wav", "speed": None, "stream": None}
    answer = studio.http.post("/v1/audio/speech", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
    assert answer.headers["x-headrace-warning"] == "this voice has no sound for 1 of 1 characters"
    kept = studio.http.get(f"/v1/jobs/{answer.headers['x-job-id']}/result")
    assert kept.headers["x-headrace-warning"] == answer.headers["x-headrace-warning"]
    assert "x-headrace-warning" not in studio.http.post("/v1/audio/speech", json=body | {"input": "Hello."}).headers
    events = studio.http.post("/v1/audio/speech", json=body | {"stream_format": "sse"}).text
    assert "no sound for 1 of 1" in events
    for said, unsaid in (("🎉", 1), ("Hello. 🎉🎉", 2)):
        streamed = studio.http.post("/v1/audio/speech", json=body | {"input": said, "stream": True})
        assert f"no sound for {unsaid} of {len(said)}" in streamed.headers["x-headrace-warning"]


def test_a_recording_that_is_a_header_alone_is_refused_without_a_path(studio: Studio) -> None:
    webm = encoded(silence(1), "webm", "libopus", 48_000)[:110]
    answer = studio.http.post("/v1/audio/transcriptions", data={"model": "whisper"}, files={"file": ("a.webm", webm)})
    assert refusal(answer) == (400, "invalid_value", "file")
    message = answer.json()["error"]["message"]
    assert "/" not in message
    assert "Errno" not in message


SPEECH: dict[str, tuple[dict[str, Any], tuple[int, str, str | None]]] = {
    "nothing to say": ({"input": " "}, (400, "invalid_value", "input")),
    "an unknown voice": ({"input": "x", "voice": "hal"}, (400, "invalid_value", "voice")),
    "too fast": ({"input": "x", "speed": 9}, (400, "invalid_value", "speed")),
    "too much": ({"input": "x" * 5000}, (400, "invalid_value", "input")),
    "a model that cannot speak": ({"input": "x", "model": "whisper"}, (400, "invalid_value", "model")),
    "instructions": ({"input": "x", "instructions": "sing"}, (400, "unsupported_parameter", "instructions")),
}


@pytest.mark.parametrize("name", SPEECH)
@pytest.mark.parametrize("stream", [False, True])
def test_speech_that_cannot_be_is_refused(studio: Studio, name: str, stream: bool) -> None:
    fields, expected = SPEECH[name]
    body = {"model": "hibari", "response_format": "wav", "stream": stream} | fields
    assert refusal(studio.http.post("/v1/audio/speech", json=body)) == expected


def test_speech_takes_no_form(studio: Studio) -> None:
    files = {"prompt_speech": io.BytesIO(b"RIFF")}
    answer = studio.http.post("/v1/audio/speech", data={"model": "hibari", "input": "x"}, files=files)
    assert refusal(answer)[:2] == (415, "unsupported_media_type")
