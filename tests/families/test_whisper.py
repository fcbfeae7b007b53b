"""Whisper as Hugging Face has it: converted once, and then what the library itself computes."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import torch
import transformers
from ctranslate2 import StorageView

from models.errors import InvalidRequest
from models.launching.engine_choice import choose
from models.launching.peek import peek_at
from tests.engines.audio_driver import MediaDriver
from tests.families.makers.sound.whisper import save_whisper
from tests.support.sounds import decoded, spoken, whisper_base
from workers.engines import engine_class
from workers.engines.base import EngineSite
from workers.engines.faster_whisper.conversion import converted, key_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.weights]

make: Any = transformers
PROMPT = [50258, 50259, 50359, 50363]
"""The start, English, write down, without times."""
OPTIONS = {"compute_type": "float32", "n_threads": 1, "beam_size": 1}


def silent(stage: str, fraction: float) -> None:
    """No report."""


def site(folder: Path, cache: Path, **options: Any) -> EngineSite:
    return EngineSite(str(folder), "cpu", OPTIONS | options, cache=str(cache))


@pytest.fixture(scope="module")
def turbo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As large-v3-turbo: 128 bands, and a decoder that is shorter than the encoder."""
    if whisper_base() is None:
        pytest.skip("no weights of Whisper are installed")
    return save_whisper(tmp_path_factory.mktemp("turbo"), mels=128, layers=(4, 1))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hearing(turbo: Path, cache: Path) -> AsyncIterator[MediaDriver]:
    engine = await engine_class("faster_whisper").resident(site(turbo, cache), silent)
    yield MediaDriver("transcription", engine)
    engine.close()


def of_the_library(folder: Path, sound: Any, most: int) -> tuple[Any, list[int]]:
    """What transformers' encoder makes of a sound, and what it writes, greedily."""
    extractor = make.WhisperFeatureExtractor.from_pretrained(folder)
    model = make.WhisperForConditionalGeneration.from_pretrained(folder).eval()
    features = extractor(sound, sampling_rate=16_000, return_tensors="pt").input_features
    ids = list(PROMPT)
    with torch.inference_mode():
        for _ in range(most):
            logits = model(input_features=features, decoder_input_ids=torch.tensor([ids])).logits[0, -1]
            ids.append(int(logits.argmax()))
        states = model.model.encoder(features).last_hidden_state.numpy()
    return states, ids[len(PROMPT) :]


async def test_it_says_what_transformers_says(hearing: MediaDriver, turbo: Path) -> None:
    sound = decoded(spoken("en", "hello_world").path)
    whisper = hearing.engine._whisper  # type: ignore[attr-defined]
    features = make.WhisperFeatureExtractor.from_pretrained(turbo)(sound, sampling_rate=16_000, return_tensors="np")
    [answer] = whisper.model.generate(
        StorageView.from_array(features.input_features),
        [PROMPT],
        beam_size=1,
        suppress_blank=False,
        suppress_tokens=[],
        max_length=12 + len(PROMPT),
    )

    heard = np.array(whisper.model.encode(StorageView.from_array(features.input_features)))
    states, said = of_the_library(turbo, sound, len(answer.sequences_ids[0]))

    assert np.abs(heard - states).max() < 1e-4
    assert answer.sequences_ids[0] == said
    assert len(said) > len(set(said)) > 1


async def test_its_folder_alone_tells_the_engine(turbo: Path) -> None:
    fit = choose(str(turbo), peek_at(turbo), None, None)

    assert (fit.engine.name, fit.model_type) == ("faster_whisper", "audio")


async def test_a_recording_is_heard(hearing: MediaDriver) -> None:
    job = await hearing.ask(spoken("en", "hello_world").path, language="en", max_new_tokens=8)

    assert job.body["duration"] > 1


async def test_what_cannot_translate_says_so(hearing: MediaDriver, turbo: Path, cache: Path) -> None:
    path = spoken("fr", "pangrama").path
    job = await hearing.ask(path, translate=True)
    assert isinstance(job.error, InvalidRequest)
    assert "cannot translate" in job.error.message

    told = await MediaDriver.resident("transcription", "faster_whisper", turbo, OPTIONS | {"translates": True})
    assert (await told.ask(path, translate=True, language="fr", max_new_tokens=4)).error is None
    told.engine.close()


async def test_the_model_says_how_many_bands_it_has(hearing: MediaDriver, turbo: Path, cache: Path) -> None:
    place = converted(turbo, cache / "converted", silent)
    (place / "preprocessor_config.json").rename(cache / "away")  # some conversions come without
    try:
        engine = await engine_class("faster_whisper").resident(site(place, cache), silent)
    finally:
        (cache / "away").rename(place / "preprocessor_config.json")
    driver = MediaDriver("transcription", engine)

    assert (await driver.ask(spoken("en", "hello_world").path, language="en", max_new_tokens=4)).error is None
    engine.close()


async def test_two_runners_make_it_once_whatever_a_killed_one_left(turbo: Path, tmp_path: Path) -> None:
    left = tmp_path / f"{key_of(turbo)}.part"
    left.mkdir()
    (left / "model.bin").write_bytes(b"half")
    made = await asyncio.gather(*(asyncio.to_thread(converted, turbo, tmp_path, silent) for _ in range(2)))
    written = (made[0] / "model.bin").stat()

    assert made[0] == made[1] == await asyncio.to_thread(converted, turbo, tmp_path, silent)
    assert sorted(Path(name).suffix for name in os.listdir(tmp_path)) == ["", ".lock"]
    assert written == (made[0] / "model.bin").stat()
    assert written.st_size > 1000
    assert len(json.loads((made[0] / "config.json").read_text())["lang_ids"]) > 90


async def test_other_weights_are_converted_anew(turbo: Path, tmp_path: Path) -> None:
    shutil.copytree(turbo, tmp_path, dirs_exist_ok=True)
    before = key_of(tmp_path)
    os.utime(tmp_path / "model.safetensors", (1, 1))
    changed = key_of(tmp_path)
    (tmp_path / "config.json").write_text((tmp_path / "config.json").read_text() + " ")

    assert len({before, changed, key_of(tmp_path), key_of(turbo)}) == 4


async def test_weights_that_lack_tensors_are_not_served_as_noise(turbo: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(turbo, tmp_path, dirs_exist_ok=True)
    tensors = load_file(turbo / "model.safetensors")
    del tensors["model.encoder.layers.2.fc1.weight"]
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(InvalidRequest, match=r"lack 1 tensors, among them model\.encoder\.layers\.2\.fc1") as caught:
        await asyncio.to_thread(converted, tmp_path, tmp_path / "made", silent)

    assert caught.value.param == "model_path"
    assert str(tmp_path) not in caught.value.message
