"""The turns of a conversation and the parts of their contents, as OpenAI's chat has them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from models.modalities.json_object import JsonObject

URL_CHARACTERS = 32 << 20
"""Most characters of a data URL. An https URL has a much lower bound where it is fetched."""


@dataclass(frozen=True, slots=True)
class Media:
    """A picture or a recording of a message, fetched and checked. ``data`` are its bytes as they came."""

    kind: Literal["image", "audio"]
    media_type: str
    data: bytes


class TextPart(JsonObject):
    """A piece of text."""

    type: Literal["text"]
    text: str


class RefusalPart(JsonObject):
    """An assistant's refusal to answer."""

    type: Literal["refusal"]
    refusal: str


class ImageUrl(JsonObject):
    """Where a picture is: a data URL or an https URL. ``detail`` "low": no more than 512 x 512 pixels are looked at."""

    url: Annotated[str, Field(min_length=1, max_length=URL_CHARACTERS)]
    detail: Literal["auto", "low", "high", "original"] | None = None


class ImagePart(JsonObject):
    """A picture."""

    type: Literal["image_url"]
    image_url: ImageUrl


class InputAudio(JsonObject):
    """A recording, in base64."""

    data: Annotated[str, Field(min_length=1, max_length=URL_CHARACTERS)]
    format: Literal["wav", "mp3", "flac", "ogg", "opus", "m4a", "webm"]


class AudioPart(JsonObject):
    """A recording within the message."""

    type: Literal["input_audio"]
    input_audio: InputAudio


class AudioUrlPart(JsonObject):
    """A recording at a URL, as in vLLM's API."""

    type: Literal["audio_url"]
    audio_url: ImageUrl


MediaPart = ImagePart | AudioPart | AudioUrlPart
Part = Annotated[TextPart | RefusalPart | MediaPart, Field(discriminator="type")]


class Function(JsonObject):
    """A function that was called. ``arguments`` is JSON text, as the model wrote it."""

    name: Annotated[str, Field(min_length=1, max_length=256)]
    arguments: str


class AssistantCall(JsonObject):
    """A tool call of an earlier turn."""

    id: Annotated[str, Field(max_length=256)]
    type: Literal["function"] = "function"
    function: Function
    index: int | None = None


class Message(JsonObject):
    """One turn of the conversation."""

    role: Literal["developer", "system", "user", "assistant", "tool", "function"]
    content: str | Annotated[list[Part], Field(max_length=1024)] | None = None
    name: Annotated[str, Field(max_length=64)] | None = None
    tool_calls: Annotated[list[AssistantCall], Field(max_length=256)] | None = None
    tool_call_id: Annotated[str, Field(max_length=256)] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    annotations: list[Any] | None = None
    audio: None = None
    function_call: Function | None = None

    @model_validator(mode="after")
    def _whole(self) -> "Message":
        if self.content is None and self.role not in ("assistant", "tool", "function"):
            raise PydanticCustomError("missing", "'content' is required", {"param": "content"})
        for name in ("tool_calls", "function_call"):
            if getattr(self, name) and self.role != "assistant":
                raise PydanticCustomError("invalid_value", "it belongs to an assistant's message", {"param": name})
        if self.role == "function" and self.name is None:
            raise PydanticCustomError("missing", "'name' is required", {"param": "name"})
        if (self.tool_call_id is None) == (self.role == "tool"):
            raise PydanticCustomError(
                "invalid_value", "a tool's message, and no other, has a 'tool_call_id'", {"param": "tool_call_id"}
            )
        if self.role != "user" and any(part.type in ("input_audio", "audio_url") for part in self.parts):
            raise PydanticCustomError("invalid_value", "recordings belong to a user's message", {"param": "content"})
        return self

    @property
    def parts(self) -> list[Any]:
        """The content as a list of parts; empty where there is none."""
        if self.content is None:
            return []
        if isinstance(self.content, str):
            return [TextPart(type="text", text=self.content)]
        return self.content

    @property
    def text(self) -> str:
        """The text of the content, each part on lines of its own; pictures and recordings are left out."""
        if isinstance(self.content, str):
            return self.content
        texts = [part.refusal if isinstance(part, RefusalPart) else part.text for part in self.texts]
        return "\n".join(texts) or self.refusal or ""

    @property
    def texts(self) -> list[TextPart | RefusalPart]:
        """The parts that are text."""
        return [part for part in self.parts if isinstance(part, TextPart | RefusalPart)]

    @property
    def media(self) -> Iterator[Any]:
        """The parts that are pictures or recordings."""
        parts = self.content if isinstance(self.content, list) else []
        return (part for part in parts if not isinstance(part, TextPart | RefusalPart))

    @property
    def template_role(self) -> str:
        """The role for chat templates, which know "system", but not its newer name "developer"."""
        return "system" if self.role == "developer" else self.role

    @property
    def thought(self) -> str:
        """What an assistant thought before it answered; empty where that is not known."""
        return self.reasoning_content or self.reasoning or ""
