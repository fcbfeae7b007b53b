"""hibari: English speech at 24 kHz from voices of 8 MB (ONNX), on the CPU.

A text is spoken sentence by sentence, and requests take turns after each sentence. A voice is one file of the directory
that was launched; nothing is downloaded.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import InvalidRequest
from models.launching.options.sound import HibariOptions
from models.modalities.media import Artifact, Outcome
from models.modalities.speech import MEDIA_TYPES, OPENAI_VOICES, Request, warning
from workers.engines.base import Capacity, Engine, EngineSite, MediaSink, Report
from workers.engines.media.sound import Samples, encoder
from workers.engines.media.speaking import PAUSE_S, check_request, limits, many
from workers.engines.threads.step_threads import Step, Steps, StepThreads

_MOST_PHONEMES = 400
_GUESS = 2
"""The library's mark of a word that its lexicon lacks, so that a network guesses how it is said."""
_NAMELESS = re.compile(r"\d[\d,]{20,}")


@dataclass(frozen=True, slots=True)
class LoadedVoice:
    """``voices`` by name, the default first."""

    options: HibariOptions
    voices: dict[str, Any]

    @property
    def capacity(self) -> Capacity:
        """See ``base.Loaded``."""
        return Capacity(self.options.max_inflight, 0)


class Hibari(Engine[LoadedVoice]):
    """Speech. ``seed`` fixes the noise in a voice: then the same text gives the same sound."""

    honours = frozenset(["voice", "speed", "seed", "language"])

    def __init__(self, loaded: LoadedVoice) -> None:
        super().__init__(loaded)
        self._options = loaded.options
        self._voices = loaded.voices
        self.voices = tuple(loaded.voices)
        self.told = limits(loaded.options.max_characters)
        self._default = next(iter(loaded.voices))
        self._threads = StepThreads(1, "hibari")

    @classmethod
    def load(cls, site: EngineSite, report: Report) -> LoadedVoice:
        options = HibariOptions.read(site.options)
        report("loading", 0.0)
        voices = _voices(Path(site.source), options.n_threads)
        report("warming", 0.0)
        for voice in voices.values():
            voice("Ready.")  # reads the lexicon, too
        return LoadedVoice(options, voices)

    def speech(self, request: Request, sink: MediaSink) -> None:
        """Say the text."""
        check_request(request, self._options.max_characters)
        if request.language and not request.language.lower().startswith("en"):
            raise InvalidRequest("this voice speaks English alone", param="language")
        voice = self._voices[self._choose(request.voice_name)]
        self._threads.take(sink, lambda _: _say(request, voice))

    def abort(self, rid: str) -> None:
        self._threads.abort(rid)

    def close(self) -> None:
        self._threads.close()
        self._voices.clear()

    def counters(self) -> dict[str, int]:
        return {"steps": self._threads.steps, "aborts": self._threads.aborts}

    def _choose(self, name: str | None) -> str:
        if name in self._voices:
            return name
        if name is None or name in OPENAI_VOICES | {"default", "hibari"}:
            return self._default
        known = ", ".join([*self._voices, "default", *sorted(OPENAI_VOICES - self._voices.keys())])
        raise InvalidRequest(f"there is no voice '{name}'; there are {known}", param="voice")


def _say(request: Request, voice: Any) -> Steps:
    """One step a sentence."""
    made = encoder(request.response_format, voice.sample_rate)
    rng = np.random.default_rng(request.seed)
    text, unsaid = sayable(readable(request.input), voice.g2p)
    strange, words = strange_in(voice.split_sentences(text), voice.g2p)
    total, samples = len(text), 0
    told = {"characters": len(request.input), "unsaid": unsaid, "strange": strange, "words": words}
    if warning(told):
        yield Step(0, total, warning=warning(told))
    for position, phonemes in _sentences(voice, text):
        sound: Samples = voice.from_ids(voice.ids(phonemes), request.speed, rng)
        samples += len(sound)
        yield Step(position, total, made.feed(sound))
    if not samples:  # a program that speaks sentence by sentence must not stop at an emoji
        told["unsaid"] = unsaid or len("".join(text.split()))
        yield Step(total, total, warning=warning(told))
        samples = int(PAUSE_S * voice.sample_rate)
        yield Step(total, total, made.feed(np.zeros(samples, np.float32)))
    yield Step(total, total, made.close())
    artifact = Artifact(request.artifact, MEDIA_TYPES[request.response_format], made.whole())
    seconds = round(samples / voice.sample_rate, 3)
    return Outcome({"duration_s": seconds, "sample_rate": voice.sample_rate} | told, [artifact])


def sayable(text: str, g2p: Any) -> tuple[str, int]:
    """The text without letters of scripts that the voice cannot read, and how many characters it has no sound for.

    The library would make noise of Cyrillic and Greek: its network knows nothing but English words.
    """
    beyond = Counter(one for one in text if ord(one) > 127)
    foreign = {one for one in beyond if _is_foreign(one) and _guessed(g2p, one)}
    silent = {one for one in beyond if unicodedata.category(one)[0] in "LNS" and not g2p(one)}
    unsaid = sum(beyond[one] for one in foreign | silent if unicodedata.category(one)[0] != "M")
    return "".join(one for one in text if one not in foreign), unsaid


def strange_in(sentences: Iterable[str], g2p: Any) -> tuple[int, int]:
    """How many words the voice does not know, and how many there are. 0 of them where so few may be names."""
    from hibari.g2p.normalize import normalize

    guessed = total = 0
    for sentence in sentences:
        for word in g2p.phonemize_tokens(g2p.tokenize(normalize(sentence))):
            if any(one.isalpha() for one in word.text):
                total += 1
                guessed += word.rating == _GUESS
    return many(guessed, total), total


def _is_foreign(one: str) -> bool:
    """Whether it is a letter, or a mark of one, of another script than the Latin one."""
    return unicodedata.category(one)[0] in "LM" and not unicodedata.name(one, "").startswith(("LATIN", "COMBINING"))


def _guessed(g2p: Any, one: str) -> bool:
    return all(word.rating in (_GUESS, None) or not word.phonemes for word in g2p.phonemize_tokens(g2p.tokenize(one)))


def readable(text: str) -> str:
    """The text, with very long numbers written digit by digit: the library fails on a number that has no name."""
    return _NAMELESS.sub(lambda number: " ".join(number[0].replace(",", "")), text)


def _sentences(voice: Any, text: str) -> Iterator[tuple[int, str]]:
    """The phonemes of the text, in pieces, each with the position in the text at which its sentence ends."""
    position = 0
    for sentence in voice.split_sentences(text):
        position = text.find(sentence, position) + len(sentence)
        for phonemes in voice.phonemize(sentence):
            for part in pieces(phonemes, _MOST_PHONEMES):
                yield position, part


def pieces(phonemes: str, most: int) -> Iterator[str]:
    """A sentence in pieces of at most ``most`` phonemes, cut between words, or within a word that is longer."""
    while len(phonemes) > most:
        cut = phonemes.rfind(" ", 1, most) if " " in phonemes[1:most] else most
        yield phonemes[:cut]
        phonemes = phonemes[cut:].lstrip()
    if phonemes:
        yield phonemes


def _voices(folder: Path, threads: int) -> dict[str, Any]:
    """The voices whose files are in the folder, the default first."""
    from hibari import Hibari as Voice
    from hibari.voices import VOICES

    voices = {}
    for name, known in VOICES.items():
        path = folder / known["file"]
        if path.is_file():
            voices[name] = Voice(voice=name, model=str(path), threads=threads)
    if not voices:
        files = ", ".join(known["file"] for known in VOICES.values())
        raise InvalidRequest(f"there is no voice in {folder}: one of {files} is needed", param="model_path")
    return voices
