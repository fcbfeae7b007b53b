"""Text to speech with a real voice, heard again by Whisper."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from models.errors import InvalidRequest, UnsupportedParameter
from models.modalities.speech import MEDIA_TYPES
from tests.engines.audio_driver import MediaDriver
from tests.support import sounds
from tests.support.sounds import Samples, decoded, word_errors
from workers.engines import engine_class
from workers.engines.base import EngineSite
from workers.engines.hibari import pieces, readable
from workers.engines.media.sound import FORMATS, encoder

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.weights]

RATE = 24_000
TEXT = "Good morning, Mr. Smith. The weather is fine today! Do you know when the train to Boston leaves?"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hibari() -> AsyncIterator[MediaDriver]:
    """The voice of the package."""
    source = sounds.hibari_voices()
    if source is None:
        pytest.skip("hibari is not installed")
    driver = await MediaDriver.resident("speech", "hibari", source, {})
    yield driver
    driver.engine.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ear() -> AsyncIterator[MediaDriver]:
    """Whisper tiny.en."""
    source = sounds.whisper_tiny()
    if source is None:
        pytest.skip("no weights of Whisper are installed")
    options = {"n_threads": 1, "beam_size": 1}
    driver = await MediaDriver.resident("transcription", "faster_whisper", source, options)
    yield driver
    driver.engine.close()


def samples_of(data: bytes, form: str) -> Samples:
    """Its samples."""
    if form == "pcm":
        return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32767)
    return decoded(data, RATE)


async def test_what_is_said_is_heard(hibari: MediaDriver, ear: MediaDriver, tmp_path: Path) -> None:
    job = await hibari.ask(input=TEXT, seed=0, language="en-US")
    path = tmp_path / "file"
    path.write_bytes(job.sound)

    assert word_errors((await ear.ask(path)).text, TEXT) == 0
    assert job.body["characters"] == len(TEXT)
    assert job.body["sample_rate"] == RATE
    assert job.steps[-1] == (len(TEXT), len(TEXT))
    assert [done for done, _ in job.steps[:3]] == [24, 51, 96]


@pytest.mark.parametrize("form", FORMATS)
async def test_each_form_is_playable(hibari: MediaDriver, form: str) -> None:
    job = await hibari.ask(input=TEXT, response_format=form, seed=0)
    plain = await hibari.ask(input=TEXT, response_format="pcm", seed=0)
    whole, streamed = job.sound, b"".join(job.pieces)

    assert job.outcome is not None
    assert (job.outcome.artifacts[0].name, job.outcome.artifacts[0].media_type) == (f"speech.{form}", MEDIA_TYPES[form])
    samples, seconds = samples_of(whole, form), job.body["duration_s"]
    assert len(samples) / RATE == pytest.approx(seconds, abs=0.13), "an encoder adds some frames of silence"
    assert np.array_equal(samples_of(streamed, form), samples), "what was streamed is the same sound"
    assert len(job.pieces) >= 3
    want = samples_of(plain.sound, "pcm")
    assert similar(samples, want) > 0.9


def similar(one: Samples, other: Samples) -> float:
    """Correlation of two recordings' loudness, in steps of 10 ms, at the best of some delays that encoders have."""
    first, second = loudness(one), loudness(other)
    steps = min(len(first), len(second)) - 10
    return max(float(np.corrcoef(first[lag : lag + steps], second[:steps])[0, 1]) for lag in range(10))


def loudness(sound: Samples) -> Samples:
    mean: Samples = np.abs(sound[: len(sound) // 240 * 240].reshape(-1, 240)).mean(axis=1, dtype=np.float32)
    return mean


async def test_a_streamed_wav_does_not_know_its_length(hibari: MediaDriver) -> None:
    job = await hibari.ask(input=TEXT, response_format="wav", seed=0)
    whole, streamed = job.sound, b"".join(job.pieces)

    assert streamed[40:44] == b"\xff\xff\xff\xff"
    assert int.from_bytes(whole[40:44], "little") == len(whole) - 44
    assert int.from_bytes(whole[4:8], "little") == len(whole) - 8
    assert streamed[44:] == whole[44:]


async def test_speed_changes_the_length(hibari: MediaDriver) -> None:
    assert hibari.engine.told == {"max_characters": 4096, "speeds": [0.5, 2.0]}
    lengths = [(await hibari.ask(input=TEXT, speed=speed, seed=0)).body["duration_s"] for speed in (0.5, 1.0, 2.0)]

    assert lengths[0] > 1.7 * lengths[1]
    assert lengths[1] > 1.7 * lengths[2]


async def test_a_seed_fixes_the_sound(hibari: MediaDriver) -> None:
    made = [(await hibari.ask(input="Hello.", seed=seed)).sound for seed in (7, 7, 8)]
    one, same, other = (hashlib.sha256(data).digest() for data in made)

    assert one == same != other


@pytest.mark.parametrize("voice", [None, "", "heart", "default", "hibari", "alloy", "fable", {"id": "heart"}])
async def test_known_voices(hibari: MediaDriver, voice: Any) -> None:
    assert (await hibari.ask(input="Hi.", voice=voice)).sound


@pytest.mark.parametrize(
    ("param", "fields"),
    [
        *[("voice", {"voice": "darth"}), ("speed", {"speed": 0.3}), ("speed", {"speed": 3})],
        ("input", {"input": "a" * 4097}),
        *[("instructions", {"instructions": "Whisper."}), ("language", {"language": "ja"})],
    ],
)
async def test_what_it_cannot_say_is_refused(hibari: MediaDriver, param: str, fields: dict[str, Any]) -> None:
    job = await hibari.ask(**({"input": "Hello."} | fields))

    assert isinstance(job.error, UnsupportedParameter if param == "instructions" else InvalidRequest)
    assert job.error.param == param
    assert param != "voice" or "heart" in job.error.message


@pytest.mark.parametrize(("text", "unsaid"), [("🎉", 1), ("你好 你", 3), ("¡" * 20, 20), ("...", 0), ("*", 1)])
@pytest.mark.parametrize("form", ["wav", "mp3"])
async def test_what_has_no_sound_is_silence(hibari: MediaDriver, text: str, unsaid: int, form: str) -> None:
    job = await hibari.ask(input=text, response_format=form)

    heard = samples_of(job.sound, form)
    assert 0.1 * RATE < len(heard) < 2 * RATE
    assert np.abs(heard).max() < 0.1
    assert b"".join(job.pieces)
    assert (job.body["unsaid"], job.body["characters"]) == (unsaid, len(text))


@pytest.mark.parametrize(("text", "unsaid"), [("Привет, как дела?", 13), ("Καλημέρα", 8), ("नमस्ते", 4)])
async def test_letters_of_other_scripts_are_no_noise(hibari: MediaDriver, text: str, unsaid: int) -> None:
    job = await hibari.ask(input=text, response_format="wav")

    assert np.abs(samples_of(job.sound, "wav")).max() < 0.1
    assert job.body["unsaid"] == unsaid
    assert f"no sound for {unsaid} of {len(text)} characters" in job.warnings[0][0]


@pytest.mark.parametrize(
    ("text", "strange"),
    [
        ("Guten Morgen, wie geht es Ihnen heute? Das Wetter ist schön.", True),
        ("Bonjour, comment allez-vous aujourd'hui ? Il fait très beau.", True),
        ("Hola, buenos días. ¿Cómo estás hoy? Hace buen tiempo.", True),
        (TEXT, False),
        ("Merkel and Macron met in Zürich, and the weather was fine on that day.", False),
    ],
)
async def test_another_language_is_told(hibari: MediaDriver, text: str, strange: bool) -> None:
    job = await hibari.ask(input=text, response_format="wav")

    assert bool(job.body["strange"]) is strange
    assert [(f"does not know {job.body['strange']} of" in said, before) for said, before in job.warnings] == (
        [(True, 0)] if strange else []
    )
    assert job.body["duration_s"] > 1


async def test_what_has_no_sound_is_left_out_of_what_is_said(hibari: MediaDriver) -> None:
    plain, mixed = [await hibari.ask(input=text, seed=1) for text in ("Hello, Zoë.", "Hello, 🎉 Zoë 世界.")]

    assert (plain.body["unsaid"], mixed.body["unsaid"]) == (0, 3)
    assert mixed.body["duration_s"] == pytest.approx(plain.body["duration_s"], rel=0.3)


@pytest.mark.parametrize("text", ["word " * 800, "a" * 4096, "1" * 4096, "wow! " * 500, "a,b;" * 900])
async def test_texts_without_end_are_said(hibari: MediaDriver, text: str) -> None:
    job = hibari.submit(input=text, response_format="pcm", speed=2.0)
    await hibari.until_said(job, 1)
    hibari.abort(job)


async def test_numbers_without_a_name_are_read_digit_by_digit() -> None:
    assert readable("1,000,000 and 12345678901234567890123") == "1,000,000 and " + " ".join("12345678901234567890123")


async def test_a_sentence_without_end_is_cut_between_words() -> None:
    text = "abc defg " * 50

    assert "".join(pieces(text, 40)).replace(" ", "") == text.replace(" ", "")
    assert all(len(one) <= 40 and not one.startswith(" ") for one in pieces(text, 40))
    assert [len(one) for one in pieces("x" * 100, 40)] == [40, 40, 20]
    assert list(pieces("", 40)) == []


async def test_requests_take_turns(hibari: MediaDriver) -> None:
    long = hibari.submit(input=TEXT * 20)
    short = [hibari.submit(input=f"Number {number}.") for number in range(3)]
    for job in short:
        await asyncio.wait_for(job.over.wait(), 20)

    assert not long.over.is_set()
    hibari.abort(long)


async def test_an_abort_ends_the_work(hibari: MediaDriver) -> None:
    job = hibari.submit(input=TEXT * 40)
    await hibari.until_said(job, 2)
    hibari.abort(job)
    await hibari.ask(input="Free.")

    spent = []
    for _ in range(2):
        before = hibari.engine.counters()["steps"]
        await hibari.ask(input="Free.")
        spent.append(hibari.engine.counters()["steps"] - before)
    assert spent[0] == spent[1], "no step is anybody else's"


@pytest.mark.parametrize("form", FORMATS)
async def test_nothing_is_encoded_too(form: str) -> None:
    made = encoder(form, RATE)
    streamed = made.feed(np.zeros(0, np.float32)) + made.close()

    assert len(streamed) <= len(made.whole()) < 10_000


async def test_a_directory_without_voices_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as caught:
        engine_class("hibari").load(EngineSite(str(tmp_path), "cpu", {}), lambda *_: None)

    assert caught.value.param == "model_path"
