"""Speech to text with real weights: Whisper tiny.en and Whisper base, on recordings whose words are known."""

from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import pytest_asyncio
from openai.types.audio import TranscriptionVerbose

from models.errors import HeadraceError, InvalidRequest
from models.modalities import transcription
from tests.engines.audio_driver import Job, MediaDriver
from tests.support import sounds
from tests.support.sounds import RATE, Spoken, decoded, encoded, silence, spoken, word_errors
from workers.engines import engine_class
from workers.engines.base import EngineSite
from workers.engines.faster_whisper.segments import sentences
from workers.engines.faster_whisper.transcriber import credible

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.weights]

STORY = """The old lighthouse stood at the end of a narrow road. Nobody had lived there for many years. One morning in
April, a young woman arrived with two suitcases and a small brown dog. She opened every window of the house.
The rooms smelled of salt and dust. In the kitchen she found a table, three chairs, and a letter. The letter
was written by her grandfather. He asked her to keep the lamp clean, and to count the ships. So she climbed
the stairs every evening and wrote the names of the ships into a green book. Winter came early that year.
The wind broke the fence, and the garden was covered with snow. A fisherman brought her bread, potatoes and
coal. He told her stories about whales, about storms, and about a bell that rings under the sea. She did not
believe him. But in the longest night of the year, she heard it. It was a deep and gentle sound. The dog
lifted his head and listened too. Far away, a ship was sailing toward the rocks. She ran to the top of the
tower and turned the lamp with her own hands. The captain saw the light, and the ship was saved. In spring
the whole village came to visit her. The children painted the door blue, and the baker gave her a cake with
strawberries. She stayed there for the rest of her life.""".replace("\n", " ")


async def _resident(source: Path | None, **options: Any) -> AsyncIterator[MediaDriver]:
    if source is None:
        pytest.skip("no weights of Whisper are installed")
    options = {"n_threads": 1, "beam_size": 1} | options
    driver = await MediaDriver.resident("transcription", "faster_whisper", source, options)
    yield driver
    driver.engine.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tiny() -> AsyncIterator[MediaDriver]:
    """English alone, one clip at a time."""
    async for driver in _resident(sounds.whisper_tiny()):
        yield driver


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def batching() -> AsyncIterator[MediaDriver]:
    """English alone, four clips at a time, two requests at once."""
    async for driver in _resident(sounds.whisper_tiny(), batch_size=4, max_inflight=2):
        yield driver


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def base() -> AsyncIterator[MediaDriver]:
    """A hundred languages."""
    async for driver in _resident(sounds.whisper_base()):
        yield driver


@pytest.fixture(scope="module")
def fox() -> Spoken:
    """Three seconds of English."""
    return spoken("en", "quick_brown_fox")


class Reading(NamedTuple):
    """A long recording, and when its first part ends and its second begins, in seconds."""

    path: Path
    text: str
    ends: float
    begins: float


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Reading:
    """More than two minutes of English: a story, a pause of ten seconds, half the story faster, and a silent end."""
    voice = pytest.importorskip("hibari").Hibari()
    half = STORY[: STORY.index(" She did not believe")]
    first, pause = voice(STORY, seed=0), np.zeros(10 * 24_000, np.float32)
    sound = np.concatenate((first, pause, voice(half, seed=1, speed=1.1), pause))
    path = tmp_path_factory.mktemp("story") / "story.mp3"
    path.write_bytes(encoded(sound, "mp3", "libmp3lame", 24_000))
    return Reading(path, f"{STORY} {half}", len(first) / 24_000, len(first) / 24_000 + 10)


async def hears(driver: MediaDriver, data: bytes, folder: Path, **fields: Any) -> Job:
    """A request for these bytes, whatever they are."""
    path = folder / "file"
    path.write_bytes(data)
    return await driver.ask(path, **fields)


# ---- what is heard ----


@pytest.mark.parametrize("name", ["counting", "hello_world", "quick_brown_fox"])
async def test_english_is_understood(tiny: MediaDriver, name: str) -> None:
    sample = spoken("en", name)
    job = await tiny.ask(sample.path, beam_size=5)

    assert word_errors(job.text.replace("-", " "), sample.text) <= 0.1
    assert job.body.keys() == {"text", "language", "duration"}
    assert job.body["language"] == "en"


@pytest.mark.parametrize(("language", "name"), [("fr", "pangrama"), ("ja", "konnichiwa_sekai")])
async def test_the_language_is_found(base: MediaDriver, language: str, name: str) -> None:
    sample = spoken(language, name)
    job = await base.ask(sample.path)

    assert job.body["language"] == language
    assert word_errors(job.text, sample.text) <= 0.4


async def test_each_part_may_have_its_own_language(base: MediaDriver, tiny: MediaDriver, tmp_path: Path) -> None:
    """English, four seconds of quiet, French: of one language, or each of its own."""
    english, french = spoken("en", "hello_world"), spoken("fr", "pangrama")
    sound = np.concatenate([decoded(english.path), silence(4), decoded(french.path)])
    data = encoded(sound, "wav", "pcm_s16le")
    job = await hears(base, data, tmp_path, multilingual=True)

    assert job.body["language"] == "en"
    assert word_errors(job.text, f"{english.text} {french.text}") <= 0.4
    assert word_errors((await hears(base, data, tmp_path)).text, f"{english.text} {french.text}") > 0.4
    refused = await hears(tiny, data, tmp_path, multilingual=True)
    assert isinstance(refused.error, InvalidRequest)
    assert refused.error.param == "multilingual"


async def test_speech_is_translated_into_english(base: MediaDriver) -> None:
    job = await base.ask(spoken("ja", "konnichiwa_sekai").path, translate=True, language="ja")

    assert word_errors(job.text, "Hello world.") == 0


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("mp3", "libmp3lame"),
        ("ogg", "libopus"),
        ("ipod", "aac"),
        ("matroska", "libopus"),
        ("flac", "flac"),
        ("aiff", None),
    ],
)
async def test_any_form_is_read(
    tiny: MediaDriver, fox: Spoken, tmp_path: Path, container: str, codec: str | None
) -> None:
    data = encoded(decoded(fox.path, 48_000), container, codec or "pcm_s16be", 48_000)
    job = await hears(tiny, data, tmp_path)

    assert word_errors(job.text, fox.text) <= 0.12
    assert abs(job.body["duration"] - 2.89) < 0.1


async def test_each_word_has_its_time(tiny: MediaDriver, fox: Spoken) -> None:
    fields: dict[str, Any] = {"response_format": "verbose_json", "timestamp_granularities": ["word", "segment"]}
    job = await tiny.ask(fox.path, **fields)
    answer = transcription.render(transcription.Request(model="x", **fields), job.body, str, str.encode)

    words = TranscriptionVerbose.model_validate_json(answer.content).words or []
    assert word_errors(" ".join(one.word for one in words), fox.text) == 0
    assert all(one.start <= one.end <= job.body["duration"] for one in words)
    assert all(one.end <= other.start for one, other in pairwise(words))
    assert 0.8 < words[4].start < 1.8, "'jumps' is said in the middle"


async def test_the_temperature_is_heeded(tiny: MediaDriver, fox: Spoken) -> None:
    job = await tiny.ask(fox.path, temperature=0.4, response_format="verbose_json")

    assert [one["temperature"] for one in job.body["segments"]] == [0.4]


async def test_words_to_expect_are_heeded(tiny: MediaDriver, tmp_path: Path) -> None:
    voice = pytest.importorskip("hibari").Hibari()
    said = encoded(voice("Redis is called Valkey now.", seed=0), "wav", "pcm_s16le", 24_000)
    plain = await hears(tiny, said, tmp_path)
    hinted = await hears(tiny, said, tmp_path, keywords=["Redis", "Valkey"])

    assert "Valkey" not in plain.text
    assert "Redis is called Valkey" in hinted.text


async def test_few_new_tokens_cut_the_text(tiny: MediaDriver, fox: Spoken) -> None:
    job = await tiny.ask(fox.path, max_new_tokens=6)

    assert 0 < len(job.text) < len(fox.text)


# ---- long recordings ----


async def test_a_long_recording_is_heard_in_batches(tiny: MediaDriver, batching: MediaDriver, story: Reading) -> None:
    alone = await tiny.ask(story.path)
    together = await batching.ask(story.path, response_format="srt")
    duration = alone.body["duration"]

    assert duration > 130
    assert word_errors(alone.text, story.text) < 0.05
    assert word_errors(together.text, story.text) < 0.05
    for job in (alone, together):
        assert job.steps[-1] == pytest.approx((duration, duration), abs=0.2)
        assert len(job.pieces) >= 5
    cues = together.body["segments"]
    assert all(one["start"] < one["end"] <= other["start"] for one, other in pairwise(cues))
    heard: list[Any] = [(piece.text.strip(), piece.start, piece.end) for piece in together.heard]
    assert heard == [(one["text"].strip(), pytest.approx(one["start"]), pytest.approx(one["end"])) for one in cues]
    last = next(place for place, one in enumerate(cues) if one["text"].endswith("rest of her life."))
    assert cues[last]["end"] == pytest.approx(story.ends, abs=1)
    assert cues[last + 1]["start"] == pytest.approx(story.begins, abs=1)


async def test_a_stream_has_the_times_of_subtitles(tiny: MediaDriver, fox: Spoken, tmp_path: Path) -> None:
    path = tmp_path / "thrice.wav"
    once = np.concatenate([decoded(fox.path), silence(4)])
    path.write_bytes(encoded(np.tile(once, 3), "wav", "pcm_s16le"))
    streamed = await tiny.ask(path, stream=True)
    cues = (await tiny.ask(path, response_format="srt")).body["segments"]

    assert len(cues) == 3
    assert [(one.start, one.end) for one in streamed.heard] == [(one["start"], one["end"]) for one in cues]


async def test_without_looking_for_pauses_all_is_heard(tiny: MediaDriver, story: Reading) -> None:
    job = await tiny.ask(story.path, vad_filter=False, response_format="vtt")

    assert word_errors(job.text, story.text) < 0.1
    assert job.body["segments"][-1]["end"] <= job.body["duration"] + 0.1


@pytest.mark.parametrize("seconds", [5, 3600])
async def test_silence_has_no_words(tiny: MediaDriver, tmp_path: Path, seconds: int) -> None:
    data = encoded(silence(seconds), "flac", "flac")
    before = tiny.engine.counters()["steps"]
    job = await hears(tiny, data, tmp_path, response_format="srt")

    assert job.body == {"text": "", "language": "en", "duration": seconds, "segments": []}
    assert tiny.engine.counters()["steps"] - before <= seconds / 60 + 2, "it is read, minute by minute, and no more"


async def test_noise_has_no_words(tiny: MediaDriver, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 40 * RATE).astype(np.float32)

    assert (await hears(tiny, encoded(noise, "wav", "pcm_s16le"), tmp_path)).text == ""


async def test_an_abort_ends_the_work(tiny: MediaDriver, story: Reading, fox: Spoken) -> None:
    job = tiny.submit(story.path)
    waiting = tiny.submit(story.path)
    await tiny.until_said(job, 1)
    tiny.abort(waiting)
    tiny.abort(job)
    spent = []
    for _ in range(3):
        before = tiny.engine.counters()["steps"]
        assert word_errors((await tiny.ask(fox.path)).text, fox.text) <= 0.12
        spent.append(tiny.engine.counters()["steps"] - before)
    assert spent[0] <= spent[1] + 2, "each of the two ends with the step that it is in"
    assert spent[1] == spent[2], "no step is anybody else's"


async def test_requests_run_side_by_side(batching: MediaDriver, story: Reading, fox: Spoken) -> None:
    long = batching.submit(story.path)
    short = await batching.ask(fox.path)

    assert short.text
    assert not long.over.is_set()
    batching.abort(long)


@pytest.mark.parametrize(
    ("text", "logprob", "outcome"),
    [("Good day to you all.", -0.3, True), ("no " * 60, -0.1, False), ("Blue.", -1.4, False), ("", -3.0, True)],
)
async def test_what_is_not_credible_is_done_again(text: str, logprob: float, outcome: bool) -> None:
    class One:
        pass

    one: Any = One()
    one.text, one.avg_logprob = text, logprob
    assert credible([one]) is outcome


async def test_a_segment_is_cut_into_sentences() -> None:
    text = ' I met Dr. Who. He said: "Run!" And so we ran 1.5 miles'
    words = [{"word": f" {one}", "start": place, "end": place + 0.5} for place, one in enumerate(text.split())]
    words[-1] |= {"start": 20.0, "end": 21.0}
    segment = {"text": text, "start": 0.0, "end": 12.0, "seek": 7, "words": words}

    found = list(sentences(segment, lambda text: [len(text)]))

    assert [one["text"] for one in found] == [" I met Dr. Who.", ' He said: "Run!"', " And so we ran 1.5", " miles"]
    assert [(one["start"], one["end"]) for one in found] == [(0, 3.5), (4, 6.5), (7, 11.5), (20.0, 21.0)]
    assert found[0]["tokens"] == [15]
    assert all(one["seek"] == 7 for one in found)
    assert list(sentences(segment | {"words": words[1:]}, lambda text: [])) == [segment | {"words": words[1:]}]


# ---- what is refused ----


async def test_what_is_no_sound_is_refused(tiny: MediaDriver, tmp_path: Path, fox: Spoken) -> None:
    from PIL import Image

    picture = tmp_path / "picture.png"
    Image.new("RGB", (8, 8)).save(picture)
    bad = {
        "empty": b"",
        "a picture": picture.read_bytes(),
        "text": b"Sing, o goddess, the anger of Achilles son of Peleus. " * 100,
        "random": np.random.default_rng(1).bytes(100_000),
        "a header alone": fox.path.read_bytes()[:60],
        "frames of nothing": b"\xff\xfb\x90\x64" + bytes(5000),
    }
    for what, data in bad.items():
        job = await hears(tiny, data, tmp_path)
        assert isinstance(job.error, InvalidRequest), what
        assert job.error.param == "file"


async def test_a_model_of_english_says_so(tiny: MediaDriver, fox: Spoken) -> None:
    french = await tiny.ask(fox.path, language="fr")
    translated = await tiny.ask(fox.path, translate=True)

    assert isinstance(french.error, InvalidRequest)
    assert (french.error.param, "English alone" in french.error.message) == ("language", True)
    assert isinstance(translated.error, InvalidRequest)
    assert (translated.error.param, "English alone" in translated.error.message) == ("model", True)
    assert (await tiny.ask(fox.path, language="en")).text


async def test_a_language_that_the_model_lacks_is_refused(base: MediaDriver, fox: Spoken) -> None:
    job = await base.ask(fox.path, language="yue")

    assert isinstance(job.error, InvalidRequest)
    assert job.error.param == "language"


async def test_it_tells_what_it_understands(base: MediaDriver, tiny: MediaDriver) -> None:
    assert tiny.engine.told == {"languages": ["en"], "translates": False}
    assert base.engine.told["translates"] is True
    assert {"en", "zh"} <= set(base.engine.told["languages"])
    assert "yue" not in base.engine.told["languages"]


async def test_too_many_words_to_expect_are_refused(tiny: MediaDriver, fox: Spoken) -> None:
    job = await tiny.ask(fox.path, hotwords="Llanfairpwllgwyngyll " * 30)

    assert isinstance(job.error, InvalidRequest)
    assert job.error.param == "hotwords"


async def test_what_is_cut_off_counts_as_far_as_it_goes(tiny: MediaDriver, tmp_path: Path, story: Reading) -> None:
    data = story.path.read_bytes()
    job = await hears(tiny, data[: len(data) // 20], tmp_path)

    assert job.text.startswith("The old lighthouse stood at the end of a narrow road.")
    assert len(job.text) < 250


async def test_samples_that_are_no_numbers_do_no_harm(tiny: MediaDriver, tmp_path: Path, fox: Spoken) -> None:
    sound = decoded(fox.path)
    sound[::5000] = np.nan
    sound[1::5000] = np.inf

    assert (await hears(tiny, encoded(sound, "wav", "pcm_f32le"), tmp_path)).error is None


@pytest.mark.parametrize("options", [{"compute_type": "int3"}, {"beam_size": 0}, {"wishes": 3}])
async def test_bad_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        engine_class("faster_whisper").load(EngineSite(str(sounds.whisper_tiny()), "cpu", options), lambda *_: None)


async def test_weights_that_are_none_are_refused(tmp_path: Path) -> None:
    good = sounds.whisper_tiny()
    assert good is not None
    head = (good / "model.bin").read_bytes()[:100_000]
    wrong = {"nothing": {}, "pickled": {"model.bin": b"\x80\x04"}, "no tokenizer": {"model.bin": head}}
    wrong["cut off"] = {"model.bin": head, "tokenizer.json": (good / "tokenizer.json").read_bytes()}
    for what, files in wrong.items():
        folder = tmp_path / what
        folder.mkdir()
        (folder / "config.json").write_bytes((good / "config.json").read_bytes())
        for name, data in files.items():
            (folder / name).write_bytes(data)
        with pytest.raises(HeadraceError) as caught:
            engine_class("faster_whisper").load(EngineSite(str(folder), "cpu", {}), lambda *_: None)
        assert caught.value.param == "model_path", what
