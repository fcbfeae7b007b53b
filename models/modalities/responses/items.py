"""The items of a response's input, as OpenAI's Responses API has them, and the conversation that they make.

What a model put out is an item, too, and comes back as one in the next request; so all that OpenAI's own client sends
back is read here. An item's id names its response and its place there, so that it can be found by it alone.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from models.modalities.chat.messages import URL_CHARACTERS, InputAudio

Status = Literal["in_progress", "completed", "incomplete"]
Id = Annotated[str, Field(min_length=1, max_length=256)]

RESPONSE = r"^resp_[A-Za-z0-9]{1,59}$"
"""The form of a response's id."""

_ID = re.compile(r"[a-z]{2,4}_([0-9a-f]{24})([0-9a-f]{4})")
GIVEN = 0x8000
"""Where the places of a request's own items begin; those before it are the answer's."""


def item_id(kind: str, response: str, place: int) -> str:
    """The id of a response's item: ``msg``, ``fc``, ``rs``, … and where it is."""
    return f"{kind}_{response.removeprefix('resp_')}{place:04x}"


def place_of(item: str) -> tuple[str, int] | None:
    """The response that an item is of, and its place there; None if the id is none of ours."""
    found = _ID.fullmatch(item)
    return (f"resp_{found[1]}", int(found[2], 16)) if found else None


def known(*types: str) -> BeforeValidator:
    """Refuses by name what has another type than these."""

    def check(value: Any) -> Any:
        kind = value.get("type") if isinstance(value, dict) else None
        if isinstance(kind, str) and kind not in types:
            raise PydanticCustomError(
                "unsupported_parameter", "'{kind}' is not supported", {"param": "type", "kind": kind[:60]}
            )
        return value

    return BeforeValidator(check)


class Strict(BaseModel):
    """A part of a body: what it does not know is refused."""

    model_config = ConfigDict(extra="forbid", serialize_by_alias=True)


class _Part(Strict):
    prompt_cache_breakpoint: dict[str, Any] | None = Field(
        None, description="a hint; engines cache all prefixes without it"
    )


class InputText(_Part):
    """A piece of text."""

    type: Literal["input_text"]
    text: str


class InputImage(_Part):
    """A picture, at a data URL or an https one. ``detail`` is a wish that no engine of ours has a use for."""

    type: Literal["input_image"]
    image_url: Annotated[str, Field(min_length=1, max_length=URL_CHARACTERS)]
    detail: Literal["auto", "low", "high", "original"] | None = None
    file_id: None = None


class InputAudioPart(_Part):
    """A recording that the message holds."""

    type: Literal["input_audio"]
    input_audio: InputAudio


class OutputText(Strict):
    """What a model said."""

    type: Literal["output_text"]
    text: str
    annotations: list[Any] | None = None
    logprobs: list[Any] | None = None
    parsed: Any = None


class Refusal(Strict):
    """What a model said instead of an answer."""

    type: Literal["refusal"]
    refusal: str


class SummaryText(Strict):
    """A summary of what a model thought."""

    type: Literal["summary_text"]
    text: str


class ReasoningText(Strict):
    """What a model thought."""

    type: Literal["reasoning_text"]
    text: str


Part = Annotated[
    InputText | InputImage | InputAudioPart | OutputText | Refusal,
    Field(discriminator="type"),
    known("input_text", "input_image", "input_audio", "output_text", "refusal"),
]
OutputPart = Annotated[InputText | InputImage, Field(discriminator="type"), known("input_text", "input_image")]


class MessageItem(Strict):
    """Something that was said."""

    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: str | Annotated[list[Part], Field(max_length=1024)]
    id: Id | None = None
    status: Status | None = None
    phase: Literal["commentary", "final_answer"] | None = None

    @model_validator(mode="after")
    def _of_its_side(self) -> "MessageItem":
        said = ("output_text", "refusal")
        parts = () if isinstance(self.content, str) else self.content
        if any((one.type in said) != (self.role == "assistant") for one in parts):
            raise PydanticCustomError(
                "invalid_value",
                "an assistant's message has parts of type output_text and refusal, any other's of type input_…",
                {"param": "content"},
            )
        return self


class FunctionCall(Strict):
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


class FunctionCallOutput(Strict):
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


class ReasoningItem(Strict):
    """What a model thought before it spoke. Where there is no content, its summary stands for it."""

    type: Literal["reasoning"]
    id: Id | None = None
    summary: Annotated[list[SummaryText], Field(max_length=1024)] = []
    content: Annotated[list[ReasoningText], Field(max_length=1024)] | None = None
    encrypted_content: None = None
    status: Status | None = None

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(one.text for one in self.content or self.summary)


class ItemReference(Strict):
    """An item of a response that is kept."""

    type: Literal["item_reference"]
    id: Id


def _typed(value: Any) -> Any:
    """A message may come without its type."""
    return {"type": "message", **value} if isinstance(value, dict) and value.get("type") is None else value


Item = Annotated[
    MessageItem | FunctionCall | FunctionCallOutput | ReasoningItem | ItemReference,
    Field(discriminator="type"),
    known("message", "function_call", "function_call_output", "reasoning", "item_reference"),
    BeforeValidator(_typed),
]


def stored_items(items: Iterable[dict[str, Any]], response: str) -> list[dict[str, Any]]:
    """A request's own items as they are kept and listed: each with an id, texts as parts."""
    prefixes = {"message": "msg", "function_call": "fc", "function_call_output": "fco", "reasoning": "rs"}
    found = []
    for place, item in enumerate(items):
        one = {name: value for name, value in item.items() if value is not None}
        one["id"] = one.get("id") or item_id(prefixes.get(one["type"], "it"), response, GIVEN + place)
        if one["type"] != "reasoning":
            one["status"] = "completed"
        if isinstance(one.get("content"), str):
            said = {"type": "output_text", "annotations": []} if one["role"] == "assistant" else {"type": "input_text"}
            one["content"] = [said | {"text": one["content"]}]
        found.append(one)
    return found


def as_items(given: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    """An ``input`` as items."""
    return [{"type": "message", "role": "user", "content": given}] if isinstance(given, str) else given


# ---- the conversation --------------------------------------------------------------------------------------


def conversation(items: Iterable[Any], instructions: str | None) -> list[dict[str, Any]]:
    """The messages of a chat that say the same as these items; ``instructions`` come first.

    What a model thought, said and called in one turn becomes one message. Raises PydanticCustomError for the answer
    of a function that was not called.
    """
    turns = _Turns()
    for item in items:
        turns.add(item)
    # A thought alone was said with no words.
    messages = [one if one.get("tool_calls") else {"content": "", **one} for one in turns.messages]
    if not instructions:
        return messages
    first = messages[0] if messages else {}
    if first.get("role") in ("system", "developer") and isinstance(first["content"], str):
        # Many a chat template knows one such message only.
        return [first | {"content": f"{instructions}\n\n{first['content']}"}, *messages[1:]]
    return [{"role": "system", "content": instructions}, *messages]


class _Turns:
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
        """The assistant's present message, unless it has one of these already; then a new one."""
        if self._open is None or self._open.keys() & set(taken):
            self._open = {"role": "assistant"}
            self.messages.append(self._open)
        return self._open


def _content(content: Any) -> str | list[dict[str, Any]]:
    """A content as a chat has it; a string where it is text alone, as not every template knows parts."""
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
