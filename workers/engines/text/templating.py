"""Messages and tools as the dictionaries that chat templates go through, whichever library fills them in."""

from collections.abc import Callable
from typing import Any

from models.modalities.chat.messages import Message
from models.modalities.chat.tools import Tool


def turn_of(message: Message, content: Any, arguments: Callable[[str], Any] = str) -> dict[str, Any]:
    """A message that says ``content``: text, or parts. ``arguments`` makes what templates get of a call's JSON."""
    turn: dict[str, Any] = {"role": message.template_role, "content": content}
    if message.name:
        turn["name"] = message.name
    if message.thought:
        turn["reasoning_content"] = message.thought
    if message.tool_calls:
        turn["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function.name, "arguments": arguments(call.function.arguments)},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        turn["tool_call_id"] = message.tool_call_id
    return turn


def tool_of(tool: Tool) -> dict[str, Any]:
    """A tool that takes an object, as all do; one that names no properties takes none."""
    function = tool.function
    return function_of(
        function.name, function.description or "", function.parameters or {"type": "object", "properties": {}}
    )


def function_of(name: str, description: str, parameters: Any) -> dict[str, Any]:
    """The function that a tool is. ``parameters`` is the schema of its arguments."""
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}
