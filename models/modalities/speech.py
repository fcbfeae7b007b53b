"""Text to speech, as ``POST /v1/audio/speech`` of the OpenAI API.

An outcome has one artifact, ``speech.<format>``, and the body ``{"duration_s", "sample_rate", "characters",
"unsaid", "strange", "words"}``: ``unsaid`` is the number of characters that the voice has no sound for, ``strange`` of
the words that it reads by the rules of its language alone, 0 where they are few. ``foreign`` names the voice's language
where the text is in another one. A piece is encoded sound. All pieces
together are the whole file, except that its header may lack the length (wav, flac).
"""

import base64
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models.modalities.form_fields import merged
from models.modalities.json_object import JsonObject
from models.modalities.media import Answer, MediaRequest

_json = msgspec.json.Encoder()

MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
"""By ``response_format``. Opus is in Ogg, AAC in ADTS; pcm is 16 bit little-endian mono without a header."""

OPENAI_VOICES = frozenset(
    ["alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse"]
)
"""Voices that programs written for OpenAI ask for. For those that it lacks an engine uses its default voice."""


class Voice(JsonObject):
    """A voice as an object."""

    id: str = Field(min_length=1, max_length=200)


class Request(MediaRequest):
    """Body of a speech request. The engine decides how long a text may be and how fast a voice can speak."""

    PLATFORM: ClassVar[frozenset[str]] = MediaRequest.PLATFORM | {"input", "stream_format"}

    input: str = Field(min_length=1, max_length=1_000_000)
    voice: Annotated[str, Field(max_length=200)] | Voice | None = None
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: Annotated[float, Field(ge=0.25, le=4, allow_inf_nan=False)] = 1.0
    instructions: str | None = Field(None, max_length=4096)
    language: str | None = Field(None, max_length=40, description="of the text, where it is not the voice's own")
    stream_format: Literal["audio", "sse"] | None = Field(None, description="if it is set, the sound is streamed")
    stream: bool = False
    seed: Annotated[int, Field(ge=0, lt=1 << 63)] | None = None
    background: bool | None = Field(None, description="true: answer 202 and go on in the background")

    @model_validator(mode="before")
    @classmethod
    def _kwargs(cls, value: Any) -> Any:
        """Xinference's ``kwargs``: further fields, as JSON in a string."""
        return merged(value) if isinstance(value, dict) else value

    @field_validator("input")
    @classmethod
    def _says_something(cls, value: str) -> str:
        if not value.strip():
            raise PydanticCustomError("invalid_value", "there is nothing to say")
        return value

    @field_validator("instructions", "language")
    @classmethod
    def _empty_is_none(cls, value: str | None) -> str | None:
        return value or None

    @property
    def voice_name(self) -> str | None:
        """The name of the voice that is asked for; None: the default voice."""
        name = self.voice.id if isinstance(self.voice, Voice) else self.voice
        return name or None

    @property
    def artifact(self) -> str:
        """The name of the artifact."""
        return f"speech.{self.response_format}"

    @property
    def answers_json(self) -> bool:
        """False, since the answer is sound."""
        return False

    @property
    def streams(self) -> bool:
        """Whether the client is sent the sound as it is made: if ``stream`` is true, or ``stream_format`` is set."""
        return self.stream or self.stream_format is not None


def render(request: Request, body: dict[str, Any], link: Callable[[str], str], read: Callable[[str], bytes]) -> Answer:
    """The sound itself."""
    return Answer(read(request.artifact), MEDIA_TYPES[request.response_format], warning(body))


def warning(body: dict[str, Any]) -> str:
    """What is to be told of an outcome, or of one to come; empty where the voice says all as it should be said."""
    told = []
    if body.get("unsaid"):
        told.append(f"this voice has no sound for {body['unsaid']} of {body['characters']} characters")
    if body.get("strange"):
        told.append(
            f"this voice does not know {body['strange']} of {body['words']} words, and reads them as if they were of "
            "its own language"
        )
    if body.get("foreign"):
        told.append(
            f"this voice speaks {body['foreign']}, in which the text is not: name its language (language: en), or "
            "another voice"
        )
    return "; ".join(told)


class Stream:
    """The sound as it is made: its bytes, or with ``stream_format`` "sse" events that carry them in base64."""

    def __init__(self, request: Request) -> None:
        self._events = request.stream_format == "sse"
        self.media_type = "text/event-stream" if self._events else MEDIA_TYPES[request.response_format]

    def piece(self, data: bytes) -> bytes:
        """Sound, or one ``speech.audio.delta``."""
        if not self._events:
            return data
        return _event({"type": "speech.audio.delta", "audio": base64.b64encode(data).decode()})

    def end(self, body: dict[str, Any]) -> bytes:
        """Nothing, or ``speech.audio.done``. Characters are counted in the place of OpenAI's tokens."""
        if not self._events:
            return b""
        characters = body["characters"]
        usage = {"input_tokens": characters, "output_tokens": 0, "total_tokens": characters}
        told = warning(body)
        return _event({"type": "speech.audio.done", "usage": usage} | ({"warning": told} if told else {}))


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + _json.encode(data) + b"\n\n"
