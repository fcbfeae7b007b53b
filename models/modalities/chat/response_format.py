"""The format that an answer must have: OpenAI's ``response_format``."""

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from models.modalities.base import Bool
from models.modalities.json_object import JsonObject
from models.modalities.structure import BoundedObjectSchema, BoundedSchema, Constraint


class JsonSchema(JsonObject):
    """A named JSON schema. ``strict``: all of it is enforced, or it is refused; else what can be enforced is."""

    name: Annotated[str, Field(max_length=64)] = "answer"
    description: str | None = None
    schema_: BoundedSchema | None = Field(None, alias="schema")
    strict: Bool | None = None


class ResponseFormat(JsonObject):
    """The format that the answer must have. Engines without constrained decoding refuse all but ``text``."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None
    schema_: BoundedObjectSchema | None = Field(
        None, alias="schema", description="of a json_object, as llama.cpp has it"
    )

    @model_validator(mode="after")
    def _whole(self) -> "ResponseFormat":
        if self.schema_ is not None and self.type != "json_object":
            raise PydanticCustomError("invalid_value", "it goes with type 'json_object'", {"param": "schema"})
        if (self.type == "json_schema") != (self.json_schema is not None):
            why = "it goes with type 'json_schema'" if self.json_schema else "type 'json_schema' needs it"
            raise PydanticCustomError("invalid_value", "{why}", {"param": "json_schema", "why": why})
        return self

    @property
    def constraint(self) -> Constraint | None:
        """What the answer must match; None: it may be anything."""
        if self.type == "text":
            return None
        if self.json_schema is None:
            return Constraint("json_object") if self.schema_ is None else Constraint("json", self.schema_, strict=False)
        schema = self.json_schema.schema_
        return Constraint("json", {} if schema is None else schema, strict=bool(self.json_schema.strict))
