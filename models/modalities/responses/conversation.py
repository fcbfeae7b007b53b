"""From items to the messages of a chat that say the same. Pure functions."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import PydanticCustomError

from models.modalities.responses.items import (
    CustomToolCall,
    FunctionCall,
    FunctionCallOutput,
    InputAudioPart,
    InputImage,
    InputText,
    LocalShellCall,
    MessageItem,
    OtherOutput,
    OutputText,
    ReasoningItem,
    Refusal,
    flat_name,
)


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
                name = flat_name(item.name, item.namespace)
                call = {"id": item.call_id, "function": {"name": name, "arguments": item.arguments}}
                self._turn().setdefault("tool_calls", []).append(call)
            case FunctionCallOutput():
                if item.call_id not in self._called:
                    raise PydanticCustomError(
                        "invalid_value",
                        "there is no function call with call_id '{call}' for this output",
                        {"param": "input", "call": item.call_id[:60]},
                    )
                self._say({"role": "tool", "content": _content(item.output), "tool_call_id": item.call_id})
            case CustomToolCall() | LocalShellCall():
                self.add(item.function_call)
            case OtherOutput():
                self.add(item.function_output)
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
