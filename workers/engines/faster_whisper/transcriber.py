"""Transcribes the clips of one request: from clips to segments."""

import copy
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from faster_whisper import BatchedInferencePipeline

from models.errors import InvalidRequest
from models.modalities.transcription import Request
from workers.engines.faster_whisper.clips import WINDOW_S, Clip
from workers.engines.faster_whisper.segments import FRAMES, Segment, segment_of, sentences
from workers.engines.media.recording import RATE
from workers.engines.threads.step_threads import RequestStopped, SteppedRequest

TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_LEAST_LOGPROB = -1.0
_MOST_COMPRESSION = 2.4
_SURE = 0.5
_TAME = 0.5
_MOST_EXPECTED = 100
_CONTEXT = 448
_PREVIOUS = 223


class Transcriber:
    """Transcribes clips, in order. The language is that of the first clip in which it is clear.

    Where the request is ``multilingual``, each clip has its own, and that of the first is told.
    """

    def __init__(self, whisper: Any, request: Request, beam_size: int, stepped: SteppedRequest) -> None:
        self._whisper = copy.copy(whisper)
        self._whisper.model = _Guarded(whisper.model, stepped)
        self._whole = request.vad_filter is False
        self._prompt = request.prompt
        self._previous: list[int] = []
        self._settled = request.language or (None if whisper.model.is_multilingual else "en")
        self._guess, self._sure, self._clear = self._settled, 0.0, False
        self._temperature = request.temperature or None
        self._timed = request.wants_segments or request.wants_words or request.streams
        self._how = {
            "task": "translate" if request.translate else "transcribe",
            "beam_size": request.beam_size or beam_size,
            "hotwords": request.expected_words,
            "word_timestamps": self._timed,
            "max_new_tokens": most_new_tokens(whisper, request),
            "multilingual": bool(request.multilingual),
        }

    @property
    def language(self) -> str | None:
        """The code of the language that was spoken; None where nothing was spoken."""
        return self._guess

    def transcribe(self, clips: list[Clip]) -> Iterator[Segment]:
        """The segments of these clips, in order."""
        if len(clips) > 1:
            yield from self._together(clips)
        else:
            for clip in clips:
                yield from self._alone(clip, [self._temperature] if self._temperature else list(TEMPERATURES))

    def _alone(self, clip: Clip, temperatures: list[float]) -> Iterator[Segment]:
        """Transcribe one clip, window by window, and again at the next temperature where a text is not credible."""
        prompt = self._previous or self._prompt
        parts, info = self._whisper.transcribe(
            clip.sound, language=self._settled, initial_prompt=prompt, temperature=temperatures, **self._how
        )
        self._learn(info)
        for part in parts:
            if self._whole:  # the next clip begins in the middle of speech, so it gets the text before it
                self._previous = [*self._previous, *part.tokens][-_PREVIOUS:] if part.temperature <= _TAME else []
            yield from self._cut(segment_of(part, clip.start_s))

    def _together(self, clips: list[Clip]) -> Iterator[Segment]:
        """Transcribe clips in one batch: they stand in one array, each in a window of its own."""
        window = WINDOW_S * RATE
        sound = np.zeros(len(clips) * window, np.float32)
        places = []
        for number, clip in enumerate(clips):
            sound[number * window : number * window + len(clip.sound)] = clip.sound
            places.append({"start": number * WINDOW_S, "end": number * WINDOW_S + len(clip.sound) / RATE})
        parts, info = BatchedInferencePipeline(self._whisper).transcribe(
            sound,
            language=self._settled,
            initial_prompt=self._prompt,
            temperature=0.0,
            clip_timestamps=places,
            without_timestamps=True,  # with them, all that comes after a window's last timestamp would be lost
            **self._how,
        )
        self._learn(info)
        of_clip: list[list[Any]] = [[] for _ in clips]
        for part in parts:
            of_clip[part.seek // (WINDOW_S * FRAMES)].append(part)
        for number, clip in enumerate(clips):
            if credible(of_clip[number]):
                place = number * WINDOW_S
                for part in of_clip[number]:
                    if part.text.strip():
                        yield from self._cut(segment_of(part, clip.start_s, place))
            else:
                yield from self._alone(clip, list(TEMPERATURES))

    def _cut(self, segment: Segment) -> Iterator[Segment]:
        if self._timed:
            encode = self._whisper.hf_tokenizer.encode
            yield from sentences(segment, lambda text: list(encode(text, add_special_tokens=False).ids))
        else:
            yield segment

    def _learn(self, info: Any) -> None:
        if self._settled is None and not self._clear and info.language_probability >= self._sure:
            self._guess, self._sure = info.language, info.language_probability
            self._clear = self._sure >= _SURE
            if self._clear and not self._how["multilingual"]:
                self._settled = self._guess


def credible(segments: list[Any]) -> bool:
    """Whether a clip's text passes the tests of Whisper's own decoding: it is neither repetitive nor unlikely."""
    text = "".join(segment.text for segment in segments).strip().encode()
    if not text:
        return True
    if len(text) / len(zlib.compress(text)) > _MOST_COMPRESSION:
        return False
    return all(segment.avg_logprob >= _LEAST_LOGPROB for segment in segments)


def most_new_tokens(whisper: Any, request: Request) -> int | None:
    """How many tokens a window's text may have, to fit the context. Raises InvalidRequest for too many hints."""
    expected = request.expected_words
    hints = len(whisper.hf_tokenizer.encode(" " + expected, add_special_tokens=False).ids) if expected else 0
    if hints > _MOST_EXPECTED:
        param = "hotwords" if request.hotwords else "keywords"
        raise InvalidRequest(f"the words to expect have {hints} tokens; {_MOST_EXPECTED} may be given", param=param)
    if request.max_new_tokens is None:
        return None
    return min(request.max_new_tokens, _CONTEXT - _PREVIOUS - hints - 6)


class _Guarded:
    """A CTranslate2 model that refuses further work once the request is over."""

    def __init__(self, model: Any, stepped: SteppedRequest) -> None:
        self._model = model
        self._stepped = stepped

    def __getattr__(self, name: str) -> Any:
        if self._stepped.over and name in ("encode", "generate", "align", "detect_language"):
            raise RequestStopped
        return getattr(self._model, name)
