"""Speech from a real voice of Piper's. Runs in its environment, where ``test_environment.py`` starts it."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from models.errors import InvalidRequest, UnsupportedParameter
from tests.engines.audio_driver import Job, MediaDriver
from tests.support.piper import VOICE, add_voice, description, of_speakers, piper_voice
from tests.support.sounds import Samples, decoded
from workers.engines import engine_class
from workers.engines.base import EngineSite
from workers.engines.media.sound import FORMATS

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.weights]

RATE = 24_000
TEXT = "Good morning, Mr. Smith. The weather is fine today! Do you know when the train to Boston leaves?"
GERMAN = {"language": {"code": "de_DE", "family": "de", "name_english": "German"}, "espeak": {"voice": "de"}}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def piper() -> AsyncIterator[MediaDriver]:
    """The voice of the package."""
    driver = await MediaDriver.resident("speech", "piper", piper_voice(), {"n_threads": 1})
    yield driver
    driver.engine.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def choir(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[MediaDriver]:
    """A folder of three voices: an American, a German, and one of two speakers."""
    folder = add_voice(tmp_path_factory.mktemp("choir"), VOICE, description())
    add_voice(folder, "de_DE-hans-low", description(**GERMAN))
    several = {"num_speakers": 2, "speaker_id_map": {"mute": 0, "anna": 1}, "default_speaker_id": 1}
    add_voice(folder, "en_GB-pair", description(**several, language={"code": "en_GB", "family": "en"}), of_speakers())
    driver = await MediaDriver.resident("speech", "piper", folder, {"n_threads": 1, "default_voice": VOICE})
    yield driver
    driver.engine.close()


def samples_of(job: Job) -> Samples:
    """The samples of a job that asked for pcm."""
    return np.frombuffer(job.sound, "<i2").astype(np.float32) / np.float32(32767)


async def test_a_text_is_said_sentence_by_sentence(piper: MediaDriver) -> None:
    job = await piper.ask(input=TEXT, response_format="pcm")

    assert 4 < job.body["duration_s"] < 9
    assert len(samples_of(job)) / RATE == pytest.approx(job.body["duration_s"], abs=0.001)
    assert (job.body["characters"], job.body["unsaid"], job.body["sample_rate"]) == (len(TEXT), 0, RATE)
    assert job.warnings == []
    assert job.steps[-1] == (len(TEXT), len(TEXT))
    assert len({done for done, _ in job.steps}) >= 3
    assert len(job.pieces) >= 3, "the sound of each sentence comes as it is made"
    assert 0.9 < np.abs(samples_of(job)).max() <= 1


@pytest.mark.parametrize("form", FORMATS)
async def test_each_form_is_playable(piper: MediaDriver, form: str) -> None:
    job = await piper.ask(input=TEXT, response_format=form)
    whole, streamed = job.sound, b"".join(job.pieces)

    if form == "pcm":
        assert whole == streamed
    else:
        samples = decoded(whole, RATE)
        assert len(samples) / RATE == pytest.approx(job.body["duration_s"], abs=0.13)
        assert np.array_equal(decoded(streamed, RATE), samples), "what was streamed is the same sound"


async def test_lines_are_sentences_and_progress_follows_them(piper: MediaDriver) -> None:
    job = await piper.ask(input="one, two\n\nthree four\nfive")

    assert [done for done, _ in job.steps[:3]] == [8, 20, 25]


async def test_a_sentence_without_end_comes_in_pieces(piper: MediaDriver) -> None:
    job = await piper.ask(input="word " * 100, response_format="pcm", speed=2.0)

    assert len({done for done, _ in job.steps}) >= 3
    assert job.body["duration_s"] > 10


async def test_speed_changes_the_length(piper: MediaDriver) -> None:
    assert piper.engine.told == {"max_characters": 4096, "speeds": [0.5, 2.0]}
    lengths = [(await piper.ask(input=TEXT, speed=speed)).body["duration_s"] for speed in (0.5, 1.0, 2.0)]

    assert all(slow > 1.4 * fast for slow, fast in pairwise(lengths)), lengths


async def test_the_sound_has_the_rate_that_is_told(piper: MediaDriver, tmp_path: Path) -> None:
    folder = add_voice(tmp_path, "fast", description(audio={"sample_rate": 44_100}))
    driver = await MediaDriver.resident("speech", "piper", folder, {"n_threads": 1})
    twice, once = [await one.ask(input=TEXT, response_format="pcm") for one in (driver, piper)]
    driver.engine.close()

    assert twice.body["duration_s"] == pytest.approx(once.body["duration_s"] / 2, rel=0.2)


@pytest.mark.parametrize("voice", [None, "", VOICE, "default", "piper", "alloy", {"id": VOICE}])
async def test_known_voices(piper: MediaDriver, voice: Any) -> None:
    assert (await piper.ask(input="Hi.", voice=voice)).sound


async def test_several_voices_are_one_model(choir: MediaDriver) -> None:
    assert choir.engine.voices == (VOICE, "de_DE-hans-low", "en_GB-pair", "en_GB-pair/mute", "en_GB-pair/anna")
    silent = await choir.ask(input="Hello.", voice="en_GB-pair/mute", response_format="pcm")
    loud = [await choir.ask(input="Hello.", voice=name, response_format="pcm") for name in ("en_GB-pair", VOICE)]

    assert np.abs(samples_of(silent)).max() < 0.01
    assert all(np.abs(samples_of(job)).max() > 0.5 for job in loud)


async def test_a_language_finds_its_voice(choir: MediaDriver) -> None:
    text = "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich."
    german = await choir.ask(input=text, language="de", response_format="pcm")
    named = await choir.ask(input=text, voice="de_DE-hans-low", language="German", response_format="pcm")

    assert german.body["duration_s"] == pytest.approx(named.body["duration_s"], rel=0.15)
    refused = await choir.ask(input=text, voice=VOICE, language="de")
    assert refused.error is not None
    assert refused.error.param == "language"
    assert refused.error.message == (
        f"the voice {VOICE} speaks English (en-us), not 'de'; spoken here are German (de-de), en-gb (en-gb), "
        "English (en-us)"
    )


async def test_a_text_of_another_language_is_told(choir: MediaDriver) -> None:
    text = "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich."
    english, asked, german = [
        await choir.ask(input=text, language=language, voice=voice)
        for language, voice in ((None, None), ("de", None), (None, "de_DE-hans-low"))
    ]

    assert (asked.warnings, german.warnings) == ([], [])
    [(told, _)] = english.warnings
    assert told.startswith("this voice speaks English, in which the text is not")


@pytest.mark.parametrize(
    ("param", "fields"),
    [
        *[("voice", {"voice": "darth"}), ("voice", {"voice": f"{VOICE}/x"}), ("voice", {"voice": "../joe"})],
        *[("language", {"language": "fr"}), ("language", {"language": "klingon"})],
        *[("speed", {"speed": 0.3}), ("speed", {"speed": 3}), ("input", {"input": "a" * 4097})],
        *[("input", {"input": one}) for one in ("a\x00b", "\x1b[31m", "a\x7f", "7" * 201, "1" * 4000)],
        *[("instructions", {"instructions": "Whisper."}), ("seed", {"seed": 1})],
    ],
)
async def test_what_it_cannot_say_is_refused(piper: MediaDriver, param: str, fields: dict[str, Any]) -> None:
    job = await piper.ask(**({"input": "Hello."} | fields))

    assert isinstance(job.error, UnsupportedParameter if param in ("instructions", "seed") else InvalidRequest)
    assert job.error.param == param
    assert param != "voice" or VOICE in job.error.message


@pytest.mark.parametrize(("text", "unsaid"), [("Привет", 6), ("你好 你", 3), ("...", 0), ("\ue000", 0), ("①", 1)])
async def test_what_has_no_sound_is_silence(piper: MediaDriver, text: str, unsaid: int) -> None:
    job = await piper.ask(input=text, response_format="pcm")

    assert 0.1 * RATE < len(samples_of(job)) < 2 * RATE
    assert np.abs(samples_of(job)).max() < 0.1
    assert job.body["unsaid"] == (unsaid or (text == "\ue000"))
    assert bool(job.warnings) is bool(job.body["unsaid"])


async def test_emoji_have_names(piper: MediaDriver) -> None:
    job = await piper.ask(input="🎉", response_format="pcm")

    assert job.body["unsaid"] == 0
    assert job.body["duration_s"] > 0.5


async def test_marks_around_phonemes_are_text(piper: MediaDriver) -> None:
    plain = await piper.ask(input="See table two.", response_format="pcm")
    marked = await piper.ask(input="See [[table]] two.", response_format="pcm")

    assert marked.body["duration_s"] == pytest.approx(plain.body["duration_s"], rel=0.25)


@pytest.mark.parametrize("text", ["word " * 800, "a" * 4096, "12345 " * 600, "wow! " * 800, "a,b;" * 1000, "漢" * 4096])
async def test_texts_without_end_are_said(piper: MediaDriver, text: str) -> None:
    job = piper.submit(input=text, response_format="pcm", speed=2.0)
    await piper.until_said(job, 1)
    piper.abort(job)


async def test_nothing_of_a_long_number_is_dropped(piper: MediaDriver) -> None:
    few, many = [await piper.ask(input="7" * count, response_format="pcm") for count in (20, 80)]

    assert many.body["duration_s"] > 3 * few.body["duration_s"]


async def test_requests_take_turns_and_an_abort_ends_the_work(piper: MediaDriver) -> None:
    long = piper.submit(input=TEXT * 20)
    short = [piper.submit(input=f"Number {number}.") for number in range(3)]
    for job in short:
        await asyncio.wait_for(job.over.wait(), 60)
    assert not long.over.is_set()

    piper.abort(long)
    await piper.ask(input="Free.")
    spent = []
    for _ in range(2):
        before = piper.engine.counters()["steps"]
        await piper.ask(input="Free.")
        spent.append(piper.engine.counters()["steps"] - before)
    assert spent[0] == spent[1], "no step is anybody else's"


@pytest.mark.parametrize(
    ("changes", "options", "param", "message"),
    [
        ({"espeak": {"voice": "xx"}}, {}, "model_path", "espeak-ng has no voice 'xx', which v wants"),
        (
            {"phoneme_id_map": {"_": [0], "^": [1], "$": [99_999]}},
            {},
            "model_path",
            "does not compute what is described",
        ),
        ({"num_speakers": 3}, {}, "model_path", "v.onnx is not the network that is described beside it"),
        ({"phoneme_type": "japanese"}, {}, "model_path", "v.onnx.json reads japanese"),
        ({}, {"default_voice": "x"}, "default_voice", "there is no voice 'x'; there are v"),
        ({}, {"n_threads": 0}, "n_threads", "greater than or equal to 1"),
        ({}, {"voice": "x"}, "voice", "the engine has no option 'voice'"),
    ],
)
async def test_a_folder_that_does_not_fit_is_refused(
    tmp_path: Path, changes: dict[str, Any], options: dict[str, Any], param: str, message: str
) -> None:
    folder = add_voice(tmp_path, "v", description(**changes))

    with pytest.raises(InvalidRequest) as caught:
        engine_class("piper").load(EngineSite(str(folder), "cpu", options), lambda *_: None)

    assert caught.value.param == param
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("document", "network", "message"),
    [
        ("{", None, "v.onnx.json is not a JSON object"),
        ("[" * 100_000, None, "v.onnx.json is not a JSON object"),
        (" " * (5 << 20), None, "v.onnx.json is not a JSON object"),
        (None, b"broken", "onnxruntime cannot read v.onnx"),
    ],
)
async def test_broken_files_are_refused(
    tmp_path: Path, document: str | None, network: bytes | None, message: str
) -> None:
    folder = add_voice(tmp_path, "v", description() if document is None else document, network)

    with pytest.raises(InvalidRequest, match=message):
        engine_class("piper").load(EngineSite(str(folder), "cpu", {}), lambda *_: None)


async def test_a_folder_without_voices_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v.onnx").touch()

    with pytest.raises(InvalidRequest, match=r"there is no voice: NAME\.onnx, and NAME\.onnx\.json beside it"):
        engine_class("piper").load(EngineSite(str(tmp_path), "cpu", {}), lambda *_: None)
