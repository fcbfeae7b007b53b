"""faster-whisper: speech to text on CTranslate2, on a CPU or a GPU, for recordings of any length.

A recording is decoded, cut and transcribed as a stream, so that an hour costs the memory of minutes. There are three
ways:

* up to 30 s: it is one window; nothing is transcribed where nobody speaks;
* longer: pauses are found (Silero VAD), and the clips between them, of at most 30 s each, are transcribed
  ``batch_size`` at a time. A clip whose text is not credible is done again alone, at rising temperatures. Where the
  request asks for a temperature above 0, each clip is done alone;
* with ``vad_filter`` false: all of it is transcribed, one window after another, and each window gets the text before
  it, as in OpenAI's Whisper.
"""

import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy
from faster_whisper.vad import VadOptions, get_vad_model

from models.errors import EngineFailure, InvalidRequest
from models.launching.engine_choice import fits, formats_of
from models.launching.options.sound import FasterWhisperOptions
from models.launching.peek import peek_at
from models.modalities.media import Outcome
from models.modalities.transcription import HeardPiece, Request, ServerVad
from models.modalities.transcription.languages import NAMES
from workers.engines.accelerator.faults import device_lost, kind_of
from workers.engines.base import Capacity, Engine, EngineSite, MediaSink, Report
from workers.engines.faster_whisper import clips as cutting
from workers.engines.faster_whisper import cublas
from workers.engines.faster_whisper.clips import Clip, ClipGroup
from workers.engines.faster_whisper.conversion import converted
from workers.engines.faster_whisper.depth import is_distilled
from workers.engines.faster_whisper.transcriber import Transcriber, most_new_tokens
from workers.engines.faster_whisper.transcript import Transcript
from workers.engines.media.recording import RATE, Recording, Sound
from workers.engines.threads.step_threads import Step, SteppedRequest, Steps, StepThreads

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedWhisper:
    """A loaded model. ``whisper`` is a ``faster_whisper.WhisperModel``.

    It computes ``inflight`` requests at once, and ``batch`` clips of each. ``translates``: it can, into English.
    """

    whisper: Any
    inflight: int
    batch: int
    beam_size: int
    max_audio_s: float
    translates: bool = True

    @property
    def capacity(self) -> Capacity:
        """See ``base.Loaded``."""
        return Capacity(self.inflight, 0)


class FasterWhisper(Engine[LoadedWhisper]):
    """Transcription and translation into English. An abort takes effect before the next try at a window."""

    honours = frozenset(
        [
            *("language", "prompt", "temperature", "timestamp_granularities", "translate", "chunking_strategy"),
            *("vad_filter", "keywords", "hotwords", "beam_size", "max_new_tokens", "multilingual"),
        ]
    )

    def __init__(self, loaded: LoadedWhisper) -> None:
        super().__init__(loaded)
        self._model = loaded
        self._whisper = loaded.whisper
        languages = self._languages()
        self.told = {"languages": languages, "translates": loaded.translates and languages != ["en"]}
        self._threads = StepThreads(loaded.inflight, "faster-whisper")
        self._fault = ""

    @classmethod
    def load(cls, site: EngineSite, report: Report) -> LoadedWhisper:
        options = FasterWhisperOptions.read(site.options)
        kind, _, number = site.device.partition(":")
        on_gpu = kind == "cuda"
        inflight = options.max_inflight or (2 if on_gpu else 1)
        report("loading", 0.0)
        if on_gpu:
            cublas.preload()
        folder = in_ct2(Path(site.source), Path(site.cache or tempfile.gettempdir()) / "converted", report)
        whisper = _load(
            folder,
            device="cuda" if on_gpu else "cpu",  # it has nothing for Metal
            device_index=int(number or 0),
            compute_type=options.compute_type or ("float16" if on_gpu else "int8"),
            cpu_threads=options.n_threads or 0,
            num_workers=inflight,
        )
        report("warming", 0.0)
        get_vad_model()
        if on_gpu:
            hear_silence(whisper)
        batch = options.batch_size or (16 if on_gpu else 1)
        translates = not is_distilled(folder) if options.translates is None else options.translates
        return LoadedWhisper(whisper, inflight, batch, options.beam_size, options.max_audio_s, translates)

    def transcription(self, request: Request, sink: MediaSink) -> None:
        """Write down what is said in ``file``, or translate it into English."""
        self._suits(request)
        path = sink.files["file"]
        self._threads.take(sink, lambda stepped: self._guarded(request, path, stepped))

    def abort(self, rid: str) -> None:
        self._threads.abort(rid)

    def close(self) -> None:
        self._threads.close()
        self._whisper.model.unload_model()

    def alive(self) -> bool:
        return not self._fault

    def fault(self) -> str:
        return self._fault

    def counters(self) -> dict[str, int]:
        return {"steps": self._threads.steps, "aborts": self._threads.aborts}

    def _languages(self) -> list[str]:
        """The codes of the languages that the model knows."""
        if not self._whisper.model.is_multilingual:
            return ["en"]
        return [code for code in NAMES if self._whisper.hf_tokenizer.token_to_id(f"<|{code}|>") is not None]

    def _suits(self, request: Request) -> None:
        """Raises InvalidRequest for what this model cannot do."""
        if not self._whisper.model.is_multilingual:
            if request.translate:
                raise InvalidRequest("this model understands English alone, and so cannot translate", param="model")
            if request.multilingual:
                raise InvalidRequest("this model understands English alone", param="multilingual")
            if request.language not in (None, "en"):
                raise InvalidRequest(
                    f"this model understands English alone, not {NAMES[request.language]}", param="language"
                )
        elif request.language and self._whisper.hf_tokenizer.token_to_id(f"<|{request.language}|>") is None:
            raise InvalidRequest(f"this model does not know {NAMES[request.language]}", param="language")
        if request.translate and not self._model.translates:
            raise InvalidRequest(
                "this model was made to write down what is said, as Whisper turbo, and cannot translate: use one that "
                "can; or if this one can, launch it with 'translates' true",
                param="model",
            )
        most_new_tokens(self._whisper, request)

    def _guarded(self, request: Request, path: Path, stepped: SteppedRequest) -> Steps:
        try:
            return (yield from self._steps(request, path, stepped))
        except RuntimeError as error:  # CTranslate2's
            if device_lost(error):
                self._fault = str(error)
            log.exception("a recording cannot be transcribed")
            raise EngineFailure(f"faster-whisper: {kind_of(error)}") from error

    def _steps(self, request: Request, path: Path, stepped: SteppedRequest) -> Steps:
        transcriber = Transcriber(self._whisper, request, self._model.beam_size, stepped)
        transcript = Transcript(request)
        with Recording(path, self._model.max_audio_s) as recording:
            for clips, until in self._batches(request, recording):
                for segment in transcriber.transcribe(clips):
                    start, end = segment["start"], segment["end"]
                    text = transcript.add(segment)
                    piece = HeardPiece(text, start, end).encode() if text else b""
                    yield Step(min(end, until), _total(recording), piece)
                yield Step(until, _total(recording))
            duration = recording.decoded_s
        return Outcome(transcript.body(transcriber.language, duration))

    def _batches(self, request: Request, recording: Recording) -> Iterator[tuple[list[Clip], float]]:
        """Clips that are to be transcribed together, each time with the seconds of the recording that are then done."""
        one_by_one = request.temperature or request.vad_filter is False
        size = 1 if one_by_one else self._model.batch
        waiting: list[Clip] = []
        until = 0.0
        for group in _clip_groups(request, recording.parts()):
            until = group.until_s
            waiting += group.clips
            while len(waiting) >= size:
                batch, waiting = waiting[:size], waiting[size:]
                yield batch, waiting[0].start_s if waiting else until
            if not group.clips:
                yield [], waiting[0].start_s if waiting else until
        if waiting:
            yield waiting, until


def _clip_groups(request: Request, parts: Iterator[Sound]) -> Iterator[ClipGroup]:
    wanted = request.chunking_strategy is not None or request.vad_filter or request.multilingual
    if request.vad_filter is False:
        return cutting.whole(parts)
    first, more = cutting.gather(parts, cutting.WINDOW_S * RATE)
    if more or wanted:
        return cutting.spoken(chain([first], parts), _vad(request))
    clips = [Clip(0.0, first)] if cutting.speaks(first) else []
    return iter([ClipGroup(clips, len(first) / RATE)])


def _vad(request: Request) -> VadOptions:
    asked = request.chunking_strategy
    if not isinstance(asked, ServerVad):
        asked = ServerVad(type="server_vad")
    return VadOptions(
        threshold=asked.threshold,
        speech_pad_ms=asked.prefix_padding_ms,
        min_silence_duration_ms=asked.silence_duration_ms,
        max_speech_duration_s=cutting.WINDOW_S,
    )


def _total(recording: Recording) -> float:
    return max(recording.length_s or 0.0, recording.decoded_s)


def hear_silence(whisper: Any) -> None:
    """Transcribe a second of silence: libraries that are missing are missed by the first computation, not by the load.

    Raises InvalidRequest where a library is missing, which another try does not mend; EngineFailure for other errors.
    """
    try:
        segments, _ = whisper.transcribe(
            numpy.zeros(RATE, numpy.float32), language="en", beam_size=1, temperature=0.0, max_new_tokens=4
        )
        for _ in segments:  # it is computed as it is read
            pass
    except RuntimeError as error:
        if "not found" in str(error):
            raise InvalidRequest(
                f"faster-whisper cannot use the GPU: {error}; CTranslate2 needs cuBLAS 12, "
                f"as in: uv pip install {cublas.PACKAGE}",
                param="device",
            ) from error
        raise EngineFailure(f"faster-whisper cannot use the GPU: {error}") from error


def in_ct2(path: Path, cache: Path, report: Report) -> Path:
    """The folder of CTranslate2 for these weights: itself, or one made of it in ``cache``. Raises InvalidRequest."""
    seen = peek_at(path)
    if path.is_dir() and "ct2" in formats_of(seen):
        return path
    if any(fit.engine.name == "faster_whisper" for fit in fits(seen)):
        return converted(path, cache, report)
    raise InvalidRequest(
        f"{path} is neither a folder of CTranslate2, with its model.bin, nor a Whisper model of Hugging Face",
        param="model_path",
    )


def _load(path: Path, **how: Any) -> Any:
    """A ``faster_whisper.WhisperModel``."""
    from faster_whisper import WhisperModel

    if not (path / "tokenizer.json").is_file():  # the library would fetch OpenAI's from a hub
        raise InvalidRequest(f"{path} holds no tokenizer.json", param="model_path")
    try:
        return _with_its_mels(WhisperModel(str(path), local_files_only=True, **how))
    except (RuntimeError, ValueError) as error:
        if "CUDA" in str(error):
            raise EngineFailure(f"faster-whisper cannot use the GPU: {error}") from error
        raise InvalidRequest(f"CTranslate2 cannot load {path.name}: {error}", param="model_path") from error


def _with_its_mels(whisper: Any) -> Any:
    """The model, given sound in as many bands as it has: where no file says so, the library takes 80."""
    from faster_whisper.feature_extractor import FeatureExtractor

    if whisper.feature_extractor.mel_filters.shape[0] != whisper.model.n_mels:
        whisper.feat_kwargs = whisper.feat_kwargs | {"feature_size": whisper.model.n_mels}
        whisper.feature_extractor = FeatureExtractor(**whisper.feat_kwargs)
    return whisper
