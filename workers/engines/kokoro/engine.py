"""Kokoro: speech at 24 kHz in the voices of a folder, on the CPU.

A text is spoken sentence by sentence, and requests take turns after each sentence. Nothing is downloaded.
"""

from typing import Any

import numpy as np

from models.errors import InvalidRequest
from models.modalities.media import Artifact, Outcome
from models.modalities.speech import MEDIA_TYPES, Request, warning
from workers.engines.base import Engine, EngineSite, MediaSink, Report
from workers.engines.kokoro import languages
from workers.engines.kokoro.languages import Language
from workers.engines.kokoro.load import RATE, LoadedKokoro, load
from workers.engines.kokoro.reading.base import Reading
from workers.engines.kokoro.sentences import pieces, sentences
from workers.engines.media.sound import encoder
from workers.engines.media.speaking import PAUSE_S, check_request, limits, many
from workers.engines.threads.step_threads import Step, Steps, StepThreads

_MOST_PHONEMES = 200
"""Phonemes of one step: some 12 s of sound. An abort waits for no more than that."""
_PAUSES = frozenset(".,;:!?…—-。、，；：！？")
"""What is silence in itself."""


class Kokoro(Engine[LoadedKokoro]):
    """Speech. ``language`` has a voice read a text of another language than its own, with an accent."""

    honours = frozenset(["voice", "speed", "language"])

    def __init__(self, loaded: LoadedKokoro) -> None:
        super().__init__(loaded)
        self._loaded = loaded
        able = languages.speakable(loaded.voices)
        self.voices = tuple(dict.fromkeys((loaded.default, *able)))
        self.told = limits(loaded.options.max_characters)
        self._threads = StepThreads(1, "kokoro")

    @classmethod
    def load(cls, site: EngineSite, report: Report) -> LoadedKokoro:
        return load(site, report)

    def speech(self, request: Request, sink: MediaSink) -> None:
        """Say the text."""
        check_request(request, self._loaded.options.max_characters)
        check_speed(request.speed, whole=self._loaded.network.speed is np.int32)
        voice, language = languages.choose(
            self._loaded.voices, self._loaded.default, request.voice_name, request.language
        )
        self._threads.take(sink, lambda _: _say(request, self._loaded, voice, language))

    def abort(self, rid: str) -> None:
        self._threads.abort(rid)

    def close(self) -> None:
        self._threads.close()
        self._loaded.voices.clear()

    def counters(self) -> dict[str, int]:
        return {"steps": self._threads.steps, "aborts": self._threads.aborts}


def check_speed(speed: float, *, whole: bool) -> None:
    """Raise InvalidRequest for a speed that the network does not have; ``whole``: its input is a whole number."""
    if whole and speed != int(speed):
        raise InvalidRequest("this network speaks at a speed of 1 or 2", param="speed")


def _say(request: Request, loaded: LoadedKokoro, voice: str, language: Language) -> Steps:
    """One step to read a sentence, and one for each piece of it that is spoken."""
    made = encoder(request.response_format, RATE)
    read, styles = loaded.readers[language.code], loaded.voices[voice]
    spoken: list[tuple[int, Reading]] = []
    for position, sentence in sentences(request.input):
        spoken.append((position, read(sentence)))
        yield Step(0, len(request.input))
    told: dict[str, Any] = {
        "foreign": "" if request.language else languages.foreign(request.input, language),
        "characters": len(request.input),
        "unsaid": sum(one.unsaid for _, one in spoken),
        "strange": many(sum(one.strange for _, one in spoken), sum(one.words for _, one in spoken)),
        "words": sum(one.words for _, one in spoken),
    }
    total, samples = len(request.input), 0
    if warning(told):
        yield Step(0, total, warning=warning(told))
    for position, reading in spoken:
        for part in pieces(reading.phonemes, _MOST_PHONEMES):
            sound = loaded.network.say(part, styles, request.speed) if any(map(str.isalpha, part)) else ()
            samples += len(sound)
            if len(sound):
                yield Step(position, total, made.feed(np.asarray(sound, np.float32)))
    if not samples:  # a program that speaks sentence by sentence must not stop at an emoji
        warned = bool(warning(told))
        told["unsaid"] = told["unsaid"] or sum(not one.isspace() and one not in _PAUSES for one in request.input)
        if not warned:
            yield Step(total, total, warning=warning(told))
        samples = int(PAUSE_S * RATE)
        yield Step(total, total, made.feed(np.zeros(samples, np.float32)))
    yield Step(total, total, made.close())
    artifact = Artifact(request.artifact, MEDIA_TYPES[request.response_format], made.whole())
    return Outcome({"duration_s": round(samples / RATE, 3), "sample_rate": RATE} | told, [artifact])
