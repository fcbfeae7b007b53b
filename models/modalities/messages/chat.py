"""Translates a conversation of Anthropic's Messages API into one of OpenAI's chat. Pure functions."""

import json
from collections.abc import Iterable
from typing import Any

from models.modalities.messages.blocks import (
    Image,
    OtherBlock,
    RedactedThinking,
    Shown,
    Text,
    Thinking,
    ToolReference,
    ToolResult,
    ToolUse,
    Turn,
)

_Json = dict[str, Any]


def to_chat(system: str | list[Text] | None, turns: list[Turn]) -> list[_Json]:
    """The messages of the chat. Turns of the same role after each other become one message, as at Anthropic.

    Chat templates need the roles to alternate. An empty turn of the assistant at the end is left out.
    """
    messages: list[_Json] = []
    instructions = system if isinstance(system, str) else "\n".join(block.text for block in system or [])
    if instructions:
        messages.append({"role": "system", "content": instructions})
    names = {block.id: block.name for turn in turns for block in turn.blocks if isinstance(block, ToolUse)}
    for turn in turns:
        match turn.role:
            case "system":
                texts = [block.text for block in turn.blocks if isinstance(block, Text)]
                if texts:
                    messages.append({"role": "system", "content": "\n".join(texts)})
            case "assistant":
                _assistant(turn.blocks, messages)
            case "user":
                _user(turn.blocks, messages, names)
    if messages and messages[-1] == {"role": "assistant", "content": ""}:
        messages.pop()
    for message in messages:
        if isinstance(message["content"], list):
            message["content"] = _joined(message["content"])
    return messages


def _assistant(blocks: Iterable[Any], messages: list[_Json]) -> None:
    message = _last(messages, "assistant", "")
    for block in blocks:
        match block:
            case Text():
                message["content"] += block.text
            case Thinking():
                message["reasoning_content"] = message.get("reasoning_content", "") + block.thinking
            case ToolUse():
                function = {"name": block.name, "arguments": json.dumps(block.input, ensure_ascii=False)}
                message.setdefault("tool_calls", []).append({"id": block.id, "function": function})
            case RedactedThinking() | OtherBlock():
                pass


def _user(blocks: list[Any], messages: list[_Json], names: dict[str, str]) -> None:
    """Add a user's turn. Each result of a tool becomes a message of its own.

    Pictures in results are put into the user's message, where templates expect pictures. It comes after all the
    results, since those of one turn must not be separated.
    """
    if not blocks:
        _last(messages, "user", [])
    pictures: list[_Json] = []
    for block in blocks:
        if not isinstance(block, ToolResult):
            _last(messages, "user", [])["content"] += [*pictures, *_parts(block)]
            pictures.clear()
            continue
        content = [Text(type="text", text=block.content)] if isinstance(block.content, str) else block.content or []
        parts = [part for one in content for part in _parts(one)]
        text = "\n".join(part["text"] for part in parts if part["type"] == "text")
        message = {
            "role": "tool",
            "tool_call_id": block.tool_use_id,
            "content": f"Error: {text}" if block.is_error else text,
        }
        name = names.get(block.tool_use_id, "")
        messages.append(message | ({"name": name} if 0 < len(name) <= 64 else {}))
        pictures += [part for part in parts if part["type"] != "text"]
    if pictures:
        _last(messages, "user", [])["content"] += pictures


def _last(messages: list[_Json], role: str, empty: Any) -> _Json:
    """The last message, if it has this role, else a new one."""
    if not messages or messages[-1]["role"] != role:
        messages.append({"role": role, "content": empty})
    return messages[-1]


def _parts(block: Shown) -> list[_Json]:
    match block:
        case Text():
            return [{"type": "text", "text": block.text}]
        case Image():
            return [{"type": "image_url", "image_url": {"url": block.source.location}}]
        case ToolReference():
            return [{"type": "text", "text": f"The tool {block.tool_name} can be called now."}]
    heading = [{"type": "text", "text": line} for line in block.heading]
    return heading + [part for piece in block.pieces for part in _parts(piece)]


def _joined(parts: list[_Json]) -> str | list[_Json]:
    """The content with adjacent texts joined, each on a line of its own; a string, if it is text alone."""
    joined: list[_Json] = []
    for part in parts:
        if joined and part["type"] == joined[-1]["type"] == "text":
            joined[-1] = {"type": "text", "text": f"{joined[-1]['text']}\n{part['text']}"}
        else:
            joined.append(part)
    if any(part["type"] != "text" for part in joined):
        return joined
    return "".join(part["text"] for part in joined)
