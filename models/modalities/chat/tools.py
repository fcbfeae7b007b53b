"""Functions that a model may call, and whether it must: OpenAI's ``tools`` and ``tool_choice``."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from models.modalities.base import Bool
from models.modalities.json_object import JsonObject
from models.modalities.structure import bounded_schema

NAME = r"^[a-zA-Z0-9_.-]{1,128}$"


class FunctionSpec(JsonObject):
    """A function: its name, its purpose, and the JSON schema of its arguments (None: any object)."""

    name: Annotated[str, Field(pattern=NAME)]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: Bool | None = None

    @field_validator("parameters")
    @classmethod
    def _bounded(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        schema: dict[str, Any] | None = bounded_schema(value)
        return schema


class Tool(JsonObject):
    """Something that the model may call."""

    type: Literal["function"]
    function: FunctionSpec


class _Name(JsonObject):
    name: Annotated[str, Field(pattern=NAME)]


class NamedChoice(JsonObject):
    """This function must be called."""

    type: Literal["function"]
    function: _Name


Mode = Literal["none", "auto", "required"]
ToolChoice = Mode | NamedChoice
