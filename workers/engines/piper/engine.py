"""Piper: speech at 24 kHz in the voices of a folder, on the CPU.

A text is spoken sentence by sentence, and requests take turns after each sentence. Nothing is downloaded.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from models.modalities.media import Artifact, Outcome
from models.modalities.speech import MEDIA_TYPES, Request, warning
from workers.engines.base import Engine, EngineSite, MediaSink, Report
from workers.engines.media.resampling import Resampler
from workers.engines.media.sound import encoder
from workers.engines.media.speaking import PAUSE_S, check_request, limits
from workers.engines.piper.load import LoadedPiper, PiperNetwork, load
from workers.engines.piper.texts import check_text, is_other_language, pieces, readable, sayable
from workers.engines.piper.voices import Speaker, choose
from workers.engines.threads.step_threads import Step, Steps, StepThreads

RATE = 24_000
"""Of all sound, in Hz, whatever a voice's own is: programs for OpenAI expect it of pcm, and Opus has no 22,050."""
_MOST_PHONEMES = 200
"""Phonemes of one step: some 12 s of sound. An abort waits for no more than that."""
_PAUSES = frozenset(".,;:!?…—-。、，；：！？¡¿")
"""What is silence in itself."""


class Piper(Engine[LoadedPiper]):
    """Speech. ``language`` without a voice takes one that speaks it."""

    honours = frozenset(["voice", "speed", "language"])

    def __init__(self, loaded: LoadedPiper) -> None:
        super().__init__(loaded)
        self._loaded = loaded
        self.voices = tuple(dict.fromkeys((loaded.default, *loaded.speakers)))
        self.told = limits(loaded.options.max_characters)
        self._threads = StepThreads(1, "piper")

    @classmethod
    def load(cls, site: EngineSite, report: Report) -> LoadedPiper:
        return load(site, report)

    def speech(self, request: Request, sink: MediaSink) -> None:
        """Say the text."""
        check_request(request, self._loaded.options.max_characters)
        check_text(request.input)
        speaker = choose(self._loaded.speakers, self._loaded.default, request.voice_name, request.language)
        network = self._loaded.networks[speaker.network]
        self._threads.take(sink, lambda _: _say(request, network, speaker))

    def abort(self, rid: str) -> None:
        self._threads.abort(rid)

    def close(self) -> None:
        self._threads.close()
        self._loaded.networks.clear()

    def counters(self) -> dict[str, int]:
        return {"steps": self._threads.steps, "aborts": self._threads.aborts}


def _say(request: Request, network: PiperNetwork, speaker: Speaker) -> Steps:
    """One step a sentence."""
    made, resampler = encoder(request.response_format, RATE), Resampler(network.rate, RATE)
    family = speaker.language.family if network.described.phoneme_type == "espeak" else ""
    text, unsaid = sayable(readable(request.input), family, network.has_sound)
    told: dict[str, Any] = {"characters": len(request.input), "unsaid": unsaid, "strange": 0}
    told["words"] = len(request.input.split())
    if not request.language and is_other_language(request.input, family):
        told["foreign"] = speaker.language.name
    total, samples = len(text), 0
    if warning(told):
        yield Step(0, total, warning=warning(told))
    for position, phonemes in _spoken(text, network):
        if any(any(map(str.isalpha, one)) for one in phonemes):
            sound = resampler.feed(network.say(phonemes, speaker.number, request.speed))
            samples += len(sound)
            yield Step(position, total, made.feed(sound))
    rest = resampler.close()
    if not samples + len(rest):  # a program that speaks sentence by sentence must not stop at an emoji
        warned = bool(warning(told))
        told["unsaid"] = unsaid or sum(not one.isspace() and one not in _PAUSES for one in request.input)
        if not warned:
            yield Step(total, total, warning=warning(told))
        rest = np.zeros(int(PAUSE_S * RATE), np.float32)
    samples += len(rest)
    yield Step(total, total, made.feed(rest))
    yield Step(total, total, made.close())
    artifact = Artifact(request.artifact, MEDIA_TYPES[request.response_format], made.whole())
    return Outcome({"duration_s": round(samples / RATE, 3), "sample_rate": RATE} | told, [artifact])


def _spoken(text: str, network: PiperNetwork) -> Iterator[tuple[int, Sequence[str]]]:
    """The phonemes of each sentence, or piece of one, and where it ends in the text: by their share of its line's."""
    begin = 0
    for line in text.splitlines(keepends=True):
        said = network.sentences(line) if line.strip() else []
        whole, done = sum(map(len, said)) or 1, 0
        for part in (part for sentence in said for part in pieces(sentence, _MOST_PHONEMES)):
            done += len(part)
            yield begin + len(line.rstrip()) * done // whole, part
        begin += len(line)
