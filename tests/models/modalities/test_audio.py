"""Transcription and speech on the wire: what a request may say, and how answers are written."""

import base64
import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest
from openai.types.audio import (
    Transcription,
    TranscriptionTextDeltaEvent,
    TranscriptionTextDoneEvent,
    TranscriptionVerbose,
    TranslationVerbose,
)
from pydantic import ValidationError

from models.catalogue import find
from models.launching import hub
from models.launching.hub import Source
from models.modalities import KINDS, modality, speech, transcription
from models.modalities.transcription.languages import NAMES, code_of
from models.modalities.transcription.subtitles import srt, vtt

BODY: dict[str, Any] = {
    "text": "Hello world. 1 < 2 & so on.",
    "language": "ja",
    "duration": 3.2,
    "segments": [
        {"id": 0, "seek": 0, "start": 0.0, "end": 1.25, "text": " Hello world.", "tokens": [1, 2]}
        | {"temperature": 0.0, "avg_logprob": -0.2, "compression_ratio": 1.1, "no_speech_prob": 0.01},
        {"id": 1, "seek": 0, "start": 1.25, "end": 3661.5, "text": " 1 < 2 & so on -->.", "tokens": [3]}
        | {"temperature": 0.0, "avg_logprob": -0.2, "compression_ratio": 1.1, "no_speech_prob": 0.01},
    ],
    "words": [{"word": "Hello", "start": 0.0, "end": 0.5}, {"word": "world.", "start": 0.5, "end": 1.25}],
}


def heard(**fields: Any) -> transcription.Request:
    return transcription.Request.model_validate({"model": "whisper"} | fields)


def said(**fields: Any) -> speech.Request:
    return speech.Request.model_validate({"model": "hibari", "input": "Hello."} | fields)


def nowhere(name: str) -> Any:
    raise AssertionError(f"a transcript has no artifact {name}")


def rendered(**fields: Any) -> tuple[str, str]:
    answer = transcription.render(heard(**fields), BODY, nowhere, nowhere)
    return answer.content.decode(), answer.media_type


# ---- transcription ----


def test_a_form_is_read() -> None:
    request = heard(
        **{"timestamp_granularities[]": ["word"], "include[]": [], "response_format": "verbose_json"},
        temperature="0.2",
        stream="false",
        vad_filter="true",
        prompt="",
        language="English",
        chunking_strategy='{"type": "server_vad", "threshold": 0.4}',
        kwargs='{"beam_size": 2, "temperature": 0.9}',
    )

    assert request.wants_words
    assert not request.wants_segments
    assert (request.temperature, request.language, request.beam_size, request.prompt) == (0.2, "en", 2, None)
    assert isinstance(request.chunking_strategy, transcription.ServerVad)
    assert request.asked() == {
        *("model", "timestamp_granularities", "response_format", "temperature", "vad_filter", "language"),
        *("chunking_strategy", "beam_size"),
    }


def test_what_was_read_can_be_read_again() -> None:
    request = heard(**{"timestamp_granularities[]": "segment", "keywords[]": "Valkey", "kwargs": '{"beam_size": 2}'})

    again = transcription.Request.model_validate(request.model_dump(exclude_unset=True))

    assert again == request
    assert again.expected_words == "Valkey"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("include[]", ["logprobs"]), ("known_speaker_names", ["ada"]), ("languages[]", ["en", "fr"])],
        *[("response_format", "diarized_json")],
    ],
)
def test_what_we_lack_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        heard(**{field: value})

    error = caught.value.errors()[0]
    assert (error["type"], error["loc"]) == ("unsupported_parameter", (field.removesuffix("[]"),))


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        *[("language", {"language": "klingon"}), ("temperature", {"temperature": 1.1})],
        *[("temperature", {"temperature": "nan"}), ("response_format", {"response_format": "xml"})],
        *[("timestamp_granularities", {"timestamp_granularities": ["word"]})],
        *[("stream", {"stream": True, "response_format": "srt"}), ("beam_size", {"beam_size": 0})],
        ("chunking_strategy", {"chunking_strategy": "{"}),
        *[("kwargs", {"kwargs": "[1]"}), ("kwargs", {"kwargs": "{"}), ("model", {"model": ""})],
    ],
)
def test_nonsense_is_refused(name: str, fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        heard(**fields)

    error = caught.value.errors()[0]
    assert name in (*error["loc"][:1], *re.findall(r"'(\w+)'", error["msg"]))


def test_languages_have_names() -> None:
    found = {text: code_of(text) for text in ("en", "EN-us", "zh_CN", "German", " yue ", "mandarin", "xx", "")}

    assert len(NAMES) == 100
    assert found == {
        "en": "en",
        "EN-us": "en",
        "zh_CN": "zh",
        "German": "de",
        " yue ": "yue",
        "mandarin": "zh",
        "xx": None,
        "": None,
    }
    assert heard(language="auto").language is None


def test_the_plain_forms() -> None:
    text, form = rendered(response_format="json")
    assert (Transcription.model_validate_json(text).text, form) == (BODY["text"], "application/json")
    assert json.loads(text)["usage"] == {"type": "duration", "seconds": 4}
    assert (heard().answers_json, heard(response_format="srt").answers_json, said().answers_json) == (
        True,
        False,
        False,
    )
    assert rendered(response_format="text") == (BODY["text"] + "\n", "text/plain; charset=utf-8")


def test_the_verbose_form() -> None:
    both = heard(response_format="verbose_json", timestamp_granularities=["word", "segment"])

    whole = TranscriptionVerbose.model_validate_json(transcription.render(both, BODY, nowhere, nowhere).content)
    default = json.loads(rendered(response_format="verbose_json")[0])

    assert (whole.language, whole.duration, whole.text) == ("japanese", 3.2, BODY["text"])
    assert whole.segments is not None
    assert whole.segments[1].tokens == [3]
    assert whole.words is not None
    assert whole.words[1].end == 1.25
    assert default["task"] == "transcribe"
    assert "words" not in default


def test_a_translation_is_english() -> None:
    answer = rendered(response_format="verbose_json", translate=True)[0]

    assert TranslationVerbose.model_validate_json(answer).language == "english"
    assert json.loads(answer)["task"] == "translate"


def test_subtitles() -> None:
    assert rendered(response_format="srt") == (srt(BODY["segments"]), "application/x-subrip; charset=utf-8")
    assert rendered(response_format="vtt") == (vtt(BODY["segments"]), "text/vtt; charset=utf-8")
    assert srt(BODY["segments"]).split("\n") == [
        *("1", "00:00:00,000 --> 00:00:01,250", "Hello world.", ""),
        *("2", "00:00:01,250 --> 01:01:01,500", "1 < 2 & so on ->.", ""),
    ]
    assert vtt(BODY["segments"]).split("\n") == [
        *("WEBVTT", "", "00:00:00.000 --> 00:00:01.250", "Hello world.", ""),
        *("00:00:01.250 --> 01:01:01.500", "1 &lt; 2 &amp; so on -&gt;.", ""),
    ]
    assert (srt([]), vtt([])) == ("", "WEBVTT\n")


def test_a_transcript_is_streamed_as_openai_does() -> None:
    stream = transcription.Stream(heard(stream=True))

    pieces = (transcription.HeardPiece("Grüß", 1.23456, 2.0), transcription.HeardPiece("Gott"))
    delta, bare, done = (
        json.loads(event.removeprefix(b"data: "))
        for event in (*(stream.piece(one.encode()) for one in pieces), stream.end(BODY))
    )

    assert TranscriptionTextDeltaEvent.model_validate(delta).delta == "Grüß"
    assert (delta["start"], delta["end"]) == (1.235, 2)
    assert bare == {"type": "transcript.text.delta", "delta": "Gott"}
    assert TranscriptionTextDoneEvent.model_validate({**done, "usage": None}).text == BODY["text"]
    assert stream.media_type == "text/event-stream"


# ---- speech ----


def test_a_speech_request() -> None:
    request = said(voice={"id": "heart"}, speed=1.5, kwargs='{"seed": 3}')

    assert (request.voice_name, request.seed, request.artifact) == ("heart", 3, "speech.mp3")
    assert not request.streams
    assert said(stream=True).streams
    assert said(stream_format="audio").streams
    assert "instructions" not in said(instructions="").asked()
    assert "instructions" in said(instructions="Whisper.").asked()


@pytest.mark.parametrize(
    "fields",
    [
        *[{"input": ""}, {"input": " \n "}, {"speed": 0.2}, {"speed": 4.1}, {"response_format": "ogg"}, {"voice": 3}],
        *[{"stream_format": "x"}, {"kwargs": "{"}, {"input": "\ud800"}, {"seed": -1}],
    ],
)
def test_nonsense_is_not_said(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        said(**fields)


def test_speech_is_answered_with_its_sound() -> None:
    answer = speech.render(said(response_format="opus"), {}, nowhere, {"speech.opus": b"OggS"}.__getitem__)

    assert (answer.content, answer.media_type) == (b"OggS", "audio/ogg")


def test_what_a_voice_has_no_sound_for_is_told() -> None:
    some = {"characters": 9, "unsaid": 2}
    warned = speech.render(said(), some, nowhere, lambda name: b"")
    assert warned.headers == {"X-Headrace-Warning": "this voice has no sound for 2 of 9 characters"}
    assert speech.render(said(), some | {"unsaid": 0}, nowhere, lambda name: b"").headers == {}
    strange = speech.render(said(), some | {"strange": 3, "words": 4}, nowhere, lambda name: b"").headers
    assert "9 characters; this voice does not know 3 of 4 words" in strange["X-Headrace-Warning"]
    events = speech.Stream(said(stream_format="sse"))
    assert json.loads(events.end(some).removeprefix(b"data: "))["warning"] == warned.warning
    assert "warning" not in json.loads(events.end({"characters": 9}).removeprefix(b"data: "))


def test_speech_is_streamed() -> None:
    plain, events = speech.Stream(said(stream=True)), speech.Stream(said(stream_format="sse"))

    assert (plain.media_type, plain.piece(b"\xff\xf3"), plain.end({})) == ("audio/mpeg", b"\xff\xf3", b"")
    delta = json.loads(events.piece(b"\xff\xf3").removeprefix(b"data: "))
    assert (delta["type"], base64.b64decode(delta["audio"])) == ("speech.audio.delta", b"\xff\xf3")
    assert json.loads(events.end({"characters": 6}).removeprefix(b"data: "))["type"] == "speech.audio.done"
    assert events.media_type == "text/event-stream"


# ---- the registries ----


def test_the_endpoints_have_their_modules() -> None:
    assert modality(KINDS["audio.translations"].modality).request is transcription.Request
    assert modality(KINDS["audio.speech"].modality).request is speech.Request
    assert (find("whisper", None, None, None).engine, find("hibari", None, None, None).engine) == (
        "faster_whisper",
        "hibari",
    )


def test_weights_of_ctranslate2_come_from_a_hub_for_their_engine_alone() -> None:
    source = Source("huggingface", "Systran/faster-whisper-tiny")
    wanted, unwanted = hub.patterns(source, engine="faster_whisper")

    assert "model.bin" in wanted
    assert not {"model.bin", "*.bin"} & set(unwanted)
    assert {"*.pkl", "*.pt", "*.py"} <= set(unwanted)
    assert "*.bin" in hub.patterns(source, engine="transformers")[1]


def test_of_kokoros_networks_the_small_one_comes_from_a_hub() -> None:
    wanted, unwanted = hub.patterns(Source("huggingface", "onnx-community/Kokoro-82M-v1.0-ONNX"), engine="kokoro")
    files = [f"onnx/model{one}.onnx" for one in ("", "_fp16", "_q4", "_q4f16", "_q8f16", "_quantized", "_uint8")]
    files += ["voices/af_heart.bin", "tokenizer.json", "README.md"]

    fetched = [
        one
        for one in files
        if any(fnmatchcase(one, way) for way in wanted) and not any(fnmatchcase(one, way) for way in unwanted)
    ]
    assert fetched == ["onnx/model_quantized.onnx", "voices/af_heart.bin", "tokenizer.json"]
