"""The tools of a request for a response: which of them are offered to the model, and under which names.

Functions of a namespace are offered as ``namespace__name``; a call of one is answered with both. Tools that only
OpenAI runs, or that are not called with JSON, are left out.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models.modalities.base import Bool
from models.modalities.chat.tools import NAME
from models.modalities.json_object import JsonObject, meant
from models.modalities.responses.items import flat_name
from models.modalities.structure import BoundedObjectSchema


def refuse_misspelt(kind: str, kinds: Collection[str]) -> str:
    """The type of a tool that is not run here, unless it is probably meant to be one of these, which are."""
    if kind not in kinds and (known := meant(kind, kinds)) is not None:
        raise PydanticCustomError("invalid_value", "did you mean '{known}'?", {"known": known})
    return kind


_Kind = Annotated[str, Field(min_length=1, max_length=64)]


class FunctionTool(JsonObject):
    """A function that may be called: its name, its purpose, and the JSON schema of its arguments.

    ``defer_loading`` is taken, and the function is offered at once: there is no search for tools.
    """

    type: Literal["function"]
    name: Annotated[str, Field(pattern=NAME)]
    description: str | None = None
    parameters: BoundedObjectSchema | None = None
    strict: Bool | None = None
    output_schema: dict[str, Any] | None = Field(None, description="for the client's own use")
    allowed_callers: list[Literal["direct"]] | None = None
    async_: Literal[False] | None = Field(None, alias="async")
    defer_loading: Bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("function"), dict) and "name" not in value:
            why = "what 'function' holds stands beside 'type' here: 'name', 'description', 'parameters'"
            raise PydanticCustomError("invalid_value", why)
        return value


class OtherTool(BaseModel):
    """A tool that is not run here, with whatever fields it has. It is left out."""

    model_config = ConfigDict(extra="allow")

    type: _Kind

    @field_validator("type")
    @classmethod
    def _not_misspelt(cls, value: str) -> str:
        return refuse_misspelt(value, ("function", "namespace", "custom"))


def _branch(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return kind if kind in ("function", "namespace") else "function" if kind is None else "other"


_Others = Annotated[OtherTool, Tag("namespace")] | Annotated[OtherTool, Tag("other")]


class NamespaceTool(JsonObject):
    """A named group of functions, as Codex has one for each of its MCP servers."""

    type: Literal["namespace"]
    name: Annotated[str, Field(pattern=NAME)]
    description: str | None = None
    tools: Annotated[
        list[Annotated[Annotated[FunctionTool, Tag("function")] | _Others, Discriminator(_branch)]],
        Field(max_length=256),
    ]


AnyTool = Annotated[
    Annotated[FunctionTool, Tag("function")]
    | Annotated[NamespaceTool, Tag("namespace")]
    | Annotated[OtherTool, Tag("other")],
    Discriminator(_branch),
]


class NamedTool(JsonObject):
    """This function must be called."""

    type: Literal["function"]
    name: Annotated[str, Field(pattern=NAME)]


class AllowedTools(JsonObject):
    """Only these of the tools may be called; with mode "required", one of them must be."""

    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    tools: Annotated[
        list[Annotated[Annotated[NamedTool, Tag("function")] | _Others, Discriminator(_branch)]],
        Field(min_length=1, max_length=256),
    ]

    @property
    def names(self) -> set[str]:
        """The functions among them."""
        return {one.name for one in self.tools if isinstance(one, NamedTool)}


@dataclass(frozen=True, slots=True)
class Offered:
    """A function that is offered to the model."""

    function: FunctionTool
    namespace: str | None = None

    @property
    def name(self) -> str:
        """Its name for the model."""
        return flat_name(self.function.name, self.namespace)

    @property
    def called_as(self) -> dict[str, str]:
        """The fields of a call of it that name it."""
        named = {"name": self.function.name}
        return named if self.namespace is None else named | {"namespace": self.namespace}

    def to_chat(self) -> dict[str, Any]:
        """The tool as OpenAI's chat has it."""
        about = ("description", "parameters", "strict")
        given = {name: value for name in about if (value := getattr(self.function, name)) is not None}
        return {"type": "function", "function": {"name": self.name} | given}


def offered(tools: Iterable[Any]) -> list[Offered]:
    """The functions among these tools."""
    found = []
    for tool in tools:
        if isinstance(tool, FunctionTool):
            found.append(Offered(tool))
        elif isinstance(tool, NamespaceTool):
            found += [Offered(one, tool.name) for one in tool.tools if isinstance(one, FunctionTool)]
    return found


def left_out(tools: Iterable[Any]) -> tuple[str, ...]:
    """What is not offered, as the header ``x-headrace-ignored`` names it: ``tools[].type: web_search``."""
    names = []
    for tool in tools:
        if isinstance(tool, OtherTool):
            names.append(f"tools[].type: {tool.type}")
        elif isinstance(tool, NamespaceTool):
            names += [f"tools[].tools[].type: {one.type}" for one in tool.tools if isinstance(one, OtherTool)]
    return tuple(dict.fromkeys(names))
