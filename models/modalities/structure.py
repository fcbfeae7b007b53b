"""Constraints on the form of an answer, with vLLM's names (``structured_outputs``), and bounds on their size.

An engine enforces them by constrained decoding. What a client sends here is compiled, so its size is bounded first.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models.modalities.json_object import JsonObject

SCHEMA_BYTES = 1 << 16
SCHEMA_DEPTH = 32
_json = msgspec.json.Encoder()

Schema = dict[str, Any] | bool
ConstraintKind = Literal["json_object", "json", "regex", "choice", "grammar"]


@dataclass(frozen=True, slots=True)
class Constraint:
    """What the answer must match. ``value``: a JSON schema, a regular expression, a list of texts, a grammar; or None.

    ``param`` is the field of the request that asked for it, for errors. ``strict``: all of a schema is enforced, or it
    is refused; else what can be enforced is.
    """

    kind: ConstraintKind
    value: Any = None
    param: str = "response_format"
    strict: bool = True


class StructuredOutputs(JsonObject):
    """vLLM's ``structured_outputs``: exactly one constraint. A grammar is GBNF (llama.cpp's EBNF) or Lark."""

    json_: Schema | str | None = Field(None, alias="json")
    json_object: bool | None = None
    regex: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    choice: Annotated[list[Annotated[str, Field(min_length=1, max_length=4096)]], Field(max_length=1024)] | None = None
    grammar: Annotated[str, Field(min_length=1, max_length=1 << 16)] | None = None

    @field_validator("json_")
    @classmethod
    def _bounded(cls, value: Any) -> Any:
        if isinstance(value, str):
            try:
                value = msgspec.json.decode(value)
            except msgspec.DecodeError:
                raise PydanticCustomError("invalid_value", "it is neither a JSON schema nor one as a string") from None
        return bounded_schema(value)

    @field_validator("choice")
    @classmethod
    def _some(cls, value: list[str] | None) -> list[str] | None:
        if value == []:
            raise PydanticCustomError("invalid_value", "there must be at least one choice")
        return value

    @model_validator(mode="after")
    def _one(self) -> "StructuredOutputs":
        given = (self.json_, self.json_object or None, self.regex, self.choice, self.grammar)
        if sum(one is not None for one in given) != 1:
            raise PydanticCustomError("invalid_value", "it must have exactly one constraint")
        return self

    @property
    def constraint(self) -> Constraint:
        """The one constraint."""
        for kind in ("regex", "choice", "grammar"):
            if getattr(self, kind) is not None:
                return Constraint(kind, getattr(self, kind), "structured_outputs")
        if self.json_ is not None:
            return Constraint("json", self.json_, "structured_outputs")
        return Constraint("json_object", None, "structured_outputs")


def bounded_schema(value: Any) -> Any:
    """The schema, if it is an object or a boolean within the bounds of size and depth. Raises PydanticCustomError."""
    if value is None:
        return None
    if not isinstance(value, dict | bool):
        raise PydanticCustomError("invalid_value", "a JSON schema is an object")
    if len(_json.encode(value)) > SCHEMA_BYTES:
        raise PydanticCustomError("invalid_value", f"the schema is larger than {SCHEMA_BYTES} bytes")
    level: list[Any] = [value]
    for _ in range(SCHEMA_DEPTH + 1):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return value
    raise PydanticCustomError("invalid_value", f"the schema is nested deeper than {SCHEMA_DEPTH} levels")


BoundedSchema = Annotated[Schema, AfterValidator(bounded_schema)]
"""A JSON schema within the bounds of size and depth."""
BoundedObjectSchema = Annotated[dict[str, Any], AfterValidator(bounded_schema)]
"""The same, of a kind that is no boolean."""


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def fold_guided(body: Any) -> Any:
    """The body with ``guided_json``, ``guided_regex`` and the like put into ``structured_outputs``."""
    names = ("json", "json_object", "regex", "choice", "grammar")
    if not isinstance(body, dict) or not any(f"guided_{name}" in body for name in names):
        return body
    folded = {key: value for key, value in body.items() if key not in {f"guided_{name}" for name in names}}
    asked = {name: body[f"guided_{name}"] for name in names if body.get(f"guided_{name}") is not None}
    if asked:
        if folded.get("structured_outputs") is not None:
            raise PydanticCustomError(
                "invalid_value",
                "'structured_outputs' and 'guided_…' exclude each other",
                {"param": "structured_outputs"},
            )
        folded["structured_outputs"] = asked
    return folded
