"""The turns of a conversation and the blocks of their contents, as Anthropic's Messages API has them.

All fields of Anthropic's own answers are accepted here, so that a client can send an answer back as it came.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from models.modalities.base import Bool
from models.modalities.chat.messages import URL_CHARACTERS
from models.modalities.json_object import JsonObject


def refuse(what: str) -> PydanticCustomError:
    """The error for a part of the protocol that Headrace does not support."""
    return PydanticCustomError("unsupported_parameter", "{what} is not supported", {"what": what})


class CacheControl(JsonObject):
    """Where a prompt may be cached. It has no effect, as our engines decide that by themselves."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None
    scope: str | None = Field(None, max_length=64)


class Block(JsonObject):
    """Base of the blocks."""

    cache_control: CacheControl | None = None


class Text(Block):
    """A piece of text. ``citations`` are those of an earlier answer."""

    type: Literal["text"]
    text: str
    citations: list[Any] | None = None


class Base64Image(JsonObject):
    """A picture in base64."""

    type: Literal["base64"]
    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
    data: Annotated[str, Field(min_length=1, max_length=URL_CHARACTERS)]

    @property
    def location(self) -> str:
        """The picture as a data URL."""
        return f"data:{self.media_type};base64,{self.data}"


class UrlImage(JsonObject):
    """A picture by its URL."""

    type: Literal["url"]
    url: Annotated[str, Field(min_length=1, max_length=URL_CHARACTERS)]

    @property
    def location(self) -> str:
        """Its URL."""
        return self.url


class Image(Block):
    """A picture."""

    type: Literal["image"]
    source: Annotated[Base64Image | UrlImage, Field(discriminator="type")]
    transformations: dict[str, Any] | None = None

    @field_validator("transformations")
    @classmethod
    def _none(cls, value: Any) -> Any:
        if value:
            raise refuse("it")
        return value


class PlainText(JsonObject):
    """A document's text."""

    type: Literal["text"]
    media_type: Literal["text/plain"]
    data: str


class Pieces(JsonObject):
    """A document that is text and pictures."""

    type: Literal["content"]
    content: str | Annotated[list[Annotated[Text | Image, Field(discriminator="type")]], Field(max_length=1024)]


class Citations(JsonObject):
    """Whether the model is to cite. That is not supported."""

    enabled: Bool | None = None

    @field_validator("enabled")
    @classmethod
    def _off(cls, value: bool | None) -> bool | None:
        if value:
            raise refuse("it")
        return value


class DocumentBlock(Block):
    """A text that the conversation is about."""

    type: Literal["document"]
    source: Annotated[PlainText | Pieces, Field(discriminator="type")]
    title: str | None = None
    context: str | None = None
    citations: Citations | None = None

    @property
    def heading(self) -> list[str]:
        """The lines that come before its content."""
        return [line for line in (self.title, self.context) if line]

    @property
    def pieces(self) -> list[Text | Image]:
        """Its content."""
        if isinstance(self.source, PlainText):
            return [Text(type="text", text=self.source.data)]
        if isinstance(self.source.content, str):
            return [Text(type="text", text=self.source.content)]
        return self.source.content


class SearchResult(Block):
    """What a search by the client has found."""

    type: Literal["search_result"]
    source: str
    title: str
    content: Annotated[list[Text], Field(max_length=1024)]
    citations: Citations | None = None

    @property
    def heading(self) -> list[str]:
        """The lines that come before its content."""
        return [self.title, self.source]

    @property
    def pieces(self) -> list[Text]:
        """Its content."""
        return self.content


class ToolReference(Block):
    """A tool that a search by the client has found: from now on it is offered, though its loading was deferred."""

    type: Literal["tool_reference"]
    tool_name: Annotated[str, Field(min_length=1, max_length=256)]


Shown = Text | Image | DocumentBlock | SearchResult | ToolReference
"""Blocks that may be shown to a model."""


class _Caller(JsonObject):
    type: Literal["direct"]


class ToolUse(Block):
    """A tool call of an earlier turn."""

    type: Literal["tool_use"]
    id: Annotated[str, Field(min_length=1, max_length=256)]
    name: Annotated[str, Field(min_length=1, max_length=256)]
    input: dict[str, Any]
    caller: _Caller | None = None
    toolset_name: None = None


class ToolResult(Block):
    """What a tool answered."""

    type: Literal["tool_result"]
    tool_use_id: Annotated[str, Field(min_length=1, max_length=256)]
    content: str | Annotated[list[Annotated[Shown, Field(discriminator="type")]], Field(max_length=1024)] | None = None
    is_error: Bool | None = None
    toolset_name: None = None


class Thinking(Block):
    """What the model thought in an earlier turn. The signature is not verified, so that it may come from anywhere."""

    type: Literal["thinking"]
    thinking: str
    signature: str = ""


class RedactedThinking(Block):
    """Thoughts that another service has encrypted. Our models cannot read them, so they are left out."""

    type: Literal["redacted_thinking"]
    data: str


class OtherBlock(BaseModel):
    """What a tool did that Anthropic runs. It is left out: what came of it is in the text that follows."""

    model_config = ConfigDict(extra="allow")

    type: Literal[
        "server_tool_use",
        "web_search_tool_result",
        "web_fetch_tool_result",
        "code_execution_tool_result",
        "bash_code_execution_tool_result",
        "text_editor_code_execution_tool_result",
        "tool_search_tool_result",
        "advisor_tool_result",
        "mcp_tool_use",
        "mcp_tool_result",
    ]


class NamedChange(JsonObject):
    """A tool of ``tools`` by its name."""

    type: Literal["tool_reference"]
    name: Annotated[str, Field(min_length=1, max_length=256)]


class ToolChange(Block):
    """A tool is offered from now on, or no longer. The state at the end of the conversation counts."""

    type: Literal["tool_addition", "tool_removal"]
    tool: NamedChange


AnyBlock = Annotated[
    Text
    | Image
    | DocumentBlock
    | SearchResult
    | ToolUse
    | ToolResult
    | Thinking
    | RedactedThinking
    | OtherBlock
    | ToolChange,
    Field(discriminator="type"),
]

_ONLY = {
    "user": frozenset(["text", "image", "document", "search_result", "tool_result"]),
    "assistant": frozenset(
        ["text", "tool_use", "thinking", "redacted_thinking", *get_args(OtherBlock.model_fields["type"].annotation)]
    ),
    "system": frozenset(["text", "tool_addition", "tool_removal"]),
}


class Turn(JsonObject):
    """One turn of the conversation."""

    role: Literal["user", "assistant", "system"]
    content: str | Annotated[list[AnyBlock], Field(max_length=1024)]

    @field_validator("content")
    @classmethod
    def _of_its_role(cls, value: Any, info: Any) -> Any:
        allowed = _ONLY.get(info.data.get("role", ""))
        if isinstance(value, list) and allowed is not None:
            for block in value:
                if block.type not in allowed:
                    raise PydanticCustomError(
                        "invalid_value",
                        "a block of type '{type}' does not belong into a message of this role",
                        {"type": block.type},
                    )
        return value

    @property
    def blocks(self) -> list[Any]:
        """The content as a list of blocks."""
        return [Text(type="text", text=self.content)] if isinstance(self.content, str) else self.content
