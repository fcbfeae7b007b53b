"""Transcribes recordings clip by clip: each clip is a prompt of the model, computed beside all other requests."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Protocol

from models.errors import EngineFailure, HeadraceError, InvalidRequest, UnsupportedParameter
from models.modalities import completions
from models.modalities.base import Usage
from models.modalities.chat.messages import Media
from models.modalities.media import Outcome
from models.modalities.text import Delta
from models.modalities.transcription import HeardPiece, Request
from workers.engines.base import MediaSink
from workers.engines.media.recording import Recording
from workers.engines.text.limits import too_long
from workers.engines.transformers.hearing.asking import Asker
from workers.engines.transformers.hearing.clips import Passage, clips
from workers.engines.transformers.hearing.text import ClipText, between
from workers.engines.transformers.load import LoadedTransformer
from workers.engines.transformers.seeing.reader import Read

log = logging.getLogger(__name__)

_LONGEST_S = 4 * 3600.0
"""Of a recording."""
_TOKENS_PER_S = 16
"""More than anybody speaks: a model that repeats itself is cut."""
_LEAST_TOKENS = 64


class Ask(Protocol):
    """How a prompt is computed: it is added to the engine's requests, on the event loop."""

    def __call__(self, body: completions.Request, prompt: tuple[str, *Read], sink: Any) -> None:
        """Answer the prompt into the sink (a ``Sink``)."""


@dataclass(eq=False, slots=True)
class _Piece:
    """The sink of one clip."""

    rid: str
    on_delta: Callable[[Delta], None]
    on_end: Callable[[HeadraceError | None], None]
    media: Sequence[Media] = ()

    def delta(self, delta: Delta) -> None:
        self.on_delta(delta)

    def part(self, part: Any) -> None:
        """No answer to a prompt comes in parts."""

    def done(self, usage: Usage, result: Any = None) -> None:
        self.on_end(None)

    def fail(self, error: HeadraceError) -> None:
        self.on_end(error)


@dataclass(eq=False, slots=True)
class _Open:
    """A recording that is being transcribed. While it is ``reading``, recording and clips belong to that thread."""

    request: Request
    sink: MediaSink
    recording: Recording | None = None
    clips: Iterator[Passage] = field(default_factory=lambda: iter(()))
    reading: bool = False
    over: bool = False
    number: int = 0
    text: str = ""
    language: str | None = None
    piece: str = ""
    """The id of the clip that is being computed."""


class Transcriptions:
    """The recordings that one model transcribes. All public methods belong to the event loop."""

    def __init__(self, model: LoadedTransformer, thread: Executor, ask: Ask) -> None:
        """``thread`` reads recordings and prompts, one at a time; ``ask`` has a prompt computed."""
        self._model = model
        self._thread = thread
        self._ask = ask
        self._loop = asyncio.get_running_loop()
        self._open: dict[str, _Open] = {}

    @property
    def able(self) -> bool:
        """Whether the model hears."""
        return self._model.asker is not None

    @property
    def _asker(self) -> Asker:
        if self._model.asker is None:
            raise InvalidRequest("this model does not serve transcription", param="model")
        return self._model.asker

    def check(self, request: Request) -> None:
        """Refuse a field that asks for what this model lacks. Raises InvalidRequest and UnsupportedParameter."""
        asker = self._asker
        if request.response_format not in ("json", "text"):
            raise UnsupportedParameter(
                "this model tells no times: use response_format 'json' or 'text', or a Whisper model",
                param="response_format",
            )
        if request.translate:
            raise InvalidRequest("this model writes down what is said, and does not translate it", param="model")
        automatic = {"chunking_strategy"} if request.chunking_strategy == "auto" else set()
        for name in sorted(request.asked() - request.PLATFORM - asker.honours - automatic):
            raise UnsupportedParameter(f"'{name}' is not supported by this model's engine", param=name)

    def take(self, request: Request, sink: MediaSink) -> None:
        """Transcribe ``file``."""
        opened = _Open(request, sink, language=request.language)
        self._open[sink.rid] = opened
        self._read(opened)

    def abort(self, rid: str) -> str:
        """Forget a recording. Returns the id of its clip that must be stopped; "" if there is none."""
        opened = self._open.pop(rid, None)
        if opened is None:
            return ""
        self._leave(opened)
        return opened.piece

    def end_all(self) -> None:
        """Forget all recordings."""
        for rid in list(self._open):
            self.abort(rid)

    def _leave(self, opened: _Open) -> None:
        opened.over = True
        self._open.pop(opened.sink.rid, None)
        if not opened.reading:
            _close(opened)

    def _read(self, opened: _Open) -> None:
        opened.reading = True
        self._thread.submit(self._next, opened)

    # ---- in the thread ----

    def _next(self, opened: _Open) -> None:
        """Read the next clip that is not silent, and its prompt."""
        try:
            if opened.recording is None and not opened.over:
                opened.recording = Recording(opened.sink.files["file"], _LONGEST_S)
                opened.clips = clips(opened.recording.parts(), self._model.clip_s)
            clip = None if opened.over else next((one for one in opened.clips if not one.silent), None)
            prompt = None if clip is None else self._asker.read(clip.sound, opened.request)
            if clip is not None and prompt is not None and len(prompt[0]) >= self._model.context:
                what = f"a clip of {clip.end_s - clip.start_s:.0f} s"
                hint = ": launch it with a larger 'n_ctx', or a smaller 'clip_s'"
                raise too_long(len(prompt[0]), self._model.context, "file", what=what, hint=hint)
        except HeadraceError as error:
            self._tell(self._stopped, opened, error)
        except Exception as error:  # a processor may raise anything, and its client must get an error
            log.exception("a recording cannot be read")
            self._tell(self._stopped, opened, EngineFailure(f"transformers: {type(error).__name__}"))
        else:
            self._tell(self._compute, opened, clip, prompt)

    def _tell(self, what: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(what, *arguments)

    # ---- on the loop ----

    def _stopped(self, opened: _Open, error: HeadraceError) -> None:
        opened.reading = False
        self._fail(opened, error)
        _close(opened)

    def _compute(self, opened: _Open, clip: Passage | None, prompt: Read | None) -> None:
        opened.reading = False
        if opened.over or opened.recording is None:
            _close(opened)
            return
        if clip is None or prompt is None:
            outcome = Outcome(
                {"text": opened.text, "language": opened.language, "duration": opened.recording.decoded_s}
            )
            self._leave(opened)
            opened.sink.done(outcome)
            return
        opened.number += 1
        opened.piece = f"{opened.sink.rid}:{opened.number}"
        heard = ClipText(language_first=self._asker.language_first and opened.request.language is None)
        limit = opened.request.max_new_tokens or max(_LEAST_TOKENS, int((clip.end_s - clip.start_s) * _TOKENS_PER_S))
        body = completions.Request(
            model=opened.request.model, prompt=[0], max_tokens=limit, temperature=opened.request.temperature or 0.0
        )

        def delta(delta: Delta) -> None:
            self._put(opened, clip, heard, heard.feed(delta.text))
            if delta.finish == "length":
                opened.sink.warn(
                    f"the text of {clip.start_s:.0f} to {clip.end_s:.0f} s was cut: more tokens were made than allowed"
                )

        def end(error: HeadraceError | None) -> None:
            if opened.over:
                return
            if error is not None:
                self._fail(opened, error)
                return
            self._put(opened, clip, heard, heard.end())
            opened.language = opened.language or heard.language
            opened.sink.progress(clip.end_s, _total(opened, clip))
            self._read(opened)

        self._ask(body, ("", *prompt), _Piece(opened.piece, delta, end))

    def _put(self, opened: _Open, clip: Passage, heard: ClipText, fresh: str) -> None:
        """Give out more of a clip's text, behind that of the clips before it."""
        if not fresh or opened.over:
            return
        if heard.text == fresh:
            fresh = between(opened.text, fresh) + fresh
        opened.text += fresh
        opened.sink.piece(HeardPiece(fresh, clip.start_s, clip.end_s).encode())

    def _fail(self, opened: _Open, error: HeadraceError) -> None:
        if not opened.over:
            self._leave(opened)
            opened.sink.fail(error)


def _total(opened: _Open, clip: Passage) -> float:
    recording = opened.recording
    return max(recording.length_s or 0.0, recording.decoded_s, clip.end_s) if recording else clip.end_s


def _close(opened: _Open) -> None:
    if opened.recording is not None:
        opened.recording.close()
