"""The items of OpenAI's Responses API, and the conversation that they make.

The output of a model consists of items, too, which clients send back in the next request. So all that OpenAI's own
client sends back is accepted here. An item's id contains its response and its place in it, by which it is found.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
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
    namespace: None = None
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
    namespace: None = None
    created_by: str | None = None


class ReasoningItem(JsonObject):
    """What a model thought before it answered. Where it has no content, its summary is used."""

    type: Literal["reasoning"]
    id: Id | None = None
    summary: Annotated[list[SummaryText], Field(max_length=1024)] = Field(default_factory=list)
    content: Annotated[list[ReasoningText], Field(max_length=1024)] | None = None
    encrypted_content: None = None
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
    MessageItem | FunctionCall | FunctionCallOutput | ReasoningItem | ItemReference,
    Field(discriminator="type"),
    known("message", "function_call", "function_call_output", "reasoning", "item_reference"),
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


# ---- the conversation --------------------------------------------------------------------------------------


def conversation(items: Iterable[Any], instructions: str | None) -> list[dict[str, Any]]:
    """The messages of a chat with the same content as these items; ``instructions`` come first.

    What a model thought, answered and called in one turn becomes one message. Raises PydanticCustomError for the output
    of a function that was not called.
    """
    turns = _Turns()
    for item in items:
        turns.add(item)
    # A message that consists of thoughts alone gets an empty content.
    messages = [one if one.get("tool_calls") else {"content": "", **one} for one in turns.messages]
    if not instructions:
        return messages
    first = messages[0] if messages else {}
    if first.get("role") in ("system", "developer") and isinstance(first["content"], str):
        # Many chat templates allow only one such message.
        return [first | {"content": f"{instructions}\n\n{first['content']}"}, *messages[1:]]
    return [{"role": "system", "content": instructions}, *messages]


class _Turns:
    """Gathers items into messages."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self._called: set[str] = set()
        self._open: dict[str, Any] | None = None  # the assistant's message that the next items may belong to

    def add(self, item: Any) -> None:
        match item:
            case MessageItem(role="assistant"):
                self._turn("content", "tool_calls")["content"] = _content(item.content)
            case ReasoningItem():
                self._turn("content", "tool_calls", "reasoning_content")["reasoning_content"] = item.text
            case FunctionCall():
                self._called.add(item.call_id)
                call = {"id": item.call_id, "function": {"name": item.name, "arguments": item.arguments}}
                self._turn().setdefault("tool_calls", []).append(call)
            case FunctionCallOutput():
                if item.call_id not in self._called:
                    raise PydanticCustomError(
                        "invalid_value",
                        "there is no function call with call_id '{call}' for this output",
                        {"param": "input", "call": item.call_id[:60]},
                    )
                self._say({"role": "tool", "content": _content(item.output), "tool_call_id": item.call_id})
            case MessageItem():
                self._say({"role": item.role, "content": _content(item.content)})

    def _say(self, message: dict[str, Any]) -> None:
        self._open = None
        self.messages.append(message)

    def _turn(self, *taken: str) -> dict[str, Any]:
        """The assistant's message that is being gathered; a new one, if that has one of these fields already."""
        if self._open is None or self._open.keys() & set(taken):
            self._open = {"role": "assistant"}
            self.messages.append(self._open)
        return self._open


def _content(content: Any) -> str | list[dict[str, Any]]:
    """The content as a chat has it; a string if it is text alone, as not every template supports parts."""
    if isinstance(content, str):
        return content
    if all(isinstance(one, InputText | OutputText) for one in content):
        return "".join(one.text for one in content)
    return [_part(one) for one in content]


def _part(part: Any) -> dict[str, Any]:
    match part:
        case InputImage():
            url: Mapping[str, Any] = {"url": part.image_url} | ({"detail": part.detail} if part.detail else {})
            return {"type": "image_url", "image_url": url}
        case InputAudioPart():
            return {"type": "input_audio", "input_audio": part.input_audio.model_dump()}
        case Refusal():
            return {"type": "refusal", "refusal": part.refusal}
        case _:
            return {"type": "text", "text": part.text}
