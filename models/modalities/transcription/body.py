"""Speech to text, as ``POST /v1/audio/transcriptions`` and ``/v1/audio/translations`` of the OpenAI API.

The body comes as a form, so that its values may be strings; lists and objects may be JSON in a string. An outcome's
body is ``{"text", "language" (code or null), "duration" (seconds)}``, with ``segments`` and ``words`` where the format
that is asked for needs them. ``Stream`` has no ``[DONE]``: its last event is ``transcript.text.done``, as at OpenAI.
"""

import math
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models.modalities.form_fields import decoded, merged
from models.modalities.json_object import JsonObject
from models.modalities.media import Answer, MediaRequest
from models.modalities.transcription.languages import NAMES, code_of
from models.modalities.transcription.pieces import piece_of
from models.modalities.transcription.subtitles import srt, vtt

_json = msgspec.json.Encoder()

TranscriptFormat = Literal["json", "text", "srt", "vtt", "verbose_json"]
TEXT_TYPES: dict[str, str] = {
    "text": "text/plain; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
}


class ServerVad(JsonObject):
    """OpenAI's ``server_vad``: how pauses in speech are found."""

    type: Literal["server_vad"]
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    prefix_padding_ms: Annotated[int, Field(ge=0, le=5000)] = 400
    silence_duration_ms: Annotated[int, Field(ge=20, le=10_000)] = 160


class Request(MediaRequest):
    """Form of a transcription. With ``translate`` the text is in English; the endpoint of translations sets it.

    ``keywords`` and ``hotwords`` are words that the model should expect.
    """

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset(
        ["include", "languages", "known_speaker_names", "known_speaker_references"]
    )
    """OpenAI's fields that are accepted only if they ask for nothing."""

    language: str | None = Field(None, max_length=40, description="ISO 639 code or English name; found out by default")
    prompt: str | None = Field(None, max_length=10_000)
    response_format: TranscriptFormat = "json"
    temperature: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = Field(
        None, description="0: begin there, and go up where the text is not credible"
    )
    timestamp_granularities: Annotated[list[Literal["word", "segment"]], Field(max_length=2)] | None = None
    stream: bool = Field(False, description="events, each with text and the seconds 'start' and 'end' it lies between")
    translate: bool = False
    chunking_strategy: Literal["auto"] | ServerVad | None = None
    multilingual: bool | None = Field(None, description="the language of each part is found, not of the whole alone")
    vad_filter: bool | None = Field(None, description="false: what sounds like silence is transcribed too")
    keywords: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=100)] | None = None
    hotwords: str | None = Field(None, max_length=1000)
    beam_size: Annotated[int, Field(ge=1, le=16)] | None = None
    max_new_tokens: Annotated[int, Field(ge=1, le=448)] | None = Field(None, description="in each window of 30 s")
    background: bool | None = Field(None, description="true: answer 202 and go on in the background")
    include: list[str] | None = None
    languages: list[str] | None = None
    known_speaker_names: list[str] | None = None
    known_speaker_references: list[str] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_form(cls, value: Any) -> Any:
        """The fields of a form: names without ``[]``, Xinference's ``kwargs`` put in, empty fields left out."""
        if not isinstance(value, dict):
            return value
        fields = {key.removesuffix("[]") if isinstance(key, str) else key: one for key, one in value.items()}
        fields = merged(fields)
        return {name: one for name, one in fields.items() if one != "" or name == "model"}

    @field_validator("chunking_strategy", "timestamp_granularities", *UNSUPPORTED, "keywords", mode="before")
    @classmethod
    def _structured(cls, value: Any, info: ValidationInfo) -> Any:
        """The value of a list, which may come as JSON in a string, or as its only element."""
        value = decoded(value)
        return [value] if isinstance(value, str) and info.field_name != "chunking_strategy" else value

    @field_validator("language")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is None or value.strip().lower() == "auto":
            return None
        code = code_of(value)
        if code is None:
            raise PydanticCustomError("invalid_value", "there is no such language; give an ISO 639-1 code, as 'en'")
        return code

    @field_validator("multilingual")
    @classmethod
    def _of_no_language(cls, value: bool | None, info: ValidationInfo) -> bool | None:
        if value and info.data.get("language"):
            raise PydanticCustomError(
                "invalid_value", "it finds the language of each part: leave 'language' out, or this"
            )
        return value

    @field_validator("response_format", mode="before")
    @classmethod
    def _no_speakers(cls, value: Any) -> Any:
        if value == "diarized_json":
            raise PydanticCustomError("unsupported_parameter", "telling speakers apart is not supported")
        return value

    @field_validator(*UNSUPPORTED)
    @classmethod
    def _nothing_asked(cls, value: list[str] | None) -> list[str] | None:
        if value:
            raise PydanticCustomError("unsupported_parameter", "this parameter is not supported")
        return None

    @field_validator("timestamp_granularities")
    @classmethod
    def _verbose_only(cls, value: list[str] | None, info: ValidationInfo) -> list[str] | None:
        if value and "word" in value and info.data.get("response_format", "verbose_json") != "verbose_json":
            raise PydanticCustomError("invalid_value", "times of words need response_format 'verbose_json'")
        return value

    @field_validator("stream")
    @classmethod
    def _plain_only(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("response_format", "json") not in ("json", "text"):
            raise PydanticCustomError(
                "invalid_value", "a stream has events of its own: it needs format 'json' or 'text'"
            )
        return value

    @property
    def answers_json(self) -> bool:
        """Whether the whole answer is JSON."""
        return self.response_format in ("json", "verbose_json")

    @property
    def wants_words(self) -> bool:
        """Whether the times of each word are asked for."""
        return "word" in (self.timestamp_granularities or [])

    @property
    def wants_segments(self) -> bool:
        """Whether the answer holds segments."""
        if self.response_format == "verbose_json":
            return "segment" in (self.timestamp_granularities or ["segment"])
        return self.response_format in ("srt", "vtt")

    @property
    def expected_words(self) -> str | None:
        """The words that the model should expect, in one string; None if there are none."""
        words = [*(self.keywords or []), *([self.hotwords] if self.hotwords else [])]
        return ", ".join(words) or None


def render(request: Request, body: dict[str, Any], link: Callable[[str], str], read: Callable[[str], bytes]) -> Answer:
    """The transcript in the format that was asked for. ``link`` and ``read`` are not used."""
    asked = request.response_format
    if asked == "json":
        return Answer(_json.encode({"text": body["text"], "usage": _usage(body)}))
    if asked == "verbose_json":
        return Answer(_json.encode(_verbose(request, body)))
    write: dict[str, Callable[[], str]] = {
        "text": lambda: body["text"] + "\n",
        "srt": lambda: srt(body["segments"]),
        "vtt": lambda: vtt(body["segments"]),
    }
    return Answer(write[asked]().encode(), TEXT_TYPES[asked])


def _verbose(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    language = "en" if request.translate else body["language"]
    answer = {
        "task": "translate" if request.translate else "transcribe",
        "language": NAMES.get(language or "", "unknown"),
        "duration": body["duration"],
        "text": body["text"],
    }
    if request.wants_words:
        answer["words"] = body["words"]
    if request.wants_segments:
        answer["segments"] = body["segments"]
    return answer | {"usage": _usage(body)}


def _usage(body: dict[str, Any]) -> dict[str, Any]:
    return {"type": "duration", "seconds": math.ceil(body["duration"])}


class Stream:
    """The events of a transcript that is streamed. A piece is a ``HeardPiece``.

    Beside OpenAI's fields a delta has ``start`` and ``end``: the stretch of the recording that it lies in, in seconds.
    """

    media_type = "text/event-stream"

    def __init__(self, request: Request) -> None:
        pass

    def piece(self, data: bytes) -> bytes:
        """One ``transcript.text.delta``."""
        found = piece_of(data)
        times = {name: one for name, one in (("start", found.start), ("end", found.end)) if one is not None}
        return _event({"type": "transcript.text.delta", "delta": found.text} | times)

    def end(self, body: dict[str, Any]) -> bytes:
        """``transcript.text.done``, with the whole text."""
        return _event({"type": "transcript.text.done", "text": body["text"], "usage": _usage(body)})


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + _json.encode(data) + b"\n\n"
