"""The fields of a request for a response that are objects themselves, without its items."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models.modalities.base import Bool
from models.modalities.chat.tools import NAME
from models.modalities.json_object import JsonObject
from models.modalities.responses.items import known
from models.modalities.structure import Schema, bounded_schema


class FunctionTool(JsonObject):
    """A function that may be called: its name, its purpose, and the JSON schema of its arguments."""

    type: Literal["function"]
    name: Annotated[str, Field(pattern=NAME)]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: Bool | None = None
    output_schema: dict[str, Any] | None = Field(None, description="for the client's own use")
    allowed_callers: list[Literal["direct"]] | None = None
    async_: Literal[False] | None = Field(None, alias="async")
    defer_loading: Literal[False] | None = None

    @field_validator("parameters")
    @classmethod
    def _bounded(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        schema: dict[str, Any] | None = bounded_schema(value)
        return schema


class NamedTool(JsonObject):
    """This function must be called."""

    type: Literal["function"]
    name: Annotated[str, Field(pattern=NAME)]


class AllowedTools(JsonObject):
    """Only these of the tools may be called; with mode "required", one of them must be."""

    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    tools: Annotated[list[Annotated[NamedTool, known("function")]], Field(min_length=1, max_length=256)]


ToolChoice = Annotated[
    Literal["none", "auto", "required"] | Annotated[NamedTool | AllowedTools, Field(discriminator="type")],
    known("function", "allowed_tools"),
]


class TextFormat(JsonObject):
    """The format that the answer must have. Engines without constrained decoding refuse all but ``text``."""

    type: Literal["text", "json_object", "json_schema"]
    name: Annotated[str, Field(max_length=64)] | None = None
    description: str | None = None
    schema_: Schema | None = Field(None, alias="schema")
    strict: Bool | None = None

    @field_validator("schema_")
    @classmethod
    def _bounded(cls, value: Any) -> Any:
        return bounded_schema(value)

    @model_validator(mode="after")
    def _whole(self) -> "TextFormat":
        if (self.type == "json_schema") != (self.schema_ is not None):
            raise PydanticCustomError(
                "invalid_value", "a schema goes with type 'json_schema', and it with that", {"param": "schema"}
            )
        return self


class TextConfig(JsonObject):
    """Settings of the answer's text."""

    format: TextFormat | None = None
    verbosity: Literal["medium"] | None = None


class Reasoning(JsonObject):
    """Whether and how long the model thinks. Its thoughts are returned as they are, without a summary."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto"] | None = None
    generate_summary: Literal["auto"] | None = None
    context: Literal["auto"] | None = None
    mode: Literal["standard"] | None = None


class ResponseStreamOptions(JsonObject):
    """OpenAI's ``stream_options`` of this endpoint."""

    include_obfuscation: Bool | None = Field(None, description="nothing is obfuscated, whatever it says")


Includable = Literal[
    "message.output_text.logprobs",
    "message.input_image.image_url",
    "reasoning.encrypted_content",
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
]
