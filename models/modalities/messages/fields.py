"""The fields of Anthropic's Messages API beside the conversation: tools, thinking, and the format of the answer."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models.modalities.base import Bool, Int
from models.modalities.chat.tools import NAME
from models.modalities.json_object import JsonObject, meant
from models.modalities.messages.blocks import CacheControl, refuse
from models.modalities.structure import BoundedObjectSchema, bounded_schema


class ClientTool(JsonObject):
    """A tool that the client runs. One whose loading is deferred is offered once the conversation names it."""

    type: Literal["custom"] | None = None
    name: Annotated[str, Field(pattern=NAME)]
    description: str | None = None
    input_schema: dict[str, Any]
    strict: Bool | None = None
    input_examples: Annotated[list[dict[str, Any]], Field(max_length=64)] | None = None
    cache_control: CacheControl | None = None
    eager_input_streaming: Bool | None = Field(None, description="all input is streamed as it is made")
    defer_loading: Bool | None = None
    allowed_callers: list[Literal["direct"]] | None = None

    @field_validator("input_schema")
    @classmethod
    def _object(cls, value: dict[str, Any]) -> Any:
        if value.get("type") != "object":
            raise PydanticCustomError("invalid_value", "the 'type' of an 'input_schema' is 'object'")
        return bounded_schema(value)

    def to_chat(self) -> dict[str, Any]:
        """The tool as OpenAI's chat has it. Examples are put into the description."""
        examples = "\n".join(json.dumps(one, ensure_ascii=False) for one in self.input_examples or [])
        paragraphs = [self.description, f"Examples of its input:\n{examples}" if examples else None]
        function = {
            "name": self.name,
            "description": "\n\n".join(text for text in paragraphs if text) or None,
            "parameters": self.input_schema,
            "strict": self.strict,
        }
        return {"type": "function", "function": {key: value for key, value in function.items() if value is not None}}


class HostedTool(BaseModel):
    """A tool that Anthropic runs, or whose schema it defines, with whatever fields it has. It is left out."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(min_length=1, max_length=64)]
    name: Annotated[str, Field(max_length=256)] | None = None

    @field_validator("type")
    @classmethod
    def _not_misspelt(cls, value: str) -> str:
        if value == "function":
            raise PydanticCustomError("invalid_value", "a tool here has a 'name' and an 'input_schema', and no 'type'")
        if (known := meant(value, ["custom"])) is not None:
            raise PydanticCustomError("invalid_value", "did you mean '{known}'?", {"known": known})
        return value

    @property
    def searches(self) -> bool:
        """Whether it would find the tools whose loading is deferred."""
        return self.type.startswith("tool_search_tool")


def _branch(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return "custom" if kind in (None, "custom") else "other"


AnyTool = Annotated[
    Annotated[ClientTool, Tag("custom")] | Annotated[HostedTool, Tag("other")],
    Discriminator(_branch),
]


class ToolChoice(JsonObject):
    """Whether the model calls a tool: as it decides ("auto"), any of them, the named one, or none."""

    type: Literal["auto", "any", "tool", "none"]
    name: Annotated[str, Field(pattern=NAME)] | None = None
    disable_parallel_tool_use: Bool | None = None

    @model_validator(mode="after")
    def _whole(self) -> "ToolChoice":
        if (self.type == "tool") != (self.name is not None):
            raise PydanticCustomError("invalid_value", "'name' goes with type 'tool', and it with that")
        return self

    def to_chat(self) -> Any:
        """The choice as OpenAI's chat has it."""
        if self.type == "tool":
            return {"type": "function", "function": {"name": self.name}}
        return {"any": "required"}.get(self.type, self.type)


class ThinkingConfig(JsonObject):
    """Whether the model thinks before it answers. The length of its thoughts is bounded by ``max_tokens`` alone.

    "adaptive" means the same as "enabled", since the model itself decides how long it thinks. With the display
    "omitted" the thoughts are not shown.
    """

    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: Annotated[Int, Field(ge=1024, le=1 << 24)] | None = None
    display: Literal["summarized", "omitted"] | None = None

    @field_validator("type")
    @classmethod
    def _known(cls, value: str) -> str:
        if value == "between_tools":
            raise refuse("thinking 'between_tools'")
        return value

    @model_validator(mode="after")
    def _whole(self) -> "ThinkingConfig":
        if (self.type == "enabled") != (self.budget_tokens is not None):
            raise PydanticCustomError(
                "invalid_value", "it goes with type 'enabled', and that with it", {"param": "budget_tokens"}
            )
        return self


class OutputFormat(JsonObject):
    """The JSON schema that the answer must match."""

    type: Literal["json_schema"]
    schema_: BoundedObjectSchema = Field(alias="schema")


class OutputConfig(JsonObject):
    """How much effort to make, and the format of the answer."""

    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: OutputFormat | None = None


class Metadata(JsonObject):
    """About the request. ``user_id`` is logged."""

    user_id: Annotated[str, Field(max_length=1024)] | None = None
