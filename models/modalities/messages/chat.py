"""The conversation of Anthropic's Messages API, as OpenAI's chat has it. Pure."""

import json
from collections.abc import Iterable
from typing import Any

from models.modalities.messages.blocks import Image, RedactedThinking, Shown, Text, Thinking, ToolResult, ToolUse, Turn

_Json = dict[str, Any]


def to_chat(system: str | list[Text] | None, turns: list[Turn]) -> list[_Json]:
    """The messages. Neighbours of one role become one, as with Anthropic: templates want the roles to alternate.

    An assistant's turn at the end that says nothing leaves it all to the answer, as if it were not there.
    """
    found: list[_Json] = []
    told = system if isinstance(system, str) else "\n".join(block.text for block in system or [])
    if told:
        found.append({"role": "system", "content": told})
    names = {block.id: block.name for turn in turns for block in turn.blocks if isinstance(block, ToolUse)}
    for turn in turns:
        match turn.role:
            case "system":
                found.append({"role": "system", "content": "\n".join(block.text for block in turn.blocks)})
            case "assistant":
                _assistant(turn.blocks, found)
            case "user":
                _user(turn.blocks, found, names)
    if found and found[-1] == {"role": "assistant", "content": ""}:
        found.pop()
    for message in found:
        if isinstance(message["content"], list):
            message["content"] = _joined(message["content"])
    return found


def _assistant(blocks: Iterable[Any], found: list[_Json]) -> None:
    message = _last(found, "assistant", "")
    for block in blocks:
        match block:
            case Text():
                message["content"] += block.text
            case Thinking():
                message["reasoning_content"] = message.get("reasoning_content", "") + block.thinking
            case ToolUse():
                function = {"name": block.name, "arguments": json.dumps(block.input, ensure_ascii=False)}
                message.setdefault("tool_calls", []).append({"id": block.id, "function": function})
            case RedactedThinking():
                pass


def _user(blocks: list[Any], found: list[_Json], names: dict[str, str]) -> None:
    """Results of tools are messages of their own. Their pictures follow in the user's, where templates expect them:

    after all results, for those of one turn belong together.
    """
    if not blocks:
        _last(found, "user", [])
    pictures: list[_Json] = []
    for block in blocks:
        if not isinstance(block, ToolResult):
            _last(found, "user", [])["content"] += [*pictures, *_parts(block)]
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
        found.append(message | ({"name": name} if 0 < len(name) <= 64 else {}))
        pictures += [part for part in parts if part["type"] != "text"]
    if pictures:
        _last(found, "user", [])["content"] += pictures


def _last(found: list[_Json], role: str, empty: Any) -> _Json:
    """The last message, if it is of this role, else a new one."""
    if not found or found[-1]["role"] != role:
        found.append({"role": role, "content": empty})
    return found[-1]


def _parts(block: Shown) -> list[_Json]:
    match block:
        case Text():
            return [{"type": "text", "text": block.text}]
        case Image():
            return [{"type": "image_url", "image_url": {"url": block.source.location}}]
    heading = [{"type": "text", "text": line} for line in block.heading]
    return heading + [part for piece in block.pieces for part in _parts(piece)]


def _joined(parts: list[_Json]) -> str | list[_Json]:
    """Texts that follow each other are one, on lines of their own; a content of text alone is a string."""
    found: list[_Json] = []
    for part in parts:
        if found and part["type"] == found[-1]["type"] == "text":
            found[-1] = {"type": "text", "text": f"{found[-1]['text']}\n{part['text']}"}
        else:
            found.append(part)
    if any(part["type"] != "text" for part in found):
        return found
    return "".join(part["text"] for part in found)
