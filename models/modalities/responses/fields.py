"""The fields of a request for a response that are objects themselves, without its items."""

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from models.modalities.base import Bool
from models.modalities.json_object import JsonObject
from models.modalities.responses.items import known
from models.modalities.responses.tools import AllowedTools, NamedTool
from models.modalities.structure import BoundedSchema

ToolChoice = Annotated[
    Literal["none", "auto", "required"] | Annotated[NamedTool | AllowedTools, Field(discriminator="type")],
    known("function", "allowed_tools"),
]


class TextFormat(JsonObject):
    """The format that the answer must have. Engines without constrained decoding refuse all but ``text``."""

    type: Literal["text", "json_object", "json_schema"]
    name: Annotated[str, Field(max_length=64)] | None = None
    description: str | None = None
    schema_: BoundedSchema | None = Field(None, alias="schema")
    strict: Bool | None = None

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
    verbosity: Literal["low", "medium", "high"] | None = None


class Reasoning(JsonObject):
    """Whether and how long the model thinks. Its thoughts are returned as they are, without a summary."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto", "concise", "detailed", "none"] | None = None
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
