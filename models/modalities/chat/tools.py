"""Functions that a model may call, and whether it must: OpenAI's ``tools`` and ``tool_choice``."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models.modalities.base import Bool
from models.modalities.json_object import JsonObject
from models.modalities.structure import bounded_schema

NAME = r"^[a-zA-Z0-9_.-]{1,128}$"


class FunctionSpec(JsonObject):
    """A function: its name, its purpose, and the JSON schema of its arguments, which are an object.

    Without a schema, or with an empty one, it takes no arguments.
    """

    name: Annotated[str, Field(pattern=NAME)]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: Bool | None = None

    @field_validator("parameters")
    @classmethod
    def _bounded(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        schema: dict[str, Any] | None = bounded_schema(value)
        kind = schema.get("type") if schema else None
        if isinstance(kind, str | list) and "object" not in ([kind] if isinstance(kind, str) else kind):
            raise PydanticCustomError("invalid_value", "the arguments of a function are an object: 'type' must be that")
        return schema

    @property
    def takes_arguments(self) -> bool:
        """Whether it may be given any arguments."""
        return self.parameters is not None and self.parameters != {} and self.parameters.get("properties") != {}


class Tool(JsonObject):
    """Something that the model may call."""

    type: Literal["function"]
    function: FunctionSpec


class FunctionName(JsonObject):
    """A function, by its name."""

    name: Annotated[str, Field(pattern=NAME)]


class NamedChoice(JsonObject):
    """This function must be called. Its name may also stand beside the type, as in OpenAI's Responses."""

    type: Literal["function"]
    function: FunctionName

    @model_validator(mode="before")
    @classmethod
    def _nested(cls, value: Any) -> Any:
        return _inside(value, "function", ("name",))


class _Allowed(JsonObject):
    mode: Literal["auto", "required"]
    tools: Annotated[list[NamedChoice], Field(min_length=1, max_length=256)]


class AllowedChoice(JsonObject):
    """Only these of the tools may be called; with mode "required", one of them must be."""

    type: Literal["allowed_tools"]
    allowed_tools: _Allowed

    @model_validator(mode="before")
    @classmethod
    def _nested(cls, value: Any) -> Any:
        return _inside(value, "allowed_tools", ("mode", "tools"))

    @property
    def names(self) -> frozenset[str]:
        """The functions that may be called."""
        return frozenset(tool.function.name for tool in self.allowed_tools.tools)


def _inside(value: Any, name: str, fields: tuple[str, ...]) -> Any:
    """The object with these of its fields in one of this name, where it has no such field."""
    if not isinstance(value, dict) or name in value or not any(field in value for field in fields):
        return value
    inner = {field: value[field] for field in fields if field in value}
    return {key: one for key, one in value.items() if key not in fields} | {name: inner}


Mode = Literal["none", "auto", "required"]
ToolChoice = Mode | Annotated[NamedChoice | AllowedChoice, Field(discriminator="type")]
