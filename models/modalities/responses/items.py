"""The items of OpenAI's Responses API.

The output of a model consists of items, too, which clients send back in the next request. So all that OpenAI's own
client sends back is accepted here. An item's id contains its response and its place in it, by which it is found.
"""

import json
import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from models.modalities.chat.messages import URL_CHARACTERS, InputAudio
from models.modalities.json_object import JsonObject

Status = Literal["in_progress", "completed", "incomplete"]
Id = Annotated[str, Field(min_length=1, max_length=256)]

RESPONSE = r"^resp_[A-Za-z0-9]{1,59}$"
"""What a response's id looks like."""

_ID = re.compile(r"[a-z]{2,4}_([0-9a-f]{24})([0-9a-f]{4})")
GIVEN = 0x8000
"""The place of a response's first input item; smaller places are those of its output."""


def item_id(kind: str, response: str, place: int) -> str:
    """The id of an item of a response. ``kind``: ``msg``, ``fc``, ``rs``, …; ``place`` as ``GIVEN`` explains."""
    return f"{kind}_{response.removeprefix('resp_')}{place:04x}"


def place_of(item: str) -> tuple[str, int] | None:
    """The response of an item, and the item's place in it; None if the id is not one of ours."""
    match = _ID.fullmatch(item)
    return (f"resp_{match[1]}", int(match[2], 16)) if match else None


def flat_name(name: str, namespace: str | None) -> str:
    """The name under which a function of a namespace is offered to a model."""
    return name if namespace is None else f"{namespace}__{name}"


def known(*types: str) -> BeforeValidator:
    """A validator that refuses an object with another type than these, and names that type."""

    def check(value: Any) -> Any:
        kind = value.get("type") if isinstance(value, dict) else None
        if isinstance(kind, str) and kind not in types:
            raise PydanticCustomError(
                "unsupported_parameter", "'{kind}' is not supported", {"param": "type", "kind": kind[:60]}
            )
        return value

    return BeforeValidator(check)


class _Part(JsonObject):
    prompt_cache_breakpoint: dict[str, Any] | None = Field(
        None, description="a hint; engines cache all prefixes without it"
    )


class InputText(_Part):
    """A piece of text."""

    type: Literal["input_text"]
    text: str


class InputImage(_Part):
    """A picture, at a data URL or an https URL. ``detail`` is accepted, and no engine uses it."""

    type: Literal["input_image"]
    image_url: Annotated[str, Field(min_length=1, max_length=URL_CHARACTERS)]
    detail: Literal["auto", "low", "high", "original"] | None = None
    file_id: None = None


class InputAudioPart(_Part):
    """A recording within the message."""

    type: Literal["input_audio"]
    input_audio: InputAudio


class OutputText(JsonObject):
    """What a model answered."""

    type: Literal["output_text"]
    text: str
    annotations: list[Any] | None = None
    logprobs: list[Any] | None = None
    parsed: Any = None


class Refusal(JsonObject):
    """A model's refusal to answer."""

    type: Literal["refusal"]
    refusal: str


class SummaryText(JsonObject):
    """A summary of what a model thought."""

    type: Literal["summary_text"]
    text: str


class ReasoningText(JsonObject):
    """What a model thought."""

    type: Literal["reasoning_text"]
    text: str


Part = Annotated[
    InputText | InputImage | InputAudioPart | OutputText | Refusal,
    Field(discriminator="type"),
    known("input_text", "input_image", "input_audio", "output_text", "refusal"),
]
OutputPart = Annotated[InputText | InputImage, Field(discriminator="type"), known("input_text", "input_image")]


class MessageItem(JsonObject):
    """A message of the conversation."""

    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: str | Annotated[list[Part], Field(max_length=1024)]
    id: Id | None = None
    status: Status | None = None
    phase: Literal["commentary", "final_answer"] | None = None

    @model_validator(mode="after")
    def _of_its_side(self) -> "MessageItem":
        outputs = ("output_text", "refusal")
        parts = () if isinstance(self.content, str) else self.content
        if any((part.type in outputs) != (self.role == "assistant") for part in parts):
            raise PydanticCustomError(
                "invalid_value",
                "an assistant's message has parts of type output_text and refusal, any other's of type input_…",
                {"param": "content"},
            )
        return self


class FunctionCall(JsonObject):
    """A function that the model called. ``arguments`` is JSON text, as the model wrote it."""

    type: Literal["function_call"]
    call_id: Id
    name: Id
    arguments: str
    id: Id | None = None
    status: Status | None = None
    parsed_arguments: Any = None
    caller: None = None
    namespace: Id | None = None
    created_by: str | None = None


class FunctionCallOutput(JsonObject):
    """What a function answered."""

    type: Literal["function_call_output"]
    call_id: Id
    output: str | Annotated[list[OutputPart], Field(max_length=1024)]
    id: Id | None = None
    status: Status | None = None
    name: str | None = None
    caller: None = None
    namespace: Id | None = None
    created_by: str | None = None


class CustomToolCall(JsonObject):
    """A call with text instead of JSON, which the client ran with another model. It is shown as one with JSON."""

    type: Literal["custom_tool_call"]
    call_id: Id
    name: Id
    input: str
    id: Id | None = None
    status: Status | None = None
    namespace: Id | None = None

    @property
    def function_call(self) -> FunctionCall:
        """The call of a function that says the same."""
        text = json.dumps({"input": self.input}, ensure_ascii=False)
        return FunctionCall(
            type="function_call", call_id=self.call_id, name=self.name, arguments=text, namespace=self.namespace
        )


class LocalShellCall(JsonObject):
    """A command that the client ran in its shell for another model."""

    type: Literal["local_shell_call"]
    action: dict[str, Any]
    call_id: Id | None = None
    id: Id | None = None
    status: Status | None = None

    @property
    def function_call(self) -> FunctionCall:
        """The call of a function that says the same."""
        text = json.dumps(self.action, ensure_ascii=False)
        called = self.call_id or self.id or "local_shell"
        return FunctionCall(type="function_call", call_id=called, name="local_shell", arguments=text)


class OtherOutput(JsonObject):
    """What such a call gave. OpenAI names the call of a local shell by the item's ``id``."""

    type: Literal["custom_tool_call_output", "local_shell_call_output"]
    output: str | Annotated[list[OutputPart], Field(max_length=1024)]
    call_id: Id | None = None
    id: Id | None = None
    name: str | None = None
    status: Status | None = None

    @property
    def function_output(self) -> FunctionCallOutput:
        """The output of a function that says the same."""
        called = self.call_id or self.id or "local_shell"
        return FunctionCallOutput(type="function_call_output", call_id=called, output=self.output)


class OtherItem(BaseModel):
    """What a tool did that OpenAI runs. It is left out: what came of it is in the message that follows."""

    model_config = ConfigDict(extra="allow")

    type: Literal[
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "mcp_list_tools",
        "tool_search_call",
        "tool_search_output",
    ]
    id: Id | None = None


class ReasoningItem(JsonObject):
    """What a model thought before it answered. Where it has no content, its summary is used."""

    type: Literal["reasoning"]
    id: Id | None = None
    summary: Annotated[list[SummaryText], Field(max_length=1024)] = Field(default_factory=list)
    content: Annotated[list[ReasoningText], Field(max_length=1024)] | None = None
    encrypted_content: str | None = Field(None, description="thoughts that OpenAI alone can read are left out")
    status: Status | None = None

    @property
    def text(self) -> str:
        """All of the thoughts, or of their summary."""
        return "".join(one.text for one in self.content or self.summary)


class ItemReference(JsonObject):
    """A reference to an item of a stored response."""

    type: Literal["item_reference"]
    id: Id


def _typed(value: Any) -> Any:
    """The value with the type "message" where it has none, as clients may leave it out."""
    return {"type": "message", **value} if isinstance(value, dict) and value.get("type") is None else value


Item = Annotated[
    MessageItem
    | FunctionCall
    | FunctionCallOutput
    | CustomToolCall
    | LocalShellCall
    | OtherOutput
    | OtherItem
    | ReasoningItem
    | ItemReference,
    Field(discriminator="type"),
    known(
        *("message", "function_call", "function_call_output", "reasoning", "item_reference"),
        *("custom_tool_call", "local_shell_call"),
        *get_args(OtherOutput.model_fields["type"].annotation),
        *get_args(OtherItem.model_fields["type"].annotation),
    ),
    BeforeValidator(_typed),
]


def stored_items(items: Iterable[dict[str, Any]], response: str) -> list[dict[str, Any]]:
    """A request's own items as they are stored and listed: each with an id, and with texts as parts."""
    prefixes = {"message": "msg", "function_call": "fc", "function_call_output": "fco", "reasoning": "rs"}
    stored = []
    for place, item in enumerate(items):
        one = {name: value for name, value in item.items() if value is not None}
        one["id"] = one.get("id") or item_id(prefixes.get(one["type"], "it"), response, GIVEN + place)
        if one["type"] != "reasoning":
            one["status"] = "completed"
        if isinstance(one.get("content"), str):
            part = {"type": "output_text", "annotations": []} if one["role"] == "assistant" else {"type": "input_text"}
            one["content"] = [part | {"text": one["content"]}]
        stored.append(one)
    return stored


def as_items(given: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    """An ``input`` as a list of items; a string becomes a user's message."""
    return [{"type": "message", "role": "user", "content": given}] if isinstance(given, str) else given
